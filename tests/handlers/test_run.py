"""Run: a handler's generator on its way through an exchange."""

from __future__ import annotations

import gc
import logging
import tracemalloc
import weakref
from typing import Any

import pytest
import webob
from Axon.Component import component
from Axon.Ipc import WaitComplete, newComponent, reactivate

from kroute import App, Limits, Response, in_thread, sleep
from kroute.scheduler import ThreadsBusy
from tests.server.harness import Client, World, raw

TEXT = "text/plain"


def client_of(world: World, handler: Any, **limits: int) -> Client:
    app = App(limits=Limits(**limits))
    app.get("/")(handler)
    return world.client(app)


# Before the answer


def test_a_turn_is_given_to_others(world: World) -> None:
    order = []

    def handler(request):
        for number in range(3):
            order.append((request.host, number))
            yield 1 if number else None
        yield "done"

    app = App()
    app.get("/")(handler)
    clients = [world.client(app), world.client(app)]
    for name, client in zip("ab", clients, strict=True):
        client.wire.send(raw("GET", "/", Host=name), "outbox")
    world.settle()
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert [client.answers()[0].text for client in clients] == ["done", "done"]


def test_sleep_waits(world: World) -> None:
    def handler(request):
        yield from sleep(5)
        yield "slept"

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    world.elapse(4)
    assert client.take() == b""
    world.elapse(6)
    assert client.answers()[0].text == "slept"


def test_in_thread_returns_and_raises(world: World) -> None:
    def handler(request):
        value = yield from in_thread(divmod, 7, 2)
        try:
            yield from in_thread(divmod, 7, 0)
        except ZeroDivisionError as error:
            yield f"{value} {error}"

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    world.until(client.waiting)
    assert client.answers()[0].text.startswith("(3, 1) ")


def test_a_refusal_is_raised_where_the_handler_waits(world: World) -> None:
    world.scheduler.pool.max_pending = -world.scheduler.pool.workers

    def handler(request):
        try:
            yield from in_thread(print)
        except ThreadsBusy:
            yield "busy"

    assert client_of(world, handler).get("/").text == "busy"


def test_busy_threads_are_503(world: World) -> None:
    world.scheduler.pool.max_pending = -world.scheduler.pool.workers
    app = App()
    app.add("/", GET=lambda request: "x", threaded=True)
    assert world.client(app).get("/").code == 503


def test_wait_complete_runs_another_generator(world: World) -> None:
    order = []

    def inner(depth):
        yield
        if depth:
            yield WaitComplete(inner(depth - 1))
        order.append(depth)

    def handler(request):
        yield WaitComplete(inner(2))
        order.append("handler")
        yield "done"

    assert client_of(world, handler).get("/").text == "done"
    assert order == [0, 1, 2, "handler"]


def test_wait_complete_may_wait_and_raise(world: World) -> None:
    def inner():
        yield from sleep(1)
        raise KeyError("inner")

    def handler(request):
        try:
            yield WaitComplete(inner())
        except KeyError as error:
            yield str(error)

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    world.elapse(2)
    assert client.answers()[0].text == "'inner'"


def test_new_components_are_started(world: World) -> None:
    ran = []

    class Part(component):
        def main(self):
            ran.append(self)
            yield 1

    parts = [Part(), Part()]

    def handler(request):
        yield newComponent(*parts)
        yield
        yield "done"

    assert client_of(world, handler).get("/").text == "done"
    world.settle()
    assert ran == parts


@pytest.mark.parametrize(
    "thing", [WaitComplete(3), WaitComplete(), reactivate(None), 1.5, True, object(), ("x",)]
)
@pytest.mark.parametrize("started", [False, True])
def test_rubbish_is_refused_at_the_yield(world: World, thing: Any, started: bool) -> None:
    def handler(request):
        if started:
            yield Response(content_type=TEXT)
        try:
            yield thing
        except TypeError:
            yield "refused"

    assert client_of(world, handler).get("/").text == "refused"


# Streaming


