"""`Address` and `bind`: where a server listens, and what is said where it cannot."""

from __future__ import annotations

import os
import socket
import struct
import sys

import pytest

from kroute.net import BACKLOG, Address, BindError, bind
from tests.waiting import PATIENCE


@pytest.mark.parametrize(
    ("text", "host", "port", "written"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"),
        ("example.org:80", "example.org", 80, "example.org:80"),
        ("[::1]:8080", "::1", 8080, "[::1]:8080"),
        ("[::]:0", "::", 0, "[::]:0"),
        ("8080", "127.0.0.1", 8080, "127.0.0.1:8080"),
        (":8080", "0.0.0.0", 8080, "0.0.0.0:8080"),
        ("localhost:65535", "localhost", 65535, "localhost:65535"),
    ],
)
def test_addresses(text: str, host: str, port: int, written: str) -> None:
    address = Address.parse(text)
    assert address == (host, port)
    assert str(address) == written
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:", "host:http", "host:-1", "host:65536", "host:+80", "host: 80", "host:٨٠"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address: HOST:PORT is, such as 127\.0"):
        Address.parse(text)


@pytest.mark.parametrize("text", ["::1:8080", "::1", "fe80::1%eth0:80"])
def test_ipv6_goes_in_brackets(text: str) -> None:
    with pytest.raises(ValueError, match=r"an IPv6 host goes in brackets, \[::1\]:8080"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
)
def test_bound_it_listens_on_a_port_of_the_systems_choice(
    host: str, family: socket.AddressFamily
) -> None:
    with bind(Address(host, 0)) as sock:
        port = sock.getsockname()[1]
        assert port > 0
        assert (sock.family, sock.getblocking()) == (family, False)
        with socket.create_connection((host, port), timeout=PATIENCE):
            pass


def test_every_ipv4_and_every_ipv6_address_are_two() -> None:
    with (
        bind(Address("0.0.0.0", 0)) as one,
        bind(Address("::", one.getsockname()[1])) as other,
    ):
        assert other.getsockname()[1] == one.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_in_use_is_named(host: str) -> None:
    with bind(Address(host, 0)) as sock:
        address = Address(host, sock.getsockname()[1])
        with pytest.raises(BindError) as caught:
            bind(address)
    assert str(caught.value) == f"cannot listen on {address}: Address already in use"


def test_a_port_of_closed_connections_can_be_had_at_once() -> None:
    """A server that is started again right after its end (TIME_WAIT)."""
    with bind(Address("127.0.0.1", 0)) as sock:
        sock.setblocking(True)
        address = Address(*sock.getsockname())
        with socket.create_connection(address):
            sock.accept()[0].close()
    with bind(address) as sock:
        assert sock.getsockname() == address


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "Cannot assign requested address"),  # RFC 5737: nobody's
        ("no-such-host.invalid", ""),  # the resolver has its own words
        ("a..b", ""),
        ("x" * 70, ""),
        ("nul\0nul", ""),
    ],
)
def test_a_host_that_cannot_be_is_named(host: str, why: str) -> None:
    with pytest.raises(BindError) as caught:
        bind(Address(host, 0))
    assert str(caught.value).startswith(f"cannot listen on {host}:0: ")
    assert str(caught.value).endswith(why)
    assert len(str(caught.value)) > len(f"cannot listen on {host}:0: ")


@pytest.mark.parametrize("port", [-1, 65536, 1 << 70])
def test_a_port_that_cannot_be_is_named(port: int) -> None:
    with pytest.raises(
        BindError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: there is no such port"
    ):
        bind(Address("127.0.0.1", port))


def test_nothing_is_left_open_by_a_failure() -> None:
    before = len(os.listdir("/dev/fd"))
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(BindError):
            bind(Address(host, 0))
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO tells it on Linux only")
def test_the_backlog_is_as_long_as_the_system_lets_it() -> None:
    with open("/proc/sys/net/core/somaxconn") as limit, bind(Address("127.0.0.1", 0)) as sock:
        # struct tcp_info: of a listening socket, tcpi_sacked is the backlog's length.
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        assert struct.unpack_from("I", info, 28)[0] == min(BACKLOG, int(limit.read()))
