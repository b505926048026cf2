"""EnvironMaker: PEP 3333, and what RFC 9110 and 9112 ask of single fields."""

from __future__ import annotations

import io
import sys
from typing import Any
from wsgiref.validate import check_environ

import pytest
from webob import Request

from kroute.http import RAW_PATH, EnvironMaker, Head, Limits, Proxies, RemoteProtocolError
from kroute.http.environ import MAX_NAMES
from kroute.http.head import Said
from tests.cases import check_each

from .raw_requests import Case, Refused, load, parse

Fields = list[tuple[bytes, bytes]]

REFUSED = [case for case in load("invalid") if case.expected.startswith("environ")]


def maker(scheme: str = "http") -> EnvironMaker:
    return EnvironMaker(("192.0.2.7", 40001), ("192.0.2.1", 8080), scheme)


def head(
    target: bytes = b"/",
    headers: Fields | None = None,
    method: bytes = b"GET",
    version: bytes = b"HTTP/1.1",
) -> Head:
    fields = [(b"Host", b"a")] if headers is None else headers
    return Head(method.decode(), target.decode(), Said(version == b"HTTP/1.1", fields, 0, True))


def make(*args: Any, **options: Any) -> dict[str, Any]:
    return maker().make(head(*args, **options))


def refusal(*args: Any, **options: Any) -> int:
    with pytest.raises(RemoteProtocolError) as caught:
        make(*args, **options)
    return caught.value.status


def test_every_valid_request_has_an_environ() -> None:
    def check(case: Case) -> None:
        for event in parse([case.raw]):
            if isinstance(event, Head):
                environ = maker().make(event)
                assert environ["REQUEST_METHOD"] == event.method
                check_values(environ)

    check_each(load("valid"), check)


def test_what_a_client_says_again_is_the_same() -> None:
    """And an environ that somebody changes is nobody else's."""
    one, said = maker(), head(headers=[(b"Host", b"a"), (b"X", b"1")]).said
    made = []
    for target, method in (("/a", "GET"), ("/b?c", "PUT"), ("http://b/c", "GET")):
        made.append(one.make(Head(method, target, said)))
        made[-1]["HTTP_X"] = "changed"
    alone = [make(b"/b?c", [(b"Host", b"a"), (b"X", b"changed")], b"PUT")]
    assert made[1:2] == alone
    assert [environ["HTTP_HOST"] for environ in made] == ["a", "a", "b"]


def test_what_two_clients_say_is_the_same_but_for_who_and_where_they_are() -> None:
    said = head(headers=[(b"Host", b"a"), (b"X-Forwarded-For", b"192.0.2.99")]).said
    proxies = Proxies(["192.0.2.2"])
    makers = [
        EnvironMaker(("192.0.2.1", 1001), ("192.0.2.3", 80), proxies=proxies),
        EnvironMaker(("192.0.2.2", 1002), ("192.0.2.3", 80), proxies=proxies),
        EnvironMaker(("192.0.2.1", 1003), ("192.0.2.4", 443), "https", proxies=proxies),
    ]
    for _ in range(2):
        made = [each.make(Head("GET", "/", said)) for each in makers]
        assert [environ["REMOTE_ADDR"] for environ in made] == [
            "192.0.2.1",
            "192.0.2.99",  # as the proxy says
            "192.0.2.1",
        ]
        assert made[0]["REMOTE_PORT"] == "1001"
        assert made[2]["REMOTE_PORT"] == "1003"
        assert [environ["SERVER_NAME"] for environ in made] == ["192.0.2.3"] * 2 + ["192.0.2.4"]
        assert [environ["wsgi.url_scheme"] for environ in made] == ["http", "http", "https"]


def check_values(environ: dict[str, Any]) -> None:
    """PEP 3333, "Unicode issues": text of Latin-1 characters."""
    for key, value in environ.items():
        if "." not in key:
            assert type(value) is str
            value.encode("latin-1")


def test_refused() -> None:
    def check(case: Case) -> None:
        [event] = parse([case.raw])
        assert isinstance(event, Head)
        with pytest.raises(RemoteProtocolError) as caught:
            maker().make(event)
        assert case.expected == f"environ {caught.value.status}"

    check_each(REFUSED, check)


