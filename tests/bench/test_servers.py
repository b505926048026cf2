"""Servers: started, held, measured, ended; and what is measured on them beside wrk's figures."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bench import resting
from bench.asking import Asked, WrongAnswer
from bench.peers import OURS, PEERS
from bench.rounds import Servers, servers
from bench.scenarios import SCENARIOS, OfServers
from bench.schedulers import SCHEDULERS, Schedulers
from bench.servers import ROOT, Server
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def running() -> Iterator[Servers]:
    with servers() as those:
        yield those


@pytest.fixture
def server(running: Servers) -> Iterator[Server]:
    one = running.get(OURS, 0)
    with one.running():
        yield one


def test_each_peer_has_its_program() -> None:
    for peer in PEERS:
        assert (ROOT / "bench" / "peers" / f"{peer}.py").exists(), peer


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "pipeline"])
def test_kroute_gives_the_answers_that_are_compared(name: str, running: Servers) -> None:
    scenario = SCENARIOS[name]
    assert isinstance(scenario, OfServers)
    server = running.get(OURS, scenario.routes)
    with server.running():
        scenario.check(server)


def test_a_held_server_answers_when_it_runs_again(running: Servers) -> None:
    server = running.get(OURS, 0)
    before = server.processor_seconds()
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.02) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert server.processor_seconds() == before
        client.settimeout(PATIENCE)
        with server.running():
            assert client.recv(1) == b"H"


def test_processor_time_and_memory_are_those_of_the_server(server: Server) -> None:
    before, switches = server.processor_seconds(), server.switches()
    for _ in range(200):
        Asked("/", b"Hello, World!").check(server.port)
    assert server.processor_seconds() > before
    assert server.switches() >= switches + 200
    assert 10_000_000 < server.memory() < 200_000_000


def test_the_start_is_timed(running: Servers) -> None:
    with running.fresh(OURS) as server:
        started = resting.Start("").measure(server, 1)["start"]
    assert 10 < started < 20_000
    assert server.process.poll() is not None


def test_a_server_with_nothing_to_do_does_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting, "SETTLING", 0)
    assert resting.Wakeups("").measure(server, 0.02)["wakeups"] < 1000


@pytest.mark.load
@pytest.mark.needs("wrk")
def test_idle_connections_take_memory(server: Server) -> None:
    found = resting.Idle("", connections=50, busy=2).measure(server, 1)
    assert found["memory"] < 1000
    assert found["rate"] > 100


def test_echoes_are_counted(server: Server) -> None:
    scenario = SCENARIOS["echo"]
    assert isinstance(scenario, OfServers)
    found = scenario.measure(server, 0.05)  # type: ignore[arg-type]
    assert found["messages"] > 100
    assert 0 < found["p50"] <= found["p99"]


def test_where_there_is_no_websocket_nothing_is_timed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.echo.OPENING", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(WrongAnswer, match="no WebSocket"):
        SCENARIOS["echo"].measure(server, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SCHEDULERS)
def test_messages_pass_through_the_pipeline_on_either_scheduler(name: str) -> None:
    assert Schedulers("").measure(name, 0.05)["messages"] > 100
