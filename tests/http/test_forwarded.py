"""RFC 7239, and the X-Forwarded fields that came before it."""

from __future__ import annotations

from typing import Any

import pytest

from kroute.http.forwarded import Proxies

HERE = {"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "SCRIPT_NAME": ""}


def restored(proxies: Proxies, **fields: str) -> dict[str, Any]:
    environ: dict[str, Any] = dict(HERE)
    environ.update({"HTTP_" + name: value for name, value in fields.items()})
    proxies.restore(environ)
    return environ


@pytest.mark.parametrize(
    "fields, address, scheme, host",
    [
        ({}, "127.0.0.1", "http", None),
        ({"X_FORWARDED_FOR": "192.0.2.7"}, "192.0.2.7", "http", None),
        ({"X_FORWARDED_FOR": "6.6.6.6, 192.0.2.7"}, "192.0.2.7", "http", None),
        ({"X_FORWARDED_FOR": "192.0.2.7, 10.0.0.2"}, "192.0.2.7", "http", None),
        ({"X_FORWARDED_PROTO": "https"}, "127.0.0.1", "https", None),
        ({"X_FORWARDED_PROTO": "gopher"}, "127.0.0.1", "http", None),
        ({"X_FORWARDED_HOST": "example.org"}, "127.0.0.1", "http", "example.org"),
        ({"X_FORWARDED_HOST": "a b"}, "127.0.0.1", "http", None),
        ({"FORWARDED": "for=192.0.2.7;proto=https"}, "192.0.2.7", "https", None),
        ({"FORWARDED": 'for="[2001:db8::7]:4711"'}, "2001:db8::7", "http", None),
        ({"FORWARDED": "For=192.0.2.7;Host=a.example"}, "192.0.2.7", "http", "a.example"),
        ({"FORWARDED": "for=6.6.6.6, for=192.0.2.7"}, "192.0.2.7", "http", None),
        ({"FORWARDED": "for=192.0.2.7, for=10.0.0.2"}, "192.0.2.7", "http", None),
        ({"FORWARDED": "for=_hidden;proto=https"}, "127.0.0.1", "https", None),
        ({"FORWARDED": "for=unknown, for=_x;host=b.example"}, "127.0.0.1", "http", "b.example"),
        ({"FORWARDED": 'for="192.0.2.7'}, "127.0.0.1", "http", None),
        ({"FORWARDED": "rubbish"}, "127.0.0.1", "http", None),
        ({"FORWARDED": "for=6.6.6.6", "X_FORWARDED_FOR": "192.0.2.7"}, "192.0.2.7", "http", None),
        ({"FORWARDED": "host=evil", "X_FORWARDED_PROTO": "https"}, "127.0.0.1", "https", None),
    ],
)
def test_what_proxies_say(
    fields: dict[str, str], address: str, scheme: str, host: str | None
) -> None:
    environ = restored(Proxies(["127.0.0.1", "10.0.0.0/8"]), **fields)
    assert environ["REMOTE_ADDR"] == address
    assert environ["wsgi.url_scheme"] == scheme
    assert environ.get("HTTP_HOST") == host


@pytest.mark.parametrize(
    "prefix, script_name",
    [
        ("/app", "/app"),
        ("/app/", "/app"),
        ("/a%20b/c", "/a b/c"),
        ("//evil.example", ""),
        ("app", ""),
        ("/", ""),
        ("/a, /b", ""),
    ],
)
def test_a_prefix_goes_before_script_name(prefix: str, script_name: str) -> None:
    assert restored(Proxies(), X_FORWARDED_PREFIX=prefix)["SCRIPT_NAME"] == script_name


def test_who_is_trusted() -> None:
    assert Proxies().trust("127.0.0.1") and Proxies().trust("::1")
    assert not Proxies().trust("10.0.0.1") and not Proxies([]).trust("127.0.0.1")
    assert Proxies(["*"]).trust("192.0.2.1") and not Proxies(["10.0.0.0/8"]).trust("unknown")
    with pytest.raises(ValueError, match="localhost"):
        Proxies(["localhost"])
