"""Server: a sample application in a process of its own; Answer: what it says."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
SERVING = re.compile(r"serving on http://127\.0\.0\.1:(\d+)")

ATOM = "{http://www.w3.org/2005/Atom}"
APP = "{http://www.w3.org/2007/app}"
ENTRY = "application/atom+xml;type=entry"


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    @property
    def path(self) -> str:
        """The path of the Location, and that it is on the server that was asked."""
        return re.sub(r"^http://127\.0\.0\.1:\d+", "", self.headers["Location"])


class Server:
    """python -m `arguments` at a port of its own choice, or at `port`, in `folder`.

    log: what it said before it served, and, when it has ended, after that.
    """

    def __init__(self, *arguments: str, folder: Path, port: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments, "--bind", f"127.0.0.1:{port}"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.log = ""
        for line in self.process.stderr:
            self.log += line
            if found := SERVING.search(line):
                self.port = int(found[1])
                return
        raise AssertionError(f"it does not serve:\n{self.log}")

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> Answer:
        """Ask on a connection of its own. Header names are written with `_` for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            if isinstance(body, str):
                body = body.encode()
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def post(self, body: bytes | str, **headers: str) -> Answer:
        return self.ask("POST", "/entries", body, **{"Content_Type": ENTRY, **headers})

    def put(self, path: str, body: bytes | str, etag: str) -> Answer:
        return self.ask("PUT", path, body, Content_Type=ENTRY, If_Match=etag)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self._over()

    def stop(self, patience: float = PATIENCE) -> int:
        """Ask it to stop; returns its exit status."""
        self.process.terminate()
        return self._over(patience)

    def _over(self, patience: float = PATIENCE) -> int:
        try:
            self.log += self.process.communicate(timeout=patience)[1]
            return self.process.returncode
        finally:
            self.process.kill()
            assert self.process.stderr is not None
            self.process.stderr.close()


def entry(title: str = "A title", content: str = "Some text", more: str = "") -> str:
    """An entry with these parts, which are XML."""
    return (
        f'<entry xmlns="http://www.w3.org/2005/Atom"><title>{title}</title>'
        f"<content>{content}</content>{more}</entry>"
    )
