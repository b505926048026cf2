"""split_target: the four forms of a request target (RFC 9112, section 3.2)."""

from __future__ import annotations

import pytest

from kroute.http import RemoteProtocolError
from kroute.http.target import HOST, Target, split_target

GOOD = [
    # method, target, what comes of it, section
    (b"GET", b"/", Target(b"/", b""), "9112 3.2.1"),
    (b"GET", b"/a/b?c=d", Target(b"/a/b", b"c=d"), "9112 3.2.1"),
    (b"GET", b"/a?b?c", Target(b"/a", b"b?c"), "3986 3.4"),
    (b"GET", b"/?", Target(b"/", b""), "3986 3.4"),
    (b"GET", b"//a//b", Target(b"//a//b", b""), "9110 4.1"),
    (b"GET", b"/http://a/", Target(b"/http://a/", b""), "9112 3.2.1"),
    (b"GET", b"/%2F%3f", Target(b"/%2F%3f", b""), "3986 2.1"),
    (b"GET", b"/*", Target(b"/*", b""), "9112 3.2.1"),
    (b"OPTIONS", b"*", Target(b"*", b""), "9112 3.2.4"),
    (b"OPTIONS", b"/", Target(b"/", b""), "9112 3.2.1"),
    (b"GET", b"http://a/b?c", Target(b"/b", b"c", b"a", b"http"), "9112 3.2.2"),
    (b"GET", b"HTTPS://A:8080/", Target(b"/", b"", b"A:8080", b"https"), "3986 3.1"),
    (b"GET", b"http://a", Target(b"/", b"", b"a", b"http"), "9110 4.2.3"),
    (b"GET", b"http://a?b", Target(b"/", b"b", b"a", b"http"), "9110 4.2.3"),
    (b"GET", b"http://[::1]:80/", Target(b"/", b"", b"[::1]:80", b"http"), "3986 3.2.2"),
    (b"GET", b"http://a/?http://b/", Target(b"/", b"http://b/", b"a", b"http"), "9112 3.2.2"),
    (b"OPTIONS", b"http://a:80", Target(b"*", b"", b"a:80", b"http"), "9112 3.2.4"),
    (b"OPTIONS", b"http://a/", Target(b"/", b"", b"a", b"http"), "9112 3.2.4"),
    (b"OPTIONS", b"http://a?b", Target(b"/", b"b", b"a", b"http"), "9112 3.2.4"),
]

BAD = [
    # method, target, status, section
    (b"GET", b"*", 400, "9112 3.2.4"),
    (b"OPTIONS", b"**", 400, "9112 3.2.4"),
    (b"OPTIONS", b"*?a", 400, "9112 3.2.4"),
    (b"GET", b"a", 400, "9112 3.2.1"),
    (b"GET", b"?a", 400, "9112 3.2.1"),
    (b"GET", b"a:80", 400, "9112 3.2.3"),
    (b"CONNECT", b"a:80", 501, "9110 9.3.6"),
    (b"CONNECT", b"[::1]:80", 501, "9110 9.3.6"),
    (b"CONNECT", b"a/b", 400, "9112 3.2.3"),
    (b"CONNECT", b"/a", 400, "9112 3.2.3"),
    (b"CONNECT", b"http://a/", 400, "9112 3.2.3"),
    (b"CONNECT", b"me@a:80", 400, "9112 3.2.3"),
    (b"connect", b"a:80", 400, "9110 9.1"),  # another method: methods have a case
    (b"GET", b"ftp://a/", 400, "9110 7.1"),
    (b"GET", b"http:/a", 400, "9110 4.2.1"),
    (b"GET", b"http:a", 400, "9110 4.2.1"),
    (b"GET", b"http://", 400, "9110 4.2.1"),
    (b"GET", b"http:///a", 400, "9110 4.2.1"),
    (b"GET", b"http://?a", 400, "9110 4.2.1"),
    (b"GET", b"http://:80/", 400, "9110 4.2.1"),
    (b"GET", b"http://me@a/", 400, "9110 4.2.4"),
    (b"GET", b"http://me:pw@a/", 400, "9110 4.2.4"),
    (b"GET", b"http://a\\b/", 400, "3986 3.2.2"),
]


@pytest.mark.parametrize("method, target, expected, section", GOOD)
def test_good(method: bytes, target: bytes, expected: Target, section: str) -> None:
    assert split_target(method, target) == expected


@pytest.mark.parametrize("method, target, status, section", BAD)
def test_bad(method: bytes, target: bytes, status: int, section: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        split_target(method, target)
    assert caught.value.status == status


HOSTS = {
    # RFC 9110, section 7.2; RFC 3986, section 3.2.2
    b"a": True,
    b"www.example.org": True,
    b"WWW.Example.ORG:8080": True,
    b"a:": True,
    b"127.0.0.1:80": True,
    b"[::1]": True,
    b"[::ffff:192.0.2.1]:443": True,
    b"a_b~c-d!$&'()*+,;=": True,
    b"caf%C3%A9.example": True,
    b"": False,
    b":80": False,
    b"a:b": False,
    b"a:80:80": False,
    b"a:123456": False,
    b"a:-1": False,
    b"::1": False,
    b"[]": False,
    b"[::1": False,
    b"::1]": False,
    b"[::1]x": False,
    b"[fe80::1%25eth0]": False,  # RFC 6874: no zone goes over the wire
    b"[a]b]": False,
    b"a b": False,
    b"a/b": False,
    b"a@b": False,
    b"a%": False,
    b"a%zz": False,
    b"a\n": False,
    b"caf\xe9": False,
}


@pytest.mark.parametrize("host, good", HOSTS.items())
def test_host(host: bytes, good: bool) -> None:
    assert bool(HOST.fullmatch(host)) is good
