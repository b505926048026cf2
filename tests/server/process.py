"""Served: an application in a process of its own, on a loopback port that the system chooses."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE

__all__ = ["Served"]

SERVING = re.compile(r"serving on (https?://\S+|unix:\S+)")


class Served:
    """`kroute run` of a module, until the end of a `with`.

    program: the source of the module `served`, put into `directory`. arguments: of the command.
    lines: what it has logged so far. accesses: lines of its access log. urls, port: where it
    serves; the port of the first address.
    """

    def __init__(
        self,
        directory: Path,
        program: str,
        *arguments: str,
        binds: Sequence[str] = ("127.0.0.1:0",),
        name: str = "served:app",
        command: Sequence[str] = ("-m", "kroute", "run"),
    ) -> None:
        (directory / "served.py").write_text(textwrap.dedent(program))
        self._output = directory / "output.txt"
        words = [sys.executable, "-W", "always::ResourceWarning", *command]
        if "run" in command:
            words += [name, *arguments]
            words += [word for bind in binds for word in ("--bind", bind)]
        with open(self._output, "wb") as output:
            self.process = subprocess.Popen(
                words,
                cwd=directory,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            )
        self.lines: list[str] = []
        self.urls: list[str] = []
        try:
            while len(self.urls) < len(binds):
                self.urls.append(self.wait_for(SERVING)[1])
        except BaseException:
            self.__exit__()
            raise
        port = self.urls[0].rpartition(":")[2]
        self.port = int(port) if port.isdigit() else 0  # a Unix socket has none

    def wait_for(self, pattern: re.Pattern[str] | str) -> re.Match[str]:
        """Read its log up to a line with `pattern` in it."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError("\n".join(["it ended:", *self.lines]))

    @property
    def accesses(self) -> list[str]:
        return self._output.read_text().splitlines()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        client = self.client()
        try:
            client.request(method, path, body, headers)
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()

    def kill(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, once it has ended; reads what is left of its log."""
        _, rest = self.process.communicate(timeout=PATIENCE)
        self.lines += rest.splitlines()
        return self.process.returncode

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit status."""
        self.kill(number)
        return self.wait()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stderr
        self.process.stderr.close()
