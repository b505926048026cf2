"""Starting the AtomPub sample: the commands, what they say, and what they say of mistakes."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sample_apps.atompub.__main__ import _address
from sample_apps.atompub.guide import guide, steps
from tests.waiting import PATIENCE

from .sample_server import ROOT, Server


@pytest.mark.needs("curl")
@pytest.mark.needs("bash")
def test_the_guide_does_what_it_says(tmp_path: Path) -> None:
    server = Server("sample_apps.atompub", folder=tmp_path)
    url = f"http://127.0.0.1:{server.port}/entries"
    printed = []
    for _, command in steps(url):
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0
        printed.append(done.stdout)
    assert server.stop() == 0
    listed, created, got, edited, deleted = printed
    assert "</feed>" in listed
    assert created.startswith("HTTP/1.1 201 ") and f"Location: {url}/first\n" in created
    assert got.startswith("HTTP/1.1 200 ") and "Hello!" in got
    assert edited.startswith("HTTP/1.1 200 ") and "Hello again!" in edited
    assert deleted.startswith("HTTP/1.1 204 ")


def test_the_guide_is_of_this_server() -> None:
    text = guide("http://example.org:1")
    assert "Open http://example.org:1/ in a browser" in text
    assert len(re.findall(r"^  curl .*http://example\.org:1/entries", text, re.MULTILINE)) == 5


def test_kroute_run_serves_it_too(tmp_path: Path) -> None:
    server = Server("kroute", "run", "sample_apps.atompub:make_app()", folder=tmp_path)
    assert server.ask("GET", "/service").status == 200
    assert server.stop() == 0
    assert (tmp_path / "var" / "atompub.sqlite").is_file()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--database", "text"], "text: file is not a database"),
        (["--database", "text/x.sqlite"], "text"),
        (["--bind", "192.0.2.1:80"], "192.0.2.1:80"),
    ],
    ids=["no database", "no directory", "no address"],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, arguments: list[str], why: str) -> None:
    (tmp_path / "text").write_text("This is no database. " * 100)
    done = subprocess.run(
        [sys.executable, "-m", "sample_apps.atompub", *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert why in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:80", ("localhost", 80)),
        ("[::1]:0", ("::1", 0)),
        ("0.0.0.0:8080", ("0.0.0.0", 8080)),
    ],
)
def test_an_address(text: str, address: tuple[str, int]) -> None:
    assert _address(text) == address


@pytest.mark.parametrize("text", ["8080", "localhost", "a:http", ":1", "a:70000", "a:-1", "a:"])
def test_no_address(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no HOST:PORT"):
        _address(text)
