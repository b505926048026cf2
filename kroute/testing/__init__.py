"""A client for tests, without a socket.

TestClient: asks an application. EventSession, WebSocketSession: what `TestClient.events` and
`TestClient.websocket` give. WebSocketClosed, WebSocketRefused: what a WebSocketSession raises.
"""

from .client import TestClient
from .events import EventSession
from .websocket import WebSocketClosed, WebSocketRefused, WebSocketSession

__all__ = [
    "EventSession",
    "TestClient",
    "WebSocketClosed",
    "WebSocketRefused",
    "WebSocketSession",
]
