"""HTTPProtocol: one connection, from bytes to bytes."""

from __future__ import annotations

import gc
import io
import logging
import os
import random
import re
import weakref

import pytest

from kroute import App, Limits, Response, sleep
from kroute.server import Dispatcher, HTTPProtocol, deadline

from .harness import Client, World, raw

LINES = "POST /echo HTTP/1.1\r\nHost: a\r\n"


def make(**limits: int) -> App:
    app = App(limits=Limits(**limits))

    @app.route("/echo", methods=["POST", "PUT"])
    def echo(request):
        return Response(request.body, content_type="text/plain")

    @app.get("/say/{word}")
    def say(request, word):
        yield Response(word, content_type="text/plain")

    @app.get("/count/{n}")
    def count(request, n: int):
        yield Response(content_type="text/plain")
        for number in range(n):
            yield f"{number}\n"

    @app.post("/deaf")
    def deaf(request):
        return "not read"

    return app


@pytest.fixture
def client(world: World) -> Client:
    return world.client(make())


# The library that reads header fields


@pytest.mark.parametrize("parser", [None, "httptools", "h11"])
def test_answers_the_same_whatever_reads_the_fields(world: World, parser: str | None) -> None:
    app = make()
    app.parser = parser
    client = world.client(app)
    assert client.get("/say/hello").text == "hello"
    assert client.ask("POST", "/echo", chunks=[b"one ", b"two"]).text == "one two"
    refused = client.get("/say/hello", Transfer_Encoding="gzip")
    assert (refused.code, refused["Connection"]) == (501, "close")
    assert client.ended == "closed"


# Connections that persist (RFC 9112, section 9.3)


def test_answers_one_request_after_the_other(client: Client) -> None:
    for word in ("one", "two", "three"):
        answer = client.get(f"/say/{word}")
        assert (answer.code, answer.text, answer["Connection"]) == (200, word, None)
    assert not client.ended


@pytest.mark.parametrize("path", ["/say/hello", "/count/2", "/nowhere"])
def test_closes_when_the_client_asks_for_it(client: Client, path: str) -> None:
    answer = client.get(path, Connection="close")
    assert answer["Connection"] == "close"
    assert client.ended == "closed"


def test_closes_after_an_http_1_0_request(client: Client) -> None:
    answer = client.get("/say/hello", version="HTTP/1.0")
    assert answer["Connection"] == "close"
    assert client.ended == "closed"


def test_keeps_an_http_1_0_connection_that_asks_for_it(client: Client) -> None:
    answer = client.get("/say/hello", version="HTTP/1.0", Connection="keep-alive")
    assert answer["Connection"] == "keep-alive"
    assert client.get("/say/again").text == "again"


def test_ends_a_stream_to_http_1_0_by_closing(client: Client) -> None:
    # RFC 9112, section 6.1: no Transfer-Encoding to a client that does not know it.
    answer = client.get("/count/3", version="HTTP/1.0", Connection="keep-alive")
    assert (answer["Transfer-Encoding"], answer["Connection"]) == (None, "close")
    assert answer.text == "0\n1\n2\n"
    assert client.ended == "closed"


def test_looks_at_nothing_after_the_last_request(client: Client) -> None:
    client.feed(raw("GET", "/say/last", Connection="close") + raw("GET", "/say/more"))
    assert [answer.text for answer in client.answers()] == ["last"]
    client.feed(raw("GET", "/say/more"))
    assert client.answers() == []


def test_closes_only_when_all_was_taken(world: World, client: Client) -> None:
    client.feed(raw("GET", "/say/hello", Connection="close"))
    assert not client.ended
    client.take()
    assert client.ended == "closed"


# Pipelining (RFC 9112, section 9.3.2)


def fifty() -> tuple[bytes, list[str], list[str]]:
    """Requests of all kinds, their methods, and what is answered."""
    data, methods, texts = b"", [], []
    for number in range(50):
        kind = number % 5
        body = b"%d" % number * number
        if kind == 0:
            data += raw("GET", f"/say/{number}")
            texts.append(f"{number}")
        elif kind == 1:
            data += raw("POST", "/echo", body)
            texts.append(body.decode())
        elif kind == 2:
            data += raw("PUT", "/echo", chunks=[b"<", body, b">"])
            texts.append(f"<{body.decode()}>")
        elif kind == 3:
            data += raw("HEAD", f"/count/{number}")
            texts.append("")
        else:
            data += raw("GET", f"/count/{number}")
            texts.append("".join(f"{line}\n" for line in range(number)))
        methods.append(("GET", "POST", "PUT", "HEAD", "GET")[kind])
    return data, methods, texts


