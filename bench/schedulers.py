"""Schedulers: messages through `bench.pipeline`, by whose scheduler runs it."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

from .figures import Figures
from .servers import ROOT, SERVER_CORE, on_core

__all__ = ["SCHEDULERS", "Schedulers"]

SCHEDULERS = {"kroute": "kroute's scheduler", "axon": "Axon's own scheduler"}


class Schedulers(NamedTuple):
    title: str
    connections: int = 0
    main: str = "messages"

    def measure(self, name: str, seconds: float) -> Figures:
        """Raises RuntimeError where the program fails."""
        command = [sys.executable, "-m", "bench.pipeline", name, str(seconds)]
        with on_core(SERVER_CORE):
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 30
            )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return {"messages": float(done.stdout)}
