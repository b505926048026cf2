"""Components at URLs, from messages alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Axon.ThreadedComponent import threadedcomponent
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute import App, Response, RouteError, kamaelia_handler
from tests.server.harness import Client, World, raw
from tests.waiting import PATIENCE

PAUSE = object()


class Says(component):
    """Sends `messages`, one in a time slice (none for PAUSE), then `last` out of "signal"."""

    def __init__(self, *messages: Any, last: Any = None, lingers: bool = False) -> None:
        super().__init__()
        self.messages = messages
        self.last = producerFinished(self) if last is None else last
        self.lingers = lingers
        self.told: list[Any] = []

    def main(self) -> Iterator[int]:
        for message in self.messages:
            yield 1
            if isinstance(message, Exception):
                raise message
            if message is not PAUSE:
                self.send(message, "outbox")
        self.send(self.last, "signal")
        while self.lingers:
            self.pause()
            yield 1
            while self.dataReady("control"):
                self.told.append(self.recv("control"))


class Deaf(component):
    """Says nothing, hears nothing, never ends."""

    closed = False

    def main(self) -> Iterator[int]:
        try:
            while True:
                self.pause()
                yield 1
        finally:
            self.closed = True


def serve(world: World, make: Any, **options: Any) -> Client:
    app = App()
    app.mount("/at", make, **options)
    return world.client(app)


# The answer.


def test_plain_data_is_the_answer_with_the_defaults_of_the_mount(world: World) -> None:
    client = serve(
        world,
        lambda request: Says("Grüße, ", b"world"),
        status=202,
        content_type="text/plain",
        headers={"X-Made-By": "Says"},
    )
    answer = client.get("/at")
    assert (answer.code, answer.text) == (202, "Grüße, world")
    assert answer["Content-Type"] == "text/plain; charset=UTF-8"
    assert answer["X-Made-By"] == "Says"


def test_a_response_first_opens_the_answer(world: World) -> None:
    client = serve(world, lambda request: Says(Response("made ", 201), PAUSE, "of parts"))
    answer = client.get("/at")
    assert (answer.code, answer.text) == (201, "made of parts")
    assert answer["Transfer-Encoding"] == "chunked"


def test_an_answer_that_is_complete_at_once_has_a_length(world: World) -> None:
    class AtOnce(component):
        def main(self) -> Iterator[int]:
            self.send("two ", "outbox")
            self.send("parts", "outbox")
            yield 1

    client = serve(world, AtOnce)
    answer = client.get("/at")
    assert (answer.text, answer["Content-Length"]) == ("two parts", "9")


def test_a_declared_length_counts(world: World) -> None:
    response = Response()
    response.content_length = 4
    client = serve(world, lambda request: Says(response, "ab", "cd"))
    answer = client.get("/at")
    assert (answer.text, answer["Content-Length"]) == ("abcd", "4")


def test_a_response_that_makes_its_body_is_the_whole_answer(world: World) -> None:
    response = Response(app_iter=iter([b"bit ", b"by bit"]))
    client = serve(world, lambda request: Says(response, "not this"))
    assert client.get("/at").text == "bit by bit"


@pytest.mark.parametrize("last", [None, "nothing"])
def test_an_end_without_a_word_is_an_empty_answer(world: World, last: Any) -> None:
    client = serve(world, lambda request: Says(last=last))
    answer = client.get("/at")
    assert (answer.code, answer.body) == (200, b"")


def test_head_gets_the_head_and_the_component_is_told(world: World) -> None:
    made = []

    class Endless(component):
        def main(self) -> Iterator[int]:
            made.append(self)
            while not self.dataReady("control"):
                self.send("on and on", "outbox")
                yield 1

    client = serve(world, Endless)
    assert client.ask("HEAD", "/at").code == 200
    world.settle()
    assert made[0]._isStopped()


def test_the_hooks_of_the_application_see_the_answer(world: World) -> None:
    app = App()
    app.mount("/at", lambda request: Says("data", "more"))

    @app.after_request
    def mark(request: Any, response: Any) -> None:
        response.headers["X-Hook"] = "seen"

    assert world.client(app).get("/at")["X-Hook"] == "seen"


def test_encode_makes_data_of_anything(world: World) -> None:
    client = serve(world, lambda request: Says(1, (2, 3)), encode=repr)
    assert client.get("/at").text == "1(2, 3)"


def test_what_cannot_be_sent_is_a_500_that_says_why(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(world, lambda request: Says(7))
    assert client.get("/at").code == 500
    assert "the component sent int (7)" in caplog.text


def test_a_second_response_cuts_the_answer(world: World) -> None:
    client = serve(world, lambda request: Says("begun", PAUSE, Response("again")))
    client.feed(raw("GET", "/at"))
    client.take()
    assert client.ended == "cut"


# The request.


class Echo(component):
    """Sends back what comes, and says how it ended."""

    def main(self) -> Iterator[int]:
        while True:
            while self.dataReady("inbox"):
                self.send(self.recv("inbox"), "outbox")
            if self.dataReady("control"):
                break
            self.pause()
            yield 1
        self.send(f"<{type(self.recv('control')).__name__}>", "outbox")


@pytest.mark.parametrize("size", [0, 1, 65536, 300_000])
def test_the_body_comes_in_parts_and_then_its_end(world: World, size: int) -> None:
    client = serve(world, Echo)
    body = b"x" * size
    assert client.ask("POST", "/at", body).body == body + b"<producerFinished>"


def test_few_parts_of_a_body_wait_in_an_inbox(world: World) -> None:
    part = Deaf()
    client = serve(world, lambda request: part, timeout=None)
    feed_slowly(client, 1_000_000)
    assert len(part.inboxes["inbox"].storage) == 4
    assert not client.taken


@pytest.mark.parametrize("options", [{"stream": False}, {"restart": "on_failure"}])
def test_a_body_that_is_received_first_waits_elsewhere(
    world: World, options: dict[str, Any]
) -> None:
    part = Deaf()
    client = serve(world, lambda request: part, timeout=None, **options)
    feed_slowly(client, 1_000_000)
    assert [len(each) for each in part.inboxes["inbox"].storage] == [65536] * 4
    assert client.taken


def feed_slowly(client: Client, size: int) -> None:
    """Send a request with a body in pieces, as a socket gives them, while they are taken."""
    request = raw("POST", "/at", b"x" * size)
    for at in range(0, len(request), 65536):
        if client.taken:
            client.feed(request[at : at + 65536])


def test_parts_of_a_body_come_when_they_come(world: World) -> None:
    echo = Echo()
    client = serve(world, lambda request: echo)
    request = raw("POST", "/at", b"one,two")
    client.feed(request[:-4])
    world.settle()
    assert b"one" in client.take() and b"two" not in client.take()
    client.feed(request[-4:])
    assert client.answers()[0].text == "one,two<producerFinished>"


def test_a_component_is_there_before_the_body(world: World) -> None:
    client = serve(world, lambda request: Says("no need for it"))
    client.feed(raw("POST", "/at", b"x" * 100_000)[:500])
    assert client.answers()[0].text == "no need for it"


def test_a_hundred_is_sent_when_the_component_is_there(world: World) -> None:
    """RFC 9110, section 10.1.1."""
    client = serve(world, lambda request: Echo())
    request = raw("POST", "/at", b"body", Expect="100-continue")
    client.feed(request[:-4])
    assert client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.feed(request[-4:])
    assert b"body<producerFinished>" in client.take()


@pytest.mark.parametrize("stream", [True, False])
def test_a_body_too_long_is_a_413(world: World, stream: bool) -> None:
    parts: list[component] = []

    def make(request: Any) -> component:
        parts.append(Deaf())
        return parts[-1]

    client = serve(world, make, max_body=1000, stream=stream)
    assert client.ask("POST", "/at", b"x" * 1001).code == 413
    assert parts == []  # its length is known


def test_a_body_that_grows_too_long_is_a_413(world: World) -> None:
    part = Deaf()
    client = serve(world, lambda request: part, max_body=1000, grace=1)
    client.feed(
        b"POST /at HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3e8\r\n" + b"x" * 1000 + b"\r\n",
    )
    assert len(part.recv("inbox")) == 1000
    client.feed(b"1\r\nx\r\n")
    assert client.answers()[0].code == 413
    assert isinstance(part.recv("control"), shutdownMicroprocess)
    world.elapse(2)
    assert part.closed


def test_a_factory_that_needs_the_body_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(world, lambda request: Says(request.text))
    assert client.ask("POST", "/at", b"all of it").code == 500
    assert "stream=False" in caplog.text
    client = serve(world, lambda request: Says(request.text), stream=False)
    assert client.ask("POST", "/at", b"all of it").text == "all of it"


def test_a_box_with_a_size_of_its_own_is_respected(world: World) -> None:
    part = Deaf()
    part.setInboxSize("inbox", 1)
    client = serve(world, lambda request: part, timeout=None)
    feed_slowly(client, 1_000_000)
    assert len(part.inboxes["inbox"].storage) == 1


def test_text_comes_decoded_however_it_is_cut(world: World) -> None:
    parts: list[Any] = []

    def keep(part: str) -> str:
        parts.append(part)
        return part

    client = serve(world, lambda request: PureTransformer(keep), text=True)
    body = ("x" + "é" * 50_000).encode()
    request = raw("POST", "/at", body)
    client.feed(request[:50_000], request[50_000:])
    assert client.answers()[0].body == body
    assert {type(part) for part in parts} == {str} and len(parts) == 2


def test_a_get_without_a_body_has_no_end_of_it(world: World) -> None:
    part = Deaf()
    client = serve(world, lambda request: part)
    client.feed(raw("GET", "/at"))
    assert not part.dataReady("control")


def test_a_factory_gets_the_request_and_the_variables(world: World) -> None:
    app = App()
    app.mount("/at/{name}", lambda request, name: Says(f"{name} {request.path_info}"))
    assert world.client(app).get("/at/this/or/that").text == "this /or/that"


def test_a_class_gets_what_it_names(world: World) -> None:
    class Named(Says):
        def __init__(self, name: str, size: str = "big", request: Any = None) -> None:
            super().__init__(f"{name} {size} {request.method}")

    app = App()
    app.mount("/at/{name}", Named)
    assert world.client(app).get("/at/this").text == "this big GET"


def test_a_class_in_a_handler_table(world: World) -> None:
    app = App()
    app.add("/echo", POST=Echo)
    client = world.client(app)
    assert client.ask("POST", "/echo", b"hi ").text == "hi <producerFinished>"
    assert client.get("/echo").code == 405


def test_other_methods_than_the_mount_has_are_refused(world: World) -> None:
    client = serve(world, Echo, methods=["POST"])
    answer = client.get("/at")
    assert (answer.code, answer["Allow"]) == (405, "POST")


# What cannot be.


def test_a_class_that_needs_what_the_path_has_not() -> None:
    class Needs(component):
        def __init__(self, interval: float) -> None:
            super().__init__()

    with pytest.raises(RouteError, match="Needs needs 'interval'"):
        App().mount("/at", Needs)


def test_an_option_that_there_is_not() -> None:
    with pytest.raises(RouteError, match="'colour' is no option here; there are status, "):
        App().mount("/at", Echo, colour="red")


@pytest.mark.parametrize("make", [lambda request: 1 / 0, lambda request: "no component"])
def test_a_factory_that_fails_is_a_500(world: World, make: Callable[..., Any]) -> None:
    assert serve(world, make).get("/at").code == 500


def test_a_component_that_raises_is_a_500_and_touches_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(world, lambda request: Says(ZeroDivisionError("by nought")))
    assert client.get("/at").code == 500
    assert "by nought" in caplog.text and "Traceback" in caplog.text
    assert client.get("/at").code == 500


def test_a_part_of_a_pipeline_that_raises_is_a_500(world: World) -> None:
    def fail(part: Any) -> Any:
        raise ValueError("no good")

    def make(request: Any) -> component:
        return Pipeline(PureTransformer(bytes.upper), PureTransformer(fail), Echo())

    answer = serve(world, make).ask("POST", "/at", b"data")
    # Echo, the last of them, is told so and answers all the same: what it has is its to say.
    assert answer.text == "<shutdownMicroprocess>"

    def make_bare(request: Any) -> component:
        return Pipeline(PureTransformer(bytes.upper), PureTransformer(fail))

    assert serve(world, make_bare).ask("POST", "/at", b"data").code == 500


def test_a_component_that_raises_in_its_answer_cuts_it(world: World) -> None:
    client = serve(world, lambda request: Says("begun", PAUSE, ValueError("in the middle")))
    client.feed(raw("GET", "/at"))
    assert b"begun" in client.take()
    assert client.ended == "cut"


def test_no_answer_in_time_is_a_504(world: World) -> None:
    part = Deaf()
    client = serve(world, lambda request: part, timeout=5, grace=3)
    client.feed(raw("GET", "/at"))
    world.elapse(4)
    assert not client.answers()
    world.elapse(6)
    assert client.answers()[0].code == 504
    assert isinstance(part.recv("control"), shutdownMicroprocess)
    world.elapse(4)
    assert part.closed


def test_a_client_that_takes_its_time_is_no_time_out_of_the_component(world: World) -> None:
    client = serve(world, lambda request: Deaf(), timeout=5)
    request = raw("POST", "/at", b"body")
    for piece in request[:-4], request[-4:-2]:
        client.feed(piece)
        world.elapse(6)
    assert client.answers() == []
    client.feed(request[-2:])
    world.elapse(6)
    assert client.answers()[0].code == 504


def test_a_component_that_does_not_take_the_body_is_a_504(world: World) -> None:
    client = serve(world, lambda request: Deaf(), timeout=5)
    feed_slowly(client, 1_000_000)
    world.elapse(6)
    assert client.answers()[0].code == 504


def test_what_comes_after_the_end_is_dropped_and_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class TooMuch(component):
        def main(self) -> Iterator[int]:
            self.send("all", "outbox")
            self.send(producerFinished(self), "signal")
            for _ in range(3):
                self.send("too much", "outbox")
                yield 1

    client = serve(world, TooMuch)
    assert client.get("/at").text == "all"
    world.settle()
    assert caplog.text.count("sent 'too much' after its end") == 1


# The client.


def test_a_client_that_goes_away_shuts_the_component_down(world: World) -> None:
    part = Says("begun", last="not yet", lingers=True)
    client = serve(world, lambda request: part, grace=3)
    client.feed(raw("GET", "/at"))
    client.take()
    client.hang_up()
    assert [type(each) for each in part.told] == [shutdownMicroprocess]
    world.elapse(2)
    assert not part._isStopped()
    world.elapse(4)
    assert part._isStopped()
    assert "Bridge" not in [type(each).__name__ for each in world.scheduler.listAllThreads()]


def test_a_client_that_goes_away_before_the_component_began(world: World) -> None:
    part = Deaf()
    client = serve(world, lambda request: part)
    client.wire.send(raw("GET", "/at"), "outbox")
    client.hang_up()
    world.settle()
    assert part not in world.scheduler.listAllThreads()


def test_a_client_that_does_not_read_stops_the_component(world: World) -> None:
    class Counting(component):
        sent = 0

        def main(self) -> Iterator[int]:
            while True:
                self.send(b"x" * 1000, "outbox")
                self.sent += 1
                yield 1

    part = Counting()
    client = serve(world, lambda request: part)
    client.feed(raw("GET", "/at"))
    world.settle(1000)
    held_at = part.sent
    assert 64 <= held_at < 100
    world.settle(100)
    assert part.sent == held_at
    client.take(80)
    world.settle(50)
    assert part.sent > held_at
    client.hang_up()


def test_messages_of_others_for_a_client_that_does_not_read_have_a_bound(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    part = Deaf()
    client = serve(world, lambda request: part, backlog=10)
    client.feed(raw("GET", "/at"))
    part.send(b"x" * 100_000, "outbox")
    world.settle()
    for _ in range(10):
        part.send(b"x", "outbox")
    world.settle()
    assert client.ended == ""
    part.send(b"x", "outbox")
    assert client.ended == "cut"
    assert "the client is too slow" in caplog.text


def test_a_thread_ends_with_its_component(world: World) -> None:
    class Thread(threadedcomponent):
        def main(self) -> None:
            while True:
                self.send("tick", "outbox")
                self.pause(0.001)

    part = Thread()
    client = serve(world, lambda request: part, grace=0)
    client.feed(raw("GET", "/at"))
    world.until(lambda: client.take())
    client.hang_up()
    world.elapse(1)
    part._thethread.join(PATIENCE)
    assert not part._thethread.is_alive()


def test_a_stopped_scheduler_leaves_nothing(world: World, caplog: Any) -> None:
    part = Deaf()
    client = serve(world, lambda request: part)
    client.feed(raw("GET", "/at"))
    with caplog.at_level(logging.CRITICAL):
        world.scheduler.stop()
        world.step()
    assert part.closed


# Kamaelia's request handlers.


def test_a_request_handler_of_kamaelia(world: World) -> None:
    class Page(component):
        def __init__(self, request: dict[str, Any]) -> None:
            super().__init__()
            self.request = request

        def main(self) -> Iterator[int]:
            asked = self.request
            headers = [("Content-Type", "text/plain"), ("Connection", "close")]
            self.send({"statuscode": "201", "headers": headers, "data": "asked "}, "outbox")
            yield 1
            self.send({"data": asked["uri-suffix"]}, "outbox")
            self.send({"data": " with " + asked["headers"]["x-my"]}, "outbox")
            self.send(producerFinished(self), "signal")

    client = serve(world, kamaelia_handler(Page))
    answer = client.get("/at/some/page?q", X_My="header")
    assert (answer.code, answer.text) == (201, "asked some/page with header")
    assert answer["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ({"type": "text/css"}, "text/css"),
        ({"content-type": "text/css"}, "text/css"),
        ({"type": "text/css", "charset": "utf-8"}, "text/css; charset=utf-8"),
        ({}, "text/html; charset=UTF-8"),
    ],
)
def test_the_ways_to_say_a_content_type(world: World, resource: dict[str, str], kind: str) -> None:
    client = serve(world, lambda request: Says({"statuscode": 200, "data": "", **resource}))
    assert client.get("/at")["Content-Type"] == kind


def test_a_length_that_kamaelia_gives(world: World) -> None:
    first = {"statuscode": 200, "length": 4, "data": "ab"}
    client = serve(world, lambda request: Says(first, {"data": "cd"}))
    answer = client.get("/at")
    assert (answer.text, answer["Content-Length"]) == ("abcd", "4")