@pytest.mark.parametrize("rest", [[b"b", "c"], [b"b", None, "c"], [b"", b"b", 1, bytearray(b"c")]])
@pytest.mark.parametrize("own", [b"", b"a"])
def test_what_follows_the_response_is_its_body(world: World, own: bytes, rest: Any) -> None:
    def handler(request):
        yield Response(own, content_type=TEXT)
        yield from rest

    answer = client_of(world, handler).get("/")
    assert answer.body == own + b"bc"
    assert answer["Transfer-Encoding"] == "chunked"
    assert answer["Content-Length"] is None


def test_a_part_is_sent_when_it_is_there(world: World) -> None:
    def handler(request):
        yield Response(b"<", content_type=TEXT)
        yield from sleep(1)
        yield "one"
        yield from sleep(1)
        yield "two"

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    assert client.take().endswith(b"\r\n\r\n1\r\n<\r\n")
    world.elapse(1.5)
    assert client.take().endswith(b"3\r\none\r\n")
    world.elapse(1.5)
    assert client.take().endswith(b"3\r\ntwo\r\n0\r\n\r\n")


def test_a_response_and_no_more_is_sent_in_one_piece(world: World) -> None:
    def handler(request):
        yield
        yield Response(b"all", content_type=TEXT)

    assert client_of(world, handler).get("/")["Content-Length"] == "3"


@pytest.mark.parametrize("first", ["text", b"bytes", {"a": 1}])
def test_what_is_no_response_opens_the_answer_too(world: World, first: Any) -> None:
    def handler(request):
        yield first
        yield "more"

    answer = client_of(world, handler).get("/")
    assert answer.code == 200
    assert answer.text.endswith("more")
    assert len(answer.text) > 4


def test_a_declared_length_is_kept(world: World) -> None:
    def handler(request):
        yield Response(content_type=TEXT, content_length=6)
        yield "abc"
        yield "def"

    answer = client_of(world, handler).get("/")
    assert (answer["Content-Length"], answer["Transfer-Encoding"]) == ("6", None)
    assert answer.text == "abcdef"


@pytest.mark.parametrize("length", [4, 7])
def test_a_body_that_is_not_as_long_as_declared_is_cut(
    world: World, caplog: pytest.LogCaptureFixture, length: int
) -> None:
    def handler(request):
        yield Response(content_type=TEXT, content_length=length)
        yield "abc"
        yield from sleep(0)
        yield "def"

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    world.elapse(1)
    assert client.ended == "cut"
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert f"Content-Length: {length}".encode() in head
    assert body == b"abcdef"[: 3 if length == 4 else 6]
    (record,) = caplog.records
    assert record.getMessage() == "GET / failed in the middle of its answer"


@pytest.mark.parametrize("what", ["raise", "rubbish", "second response"])
@pytest.mark.parametrize("length", [None, 100])
def test_a_failure_after_the_answer_has_begun_cuts_it(
    world: World, caplog: pytest.LogCaptureFixture, what: str, length: int | None
) -> None:
    closed = []

    def handler(request):
        try:
            yield Response(content_type=TEXT, content_length=length)
            yield "abc"
            yield from sleep(0)
            if what == "raise":
                raise ValueError
            yield object() if what == "rubbish" else Response("x")
        finally:
            closed.append(True)

    client = client_of(world, handler)
    client.feed(raw("GET", "/") + raw("GET", "/"))
    world.elapse(1)
    assert client.ended == "cut"
    assert b"abc" in client.take()
    assert not client.take().endswith(b"0\r\n\r\n")
    assert closed == [True]
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


def test_one_response_cannot_be_yielded_twice_in_an_answer(world: World) -> None:
    def handler(request):
        response = Response("x")
        yield response
        yield response

    assert client_of(world, handler).get("/").code == 500


@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("length", [None, 6])
def test_one_response_may_answer_many_requests(
    world: World, more: bool, length: int | None
) -> None:
    response = Response(b"abc", content_type=TEXT)
    if more and length:
        response.content_length = length
    before = (list(response.headerlist), response.app_iter)

    def handler(request):
        yield response
        if more:
            yield "def"

    client = client_of(world, handler)
    for _ in range(3):
        assert client.get("/").text == ("abcdef" if more else "abc")
    assert (response.headerlist, response.app_iter) == before


