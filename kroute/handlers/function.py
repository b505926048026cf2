"""FunctionHandler, GeneratorHandler, StreamingHandler: functions behind a URL."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Generator, Iterator
from copy import copy
from functools import partial
from types import GeneratorType
from typing import Any

import webob

from ..http import Exchange
from ..routing import HandlerTable
from ..scheduler import get_scheduler, in_thread
from .binding import Binding, bind
from .reading import BodyReader
from .run import Run, deliver, failure

__all__ = [
    "FunctionHandler",
    "GeneratorHandler",
    "StreamingHandler",
    "is_async_function",
    "is_generator_function",
]

log = logging.getLogger("kroute.handlers")

END = object()


class FunctionHandler:
    """A plain function: what it returns is the answer.

    function: called with the request and the variables of the route. threaded: call it in a
    thread. max_body: see `Handler`. finishes: see `Run`.
    """

    streams = False

    def __init__(
        self,
        function: Callable[..., Any],
        threaded: bool = False,
        max_body: int | None = None,
        finishes: bool = False,
    ) -> None:
        self.function = function
        self.max_body = max_body
        self.finishes = finishes
        self.takes_bytes = False
        self.binding = Binding({})
        self._call = _in_thread(function) if threaded else function

    def bound(self, table: HandlerTable[Any]) -> FunctionHandler:
        """The handler as it stands behind one path. Raises RouteError where its function does not
        fit the variables of that."""
        handler = copy(self)
        handler.binding = bind(self.function, table)
        handler.takes_bytes = handler.binding.takes_bytes
        return handler

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        try:
            value = self._called(exchange, variables)
            if type(value) is GeneratorType:
                # A generator function in a plain one's wrapping.
                Run(exchange, value, self.finishes).go()
                return
            deliver(exchange, exchange.rules.answer(exchange, value))
        except BaseException as error:
            exchange.fail(failure(error))

    def _called(self, exchange: Exchange, variables: dict[str, Any]) -> Any:
        """What the function gives for a request."""
        if not variables:
            return self._call(exchange.request)
        if self.binding.converters:
            variables = self.binding.convert(variables)
        return self._call(exchange.request, **variables)


class GeneratorHandler(FunctionHandler):
    """A generator function: kroute's native kind. See `Run` for what it may yield."""

    def __init__(
        self,
        function: Callable[..., Any],
        threaded: bool = False,
        max_body: int | None = None,
        finishes: bool = False,
    ) -> None:
        super().__init__(function, False, max_body, finishes)
        if threaded:
            self._call = _steps_in_thread(function)

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`. A handler that yields a response and ends is answered on the spot, with
        nothing made for it; any other becomes a `Run`."""
        try:
            generator = self._called(exchange, variables)
            response = None
            more = True  # whether `value` is still to be looked at
            try:
                value = next(generator)
            except StopIteration as end:
                deliver(exchange, exchange.rules.answer(exchange, end.value))
                return
            if isinstance(value, webob.Response):
                response = exchange.rules.answer(exchange, value)
                more = type(response.app_iter) is list
                if more:
                    value = next(generator, END)
                    if value is END:
                        deliver(exchange, response)
                        return
            run = Run(exchange, generator, self.finishes)
            if response is not None:
                run.hold(response)
            if more:
                run.resume(value)
            else:
                run.go()  # its body is to be made before the handler goes on
        except BaseException as error:
            exchange.fail(failure(error))


class StreamingHandler(GeneratorHandler):
    """A generator function that reads the body of its request as it comes: `request.read`."""

    streams = True

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        begin = partial(super().start, exchange, variables)
        BodyReader.open(exchange, self.max_body, begin)


def is_generator_function(thing: Any) -> bool:
    """Whether calling `thing` makes a generator; looks through partials, methods, instances."""
    return inspect.isgeneratorfunction(_called(thing))


def is_async_function(thing: Any) -> bool:
    """Whether calling `thing` makes a coroutine or an asynchronous generator."""
    function = _called(thing)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _called(thing: Any) -> Any:
    """The function that is called when `thing` is."""
    thing = getattr(thing, "func", thing)  # functools.partial
    if inspect.isclass(thing) or inspect.isfunction(thing) or inspect.ismethod(thing):
        return thing
    return type(thing).__call__


def _in_thread(function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """A generator function that calls a plain one in a thread."""

    def threaded(request: Any, **variables: Any) -> Any:
        return (yield from in_thread(function, request, **variables))

    return threaded


def _steps_in_thread(function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """A generator function that makes each step of another one in a thread, its end included."""

    def threaded(request: Any, **variables: Any) -> Any:
        steps = _Steps(function(request, **variables))
        refused = None
        try:
            while True:
                over, value = yield from in_thread(steps.step, refused)
                if over:
                    return value
                refused = None
                try:
                    yield value
                except Exception as error:
                    refused = error
        finally:
            steps.leave()

    return threaded


class _Steps:
    """A generator that is stepped and closed in threads, by one at a time."""

    def __init__(self, generator: Generator[Any, None, Any]) -> None:
        self._generator = generator
        self._left = False

    def step(self, refused: Exception | None) -> tuple[bool, Any]:
        """Go on to the next yield, or raise `refused` at the last one: whether the generator is at
        its end, and what it yielded or returned."""
        generator = self._generator
        try:
            return False, next(generator) if refused is None else generator.throw(refused)
        except StopIteration as end:
            return True, end.value
        finally:
            if self._left:
                self._close()

    def leave(self) -> None:
        """Nobody waits for it any more: close it, after the step that it may be making."""
        self._left = True
        if inspect.getgeneratorstate(self._generator) != inspect.GEN_CLOSED:
            try:
                get_scheduler().pool.submit(self._close)
            except RuntimeError:  # all threads are busy, or the server stops
                self._close()

    def _close(self) -> None:
        try:
            self._generator.close()
        except ValueError:
            pass  # it is making a step, which closes it at its end
        except Exception as error:
            log.error("a handler failed at its end", exc_info=error)
