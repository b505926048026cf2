"""The fixture `world`: see `harness`."""

from server.harness import world

__all__ = ["world"]
