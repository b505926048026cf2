"""The page about a run, its pictures and its verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.aims import AIMS, BEST, BEST_IN_PYTHON, Aim, against, reached
from bench.figures import FIGURES
from bench.instructions import EXPECTED
from bench.page import page, write
from bench.peers import PEERS
from bench.picture import picture
from bench.scenarios import SCENARIOS
from bench.servers import ROOT


def result(**rates: list[float]) -> dict:
    return {
        "title": "A & B",
        "main": "rate",
        "rounds": 3,
        "seconds": 1,
        "date": "2026-01-02T03:04:05+00:00",
        "titles": {peer: PEERS[peer].title for peer in rates},
        "figures": {peer: {"rate": of, "p99": [2.0] * 3} for peer, of in rates.items()},
        "left out": {"tornado": "ServerFailed: tornado does not answer:\nTraceback"},
    }


RESULT = result(granian=[300.0, 330.0, 310.0], kroute=[200.0, 220.0, 205.0], asgi=[100.0] * 3)
RUN = {
    "machine": {"processor": "Abacus", "cores": "2", "python": "CPython 3.11"},
    "versions": {"wrk": "4.1"},
    "scenarios": {"hello": RESULT},
    "profiles": {"hello": {"title": "A & B", "cpu": 30.0, "rooms": {"kroute/net": 2, "Axon": 1}}},
}


def test_aims_name_scenarios_and_figures_that_there_are() -> None:
    for aim in AIMS:
        assert aim.scenario in SCENARIOS
        assert aim.figure in FIGURES
        assert aim.peer in (*PEERS, "axon", BEST, BEST_IN_PYTHON)


@pytest.mark.parametrize(
    ("peer", "who"),
    [
        (BEST, "granian"),
        (BEST_IN_PYTHON, "asgi"),
        ("asgi", "asgi"),
        ("sanic", None),
    ],
)
def test_whom_an_aim_is_about(peer: str, who: str | None) -> None:
    assert against(Aim("hello", "rate", 1.0, peer), RESULT) == who


def test_what_was_reached_and_what_was_not() -> None:
    lines = list(reached({"hello": RESULT}))
    assert lines[2:] == [
        "| A & B | requests/s | Falcon on granian | 1.0 | 0.67 (0.66 to 0.67) | **missed** |",
        "| A & B | requests/s | bare ASGI on uvicorn | 1.0 | 2.05 (2.00 to 2.20) | reached |",
        "| A & B | p99, ms | the best: Falcon on granian | 1.0 | 1.00 (1.00 to 1.00) | reached |",
    ]


def test_a_page_says_who_is_ahead_who_is_not_there_and_where_it_was() -> None:
    text = page(RUN, {"3.10": {"hello": 4.0}, "3.9": {"hello": 5.0, "JSON": 6.0}})
    assert "measured on 2026-01-02." in text
    assert "Abacus, 2 cores, CPython 3.11" in text
    assert "- A & B, requests/s: Falcon on granian (0.67)\n" in text
    assert "| kroute | 205 | 2.00 |  |" in text
    assert "### Not measured in this run\n\n- Hello, 1 connection\n" in text
    assert "A & B:\n\n| where | share | µs of CPU |" in text
    assert "| kroute/net | 67% | 20.0 |\n| Axon | 33% | 10.0 |\n| all | 100% | 30.0 |" in text
    assert "Not in it: Tornado (ServerFailed: tornado does not answer)." in text
    assert "| request | Python 3.9 | Python 3.10 |" in text
    assert "| JSON | 6.00 | nan |" in text


def test_a_page_without_wsgi_says_so() -> None:
    assert "## WSGI\n" in page(RUN, {})
    assert "Not measured in this run.\n\n## Instructions" in page(RUN, {})


def test_a_page_has_a_table_of_each_wsgi_scenario() -> None:
    figures = {
        "kroute": {"rate": [100.0, 120.0], "p99": [2.0, 3.0], "resident": [40.0, 41.0]},
        "gunicorn": {"rate": [50.0, 80.0], "p99": [4.0, 4.0], "resident": [50.0, 51.0]},
    }
    hello = {
        "title": "hello",
        "main": "rate",
        "rounds": 2,
        "seconds": 1,
        "date": "2026-01-03T00:00:00+00:00",
        "titles": {server: server for server in figures},
        "figures": figures,
    }
    wsgi = {
        "machine": {"processor": "Abacus", "cores": "3"},
        "versions": {"gunicorn": "1.2"},
        "threads": 8,
        "scenarios": {"hello": hello},
    }
    text = page({**RUN, "wsgi": wsgi}, {})
    assert "- Measured on 2026-01-03\n- Machine: Abacus, 3 cores\n" in text
    assert "- Versions: gunicorn 1.2\n" in text
    assert "- 8 threads each; 2 rounds of 1 s\n\n### Flask: hello\n" in text
    assert "| kroute | 110 | 2.50 | 40.5 |  |" in text
    assert "| gunicorn | 65 | 4.00 | 50.5 | 1.75 (1.50 to 2.00) |" in text


def test_a_page_comes_with_its_figures_and_pictures(tmp_path: Path) -> None:
    write(RUN, tmp_path)
    assert json.loads((tmp_path / "performance/run.json").read_text()) == RUN
    assert (tmp_path / "performance/hello.svg").read_text() == picture(RESULT)
    assert "(performance/hello.svg)" in (tmp_path / "performance.md").read_text()


def test_a_picture_has_a_bar_for_each() -> None:
    root = ElementTree.fromstring(picture(RESULT))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [
        "A & B: requests/s, more is better",
        *("Falcon on granian", "310"),
        *("kroute", "205"),
        *("bare ASGI on uvicorn", "100"),
    ]
    bars = [element.get("width") for element in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == ["432.1", "285.8", "139.4"]
    with pytest.raises(ValueError, match="nothing was measured"):
        picture(result())


def test_the_page_in_docs_is_made_of_its_figures() -> None:
    """After a change: `python -m bench.page docs/performance/run.json docs`."""
    docs = ROOT / "docs"
    run = json.loads((docs / "performance/run.json").read_text())
    assert (docs / "performance.md").read_text() == page(run, json.loads(EXPECTED.read_text()))
    for name, of in run["scenarios"].items():
        assert (docs / f"performance/{name}.svg").read_text() == picture(of)
