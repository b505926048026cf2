"""Server: a process of a peer on the first core, held still while it is not being measured.

on_core: what is started in it runs on that core.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

__all__ = ["CLIENT_CORE", "SERVER_CORE", "Server", "ServerFailed", "on_core"]

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE, CLIENT_CORE = 0, 1
TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 20.0
"""Seconds that a server has for its first answer, and for its end."""

LEAVE = 0.2
"""Seconds after a measurement in which a server ends what is left of it."""


class ServerFailed(Exception):
    """A server did not start, or did not answer as it has to. The message says what it printed."""


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run this process on one core meanwhile; what it starts stays there. Nothing where there is
    one core only."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {sorted(before)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """`python -m bench.peers.NAME` at a port of its own, with its children, if it has any.

    started: seconds to the first answer, once `wait` has returned.
    Linux only: the figures come from /proc.
    """

    started = 0.0

    def __init__(self, peer: str, files: Path, routes: int = 0) -> None:
        self.peer = peer
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        given = {"PORT": self.port, "FILES": files, "ROUTES": routes}
        environ = {**os.environ, **{f"BENCH_{name}": str(value) for name, value in given.items()}}
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
        self._began = time.perf_counter()
        with on_core(SERVER_CORE):
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.program()],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                start_new_session=True,
            )

    def program(self) -> list[str]:
        """The module that is run, and its arguments."""
        return [f"bench.peers.{self.peer}"]

    def wait(self) -> None:
        """Wait for the first answer. Raises ServerFailed."""
        while self.process.poll() is None and time.perf_counter() - self._began < PATIENCE:
            client = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            with contextlib.closing(client):
                try:
                    client.request("GET", "/")
                    client.getresponse().read()
                    self.started = time.perf_counter() - self._began
                    return
                except (OSError, HTTPException):
                    time.sleep(0.001)
        raise ServerFailed(f"{self.peer} does not answer:\n{self.said()}")

    def said(self) -> str:
        """The last of what it has printed."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")[-2000:]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Let it run meanwhile; before and after it is held.

        It has LEAVE to see to the clients that have gone, or it would do so while the next ones
        are timed.
        """
        os.killpg(self.process.pid, signal.SIGCONT)
        try:
            yield
        finally:
            time.sleep(LEAVE)
            self.hold()

    def hold(self) -> None:
        """Stop its processes where they are, so that they take no time of others."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def processor_seconds(self) -> float:
        """The processor time, in user and system mode, of its processes up to now."""
        ticks = 0
        for folder in self._processes():
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICK

    def memory(self) -> int:
        """Bytes of memory that its processes take; what they share counts once."""
        return 1024 * sum(
            int(line.split()[1])
            for folder in self._processes()
            for line in (folder / "smaps_rollup").read_text().splitlines()
            if line.startswith("Pss:")
        )

    def switches(self) -> int:
        """How often its threads have been given the processor up to now."""
        return sum(
            int(line.split()[1])
            for folder in self._processes()
            for status in folder.glob("task/*/status")
            for line in status.read_text().splitlines()
            if "ctxt_switches" in line
        )

    def _processes(self) -> list[Path]:
        """Its own directory in /proc, and those of its children."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if stat.read_text().rpartition(")")[2].split()[2] == str(self.process.pid):
                    found.append(stat.parent)
        return found

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self._said.close()
