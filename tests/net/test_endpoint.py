"""`parse_endpoint` and `listen`: all that a server can listen on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kroute.net import (
    Activation,
    Address,
    BindError,
    Descriptor,
    UnixAddress,
    bind,
    listen,
    parse_endpoint,
    written,
)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("[::1]:0", Address("::1", 0)),
        ("unix:/run/app.sock", UnixAddress("/run/app.sock")),
        ("unix:app.sock", UnixAddress("app.sock")),
        ("unix:a:80", UnixAddress("a:80")),
        ("fd://3", Descriptor(3)),
        ("systemd:", Activation()),
    ],
)
def test_what_is_written_is_understood(text: str, endpoint: object) -> None:
    found = parse_endpoint(text)
    assert (type(found), found) == (type(endpoint), endpoint)
    assert str(found) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("unix:", "unix:PATH is, such as unix:/run/app.sock"),
        ("unix:a\0b", "unix:PATH is"),
        ("fd://", "fd://NUMBER is, such as fd://3"),
        ("fd:3", "fd://NUMBER is"),
        ("fd://-1", "fd://NUMBER is"),
        ("fd://٣", "fd://NUMBER is"),
        ("systemd:3:", "an IPv6 host goes in brackets"),
        ("systemd", "HOST:PORT is"),
        ("http://localhost", "an IPv6 host goes in brackets|HOST:PORT is"),
    ],
)
def test_what_is_not_understood(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"is not an address: ({problem})"):
        parse_endpoint(text)


def test_all_are_listened_on_or_none(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    before = len(os.listdir("/dev/fd"))
    with bind(Address("127.0.0.1", 0)) as sock:
        taken = Address(*sock.getsockname())
        with pytest.raises(BindError, match=f"cannot listen on {taken}: Address already in use"):
            listen([Address("127.0.0.1", 0), UnixAddress(str(path)), taken])
    assert len(os.listdir("/dev/fd")) == before
    assert not path.exists()


def test_where_a_socket_listens_can_be_read(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    one, other = listen([Address("::1", 0), UnixAddress(path)])
    with one, other:
        assert written(one) == f"[::1]:{one.getsockname()[1]}"
        assert written(other) == f"unix:{path}"
