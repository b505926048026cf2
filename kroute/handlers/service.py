"""Service: one component that answers to all requests of a path, and to other components."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import webob.exc
from Axon.AxonExceptions import ServiceAlreadyExists
from Axon.Component import component
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker

from ..http import Request
from ..routing import Place, RouteError
from ..scheduler import get_scheduler
from .asking import Unavailable, ask
from .keeper import Keeper, Supervision
from .making import options_of

__all__ = ["Service", "make_service"]

PARSERS: dict[str, Callable[[Request], Any]] = {
    "bytes": lambda request: request.body,
    "text": lambda request: request.text,
    "json": lambda request: request.json,
    "form": lambda request: request.POST,
}


class Service:
    """Keeps a component running, sends it what is posted, and answers with what it answers.

    what: the component; or what makes it, called without arguments, when it is started and after
    a failure. name: under which other components find it. inbox, outbox: as for `ask`. parse:
    makes the message of a request: "bytes", "text", "json", "form" or a function. timeout: seconds
    until the component has to answer. max_concurrent: questions at a time. restart, max_restarts,
    within: see `Supervision`. grace: seconds that it has for its own end.
    """

    def __init__(
        self,
        what: component | Callable[[], component],
        path: str,
        *,
        name: str | None = None,
        inbox: str = "inbox",
        outbox: str | None = "outbox",
        parse: str | Callable[[Request], Any] = "bytes",
        timeout: float | None = 30.0,
        max_concurrent: int = 100,
        restart: str = "never",
        max_restarts: int = 5,
        within: float = 60.0,
        grace: float = 2.0,
    ) -> None:
        self.name = path if name is None else name
        self.inbox = inbox
        supervision = {"restart": restart, "max_restarts": max_restarts, "within": within}
        self.supervision: Supervision = options_of(Supervision, path, supervision)
        self.grace = grace
        self._outbox = outbox
        self._timeout = timeout
        self._max_concurrent = max_concurrent
        self._asking = 0
        self._keeper: _ServiceKeeper | None = None
        self._make = self._maker(what, path)
        parser = PARSERS.get(parse) if isinstance(parse, str) else parse
        if not callable(parser):
            problem = f"parse is a function or one of {', '.join(PARSERS)}, not {parse!r}"
            raise RouteError(problem, path=path, place=Place.of(what))
        self._parse = parser

    def _maker(self, what: Any, path: str) -> Callable[[], component]:
        problem = ""
        if isinstance(what, component):
            if self.supervision.restart == "never":
                return lambda: what
            problem = f"to start {what.name} again, another one has to be made: give what makes it"
        elif not callable(what):
            problem = f"{what!r} is no component, nor does it make one"
        if problem:
            raise RouteError(problem, path=path, place=Place.of(what))
        made: Callable[[], component] = what
        return made

    def start(self) -> None:
        """Start the component, unless it runs."""
        if self._keeper is None or self._keeper.over:
            self._keeper = _ServiceKeeper(self._make, self)
            self._keeper.activate(Scheduler=get_scheduler())

    def _part(self) -> Generator[int, None, component]:
        """The component. Raises Unavailable where it does not run, and may not be started."""
        self.start()
        keeper = self._keeper
        assert keeper is not None
        while not keeper.begun:
            yield 1
        if keeper.part is None:
            keeper.begin_after_all()
        assert keeper.part is not None
        return keeper.part

    def post(self, request: Request, **variables: Any) -> Generator[Any, None, Any]:
        """Ask the component; a handler."""
        if self._asking >= self._max_concurrent:
            raise Unavailable("This is busy; try again later.")
        self._asking += 1
        try:
            part = yield from self._part()
            message = self._parse(request)
            answer = yield from ask(
                part, message, inbox=self.inbox, outbox=self._outbox, timeout=self._timeout
            )
            return answer
        finally:
            self._asking -= 1

    def get(self, request: Request, **variables: Any) -> Generator[Any, None, Any]:
        """Read the component's state, if it has a method `state`; a handler."""
        part = yield from self._part()
        state = getattr(part, "state", None)
        if not callable(state):
            raise webob.exc.HTTPMethodNotAllowed(headers=[("Allow", "POST")])
        return state()


def make_service(what: Any, path: str, **options: Any) -> Service:
    """A `Service`. Raises RouteError for what cannot be one, and for options that it does not
    have."""
    service: Service = options_of(Service, path, {"what": what, "path": path, **options})
    return service


class _ServiceKeeper(Keeper):
    """Keeps the component of a service, and its name with Axon's tracker."""

    def __init__(self, make: Callable[[], component], service: Service) -> None:
        super().__init__(make, service.supervision, service.grace)
        self._service = service
        self.begun = False

    @property
    def over(self) -> bool:
        """Whether it has ended, with its scheduler."""
        return self._finished

    def on_start(self) -> None:
        self.begun = True
        self._begin_again()

    def wire(self, part: component) -> None:
        """Let others find it."""
        tracker = coordinatingassistanttracker.getcat()
        name, inbox = self._service.name, self._service.inbox
        try:
            tracker.registerService(name, part, inbox)
        except ServiceAlreadyExists:
            tracker.deRegisterService(name)
            tracker.registerService(name, part, inbox)
