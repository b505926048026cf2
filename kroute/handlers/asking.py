"""ask: a question to a component, and its answer.

For handlers and for the main() of components alike::

    upper = PureTransformer(str.upper)
    answer = yield from ask(upper, "louder", timeout=2)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Any

import webob.exc
from Axon.AxonExceptions import BoxAlreadyLinkedToDestination, noSpaceInBox
from Axon.Component import component
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker

from ..scheduler import ReactiveComponent, Timer, Waiting, get_scheduler

__all__ = ["NoAnswer", "Question", "Unavailable", "ask"]

MAX_WAITING = 100
"""Questions that wait for one component."""

MAX_LATE = 30.0
"""Seconds that a line waits for an answer that nobody wants any more, if those had no time-out."""


class NoAnswer(webob.exc.HTTPGatewayTimeout):
    """A component did not answer in time. In a handler that does not catch it: a 504."""


class Unavailable(webob.exc.HTTPServiceUnavailable):
    """A component takes no question: it has ended, or too many wait for it. Uncaught: a 503."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail, headers=[("Retry-After", str(retry_after))])


class Question(Waiting):
    """A message that waits for its answer.

    A component that is asked with `outbox=None` gets it in its inbox, and calls `answer` or `fail`
    some time, in the thread of components. message: what it is asked.
    """

    def __init__(self, message: Any, line: _Line | _Direct, timeout: float | None) -> None:
        super().__init__()
        self.message = message
        self.value: Any = None
        self.error: Exception | None = None
        self.timeout = timeout
        self._line = line
        self._timer: Timer | None = None

    def answer(self, value: Any) -> None:
        """The answer; a second one, or one that nobody waits for any more, is dropped."""
        if not self.done:
            self.value = value
            self._settle()

    def fail(self, error: Exception) -> None:
        """There is none: `ask` raises `error`."""
        if not self.done:
            self.error = error
            self._settle()

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._line.settled(self)
        self.finish()

    def start(self) -> None:
        if self.timeout is not None:
            self._timer = get_scheduler().call_later(self.timeout, self._timed_out)
        self._line.put(self)

    def cancel(self) -> None:
        super().cancel()
        if not self.done:
            self._settle()
            self._line.given_up(self)

    def _timed_out(self) -> None:
        self.fail(NoAnswer(f"No answer within {self.timeout} seconds."))
        self._line.given_up(self)


class _Line(ReactiveComponent):
    """Those who ask one component, in a line: it gets a question when the last one is settled.

    A stock component does not say to whom it answers, so what it sends is taken for the answer to
    the one question that it has. After one that it did not answer in time, what it sends next may
    be the late answer; so the next question waits for that, as long as this one did at most.
    """

    Inboxes = {"inbox": "answers", "control": "not used"}
    Outboxes = {"outbox": "not used", "signal": "not used"}

    def __init__(self, part: component, inbox: str, outbox: str) -> None:
        super().__init__()
        self._part = part
        self._to = part.inboxes[inbox]
        self._waiting: deque[Question] = deque()
        self._asked: Question | None = None
        try:
            self.link((part, outbox), (self, "inbox"))
        except BoxAlreadyLinkedToDestination:
            raise ValueError(
                f"{part.name} cannot be asked: its {outbox!r} is linked to something else"
            ) from None
        part._callOnCloseDown.append(self._part_ended)

    def put(self, question: Question) -> None:
        """Ask, now or when it is its turn."""
        if self._finished:
            question.fail(Unavailable("What would answer has ended."))
        elif len(self._waiting) >= MAX_WAITING:
            question.fail(Unavailable("Too many wait for an answer."))
        else:
            self._waiting.append(question)
            self._next()

    def _next(self) -> None:
        while self._asked is None and self._waiting:
            question = self._waiting.popleft()
            try:
                self._to.append(question.message)
                self._asked = question
            except noSpaceInBox:
                question.fail(Unavailable("What would answer has no room for a question."))

    def settled(self, question: Question) -> None:
        """It has been answered, or given up: it waits no more."""
        if question in self._waiting:
            self._waiting.remove(question)

    def given_up(self, question: Question) -> None:
        """Nobody waits for the answer to `question` any more."""
        if question is self._asked and not self._finished:
            seconds = MAX_LATE if question.timeout is None else question.timeout
            self.home.call_later(seconds, lambda: self._lost(question))

    def _lost(self, question: Question) -> None:
        if question is self._asked:
            self._asked = None
            self._next()

    def react(self) -> None:
        """Give answers to those who asked."""
        while self.dataReady("inbox"):
            answer = self.recv("inbox")
            question, self._asked = self._asked, None
            if question is not None:
                question.answer(answer)
            self._next()

    def _part_ended(self) -> None:
        """Nothing more will be answered."""
        if not self._finished:
            self._arrived()  # what it sent last
            self.finish()

    def on_end(self) -> None:
        asked, self._asked = self._asked, None
        for question in ([asked] if asked is not None else []) + list(self._waiting):
            question.fail(Unavailable("What would answer has ended."))


