"""App: what an author declares: routes, mounts, hooks, error handlers."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .handlers import make_handler, table_of
from .http import EnvironMaker, Handler, Limits, Request
from .routing import HandlerTable, Place, RouteError, URLMap
from .serve import raise_descriptor_limit, serve, show_log
from .server import (
    AccessLog,
    AfterHook,
    BeforeHook,
    Dispatcher,
    ErrorHandler,
    HTTPProtocol,
    Policy,
)

__all__ = ["App"]

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C")


class App:
    """A web application: URL maps and handlers, to be served or mounted in another one.

    debug: show tracebacks to clients. limits: how much of everything a client may have.
    strict_slashes: `/a` and `/a/` are different paths; False redirects to the one there is.
    """

    def __init__(
        self,
        *,
        debug: bool = False,
        limits: Limits | None = None,
        strict_slashes: bool = True,
    ) -> None:
        self.policy = Policy()
        self.limits = Limits() if limits is None else limits
        self.urls: URLMap[Handler] = URLMap(self.policy, strict_slashes=strict_slashes)
        self.access_log = False
        self.debug = debug
        self._dispatcher: Dispatcher | None = None

    @property
    def debug(self) -> bool:
        """Whether clients may see the traceback of a handler that failed."""
        return self.policy.debug

    @debug.setter
    def debug(self, debug: bool) -> None:
        self.policy.debug = debug

    # Routes.

    def route(
        self, path: str, methods: Iterable[str] = ("GET",), **options: Any
    ) -> Callable[[F], F]:
        """A decorator: the function answers `path`, for each of `methods`.

        options: name, requirements, defaults, conditions (see `URLMap.add`); threaded (run the
        handler in a thread); max_body (bytes of a request body). Raises RouteError for what does
        not fit, with file and line.
        """
        if isinstance(methods, str):
            raise RouteError(
                f"methods is a list of words: [{methods!r}]", path=path, place=Place.here(1)
            )
        tokens = tuple(methods)

        def decorate(function: F) -> F:
            self._add(path, dict.fromkeys(tokens, function), Place.of(function), options)
            return function

        return decorate

    def get(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for GET (which answers HEAD too)."""
        return self.route(path, ("GET",), **options)

    def post(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for POST."""
        return self.route(path, ("POST",), **options)

    def put(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for PUT."""
        return self.route(path, ("PUT",), **options)

    def patch(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for PATCH."""
        return self.route(path, ("PATCH",), **options)

    def delete(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for DELETE."""
        return self.route(path, ("DELETE",), **options)

    def add(self, path: str, table: Any = None, /, **given: Any) -> None:
        """Put a handler table behind `path`: `add('/entries', GET=list_entries, POST=create)`.

        table: a class with a method for each HTTP method (`def GET(self, request, id)`), an
        instance of one, or a mapping. Keywords in upper case are methods, the others the options
        of `route`. Raises RouteError for what does not fit, with file and line.
        """
        place = Place.here(1)
        methods = {word: thing for word, thing in given.items() if word.isupper()}
        options = {word: thing for word, thing in given.items() if not word.isupper()}
        if isinstance(table, Mapping):
            methods = {**table, **methods}
        elif table is not None:
            methods = {**table_of(table, path), **methods}
        self._add(path, methods, place, options)

    def _add(
        self, path: str, methods: Mapping[str, Any], place: Place, options: dict[str, Any]
    ) -> None:
        unknown = options.keys() - _OPTIONS
        if unknown:
            raise RouteError(
                f"{min(unknown)!r} is no option of a route; these are: {', '.join(_OPTIONS)}",
                path=path,
                place=place,
            )
        threaded, max_body = options.pop("threaded", False), options.pop("max_body", None)
        made: dict[Any, Handler] = {}
        handlers = {
            method: made.setdefault(thing, make_handler(thing, path, threaded, max_body))
            for method, thing in methods.items()
        }
        table = self.urls.add(path, handlers, place=place, **options)
        _bind(made.values(), table)

    def mount(self, prefix: str, target: App, *, name: str | None = None) -> None:
        """Give every URL under `prefix` to another application.

        Its hooks run inside the hooks of this one; `name` goes before the names of its routes
        (`name.route`). What it has no answer for goes on to the later routes of this one.
        Raises RouteError for what cannot be mounted.
        """
        place = Place.here(1)
        if not isinstance(target, App):
            raise RouteError(f"{target!r} is no App", path=prefix, place=place)
        self.urls.mount(prefix, target.urls, place=place, name=name)

    # Hooks and error handlers.

    def before_request(self, hook: BeforeHook) -> BeforeHook:
        """A decorator: `hook(request)` is called before each handler. What it returns, other than
        None, is the answer; the handler is not called then."""
        _plain(hook)
        self.policy.before.append(hook)
        return hook

    def after_request(self, hook: AfterHook) -> AfterHook:
        """A decorator: `hook(request, response)` is called with each answer, errors included. It
        may change it, or return another one."""
        _plain(hook)
        self.policy.after.append(hook)
        return hook

    def error_handler(
        self, what: int | type[Exception]
    ) -> Callable[[ErrorHandler], ErrorHandler]:
        """A decorator: `handler(request, error)` answers errors of a status, or of a class.

        Raises ValueError for what is neither.
        """
        if not (isinstance(what, int) and 400 <= what <= 599) and not (
            isinstance(what, type) and issubclass(what, Exception)
        ):
            raise ValueError(f"{what!r} is no status from 400 to 599 and no exception class")

        def decorate(handler: ErrorHandler) -> ErrorHandler:
            _plain(handler)
            if isinstance(what, int):
                self.policy.by_status[what] = handler
            else:
                self.policy.by_class[what] = handler
            return handler

        return decorate

    # URLs.

    def url_for(self, name: str, /, request: Request | None = None, **parts: Any) -> str:
        """The URL of the route `name` of this application, with `parts` in it.

        With a `request`, as `Request.url_for`; without, a path from the root of this application.
        Raises BuildError: no such name, a part missing, one that does not fit.
        """
        if request is not None:
            return request.url_for(name, **parts)
        return self.urls.build(name, parts)

    # Serving.

    def protocol(
        self, peer: str = "", peerport: int = 0, localip: str = "", localport: int = 0, **_: Any
    ) -> HTTPProtocol:
        """A protocol factory, by the contract of Kamaelia's ServerCore: makes the component that
        speaks HTTP with one client. `ServerCore(protocol=app.protocol, port=8080)` serves the
        application; `run` does so on kroute's own sockets."""
        dispatcher = self._dispatcher
        if dispatcher is None or dispatcher.over:
            self.check()
            self._dispatcher = dispatcher = Dispatcher(self.urls)
            dispatcher.activate()
        access = AccessLog() if self.access_log else None
        environs = EnvironMaker((peer, peerport), (localip, localport))
        return HTTPProtocol(dispatcher, environs, self.limits, access=access)

    def check(self) -> None:
        """Compile the URL map and warn (RouteWarning) of what in it can never be reached."""
        for warning in self.urls.compile():
            warnings.warn(warning, stacklevel=2)

    def run(self, host: str = "127.0.0.1", port: int = 8080) -> None:
        """Serve the application until Ctrl-C or SIGTERM. port: 0 lets the system choose.

        Raises BindError where the address cannot be listened on.
        """
        show_log()
        raise_descriptor_limit()
        serve(self, [(host, port)])


_OPTIONS = (
    "name",
    "requirements",
    "defaults",
    "conditions",
    "filter",
    "minimize",
    "threaded",
    "max_body",
)


def _bind(handlers: Iterable[Handler], table: HandlerTable[Handler]) -> None:
    for handler in handlers:
        bind = getattr(handler, "bind", None)
        if bind is not None:
            bind(table)


def _plain(function: Callable[..., Any]) -> None:
    """Refuse generator functions, whose body would never run."""
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{function.__name__}() at {Place.of(function)} is a generator or async function; "
            "hooks and error handlers are plain functions"
        )