def test_answers_a_pipeline_in_order(client: Client) -> None:
    data, methods, texts = fifty()
    client.feed(data)
    assert [answer.text for answer in client.answers(*methods)] == texts


def test_answers_the_same_byte_by_byte(client: Client) -> None:
    data, methods, texts = fifty()
    client.feed(*(data[at : at + 1] for at in range(len(data))))
    assert [answer.text for answer in client.answers(*methods)] == texts


@pytest.mark.parametrize("seed", range(20))
def test_answers_the_same_wherever_it_is_split(client: Client, seed: int) -> None:
    data, methods, texts = fifty()
    cuts = sorted(random.Random(seed).sample(range(len(data)), seed))
    client.feed(*(data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)))
    assert [answer.text for answer in client.answers(*methods)] == texts


def test_waits_with_the_next_request_for_a_client_that_does_not_read(world: World) -> None:
    app = make()
    served = []

    @app.get("/much")
    def much(request):
        served.append(request)
        return b"x" * 40_000

    client = world.client(app)
    client.feed(raw("GET", "/much") * 20)
    assert len(served) == 2  # 40 kB is under the mark, 80 kB over it
    assert [len(answer.body) for answer in client.answers()] == [40_000] * 20


# Request bodies


def test_receives_a_body_of_known_length(client: Client) -> None:
    body = os.urandom(5000)
    client.feed(raw("POST", "/echo", body)[:-10])
    assert client.answers() == []
    client.feed(body[-10:])
    assert [answer.body for answer in client.answers()] == [body]


def test_receives_a_chunked_body(client: Client) -> None:
    assert client.ask("POST", "/echo", chunks=[b"<", b"x" * 1000]).body == b"<" + b"x" * 1000


def test_a_handler_sees_the_length_of_a_chunked_body(world: World) -> None:
    app = App()
    app.add("/n", POST=lambda request: {"n": request.content_length})
    assert world.client(app).ask("POST", "/n", chunks=[b"12345"]).text == '{"n": 5}'


@pytest.mark.parametrize("together, stays", [(0, False), (1001, True)])
def test_keeps_a_large_body_on_disk(world: World, together: int, stays: bool) -> None:
    app = App(limits=Limits(body_in_memory=1000, bodies_in_memory=together))
    seen = []

    @app.post("/")
    def upload(request):
        file = request.environ["wsgi.input"]
        seen.append(isinstance(getattr(file, "_file", file), io.BytesIO))
        return request.body

    client = world.client(app)
    for size in (1000, 1001):
        assert client.ask("POST", "/", b"x" * size).body == b"x" * size
    assert seen == [True, stays]


def test_webob_makes_no_copy_of_a_body(world: World) -> None:
    app = App(limits=Limits(body_in_memory=1000))
    seen = []

    @app.post("/")
    def upload(request):
        file = request.environ["wsgi.input"]
        first, second, part = request.body, request.body, request.body_file.read(10)
        seen.append(request.environ["wsgi.input"] is file)
        return {"sizes": [len(first), len(second), len(part)], "form": len(request.POST)}

    client = world.client(app)
    for size in (10, 500, 50_000):
        answer = client.ask("POST", "/", b"x" * size, Content_Type="text/plain")
        assert answer.text == f'{{"sizes": [{size}, {size}, 10], "form": 0}}'
    form = "application/x-www-form-urlencoded"
    answer = client.ask("POST", "/", b"a=1&b=2&c=%20" + b"3" * 5000, Content_Type=form)
    assert answer.text.endswith('"form": 3}')
    assert seen == [True] * 4


