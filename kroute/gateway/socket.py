"""SocketAnswer: an answer that may turn into a connection, where there is no server in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import webob

from ..http import Exchange
from .answer import Answer

__all__ = ["SocketAnswer"]


class SocketAnswer(Answer):
    """An `Answer` whose sink is `Upgradable`, for whoever is the client himself.

    After a 101, `next_part` gives the bytes of the other protocol, and `give` sends some. WSGI has
    no such thing, so a WSGI server never gets one.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._receive: Callable[[bytes], bool] | None = None
        self._wants = True
        self._came: deque[bytes] = deque()

    # In the scheduler's thread.

    def upgrade(
        self, exchange: Exchange, response: webob.Response, receive: Callable[[bytes], bool]
    ) -> None:
        """See `Upgradable`."""
        head = self._framing.upgrade(response.headerlist)
        exchange.started = True
        self._receive = receive
        self._put(head=head)

    def more(self, exchange: Exchange) -> None:
        """See `Streaming` and `Upgradable`."""
        if self._receive is None:
            super().more(exchange)
        else:
            self._wants = True
            self._bring()

    def _bring(self, data: bytes = b"") -> None:
        if data:
            self._came.append(data)
        while self._came and self._wants and self._receive is not None and not self._ended:
            self._wants = self._receive(self._came.popleft())

    # In the thread of the client.

    def give(self, data: bytes) -> None:
        """Send bytes; they wait until they are taken."""
        self._scheduler.call_soon(partial(self._bring, data))
