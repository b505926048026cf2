"""Process: a WSGI server in a process of its own; ask: asks it something."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.waiting import PATIENCE

__all__ = ["COMMANDS", "ROOT", "Answer", "Process", "ask"]

ROOT = Path(__file__).parents[1]
LISTENING = re.compile(r"(?:serving on|Listening at:|Serving on) http://127\.0\.0\.1:(\d+)")

COMMANDS = {
    "kroute": "-m kroute run {app} --bind 127.0.0.1:0",
    "gunicorn": "-m gunicorn --no-control-socket -k gthread --threads 4 -b 127.0.0.1:0 {app}",
    "waitress": "-m waitress --threads 4 --listen 127.0.0.1:0 {app}",
}


class Answer(NamedTuple):
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class Process:
    """A WSGI server for `app` (module:name), in `folder`."""

    def __init__(self, server: str, app: str, folder: Path = ROOT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *COMMANDS[server].format(app=app).split()],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.log = ""
        for line in self.process.stderr:
            self.log += line
            if found := LISTENING.search(line):
                self.port = int(found[1])
                return
        raise AssertionError(f"{server} does not serve:\n{self.log}")

    def stop(self) -> str:
        """End it; returns what it logged."""
        self.process.terminate()
        try:
            _, rest = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
        return self.log + rest


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Ask on a connection of its own. Header names are written with `_` for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return Answer(response.status, response.reason, response.getheaders(), response.read())
    finally:
        connection.close()
