"""Where the time of a request goes: samples of the server's stack, told by room."""

from __future__ import annotations

import pytest

import kroute.http.parser
from bench.profile import profile, room, table


@pytest.mark.parametrize(
    ("file", "where"),
    [
        (kroute.http.parser.__file__, "kroute/http"),
        (kroute.__file__, "kroute"),
        ("/home/kroute/kroute/net/connection.py", "kroute/net"),
        ("/lib/site-packages/Axon/Component.py", "Axon"),
        ("/lib/site-packages/webob/response.py", "webob"),
        ("/src/bench/peers/kroute.py", "the application"),
        ("/lib/python3.11/selectors.py", "Python's library"),
        ("<string>", "Python's library"),
    ],
)
def test_the_room_of_a_file(file: str, where: str) -> None:
    assert room(file) == where


@pytest.mark.load
@pytest.mark.needs("wrk")
def test_kroute_is_met_in_its_rooms() -> None:
    found = profile("hello", 1)
    assert sum(found["rooms"].values()) > 50
    assert {"kroute/net", "kroute/http"} <= set(found["rooms"])
    assert any(name.startswith("kroute/net connection.py ") for name in found["functions"])
    lines = list(table(found))
    assert lines[-1] == f"| all | 100% | {found['cpu']:.1f} |"


def test_only_what_wrk_asks_is_profiled() -> None:
    with pytest.raises(ValueError, match="echo is not asked by wrk"):
        profile("echo", 1)
