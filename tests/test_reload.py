"""run_reloading: a program that is started again when its source changes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kroute.reload import _stamps
from tests.waiting import PATIENCE

WATCH = """
import signal, sys
from kroute import reload
reload.INTERVAL = 0.01
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
sys.exit(reload.run_reloading([sys.executable, "program.py"]))
"""

PROGRAM = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # it is kept until it is waited for
print("began", {word!r}, flush=True)
signal.sigwait([signal.SIGTERM])
print("ended", {word!r}, flush=True)
sys.exit(3)
"""


class Watched:
    """A process that reloads, and what it and its program write."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write("one")
        self.process = subprocess.Popen(
            [sys.executable, "-c", WATCH],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        self.output = self.process.stdout

    def write(self, word: str, file: str = "program.py") -> None:
        (self.directory / file).write_text(PROGRAM.format(word=word))

    def wait_for(self, text: str) -> str:
        for line in self.output:
            if re.search(text, line):
                return line
        raise AssertionError(f"it ended without {text!r}")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    found = Watched(tmp_path)
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait()
    found.output.close()


def test_starts_again_when_a_file_changes(watched: Watched) -> None:
    watched.wait_for("began one")
    watched.write("two")
    watched.wait_for(r"kroute: program\.py has changed; starting again")
    watched.wait_for("ended one")
    watched.wait_for("began two")
    watched.write("new", "other.py")
    watched.wait_for(r"kroute: other\.py has changed")
    watched.wait_for("began two")
    os.remove(watched.directory / "other.py")
    watched.wait_for(r"kroute: other\.py has changed")
    watched.wait_for("began two")
    watched.process.send_signal(signal.SIGTERM)
    watched.wait_for("ended two")
    assert watched.process.wait(PATIENCE) == 3


@pytest.mark.parametrize("broken", ["x = (", "raise SystemExit(2)", "1 / 0"])
def test_a_program_that_ends_waits_for_the_next_change(watched: Watched, broken: str) -> None:
    watched.wait_for("began one")
    (watched.directory / "program.py").write_text(broken)
    watched.wait_for("ended one")
    watched.wait_for("kroute: it has ended; it is started again when a file changes")
    watched.write("two")
    watched.wait_for("began two")
    watched.process.send_signal(signal.SIGINT)
    watched.wait_for("ended two")
    assert watched.process.wait(PATIENCE) == 3


def test_looks_at_the_authors_own_source(tmp_path: Path) -> None:
    own = ["app.py", "package/module.py", "package/deep/er.py"]
    others = [
        "data.json",
        ".git/hook.py",
        ".venv/x.py",
        "__pycache__/x.py",
        "node_modules/x.py",
        "env/lib/x.py",
        "site-packages/x.py",
    ]
    for name in own + others:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    before = _stamps(str(tmp_path))
    assert sorted(before) == sorted(str(tmp_path / name) for name in own)
    (tmp_path / "app.py").write_text("x = 22\n")
    assert _stamps(str(tmp_path)) != before
