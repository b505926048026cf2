"""The bench runs, and says what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench" / "routing.py"


def test_the_bench_prints_a_table() -> None:
    command = [sys.executable, str(BENCH), "--sizes", "4,10", "--repeats", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "| path | router | 4 | 10 |" in done.stdout
    for kind in ("static", "variable", "miss", "`/api/{tenant}`"):
        assert f"| {kind} | kroute |" in done.stdout
        assert f"- {kind}, 10 routes: " in done.stdout
