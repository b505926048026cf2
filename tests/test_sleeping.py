"""No quick test sleeps for long, nor does a program that one starts, nor do its threads."""

from __future__ import annotations

import ast
import re
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .sleeping import LONGEST, allow

TESTS = Path(__file__).parent
WAITS = {"sleep", "wait", "join", "settimeout"}
HAS_ONE = re.compile(rf"\b({'|'.join(WAITS)})\(\d")


def test_a_long_sleep_fails() -> None:
    with pytest.raises(AssertionError, match=r"tests\.test_sleeping, line \d+, sleeps for 0.05 s"):
        time.sleep(LONGEST)
    time.sleep(0.001)


def test_what_puts_a_load_on_may_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tests.sleeping._sleep", slept.append)
    allow(True)
    time.sleep(60)
    assert slept == [60]


class Waits(ast.NodeVisitor):
    """Finds the calls that take their time: `sleep(0.1)`, `event.wait(5)`; also in the programs
    that are written in strings. Not `yield from sleep(10)`: a scheduler has its own time, and
    not what is in tests that are marked."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if not any("mark.load" in ast.unparse(mark) for mark in node.decorator_list):
            self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        """What is waited for in a scheduler."""

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in WAITS and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            seconds = node.args[0].value
            if isinstance(seconds, (int, float)) and seconds >= LONGEST:
                self.found.append((node.lineno, ast.unparse(node)))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and "import" in node.value:
            try:
                inner = ast.parse(textwrap.dedent(node.value))
            except SyntaxError:
                return
            before = len(self.found)
            self.visit(inner)
            self.found[before:] = [
                (node.lineno + line - 1, call) for line, call in self.found[before:]
            ]


def quick_files() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text()
        if HAS_ONE.search(text) and "pytestmark = [pytest.mark.load" not in text:
            yield path, ast.parse(text)


def test_none_is_written_anywhere() -> None:
    found = []
    for path, tree in quick_files():
        waits = Waits()
        waits.visit(tree)
        found += [f"{path.relative_to(TESTS)}:{line}: {call}" for line, call in waits.found]
    assert found == []


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("time.sleep(0.05)", ["time.sleep(0.05)"]),
        ("done.wait(1)", ["done.wait(1)"]),
        ("sleep(0.04)\ndone.wait(PATIENCE)", []),
        ("def handler():\n    yield from sleep(10)", []),
        ("PROGRAM = '''\n    import time\n    time.sleep(9)\n'''", ["time.sleep(9)"]),
        ("@pytest.mark.load\ndef test():\n    time.sleep(9)", []),
    ],
)
def test_it_would_be_found(source: str, calls: list[str]) -> None:
    waits = Waits()
    waits.visit(ast.parse(source))
    assert [call for _, call in waits.found] == calls


def test_threads_are_watched_too() -> None:
    caught: list[AssertionError] = []

    def sleeps() -> None:
        try:
            time.sleep(LONGEST)
        except AssertionError as error:
            caught.append(error)

    thread = threading.Thread(target=sleeps)
    thread.start()
    thread.join()
    assert len(caught) == 1
