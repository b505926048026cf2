"""AccessLog: one line for each answer. ACCESS_FORMATS: what it may look like."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from time import time
from typing import Any

from ..http import RAW_PATH, Request

__all__ = ["ACCESS_FORMATS", "AccessLog"]

log = logging.getLogger("kroute.access")

ACCESS_FORMATS = ("common", "combined", "json")

# What would end a line or a quoted value, or is not printed as it is: as Apache and nginx have it.
ESCAPES = {
    code: f"\\x{code:02x}" for code in (*range(0x20), *b'"\\', *range(0x7F, 0x100))
}


class AccessLog:
    """Writes to the logger "kroute.access", at INFO, in one of three formats::

        127.0.0.1 - - [24/Nov/2026:09:30:00 +0000] "GET / HTTP/1.1" 200 13 0.4ms
        127.0.0.1 - - [24/Nov/2026:09:30:00 +0000] "GET / HTTP/1.1" 200 13 "-" "curl/8.5" 0.4ms
        {"time": "2026-11-24T09:30:00+00:00", "peer": "127.0.0.1", "method": "GET", ...}

    They are the Common Log Format and the combined one (which adds Referer and User-Agent), with
    the time taken added, and an object of JSON. Bytes are those of the body. An answer that was
    not completed has "cut" at its end, or `"cut": true`; the status of one that had not begun is
    "-", or null. Where what came was no request, so is the request.

    What a client sent stands in it escaped, so that nobody can write a line, or the end of one, of
    his own. Raises ValueError for another format.
    """

    def __init__(self, form: str = "common") -> None:
        if form not in ACCESS_FORMATS:
            known = ", ".join(ACCESS_FORMATS)
            raise ValueError(f"{form!r} is no format of an access log; there are {known}")
        self.form = form
        self._second = 0
        self._time = ""

    def answered(
        self, request: Request, status: str, size: int, seconds: float, cut: bool = False
    ) -> None:
        """Note an answer. status: its status line, "" for none. size: bytes of its body."""
        environ = request.environ
        target = environ[RAW_PATH]
        if environ["QUERY_STRING"]:
            target += "?" + environ["QUERY_STRING"]
        words = (environ["REQUEST_METHOD"], target, environ["SERVER_PROTOCOL"])
        fields = environ.get("HTTP_REFERER"), environ.get("HTTP_USER_AGENT")
        self._write(environ["REMOTE_ADDR"], words, fields, status, size, seconds, cut)

    def refused(self, peer: tuple[str, int], status: str, size: int) -> None:
        """Note an answer to what was no request."""
        self._write(peer[0], None, (None, None), status, size, 0.0, False)

    def _write(
        self,
        peer: str,
        words: tuple[str, str, str] | None,
        fields: tuple[str | None, str | None],
        status: str,
        size: int,
        seconds: float,
        cut: bool,
    ) -> None:
        code, took = status[:3], seconds * 1000
        if self.form == "json":
            method, target, protocol = words or (None, None, None)
            line: dict[str, Any] = {
                "time": self._now(),
                "peer": peer or None,
                "method": method,
                "target": target,
                "protocol": protocol,
                "status": int(code) if code else None,
                "bytes": size,
                "ms": round(took, 1),
                "referer": fields[0],
                "user_agent": fields[1],
                "cut": cut,
            }
            log.info("%s", json.dumps(line))
            return
        what = _escaped(" ".join(words)) if words else "-"
        more = ""
        if self.form == "combined":
            more = "".join(f' "{_escaped(field or "-")}"' for field in fields)
        log.info(
            '%s - - [%s] "%s" %s %d%s %.1fms%s',
            peer or "-", self._now(), what, code or "-", size, more, took, " cut" * cut,
        )  # fmt: skip

    def _now(self) -> str:
        """The present second; worked out once in it."""
        second = int(time())
        if second != self._second:
            now = datetime.fromtimestamp(second).astimezone()
            text = now.isoformat() if self.form == "json" else f"{now:%d/%b/%Y:%H:%M:%S %z}"
            self._second, self._time = second, text
        return self._time


def _escaped(text: str) -> str:
    return text.translate(ESCAPES)
