"""The fixture `world`: see `harness`."""

from tests.server.harness import world

__all__ = ["world"]