def test_head_ends_the_handler_after_its_head(world: World) -> None:
    notes = []

    def handler(request):
        try:
            yield Response(content_type=TEXT, headers={"X-A": "b"})
            notes.append("more")
            yield "body"
            notes.append("too much")
        finally:
            notes.append("closed")

    client = client_of(world, handler)
    answer = client.ask("HEAD", "/")
    assert (answer.code, answer["X-A"], answer.body) == (200, "b", b"")
    assert notes == ["more", "closed"]
    assert not client.ended


@pytest.mark.parametrize("code", [204, 304])
def test_nothing_of_a_body_is_sent_that_cannot_be(world: World, code: int) -> None:
    def handler(request):
        yield Response(status=code)
        yield "body"

    client = client_of(world, handler)
    answer = client.get("/")
    assert (answer.code, answer.body, answer["Transfer-Encoding"]) == (code, b"", None)
    assert client.get("/").code == code


# Bodies made bit by bit


class Body:
    """An iterator that notes what becomes of it."""

    def __init__(self, parts: Any, fail: bool = False) -> None:
        self.parts = iter(parts)
        self.fail = fail
        self.taken = 0
        self.closed = 0

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        self.taken += 1
        try:
            return next(self.parts)
        except StopIteration:
            if self.fail:
                raise ValueError("no more") from None
            raise

    def close(self) -> None:
        self.closed += 1


def test_an_iterator_is_sent_and_closed(world: World) -> None:
    body = Body([b"a", b"", b"b"])
    answer = client_of(world, lambda request: Response(app_iter=body)).get("/")
    assert (answer.body, answer["Transfer-Encoding"], body.closed) == (b"ab", "chunked", 1)


def test_an_iterator_of_known_length(world: World) -> None:
    body = Body([b"a", b"b"])
    response = Response(app_iter=body, content_length=2)
    answer = client_of(world, lambda request: response).get("/")
    assert (answer.body, answer["Content-Length"], body.closed) == (b"ab", "2", 1)


def test_the_handler_goes_on_after_the_iterator(world: World) -> None:
    body = Body([b"a", b"b"])
    seen = []

    def handler(request):
        yield Response(app_iter=body, content_type=TEXT)
        seen.append(body.closed)
        yield "c"

    assert client_of(world, handler).get("/").text == "abc"
    assert seen == [1]


def test_head_closes_the_iterator(world: World) -> None:
    body = Body([b"a"] * 1000)
    client = client_of(world, lambda request: Response(app_iter=body))
    assert client.ask("HEAD", "/").code == 200
    assert (body.closed, body.taken) == (1, 1)


def test_an_iterator_that_fails_cuts_the_answer(world: World) -> None:
    body = Body([b"a"], fail=True)
    client = client_of(world, lambda request: Response(app_iter=body))
    client.feed(raw("GET", "/"))
    assert (client.ended, body.closed) == ("cut", 1)


def test_an_iterator_that_fails_at_once_is_500(world: World) -> None:
    body = Body([], fail=True)
    assert client_of(world, lambda request: Response(app_iter=body)).get("/").code == 500
    assert body.closed == 1


def test_an_iterator_is_closed_when_the_client_goes(world: World) -> None:
    body = Body([b"x" * 1000] * 1000)
    client = client_of(world, lambda request: Response(app_iter=body), output_high=10_000)
    client.feed(raw("GET", "/"))
    assert 5 < body.taken < 50
    client.hang_up()
    assert body.closed == 1


def test_a_large_iterator_lets_others_have_their_turn(world: World) -> None:
    app = App()
    body = Body([b"x"] * 10_000)
    app.add("/large", GET=lambda request: Response(app_iter=body))
    app.add("/small", GET=lambda request: f"{body.taken}")
    large, small = world.client(app), world.client(app)
    large.wire.send(raw("GET", "/large"), "outbox")
    small.wire.send(raw("GET", "/small"), "outbox")
    assert int(small.answers()[0].text) < 100


# conditional_response: what WebOb makes of If-None-Match and Range


def cached(**options: Any) -> Any:
    def handler(request):
        return Response(conditional_response=True, etag="v1", content_type=TEXT, **options)

    return handler


