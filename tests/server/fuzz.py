"""Mutated requests, in pipelines, for HTTPProtocol: bytes in, bytes out, no socket.

    python -m tests.server.fuzz --seconds 60 --seed 7

Each case is a pipeline of requests of the corpus, some of them mutated, in pieces. It is given to
one connection for each of PARSERS, behind which an `Echo` says in each answer what it was asked.
There must be no exception and no hang. The answers must be, in order, those to the messages that
`tests.http.model` sees in the same bytes; what is no message gets a refusal and the end of the
connection; and the parsers must not differ in a byte. A case that fails is printed with the
command that repeats it.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import logging
import math
import random
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from Axon.Component import component
from Kamaelia.IPC import socketShutdown

from kroute.http import CONTINUE, PARSERS, EnvironMaker, Limits, field_reader
from kroute.server import HTTPProtocol
from tests.http.model import Message, Stream, read
from tests.http.mutation import mutate
from tests.http.raw_requests import load
from tests.waiting import PATIENCE

from .echo import Echo, expected_tag, reads_the_body
from .harness import World, _Unclosed, own_scheduler

"""Seconds that a case may take: it hangs then. (It takes about a millisecond.)"""

LIMITS = Limits(output_high=2000, output_low=500, body_bytes=100_000, body_in_memory=20)


# The cases.


class Case(NamedTuple):
    """pieces: what is sent. mutated: how many of its requests were."""

    pieces: list[bytes]
    mutated: int


class Corpus:
    """Of what pipelines are made: each file of it as often as another."""

    def __init__(self) -> None:
        self.valid = _by_file("valid")
        self.invalid = _by_file("invalid")

    def case(self, seed: int, number: int) -> Case:
        """The case of that number, the same each time."""
        dice = random.Random(f"{seed} {number}")
        requests = []
        mutated = 0
        for _ in range(dice.choice((1, 2, 3, 4, 8))):
            raw = dice.choice(dice.choice(self.valid if dice.random() < 0.97 else self.invalid))
            if requests and dice.random() < 0.3:
                raw = requests[-1]  # as clients do, and the parser remembers
            if dice.random() < 0.5:
                raw = mutate(raw, dice)
                mutated += 1
            requests.append(raw)
        raw = b"".join(requests)
        cuts = sorted(dice.choices(range(len(raw) + 1), k=dice.choice((0, 0, 1, 3, 12))))
        pieces = [raw[i:j] for i, j in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        return Case([piece for piece in pieces if piece], mutated)


def _by_file(kind: str) -> list[list[bytes]]:
    files: dict[str, list[bytes]] = {}
    for case in load(kind):
        files.setdefault(case.name.partition(":")[0], []).append(case.raw)
    return list(files.values())


# One case.


class Failure(AssertionError):
    """A case that did not go as it has to."""


def expect(holds: object, otherwise: str) -> None:
    if not holds:
        raise Failure(otherwise)


@dataclass
class Answer:
    """tag: of an `Echo`; None for a refusal. closes: whether it says that it is the last one."""

    status: int
    tag: str | None
    body: bytes
    closes: bool


class Bench:
    """Where cases are tried: a scheduler, an `Echo`, and ears for what is logged as an error."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.echo = Echo()
        self.echo.activate(Scheduler=world.scheduler)
        self.answers = 0  # so far, of all parsers
        self.refusals = 0

    def check(self, pieces: list[bytes]) -> list[Answer]:
        """Give a case to all parsers; returns what they answer. Raises Failure."""
        stream = read(b"".join(pieces))
        said = []
        for name in PARSERS:
            received, ended = self._converse(name, pieces)
            said.append(answers_in(received, stream.messages))
            compare(stream, said[-1], ended)
        for other in said[1:]:
            expect(other == said[0], f"the parsers differ: {said}")
        self.answers += sum(map(len, said))
        self.refusals += sum(answer.tag is None for answers in said for answer in answers)
        return said[0]

    def _converse(self, parser: str, pieces: list[bytes]) -> tuple[bytes, bool]:
        """What one connection says, and whether it ended without the client's doing."""
        wire = component()  # its boxes only: it never runs
        self.echo.count = 0
        environs = EnvironMaker(("192.0.2.7", 4711), ("192.0.2.1", 80))
        protocol = HTTPProtocol(self.echo, environs, LIMITS, read_fields=field_reader(parser))
        protocol.link((protocol, "outbox"), (wire, "inbox"))
        protocol.link((protocol, "signal"), (wire, "control"))
        protocol.link((wire, "outbox"), (protocol, "inbox"))
        protocol.link((wire, "signal"), (protocol, "control"))
        protocol.activate(Scheduler=self.world.scheduler)
        received = self._settle(wire)
        for piece in pieces:
            if wire.dataReady("control"):
                break
            expect(not protocol.inboxes["inbox"].storage, "it takes no more bytes")
            wire.send(piece, "outbox")
            received += self._settle(wire)
        ended = bool(wire.dataReady("control"))
        if not ended:
            wire.send(socketShutdown(wire, "closed"), "signal")
        self._settle(wire)
        expect(protocol._isStopped(), "the connection is gone, and its component is not")
        return received, ended

    def _settle(self, wire: component) -> bytes:
        """Let everybody do what there is to do; returns what came."""
        received = b""
        self.world.settle(1000)
        while wire.dataReady("inbox"):
            received += wire.recv("inbox")
            self.world.settle(1000)
        expect(self.world.idle, "it does not come to rest")
        return received


