"""ProtocolError and its two kinds: whose fault it is that HTTP was not followed.

ProtocolError
+-- RemoteProtocolError   the client's: carries the status to answer with
+-- LocalProtocolError    ours or the author's: an answer that cannot be sent as it is
"""

from __future__ import annotations

__all__ = ["LocalProtocolError", "ProtocolError", "RemoteProtocolError"]


class ProtocolError(Exception):
    """HTTP was not followed."""


class RemoteProtocolError(ProtocolError):
    """The client sent what is not HTTP, or more than it may. status: what to answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class LocalProtocolError(ProtocolError):
    """An answer breaks HTTP, such as a header value with a line end in it."""
