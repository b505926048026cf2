"""Load: wrk asks the same again and again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from .asking import Asked
from .figures import Figures
from .servers import CLIENT_CORE, Server, on_core

__all__ = ["Load", "LoadFailed", "load"]

SCRIPT = Path(__file__).with_name("load.lua")
LARGE = 100_000
"""Bytes from which on two requests are enough to warm up."""


class LoadFailed(Exception):
    """Connections broke, or not all answers had the right status. The message has the report."""


class Load(NamedTuple):
    """routes: how many the server declares beside the usual ones. pipeline: requests that are sent
    at once on a connection. main: the figure that counts."""

    title: str
    asked: Asked
    connections: int = 32
    pipeline: int = 1
    routes: int = 0
    main: str = "rate"
    fresh: bool = False

    def check(self, server: Server) -> None:
        """Raises WrongAnswer, OSError or HTTPException."""
        large = max(self.asked.body, len(self.asked.answer or b"")) > LARGE
        for _ in range(2 if large else 50):
            self.asked.check(server.port)

    def measure(self, server: Server, seconds: int) -> Figures:
        """Raises LoadFailed."""
        before = server.processor_seconds()
        report = load(server.port, self.asked, self.connections, seconds, self.pipeline)
        taken = server.processor_seconds() - before
        count = report["requests"]
        figures = {"rate": count / report["microseconds"] * 1e6, "cpu": taken / count * 1e6}
        if self.pipeline == 1:  # wrk takes the time of the last one only
            figures |= {"p50": report["p50"] / 1e3, "p99": report["p99"] / 1e3}
        return figures


def load(port: int, asked: Asked, connections: int, seconds: int, pipeline: int = 1) -> Figures:
    """What wrk reports, in the words of `load.lua`. Raises LoadFailed."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += ["-s", str(SCRIPT), f"http://127.0.0.1:{port}{asked.path}", "--"]
    command += [*asked.arguments(), f"pipeline={pipeline}"]
    with on_core(CLIENT_CORE):
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    if done.returncode:
        raise LoadFailed(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    report: Figures = json.loads(done.stdout.splitlines()[-1])
    count = report["requests"]
    failed = 0 if 200 <= asked.status < 400 else count
    if report["broken"] or report["statuses"] != failed or not count:
        raise LoadFailed(f"{asked.path}: {report}")
    return report