def test_refuses_a_body_that_says_it_is_too_long(world: World) -> None:
    client = world.client(make(body_bytes=1000))
    client.feed(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
    (answer,) = client.answers()
    assert (answer.code, answer["Connection"]) == (413, "close")
    assert "longer than 1000 bytes" in answer.text
    assert client.ended == "closed"


def test_refuses_a_chunked_body_as_soon_as_it_is_too_long(world: World) -> None:
    client = world.client(make(body_bytes=1000))
    client.feed(raw("POST", "/echo", chunks=[b"x" * 1000])[:-5])
    assert not client.ended
    client.feed(b"1\r\nx\r\n")
    (answer,) = client.answers()
    assert answer.code == 413
    assert client.ended == "closed"


def test_takes_a_body_of_exactly_the_limit(world: World) -> None:
    client = world.client(make(body_bytes=1000))
    assert client.ask("POST", "/echo", b"x" * 1000).code == 200
    assert client.ask("POST", "/echo", chunks=[b"x" * 1000]).code == 200


def test_a_route_can_have_its_own_limit(world: World) -> None:
    app = make(body_bytes=10)
    app.add("/large", POST=lambda request: request.body, max_body=20)
    app.add("/small", POST=lambda request: request.body, max_body=0)
    client = world.client(app)
    assert client.ask("POST", "/large", b"x" * 20).code == 200
    assert client.ask("POST", "/small", b"").code == 200
    assert client.ask("POST", "/large", b"x" * 21).code == 413
    assert world.client(app).ask("POST", "/small", b"x").code == 413


def test_answers_413_by_the_applications_error_handler(world: World) -> None:
    app = make(body_bytes=10)

    @app.error_handler(413)
    def large(request, error):
        return {"limit": 10}

    answer = world.client(app).ask("POST", "/echo", b"x" * 11)
    assert (answer.code, answer.text) == (413, '{"limit": 10}')


# Expect: 100-continue (RFC 9110, section 10.1.1)


def head(path: str, length: int, more: str = "Expect: 100-continue\r\n") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\n{more}Content-Length: {length}\r\n\r\n".encode()


def test_says_100_to_a_client_that_waits_for_it(client: Client) -> None:
    client.feed(head("/echo", 5))
    assert client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.feed(b"hello")
    assert [answer.text for answer in client.answers()] == ["hello"]
    assert not client.ended


def test_says_no_100_to_a_client_that_did_not_wait(client: Client) -> None:
    client.feed(head("/echo", 5) + b"hello")
    assert client.take().startswith(b"HTTP/1.1 200 OK\r\n")


def test_says_no_100_to_http_1_0(client: Client) -> None:
    client.feed(head("/echo", 5).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert client.take() == b""
    client.feed(b"hello")
    assert [answer.text for answer in client.answers()] == ["hello"]


@pytest.mark.parametrize(("path", "length", "code"), [("/nowhere", 5, 404), ("/echo", 99, 413)])
def test_says_no_100_where_it_wants_no_body(
    world: World, path: str, length: int, code: int
) -> None:
    client = world.client(make(body_bytes=10))
    client.feed(head(path, length))
    (answer,) = client.answers()
    assert (answer.code, answer["Connection"]) == (code, "close")
    assert client.ended == "closed"


# Bodies that nobody wants


def test_reads_past_a_small_body_that_nobody_wants(client: Client) -> None:
    client.feed(raw("POST", "/nowhere", b"x" * 1000)[:-500])
    assert client.take()  # it need not be complete
    client.feed(b"x" * 500 + raw("GET", "/say/next"))
    assert [answer.code for answer in client.answers()] == [404, 200]


@pytest.mark.parametrize("chunked", [False, True])
def test_closes_before_a_large_body_that_nobody_wants(world: World, chunked: bool) -> None:
    client = world.client(make(discard_bytes=1000))
    if chunked:  # nobody knows how much it will be
        client.feed(raw("POST", "/nowhere", chunks=[b"x"])[:-5])
    else:
        client.feed(head("/nowhere", 1001, "") + b"x")
    (answer,) = client.answers()
    assert (answer.code, answer["Connection"]) == (404, "close")
    assert client.ended == "closed"


def test_a_handler_need_not_read_the_body(client: Client) -> None:
    assert client.ask("POST", "/deaf", b"x" * 100_000).text == "not read"
    assert client.get("/say/next").text == "next"


# What is not HTTP


BAD = {
    "no request": (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "a bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two lengths": (LINES.encode() + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "length and chunks": (
        LINES.encode() + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "another version": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "large fields": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 65536, 431),
    "many fields": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * 100 + b"\r\n", 431),
    "a long line": (b"GET /" + b"x" * 9000, 414),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("bytewise", [False, True])
def test_refuses_what_is_not_http(
    world: World, caplog: pytest.LogCaptureFixture, what: str, bytewise: bool
) -> None:
    caplog.set_level(logging.INFO, "kroute")
    app = make()
    app.access_log = "common"
    client = world.client(app)
    data, code = BAD[what]
    if bytewise and len(data) < 1000:
        client.feed(*(data[at : at + 1] for at in range(len(data))))
    else:
        client.feed(data)
    (answer,) = client.answers()
    assert (answer.code, answer["Connection"]) == (code, "close")
    assert client.ended == "closed"
    lines = [(record.name, record.getMessage()) for record in caplog.records]
    assert [name for name, _ in lines] == ["kroute.server", "kroute.access"]
    assert lines[0][1].startswith(f"answered {code} ")
    assert f'"-" {code}' in lines[1][1]


def test_answers_what_came_before_it_went_wrong(client: Client) -> None:
    client.feed(raw("GET", "/say/one") + raw("GET", "/say/two") + b"\x00\x01\r\n\r\n")
    assert [answer.code for answer in client.answers()] == [200, 200, 400]
    assert client.ended == "closed"


def test_refuses_a_chunked_body_that_is_none(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kroute")
    client.feed(raw("POST", "/echo", chunks=[b"hello"])[:-5] + b"zz\r\n")
    assert [answer.code for answer in client.answers()] == [400]
    assert client.ended == "closed"
    assert len(caplog.records) == 1


def test_closes_after_a_bad_body_that_nobody_wanted(client: Client) -> None:
    client.feed(raw("POST", "/nowhere", b"", Content_Length="1000") + b"x" * 1000)
    assert [answer.code for answer in client.answers()] == [404]
    client.feed(b"rubbish\r\n\r\n")
    assert [answer.code for answer in client.answers()] == [400]
    assert client.ended == "closed"


# The end


def test_is_done_when_the_client_goes(world: World, client: Client) -> None:
    client.get("/say/hello")
    client.hang_up()
    assert client.ended == "closed"
    assert client.protocol not in world.scheduler.threads


def test_answers_a_client_that_sends_and_closes_at_once(client: Client) -> None:
    client.wire.send(raw("GET", "/say/hello") + raw("GET", "/count/2"), "outbox")
    client.hang_up()
    assert [answer.text for answer in client.answers()] == ["hello", "0\n1\n"]
    assert client.ended == "closed"


def test_ends_when_it_is_told_to_stop_and_has_nothing_to_do(client: Client) -> None:
    client.get("/say/hello")
    client.drain()
    client.world.elapse(HTTPProtocol.LAST_LOOK)
    assert client.answers() == []
    assert client.ended == "closed"


def test_a_new_connection_can_be_told_to_stop(client: Client) -> None:
    client.drain()
    client.world.elapse(HTTPProtocol.LAST_LOOK)
    assert client.answers() == []
    assert client.ended == "closed"


@pytest.mark.parametrize("before", [0, 1, 20])
def test_a_request_that_is_on_its_way_when_the_server_is_to_stop(
    client: Client, before: int
) -> None:
    """Some of it has come by then, or nothing; the rest takes longer than the last look."""
    request = raw("GET", "/say/hello")
    if before:
        client.feed(request[:before])
    client.drain()
    if not before:
        client.feed(request[:1])
    client.world.elapse(HTTPProtocol.LAST_LOOK)
    client.feed(request[before or 1 :] + raw("GET", "/say/again"))
    (answer,) = client.answers()
    assert (answer.text, answer["Connection"]) == ("hello", "close")
    assert client.ended == "closed"


@pytest.mark.parametrize("begun", [False, True])
def test_finishes_its_request_when_it_is_told_to_stop(world: World, begun: bool) -> None:
    app = App()
    go = []

    @app.get("/")
    def wait(request):
        if begun:
            yield Response(content_type="text/plain")
            yield "begun "
        while not go:
            yield
        yield "done"

    client = world.client(app)
    client.feed(raw("GET", "/") + raw("GET", "/"))
    client.drain()
    assert not client.ended
    go.append(True)
    world.settle()
    (answer,) = client.answers()
    assert answer.text == "begun done" if begun else "done"
    assert answer["Connection"] == (None if begun else "close")
    assert client.ended == "closed"


def test_is_told_to_stop_while_it_reads_past_a_body(client: Client) -> None:
    client.feed(raw("POST", "/nowhere", b"x" * 100)[:-50])
    client.take()
    client.drain()
    client.take()
    assert client.ended == "closed"


def test_can_be_shut_down_at_once(world: World, client: Client) -> None:
    from Axon.Ipc import shutdownMicroprocess

    client.feed(raw("POST", "/echo", b"x" * 100)[:-50])
    client.wire.send(shutdownMicroprocess(), "signal")
    world.settle()
    assert client.ended == "cut"
    assert client.protocol not in world.scheduler.threads


def test_leaves_nothing_behind(world: World) -> None:
    app = make()
    before = len(world.scheduler.threads)
    clients = [world.client(app) for _ in range(20)]
    for number, client in enumerate(clients):
        client.feed(fifty()[0][: 100 * number])
        client.take()
    things = [weakref.ref(client.protocol) for client in clients]
    for client in clients:
        client.hang_up()
    world.elapse()
    assert len(world.scheduler.threads) == before
    del client, clients
    gc.collect()
    assert not any(thing() for thing in things)


def test_ten_thousand_requests_leave_nothing_behind(world: World) -> None:
    import tracemalloc

    client = world.client(make())
    batch = raw("GET", "/say/hello") * 40 + raw("POST", "/echo", b"hello") * 10

    def some(times: int) -> int:
        for _ in range(times):
            client.feed(batch)
            client.take()
            client.received = b""
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    some(2)
    tracemalloc.start()
    try:
        first = some(2)
        assert some(200) - first < 20_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("path", ["/", "/?q=1", "/?q=%31"])
def test_a_request_that_is_answered_is_left_to_nobody(world: World, path: str) -> None:
    """Not to the collector of garbage either, for which all others would have to wait."""
    app, requests = App(), []

    @app.get("/")
    def index(request):
        requests.append(weakref.ref(request))
        return request.GET.get("q", "")

    client = world.client(app)
    client.ask("GET", "/")  # the last one is still its protocol's
    gc.disable()
    try:
        for _ in range(3):
            client.ask("GET", path)
        assert [request() is None for request in requests] == [True] * 4
    finally:
        gc.enable()


def test_a_query_can_be_asked_for_after_the_answer(world: World) -> None:
    app, kept = App(), []

    @app.get("/")
    def index(request):
        kept.extend((request, request.GET))

    world.client(app).ask("GET", "/?q=1")
    request, fields = kept
    assert fields == request.GET
    fields["r"] = "2"
    assert request.query_string == "q=1&r=2"
    assert request.GET is fields


# The Dispatcher goes with the last connection


def test_the_dispatcher_ends_with_the_last_connection(world: World) -> None:
    app = make()
    clients = [world.client(app), world.client(app)]
    for client in clients:
        assert client.get("/say/hello").text == "hello"
    clients[0].hang_up()
    world.elapse(Dispatcher.LINGER)
    assert clients[1].get("/say/again").text == "again"
    clients[1].hang_up()
    assert world.scheduler.threads
    world.elapse()
    assert not world.scheduler.threads
    assert world.client(app).get("/say/later").text == "later"


def test_a_connection_that_comes_as_the_dispatcher_ends_is_served(world: World) -> None:
    app = make()
    first = world.client(app)
    first.hang_up()
    protocol = app.protocol()  # accepted, and not started yet,
    for callback in iter(lambda: world.scheduler.timers.pop_due(1e12), None):
        callback()  # as the time of the Dispatcher is up
    client = Client.__new__(Client)
    client.__init__(world, type("Same", (), {"protocol": lambda self, **_: protocol})())
    assert client.get("/say/hello").text == "hello"


def test_serves_again_after_its_scheduler_was_stopped(world: World) -> None:
    app = make()
    app.protocol()  # makes a Dispatcher, which never gets a time slice
    world.scheduler.stop()
    world.step()
    assert world.client(app).get("/say/hello").text == "hello"


# Time


def test_a_connection_without_a_request_is_closed(world: World) -> None:
    client = world.client(make(header_seconds=9))
    world.elapse(8)
    assert not client.ended
    world.elapse(10)
    assert (client.take(), client.ended) == (b"", "closed")


def test_a_kept_connection_is_closed_in_the_end(world: World) -> None:
    client = world.client(make(keep_alive_seconds=5))
    for _ in range(3):
        assert client.get("/say/x").text == "x"
        world.elapse(4)
    assert not client.ended
    world.elapse(6)
    assert (client.take(), client.ended) == (b"", "closed")


@pytest.mark.parametrize("requests, seconds", [(0, 9), (1, 5)])
def test_empty_lines_give_a_connection_no_more_time(
    world: World, monkeypatch: pytest.MonkeyPatch, requests: int, seconds: int
) -> None:
    """RFC 9112, section 2.2: they are nothing. A client could hold a connection with them."""
    client = world.client(make(header_seconds=9, keep_alive_seconds=5))
    for _ in range(requests):
        client.get("/say/x")
    now = deadline.monotonic()
    for later in range(1, seconds + 2):
        monkeypatch.setattr(deadline, "monotonic", lambda later=later: now + later)
        client.feed(b"\r\n")
        world.elapse(later)
    assert (client.take(), client.ended) == (b"", "closed")


def test_a_head_that_takes_too_long_is_408(world: World) -> None:
    client = world.client(make(header_seconds=9))
    client.feed(b"GET /say/x HTTP/1.1\r\n")
    world.elapse(8)
    client.feed(b"Host: ")  # which gives it no more time
    world.elapse(10)
    (answer,) = client.answers()
    assert (answer.code, answer["Connection"], client.ended) == (408, "close", "closed")


def test_a_body_that_rests_too_long_is_408(world: World) -> None:
    client = world.client(make(body_idle_seconds=9, header_seconds=2))
    client.feed(LINES.encode() + b"Content-Length: 3\r\n\r\n")
    for byte in b"ab":
        world.elapse(8)
        client.feed(bytes([byte]))
    assert not client.ended
    world.elapse(10)
    (answer,) = client.answers("POST")
    assert (answer.code, client.ended) == (408, "closed")


def test_a_handler_has_all_the_time_it_wants(world: World) -> None:
    app = App(limits=Limits(header_seconds=1, keep_alive_seconds=1, body_idle_seconds=1))

    @app.get("/")
    def slow(request):
        yield from sleep(100)
        yield "at last"

    client = world.client(app)
    client.feed(raw("GET", "/"))
    world.elapse(99)
    assert not client.ended
    world.elapse(101)
    assert client.answers()[0].text == "at last"


def test_a_client_that_does_not_read_is_not_taken_for_one_that_does_not_ask(
    world: World,
) -> None:
    client = world.client(make(header_seconds=1, keep_alive_seconds=1))
    client.feed(raw("GET", "/count/40000") + raw("GET", "/say/next"))
    world.elapse(30)
    assert not client.ended
    assert [answer.code for answer in client.answers()] == [200, 200]


@pytest.mark.parametrize("last", [1, 3])
def test_the_last_request_of_a_connection(world: World, last: int) -> None:
    client = world.client(make(requests=last))
    client.feed(raw("GET", "/say/x") * 5)
    answers = client.answers()
    assert [answer["Connection"] for answer in answers] == [None] * (last - 1) + ["close"]
    assert client.ended == "closed"


@pytest.mark.parametrize("pipelined", [1, 3, 32])
def test_a_long_pipeline_lets_others_have_their_turn(world: World, pipelined: int) -> None:
    app = make(pipelined=pipelined)
    greedy, other = world.client(app), world.client(app)
    greedy.wire.send(raw("GET", "/say/x") * 500, "outbox")
    while not greedy.wire.dataReady("inbox"):
        world.step()
    assert greedy.take(1).count(b"HTTP/1.1 200") == pipelined
    assert other.get("/say/y").text == "y"
    assert [answer.text for answer in greedy.answers()] == ["x"] * 500


@pytest.mark.parametrize("length", [None, 3 * 50_000 + 4])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_long_parts_of_a_body_are_not_copied_for_a_connection_that_gathers(
    world: World, length: int | None, version: str, method: str
) -> None:
    """The bytes are the same for one that does not, such as that of a stock component."""
    parts = [b"x" * 50_000, b"tail", b"y" * 50_000, b"z" * 50_000]

    def handler(request):
        yield Response(content_length=length)
        yield from parts

    app = App()
    app.get("/")(handler)
    got = []
    for gathers in (False, True):
        client = world.client(app)
        client.protocol.can_send_files = gathers
        client.feed(f"{method} / HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        data, long = b"", 0
        while client.wire.dataReady("inbox"):
            message = client.wire.recv("inbox")
            buffers = getattr(message, "buffers", (message,))
            assert gathers or type(message) is bytes
            long += sum(any(each is part for part in parts) for each in buffers)
            data += b"".join(buffers)
            world.settle()
        if method == "GET":
            assert long >= (3 if gathers else 0)
        got.append(re.sub(rb"Date: [^\r]*", b"", data))
    assert got[0] == got[1]
    assert (b"z" * 50_000 in got[0]) is (method == "GET")