@pytest.mark.parametrize(
    "options", [{"body": b"0123456789"}, {"app_iter": lambda: Body([b"01234", b"56789"])}]
)
def test_conditional_requests(world: World, options: dict[str, Any]) -> None:
    made: list[Body] = []

    def handler(request):
        given = dict(options)
        if "app_iter" in given:
            made.append(given["app_iter"]())
            given.update(app_iter=made[-1], content_length=10)
        return cached(**given)(request)

    client = client_of(world, handler)
    assert client.get("/").text == "0123456789"
    answer = client.get("/", If_None_Match='"v1"')
    assert (answer.code, answer.body, answer["ETag"]) == (304, b"", '"v1"')
    assert client.get("/", If_None_Match='"v2"').code == 200
    answer = client.get("/", Range="bytes=2-4")
    assert (answer.code, answer.text, answer["Content-Range"]) == (206, "234", "bytes 2-4/10")
    assert answer["Content-Length"] == "3"
    assert client.get("/", Range="bytes=20-").code == 416
    answer = client.ask("HEAD", "/")
    assert (answer.code, answer.body, answer["Content-Length"]) == (200, b"", "10")
    assert all(body.closed for body in made)


FIELDS = [
    {},
    {"If-None-Match": '"v1"'},
    {"If-None-Match": '"v2", "v1"'},
    {"If-None-Match": '"v2"'},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"},
    {"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"},
    {"Range": "bytes=2-4"},
    {"Range": "bytes=20-"},
    {"Range": "bytes=2-4", "If-Range": '"v1"'},
    {"Range": "bytes=2-4", "If-Range": '"v2"'},
    {"If-Range": '"v1"'},
    {"If-Match": '"v2"'},
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_conditional_answer_is_webobs(world: World, method: str) -> None:
    given = cached(body=b"0123456789", last_modified=1_700_000_000)
    app = App()
    app.add("/", GET=given, POST=given)
    client = world.client(app)
    for fields in FIELDS:
        asked = webob.Request.blank("/", method=method, headers=fields)
        status, headers, body = asked.call_application(given(asked))
        options = {name.replace("-", "_"): value for name, value in fields.items()}
        answer = client.ask(method, "/", **options)
        assert (str(answer.code), answer.body) == (status[:3], b"".join(body)), fields
        for name, value in headers:
            assert answer[name] == value, fields


def test_a_conditional_response_in_a_generator(world: World) -> None:
    def handler(request):
        yield
        yield cached(body=b"0123456789")(request)

    client = client_of(world, handler)
    assert client.get("/", If_None_Match='"v1"').code == 304
    assert client.get("/", Range="bytes=0-0").text == "0"
    assert client.get("/").text == "0123456789"


# Back-pressure


def test_a_handler_rests_while_the_client_does_not_read(world: World) -> None:
    made = []

    def handler(request):
        yield Response(content_type=TEXT)
        while True:
            made.append(1)
            yield b"x" * 1000

    client = client_of(world, handler, output_high=20_000, output_low=5_000)
    client.feed(raw("GET", "/"))
    assert 20 <= len(made) <= 25
    world.settle()
    assert world.idle, "a paused handler takes no turns"
    before = len(made)
    client.take(messages=1)
    world.settle()
    while client.waiting() > 5_000:
        client.take(messages=1)
    world.settle()
    assert len(made) > before
    assert client.waiting() < 30_000
    assert world.idle
    client.hang_up()


def test_a_handler_that_waits_rests_too(world: World) -> None:
    made = []

    def handler(request):
        yield Response(b"x" * 50_000, content_type=TEXT)
        while True:
            made.append(1)
            yield from sleep(0)
            yield b"x" * 1000

    client = client_of(world, handler, output_high=20_000)
    client.feed(raw("GET", "/"))
    world.elapse(1)
    world.elapse(1)
    assert len(made) <= 1
    client.take()
    for _ in range(5):
        world.elapse(1)
    assert len(made) > 3
    client.hang_up()


def test_an_endless_answer_takes_bounded_memory(world: World) -> None:
    def handler(request):
        yield Response(content_type=TEXT)
        while True:
            yield bytes(1000)

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))

    def read(times: int) -> int:
        total = 0
        for _ in range(times):
            while client.wire.dataReady("inbox"):
                total += len(client.wire.recv("inbox"))
            world.settle()
        return total

    read(5)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert read(100) > 2_000_000
        assert tracemalloc.get_traced_memory()[0] - before < 200_000
    finally:
        tracemalloc.stop()
    client.hang_up()


