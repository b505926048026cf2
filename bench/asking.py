"""Asked: a request, and what has to be answered to it. WrongAnswer: it was something else."""

from __future__ import annotations

import contextlib
import json
from http.client import HTTPConnection
from typing import NamedTuple

__all__ = ["Asked", "WrongAnswer"]


class WrongAnswer(Exception):
    """A peer answers what it should not. The message says what, and what would be right."""


class Asked(NamedTuple):
    """path, method: of the request. body: bytes to send. close: ask for the connection's end.

    status, answer: what has to come, to the byte. answer: None where each has a text of its own.
    spaced: it is JSON, and may differ by the spaces that serialisers put in.
    """

    path: str
    answer: bytes | None
    status: int = 200
    method: str = "GET"
    body: int = 0
    close: bool = False
    spaced: bool = False

    def check(self, port: int) -> None:
        """Ask, and raise WrongAnswer, OSError or HTTPException for what is not right."""
        client = HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(client):
            headers = {"Connection": "close"} if self.close else {}
            client.request(self.method, self.path, b"x" * self.body or None, headers)
            response = client.getresponse()
            got = response.read()
        if response.status != self.status:
            raise WrongAnswer(f"{self.path}: {response.status}, not {self.status}: {got[:200]!r}")
        if self.spaced:
            got = json.dumps(json.loads(got), separators=(",", ":")).encode()
        if self.answer is not None and got != self.answer:
            raise WrongAnswer(
                f"{self.path}: {len(got)} bytes, {got[:200]!r}, "
                f"not {len(self.answer)} bytes, {self.answer[:200]!r}"
            )

    def arguments(self) -> list[str]:
        """The same for `load.lua`."""
        given = [f"method={self.method}"]
        if self.body:
            given.append(f"body={self.body}")
        if self.close:
            given.append("close=1")
        return given