def answers_in(data: bytes, messages: list[Message]) -> list[Answer]:
    """Answers to `messages`, and one more that refuses what is no message."""
    answers: list[Answer] = []
    while data := _without_interim(data, messages[len(answers) :]):
        file = _Unclosed(data)
        method = messages[len(answers)].method.decode() if len(answers) < len(messages) else "GET"
        response = http.client.HTTPResponse(file, method=method)  # type: ignore[arg-type]
        try:
            response.begin()
            body = response.read()
        except (http.client.HTTPException, ValueError) as error:
            raise Failure(f"{data!r} is no answer: {error!r}") from error
        closes = response.getheader("Connection") == "close"
        tag = response.getheader("X-Tag")
        answers.append(Answer(response.status, tag, body, closes))
        data = data[file.tell() :]
    return answers


def _without_interim(data: bytes, messages: list[Message]) -> bytes:
    """`data` without a 100 at its start, which only the message that is next can have wanted."""
    if data.startswith(CONTINUE):
        expect(messages and b"expect" in messages[0].fields, "a 100 that nobody expects")
        return data.removeprefix(CONTINUE)
    return data


REFUSALS = {400, 413, 414, 417, 421, 431, 501, 505}


def compare(stream: Stream, answers: list[Answer], ended: bool) -> None:
    """Raise Failure unless the answers are those to the messages, in order."""
    messages = stream.messages
    for number, answer in enumerate(answers, 1):
        is_last = number == len(answers)
        expect(answer.closes is (is_last and ended), f"answer {number} closes, or does not")
        if answer.tag is None:
            expect(answer.status in REFUSALS and is_last and ended, f"answer {number}: {answer}")
        if number <= len(messages):
            _compare_one(number, messages[number - 1], answer)
        else:
            expect(answer.tag is None, f"{answer} is the answer to no message")
            expect(stream.behind != "nothing", "what is right is refused")
    expect(not ended or answers, "it ended without a word")
    if ended:
        return
    # Nothing was refused, so all has to be answered whose end is there.
    complete = [message for message in messages if message.body is not None]
    expect(len(answers) >= len(complete), "an answer is missing")
    expect(stream.behind != "refusal", "what is wrong is not refused")


def _compare_one(number: int, message: Message, answer: Answer) -> None:
    """An answer, and the message that it should be the answer to."""
    reads = reads_the_body(message)
    if answer.tag is None:
        expect(message.body is None, f"message {number} is right and was refused")
        return
    expect(answer.status == 200, f"{answer}")
    expect(message.body is not None or not reads, f"message {number} has no end but an answer")
    tag = expected_tag(number, message)
    expect(answer.tag == tag, f"answer {number} has the tag {answer.tag} and not {tag}")
    has_body = message.chunked or message.length > 0
    expect(answer.body == (b"" if message.method == b"HEAD" else f"{tag}\n".encode()), "a body")
    if answer.closes:
        expect(not message.persists or (has_body and not reads), f"answer {number} closes")
    else:
        expect(message.persists, f"answer {number} does not close")


# The command.


class Ears(logging.Handler):
    """Fails a case in which an error is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))

    def check(self) -> None:
        heard, self.heard = self.heard, []
        expect(not heard, "\n".join(heard))


@dataclass
class Done:
    """How much was tried."""

    cases: int = 0
    mutated: int = 0
    answers: int = 0
    refusals: int = 0

    def __str__(self) -> str:
        return (
            f"{self.cases} pipelines with {self.mutated} mutated requests, on {len(PARSERS)} "
            f"parsers: {self.answers} answers, {self.refusals} of them refusals"
        )


class Hang(Exception):
    """A case takes for ever."""


def _hang(number: int, frame: object) -> None:
    raise Hang(f"more than {PATIENCE} seconds")


def run(world: World, seed: int, numbers: Iterable[int], *, requests: float = math.inf) -> Done:
    """Try the cases of these numbers, up to so many mutated requests. Raises Failure, with what
    repeats it. In the main thread also for a case that hangs."""
    corpus, bench, done, ears = Corpus(), Bench(world), Done(), Ears()
    logging.getLogger().addHandler(ears)
    try:
        for number in numbers:
            case = corpus.case(seed, number)
            try:
                bench.check(case.pieces)
                ears.check()
            except Exception as error:
                again = f"python -m tests.server.fuzz --seed {seed} --case {number}"
                heard = "\n".join(ears.heard)
                raise Failure(
                    f"{type(error).__name__}: {error}\n{heard}\nin {case.pieces}\n{again}"
                ) from error
            done.cases += 1
            done.mutated += case.mutated
            if done.mutated >= requests:
                break
    finally:
        logging.getLogger().removeHandler(ears)
    done.answers, done.refusals = bench.answers, bench.refusals
    return done


def until(end: float) -> Iterator[int]:
    """Numbers, up to a time of the monotonic clock; each has PATIENCE until the next is wanted."""
    for number in itertools.count():
        if time.monotonic() > end:
            return
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        yield number


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Mutated requests, in pipelines, for HTTPProtocol, on both parsers."
    )
    parser.add_argument("--seconds", type=float, default=math.inf, help="how long")
    parser.add_argument("--requests", type=float, default=math.inf, help="how many mutated ones")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other cases (1)")
    parser.add_argument("--case", type=int, help="only the case of this number")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)  # the ears hear what is below
    signal.signal(signal.SIGALRM, _hang)
    began = time.monotonic()
    numbers = until(began + options.seconds) if options.case is None else [options.case]
    with own_scheduler() as world:
        try:
            done = run(world, options.seed, numbers, requests=options.requests)
        except Failure as failure:
            print(failure)
            return 1
    print(f"{done} in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