def test_a_whole_environ() -> None:
    """PEP 3333, "environ Variables"."""
    fields = [
        (b"Host", b"a:8080"),
        (b"Content-Type", b"text/plain"),
        (b"Content-Length", b"3"),
        (b"Accept", b"*/*"),
        (b"X-Gruss", b"gr\xc3\xbc\xdf"),
    ]
    environ = make(b"/a%20b/c?d=%20", fields, b"PUT")
    assert environ == {
        "REQUEST_METHOD": "PUT",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/c",
        RAW_PATH: "/a%20b/c",
        "QUERY_STRING": "d=%20",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "192.0.2.1",
        "SERVER_PORT": "8080",
        "REMOTE_ADDR": "192.0.2.7",
        "REMOTE_PORT": "40001",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
        "HTTP_HOST": "a:8080",
        "HTTP_ACCEPT": "*/*",
        "HTTP_X_GRUSS": "gr\xc3\xbc\xdf",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": environ["wsgi.input"],
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    check_environ(environ)


def test_requests_share_nothing() -> None:
    environs = maker()
    one = environs.make(head(b"/1", [(b"Host", b"a"), (b"X", b"1")]))
    two = environs.make(head(b"/2"))
    assert "HTTP_X" in one and "HTTP_X" not in two
    assert two["PATH_INFO"] == "/2"


@pytest.mark.parametrize(
    "target, path",
    [
        (b"/", "/"),
        (b"/caf%C3%A9", "/caf\xc3\xa9"),  # UTF-8 as Latin-1, as PEP 3333 has it
        (b"/%e9", "/\xe9"),
        (b"/a%2Fb", "/a/b"),
        (b"/%2525", "/%25"),  # decoded once
        (b"/a%", "/a%"),
        (b"/a%zz", "/a%zz"),
        (b"/%00", "/\0"),
        (b"/a+b", "/a+b"),
        (b"/a;b=c", "/a;b=c"),
        (b"/../a/./b", "/../a/./b"),  # RFC 9110, section 4.2.3: left to who knows what it names
    ],
)
def test_path(target: bytes, path: str) -> None:
    environ = make(target)
    assert environ["PATH_INFO"] == path
    assert environ[RAW_PATH] == target.decode()


def test_options_of_the_server() -> None:
    """RFC 9112, section 3.2.4."""
    environ = make(b"*", method=b"OPTIONS")
    assert environ["PATH_INFO"] == environ[RAW_PATH] == "*"


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_protocol(version: bytes) -> None:
    assert make(version=version)["SERVER_PROTOCOL"] == version.decode()


def test_https() -> None:
    environ = maker("https").make(head(b"/a"))
    assert environ["wsgi.url_scheme"] == "https"
    assert Request(environ).url == "https://a/a"


# Host (RFC 9112, sections 3.2 and 3.3).


def test_host_of_an_absolute_target_counts() -> None:
    """RFC 9112, section 3.2.2: the Host field is ignored then."""
    environ = make(b"http://b:81/x?y", [(b"Host", b"a")])
    assert environ["HTTP_HOST"] == "b:81"
    assert Request(environ).url == "http://b:81/x?y"


def test_host_is_not_mixed_up_between_requests() -> None:
    """The host that was good last time is not looked at again; any other is."""
    environs = maker()
    for host in (b"a", b"a", b"b", b"a"):
        assert environs.make(head(headers=[(b"Host", host)]))["HTTP_HOST"] == host.decode()
    for host in (b"a b", b"a b"):
        with pytest.raises(RemoteProtocolError):
            environs.make(head(headers=[(b"Host", host)]))
    with pytest.raises(RemoteProtocolError):
        environs.make(head(headers=[]))


def test_no_host_in_http_1_0() -> None:
    environ = make(headers=[], version=b"HTTP/1.0")
    assert "HTTP_HOST" not in environ
    assert Request(environ).host_url == "http://192.0.2.1:8080"


def test_an_empty_host_is_none() -> None:
    """RFC 9112, section 3.3: the server's own name is taken."""
    environ = make(headers=[(b"Host", b"")])
    assert "HTTP_HOST" not in environ
    assert Request(environ).host_url == "http://192.0.2.1:8080"


@pytest.mark.parametrize(
    "scheme, target, status",
    [("http", b"https://a/", 421), ("https", b"http://a/", 421), ("https", b"https://a/", None)],
)
def test_the_scheme_of_an_absolute_target(scheme: str, target: bytes, status: int | None) -> None:
    """RFC 9110, sections 7.4 and 15.5.20."""
    if status is None:
        assert maker(scheme).make(head(target))["wsgi.url_scheme"] == scheme
    else:
        with pytest.raises(RemoteProtocolError) as caught:
            maker(scheme).make(head(target))
        assert caught.value.status == status


# Several fields of one name (RFC 9110, section 5.3).


@pytest.mark.parametrize(
    "name, values, key, joined",
    [
        (b"Accept", [b"text/html", b"*/*"], "HTTP_ACCEPT", "text/html, */*"),
        (b"X", [b"1", b"", b"3"], "HTTP_X", "1, , 3"),
        (b"Cookie", [b"a=1", b"b=2; c=3"], "HTTP_COOKIE", "a=1; b=2; c=3"),  # RFC 6265, 5.4
        (b"X-Forwarded-For", [b"192.0.2.1", b"::1"], "HTTP_X_FORWARDED_FOR", "192.0.2.1, ::1"),
    ],
)
def test_lists(name: bytes, values: list[bytes], key: str, joined: str) -> None:
    fields = [(b"Host", b"a")] + [(name, value) for value in values]
    assert make(headers=fields)[key] == joined
    other_case = [(name.swapcase() if i else name, value) for i, value in enumerate(values)]
    assert make(headers=[(b"Host", b"a"), *other_case])[key] == joined


@pytest.mark.parametrize("name", [b"Content-Type", b"Authorization", b"Range", b"Host"])
@pytest.mark.parametrize("second", [b"a", b"b"])
def test_single_fields_come_once(name: bytes, second: bytes) -> None:
    host = [] if name == b"Host" else [(b"Host", b"a")]
    assert refusal(headers=[*host, (name, b"a"), (name.lower(), second)]) == 400


# Names.


@pytest.mark.parametrize(
    "names",
    [(b"X_Real_User",), (b"X-Real-User", b"X_Real-User"), (b"X_Real_User", b"X-Real-User")],
)
def test_underscores_do_not_pass_for_hyphens(names: tuple[bytes, ...]) -> None:
    """A proxy that sets X-Real-User has not seen X_Real_User."""
    for _ in range(2):  # the second time the names are known
        fields = [(name, b"root" if b"_" in name else b"me") for name in names]
        environ = make(headers=[(b"Host", b"a"), *fields])
        assert environ.get("HTTP_X_REAL_USER") in ({"me"} if len(names) > 1 else {None})
        assert "root" not in environ.values()
        assert "" not in environ


@pytest.mark.parametrize("name", [b"Content_Length", b"Content_Type", b"Transfer_Encoding"])
def test_underscores_in_names_of_ours(name: bytes) -> None:
    environ = make(headers=[(b"Host", b"a"), (name, b"5")])
    assert "5" not in environ.values()


@pytest.mark.parametrize(
    "name", [b"Server-Name", b"Remote-Addr", b"wsgi.url-scheme", b"Path-Info"]
)
def test_no_field_gets_at_what_the_server_says(name: bytes) -> None:
    plain = make()
    environ = make(headers=[(b"Host", b"a"), (name, b"evil")])
    assert {key: environ[key] for key in plain} == plain


def test_names_that_a_client_makes_up_are_not_kept_for_ever() -> None:
    environs = maker()
    for start in range(0, 3 * MAX_NAMES, 50):
        fields = [(b"X-%d" % number, b"1") for number in range(start, start + 50)]
        environ = environs.make(head(headers=[(b"Host", b"a"), *fields]))
        assert environ[f"HTTP_X_{start}"] == "1"
    long = b"x" * 1000
    assert environs.make(head(headers=[(b"Host", b"a"), (long, b"1")]))["HTTP_" + "X" * 1000]
    assert len(EnvironMaker._names) <= MAX_NAMES
    assert long not in EnvironMaker._names


def test_there_is_no_body_yet() -> None:
    environ = make()
    stream = environ["wsgi.input"]
    assert stream.read() == stream.read(5) == stream.readline() == b""
    assert Request(environ).body == b""


def test_a_request_from_its_bytes() -> None:
    """The two halves together, against WebOb's own reading of the same bytes."""
    raw = b"POST /a%20b?c=d HTTP/1.1\r\nHost: a:81\r\nAccept: x/y\r\nContent-Length: 0\r\n\r\n"
    [event] = parse([raw], Limits())
    assert not isinstance(event, Refused)
    ours = Request(maker().make(event))  # type: ignore[arg-type]
    theirs = Request.from_file(io.BytesIO(raw))
    for name in ("method", "url", "path_info", "query_string", "host", "http_version"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert dict(ours.headers) == dict(theirs.headers)


@pytest.mark.parametrize(
    ("trusted", "said", "address"),
    [
        ([], "10.0.0.1", ""),
        (["127.0.0.1", "::1"], "10.0.0.1", ""),
        (["unix:"], "10.0.0.1", "10.0.0.1"),
        (["*"], "10.0.0.1", "10.0.0.1"),
        # Whoever is not named by an address is not a Unix peer, and not believed.
        (["unix:"], "6.6.6.6, unknown", ""),
        (["unix:"], "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (["unix:", "10.0.0.1"], "192.0.2.7, 10.0.0.1", "192.0.2.7"),
    ],
)
def test_who_comes_by_a_unix_socket_is_trusted_if_that_is_said(
    trusted: list[str], said: str, address: str
) -> None:
    fields = [(b"Host", b"a"), (b"X-Forwarded-For", said.encode())]
    made = EnvironMaker(("", 0), ("localhost", 80), proxies=Proxies(trusted))
    assert made.make(head(headers=fields))["REMOTE_ADDR"] == address
