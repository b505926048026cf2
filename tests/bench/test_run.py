"""python -m bench: a run from beginning to end, as short as wrk can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """path: where modules are looked for before everywhere else."""
    command = [sys.executable, "-m", "bench", *arguments]
    environ = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=50
    )


@pytest.mark.load
@pytest.mark.needs("wrk")
def test_a_run_prints_a_table_and_keeps_the_figures(tmp_path: Path) -> None:
    into = tmp_path / "run.json"
    done = bench("hello", "--peers", "kroute", "--rounds", "1", "--into", str(into))
    assert done.returncode == 0, done.stderr
    assert "| server | requests/s | µs of CPU | p50, ms | p99, ms |" in done.stdout
    assert "\n| kroute | " in done.stdout
    run = json.loads(into.read_text())
    assert run["scenarios"]["hello"]["left out"]["sanic"] == "not asked this time"
    figures = run["scenarios"]["hello"]["figures"]["kroute"]
    assert sorted(figures) == ["cpu", "p50", "p99", "rate"]
    assert figures["rate"][0] > 100
    assert run["versions"]["wrk"]


@pytest.mark.needs("wrk")
def test_a_server_that_does_not_start_is_named_and_left_out(tmp_path: Path) -> None:
    """Starlette may be installed or not: one that cannot be imported is found first."""
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError\n")
    into = tmp_path / "run.json"
    asked = ("hello", "--peers", "starlette", "--rounds", "1", "--into", str(into))
    done = bench(*asked, path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "starlette is left out: starlette does not answer" in done.stderr
    result = json.loads(into.read_text())["scenarios"]["hello"]
    assert result["figures"] == {}
    assert "ModuleNotFoundError" in result["left out"]["starlette"]


def test_names_that_there_are_not_are_refused() -> None:
    done = bench("hallo")
    assert done.returncode == 2
    assert "there is no 'hallo'; there are hello, " in done.stderr
