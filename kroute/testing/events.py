"""EventSession: a stream of Server-Sent Events, as a browser reads it."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator

from ..handlers import Event
from .parts import Parts
from .session import Session

__all__ = ["EventSession"]


class EventSession(Session["EventSession"]):
    """Iterates over the events of a stream (HTML standard, section 9.2.6), as they come.

    The `data` of an `Event` is text. Use it as a context manager: at the end the client goes away.

    timeout: seconds that an event may be in coming. last_event_id: what a client that comes back
    would say.
    """

    def __init__(self, parts: Parts, timeout: float) -> None:
        self._parts = parts
        self._timeout = timeout
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._text = ""
        self._fields: dict[str, str] = {}
        self._events: deque[Event] = deque()
        self.last_event_id: str | None = None

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        """The next event. Raises TimeoutError where none comes in time, and what the component or
        handler raised; the end of the stream is the end of the iteration."""
        while not self._events:
            data = self._parts.next(self._timeout)
            if not data:
                raise StopIteration
            self._feed(self._decode(data))
        return self._events.popleft()

    def _feed(self, text: str) -> None:
        # kroute ends lines with LF; whoever writes a stream by hand may do otherwise.
        text = (self._text + text).replace("\r\n", "\n")
        held = "\r" if text.endswith("\r") else ""  # its LF may be still to come
        *lines, self._text = text.removesuffix("\r").replace("\r", "\n").split("\n")
        self._text += held
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data" and "data" in self._fields:
                value = f"{self._fields['data']}\n{value}"
            self._fields[name] = value
            return
        fields, self._fields = self._fields, {}
        self.last_event_id = fields.get("id", self.last_event_id)
        if "data" in fields:
            retry = fields.get("retry", "")
            number = int(retry) if retry.isascii() and retry.isdigit() else None
            self._events.append(
                Event(fields["data"], fields.get("event"), fields.get("id"), number)
            )

    def close(self) -> None:
        """Go away."""
        self._parts.close()
