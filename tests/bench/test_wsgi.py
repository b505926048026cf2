"""python -m bench.wsgi: a run from beginning to end, as short as wrk can be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.wsgi", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50)


@pytest.mark.load
@pytest.mark.needs("wrk")
def test_a_run_prints_a_table_for_each_scenario(tmp_path: Path) -> None:
    into = tmp_path / "run.json"
    into.write_text('{"scenarios": {"hello": 1}}')
    servers = ["kroute", "gunicorn", "waitress"]
    arguments = ["--servers", ",".join(servers), "--rounds", "1", "--seconds", "1"]
    arguments += ["--into", str(into)]
    done = bench("hello", "file", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[1].strip() for row in rows][::4] == ["server"] * 2
    assert sorted(row[1].strip() for row in rows) == sorted(["server", *servers] * 2)
    rates = [float(row[2].replace(",", "")) for row in rows if row[1].strip() != "server"]
    assert all(rate > 50 for rate in rates)
    run = json.loads(into.read_text())
    assert run["scenarios"] == {"hello": 1}
    assert list(run["wsgi"]["scenarios"]) == ["hello", "file"]
    found = run["wsgi"]["scenarios"]["file"]["figures"]
    assert all(10 < found[server]["resident"][0] < 200 for server in servers)


def test_names_that_there_are_not_are_refused() -> None:
    done = bench("hallo")
    assert done.returncode == 2
    assert "there is no 'hallo'; there are hello, " in done.stderr
