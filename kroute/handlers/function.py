"""FunctionHandler, GeneratorHandler: functions behind a URL."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import webob

from ..http import Exchange
from ..routing import HandlerTable
from ..scheduler import in_thread
from .binding import Binding, bind
from .run import Run, deliver, failure

__all__ = ["FunctionHandler", "GeneratorHandler", "is_generator_function"]


class FunctionHandler:
    """A plain function: what it returns is the answer.

    function: called with the request and the variables of the route. threaded: call it in a
    thread. max_body: see `Handler`.
    """

    def __init__(
        self, function: Callable[..., Any], threaded: bool = False, max_body: int | None = None
    ) -> None:
        self.function = function
        self.max_body = max_body
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
            if self.binding.converters:
                variables = self.binding.convert(variables)
            value = self._call(exchange.request, **variables)
            if inspect.isgenerator(value):
                Run(exchange, value).go()  # a generator function in a plain one's wrapping
                return
            deliver(exchange, exchange.rules.answer(exchange, value))
        except BaseException as error:
            exchange.fail(failure(error))


class GeneratorHandler(FunctionHandler):
    """A generator function: kroute's native kind. See `Run` for what it may yield."""

    def __init__(
        self, function: Callable[..., Any], threaded: bool = False, max_body: int | None = None
    ) -> None:
        super().__init__(function, False, max_body)
        if threaded:
            self._call = _steps_in_thread(function)

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`. A handler that yields a response and ends is answered on the spot, with
        nothing made for it; any other becomes a `Run`."""
        try:
            if self.binding.converters:
                variables = self.binding.convert(variables)
            generator = self._call(exchange.request, **variables)
            response = None
            more = True  # whether `value` is still to be looked at
            try:
                value = next(generator)
                if isinstance(value, webob.Response):
                    response = exchange.rules.answer(exchange, value)
                    more = type(response.app_iter) is list
                    if more:
                        value = next(generator)
            except StopIteration as end:
                if response is None:
                    response = exchange.rules.answer(exchange, end.value)
                deliver(exchange, response)
                return
            run = Run(exchange, generator)
            if response is not None:
                run.hold(response)
            if more:
                run.resume(value)
            else:
                run.go()  # its body is to be made before the handler goes on
        except BaseException as error:
            exchange.fail(failure(error))


def is_generator_function(thing: Any) -> bool:
    """Whether calling `thing` makes a generator; looks through partials, methods, instances."""
    thing = getattr(thing, "func", thing)  # functools.partial
    if not (inspect.isfunction(thing) or inspect.ismethod(thing)):
        thing = type(thing).__call__
    return inspect.isgeneratorfunction(thing)


def _in_thread(function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """A generator function that calls a plain one in a thread."""

    def threaded(request: Any, **variables: Any) -> Any:
        return (yield from in_thread(function, request, **variables))

    return threaded


def _steps_in_thread(function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """A generator function that makes each step of another one in a thread.

    Where the client leaves in the middle of a step, the generator is let go of; it is closed when
    the step ends, in its thread.
    """

    def step(generator: Iterator[Any]) -> tuple[bool, Any]:
        try:
            return False, next(generator)
        except StopIteration as end:
            return True, end.value

    def threaded(request: Any, **variables: Any) -> Any:
        generator = function(request, **variables)
        while True:
            over, value = yield from in_thread(step, generator)
            if over:
                return value
            yield value

    return threaded