# The client goes


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("wait", ["sleep", "turn", "thread", "full", "inner"])
@pytest.mark.parametrize("logged", [False, True])
def test_a_handler_is_closed_when_its_client_goes(
    world: World, caplog: pytest.LogCaptureFixture, started: bool, wait: str, logged: bool
) -> None:
    if logged:
        caplog.set_level(logging.INFO, "kroute")
    closed = []
    alive: list[Any] = []

    class Thing:
        pass

    def waiting():
        try:
            yield from sleep(3600)
        finally:
            closed.append("inner")

    def handler(request):
        thing = Thing()
        alive.append(weakref.ref(thing))
        alive.append(weakref.ref(request))
        try:
            if started:
                yield Response(content_type=TEXT)
                yield "begun"
            if wait == "sleep":
                yield from sleep(3600)
            elif wait == "thread":
                yield from in_thread(lambda: None)
                yield from sleep(3600)
            elif wait == "inner":
                yield WaitComplete(waiting())
            elif wait == "full" and started:
                while True:
                    yield b"x" * 10_000
            while True:
                yield
        finally:
            closed.append("handler")

    client = client_of(world, handler)
    before = len(world.scheduler.threads)
    client.feed(raw("GET", "/"))
    client.hang_up()
    assert closed == (["inner", "handler"] if wait == "inner" else ["handler"])
    assert client.ended == "closed"
    if logged:
        (record,) = caplog.records
        assert record.getMessage() == "the client went away during GET /"
        return  # the record has the request in it
    world.settle()
    assert len(world.scheduler.threads) == before - 1
    if wait == "thread":
        world.until(lambda: not world.scheduler.pool._taken)
    world.settle()
    gc.collect()
    assert [ref() for ref in alive] == [None, None]
    assert not world.scheduler.timers or len(world.scheduler.timers) == 1  # the Dispatcher's own


def test_a_handler_that_will_not_end_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(request):
        try:
            yield from sleep(3600)
        except GeneratorExit:
            yield "as if nothing had happened"

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    client.hang_up()
    assert client.ended == "closed"
    assert "GET / failed at its end" in caplog.text
    assert client.protocol not in world.scheduler.threads


def test_a_finally_that_fails_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def handler(request):
        try:
            yield from sleep(3600)
        finally:
            raise ValueError("at the end")

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    client.hang_up()
    assert client.ended == "closed"
    assert "at the end" in caplog.text


def test_the_client_goes_while_the_handler_is_at_work(world: World) -> None:
    """The socket finds out as it sends what the handler's own step has brought about."""
    closed = []
    clients: list[Client] = []

    def handler(request):
        try:
            yield from sleep(0)
            clients[0].hang_up()
            yield "never sent"
            yield "nor this"
        finally:
            closed.append(True)

    clients.append(client_of(world, handler))
    clients[0].feed(raw("GET", "/"))
    world.elapse(1)
    assert closed == [True]
    assert clients[0].take() == b""


def test_a_stop_of_the_scheduler_closes_handlers(world: World) -> None:
    closed = []

    def handler(request):
        try:
            yield from sleep(3600)
        finally:
            closed.append(True)

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    world.scheduler.stop()
    world.step()
    assert closed == [True]


@pytest.mark.parametrize("field", ["If_Modified_Since", "If_Range"])
@pytest.mark.parametrize(
    "date", ["Thu, 01 Jan 99999 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 +99999999"]
)
def test_a_date_that_cannot_be_is_ignored(world: World, field: str, date: str) -> None:
    app = App()

    @app.get("/")
    def dated(request):
        response = Response("dated", conditional_response=True)
        response.last_modified = 1_700_000_000
        yield response

    fields = {field: date, "Range": "bytes=0-1"} if field == "If_Range" else {field: date}
    assert world.client(app).get("/", **fields).code in (200, 206)
