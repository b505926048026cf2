"""The fixture `world`: see `harness`."""

from .harness import world

__all__ = ["world"]
