"""AccessLog: one line for each answer."""

from __future__ import annotations

import logging
from time import strftime

from ..http import RAW_PATH, Request

__all__ = ["AccessLog"]

log = logging.getLogger("kroute.access")


class AccessLog:
    """Writes to the logger "kroute.access", in the Common Log Format with the time taken added::

        127.0.0.1 - - [24/Nov/2026:09:30:00 +0000] "GET /hello/World HTTP/1.1" 200 13 0.4ms

    What a client sent stands in it percent-encoded, as it came, and with its quotes encoded too,
    so that nobody can write a line, or the end of one, of his own. An answer that was not
    completed has "cut" at its end.
    """

    def answered(
        self, request: Request, status: str, size: int, seconds: float, cut: bool = False
    ) -> None:
        """Note an answer. status: its status line, "" for none. size: bytes of its body."""
        environ = request.environ
        target = environ[RAW_PATH]
        if environ["QUERY_STRING"]:
            target += "?" + environ["QUERY_STRING"]
        if '"' in target:
            target = target.replace('"', "%22")
        what = f"{environ['REQUEST_METHOD']} {target} {environ['SERVER_PROTOCOL']}"
        self._write(environ["REMOTE_ADDR"], what, status, size, f"{seconds * 1000:.1f}ms", cut)

    def refused(self, peer: tuple[str, int], status: str, size: int) -> None:
        """Note an answer to what was no request."""
        self._write(peer[0], "-", status, size, "-", False)

    @staticmethod
    def _write(peer: str, what: str, status: str, size: int, took: str, cut: bool) -> None:
        when = strftime("%d/%b/%Y:%H:%M:%S %z")
        code = status[:3] or "-"
        log.info(
            '%s - - [%s] "%s" %s %d %s%s', peer or "-", when, what, code, size, took, " cut" * cut
        )