class _Direct:
    """A component that answers to each question itself."""

    def __init__(self, part: component, inbox: str) -> None:
        self._part = part
        self._to = part.inboxes[inbox]
        self._open: dict[Question, None] = {}
        part._callOnCloseDown.append(self._part_ended)

    def put(self, question: Question) -> None:
        """Ask."""
        if len(self._open) >= MAX_WAITING:
            question.fail(Unavailable("Too many wait for an answer."))
            return
        self._open[question] = None
        try:
            self._to.append(question)
        except noSpaceInBox:
            question.fail(Unavailable("What would answer has no room for a question."))

    def settled(self, question: Question) -> None:
        """It has been answered, or given up."""
        self._open.pop(question, None)

    def given_up(self, question: Question) -> None:
        """Nothing waits behind it."""

    def _part_ended(self) -> None:
        for each in list(self._open):
            each.fail(Unavailable("What would answer has ended."))


def ask(
    part: component | str,
    message: Any,
    *,
    inbox: str = "inbox",
    outbox: str | None = "outbox",
    timeout: float | None = 30.0,
) -> Generator[Waiting, None, Any]:
    """Send `message` to a component and return what it sends next. For `yield from`.

    part: a component, or the name of a service. One that does not run yet is activated. All who
    ask it wait in one line. outbox: None for a component that gets each message as a `Question`
    and answers that itself, in any order.

    Raises NoAnswer after `timeout` seconds; Unavailable if the component has ended or too many
    wait for it; ValueError where its outbox is linked to something else.
    """
    if isinstance(part, str):
        part, inbox = _service(part)
    question = Question(message, _line_to(part, inbox, outbox), timeout)
    try:
        while not question.done:
            yield question
    finally:
        if not question.done:
            question.cancel()
    if question.error is not None:
        raise question.error
    return question.value


def _service(name: str) -> tuple[component, str]:
    """The component and its inbox that are registered with Axon's tracker. Raises Unavailable."""
    try:
        part, inbox = coordinatingassistanttracker.getcat().retrieveService(name)
    except KeyError:
        raise Unavailable(f"There is no service {name!r}.") from None
    return part, inbox


def _line_to(part: component, inbox: str, outbox: str | None) -> _Line | _Direct:
    """The line in front of a component, made when it is first asked. It is kept on the component
    itself, and goes with it."""
    if part._microprocess__stopped:
        raise Unavailable("What would answer has ended.")
    lines: dict[tuple[str, str | None], _Line | _Direct] = part.__dict__.setdefault(
        "_kroute_lines", {}
    )
    line = lines.get((inbox, outbox))
    if line is None:
        if outbox is None:
            line = _Direct(part, inbox)
        else:
            line = _Line(part, inbox, outbox)
            line.activate(Scheduler=get_scheduler())
        lines[inbox, outbox] = line
        if part._microprocess__thread is None:
            part.activate(Scheduler=get_scheduler())
    return line


__kamaelia_components__ = (_Line,)
