"""Gateway: brings the requests of WSGI servers to the Dispatcher of an application."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, TypeVar

from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess

from ..http import Limits
from ..scheduler import ReactiveComponent, Scheduler
from .answer import Answer, AnswerCut
from .loop import Loop

__all__ = ["Gateway"]

_loop = Loop()

AnyAnswer = TypeVar("AnyAnswer", bound=Answer)


class Gateway:
    """Has requests answered, for any number of threads.

    make_dispatcher: makes the component that takes exchanges, not activated yet.
    """

    def __init__(self, make_dispatcher: Callable[[], component], limits: Limits) -> None:
        self._make_dispatcher = make_dispatcher
        self._limits = limits
        self._port: Port | None = None

    def ask(self, environ: dict[str, Any]) -> Answer:
        """Have a request answered; returns when the head of its answer is there. Raises what
        `ask_for` does."""
        return self.ask_for(Answer, environ)

    def ask_for(self, kind: type[AnyAnswer], environ: dict[str, Any]) -> AnyAnswer:
        """Have a request answered by a certain kind of Answer.

        Raises AnswerCut where there will be none; ValueError for a CONTENT_LENGTH that is no
        number; RuntimeError in the thread of components.
        """
        if _in_scheduler():
            raise RuntimeError(
                "a WSGI application is called in the thread of components, which would wait for "
                "itself; call it by in_thread()"
            )
        scheduler = _loop.scheduler()
        answer = kind(environ, scheduler, self._limits)
        hand_over = partial(self._hand_over, answer, scheduler)
        hand_over()
        answer.wait_for_head(hand_over)
        return answer

    def _hand_over(self, answer: Answer, scheduler: Scheduler) -> None:
        """Give a request to the thread of the scheduler, and see that there is one. May be done
        again: a scheduler that stops forgets what it was given."""
        if not answer.taken:
            scheduler.call_soon(partial(self._begin, answer, scheduler))
        _loop.run(scheduler)

    def _begin(self, answer: Answer, scheduler: Scheduler) -> None:
        """Give a request to the dispatcher, and make that if there is none. In the scheduler's
        thread."""
        if answer.taken:
            return
        answer.taken = True
        port = self._port
        try:
            if port is None or not port.is_on(scheduler):
                dispatcher = self._make_dispatcher()
                self._port = port = Port(dispatcher)
                dispatcher.activate()
                port.activate()
            port.take(answer)
        except Exception as error:
            answer.abandon(error)


def _in_scheduler() -> bool:
    """Whether a scheduler stands below the caller in this thread."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not Scheduler.main.__code__:
        frame = frame.f_back
    return frame is not None


class Port(ReactiveComponent):
    """Sends an Exchange to a dispatcher for each request that comes from elsewhere than a socket.

    Where it ends, because its scheduler does, it tells those who wait.
    """

    Inboxes = {
        "inbox": "not used",
        "control": "producerFinished, shutdownMicroprocess: take no more requests",
    }
    Outboxes = {"outbox": "an Exchange for each request", "signal": "not used"}

    def __init__(self, dispatcher: component) -> None:
        super().__init__()
        self.link((self, "outbox"), (dispatcher, "inbox"))
        self._answers: set[Answer] = set()

    def take(self, answer: Answer) -> None:
        """Have a request answered."""
        self._answers.add(answer)
        answer.on_over = self._answers.discard
        self.send(answer.exchange, "outbox")

    def is_on(self, scheduler: Scheduler) -> bool:
        """Whether it can take requests there."""
        return not (self._finished or self._isStopped()) and self.scheduler is scheduler

    def react(self) -> None:
        while self.dataReady("control"):
            if isinstance(self.recv("control"), (producerFinished, shutdownMicroprocess)):
                self.finish()

    def stop(self) -> None:
        # Not `on_end`: a component that was not begun has none.
        super().stop()
        for answer in list(self._answers):
            answer.abandon(AnswerCut("the scheduler was stopped"))


__kamaelia_components__ = (Port,)
