"""App: what an author declares: routes, mounts, hooks, error handlers."""

from __future__ import annotations

import inspect
import ssl
import warnings
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from .declaring import Declaring
from .gateway import Gateway
from .handlers import bind_handler
from .http import LOCAL, EnvironMaker, Handler, Limits, Proxies, Request, field_reader
from .net import Address
from .routing import Place, RouteWarning, URLMap
from .serve import GRACEFUL_TIMEOUT, keep_freed_memory, raise_descriptor_limit, serve, show_log
from .server import (
    AccessLog,
    AfterHook,
    BeforeHook,
    Dispatcher,
    ErrorHandler,
    HTTPProtocol,
    Policy,
)

if TYPE_CHECKING:
    from .testing import TestClient

__all__ = ["App"]


class App(Declaring):
    """A web application: URL maps and handlers, to be served or mounted in another one.

    debug: show tracebacks to clients. limits: how much of everything a client may have.
    strict_slashes: `/a` and `/a/` are different paths; False redirects to the one there is.
    trusted_proxies: IP addresses and networks whose `Forwarded` and `X-Forwarded` fields count.
    parser: "httptools" or "h11", the library that reads header fields; None for httptools, or h11
    where that is not installed. Raises ValueError for another one, ImportError for one not there.
    access_log: "common", "combined" or "json", for a line about each answer in the log
    "kroute.access" (see `AccessLog`).
    """

    def __init__(
        self,
        *,
        debug: bool = False,
        limits: Limits | None = None,
        strict_slashes: bool = True,
        trusted_proxies: Iterable[str] = LOCAL,
        parser: str | None = None,
        access_log: str | None = None,
    ) -> None:
        self.policy = Policy()
        self.limits = Limits() if limits is None else limits
        self.urls: URLMap[Handler] = URLMap(
            self.policy, strict_slashes=strict_slashes, bind=bind_handler
        )
        self._declarations = self.urls
        self.access_log = access_log
        self.proxies = Proxies(trusted_proxies)
        self.debug = debug
        self.parser = parser
        self._dispatcher: Dispatcher | None = None
        self._warned: set[str] = set()

    @property
    def debug(self) -> bool:
        """Whether clients may see the traceback of a handler that failed."""
        return self.policy.debug

    @debug.setter
    def debug(self, debug: bool) -> None:
        self.policy.debug = debug

    @property
    def parser(self) -> str | None:
        """The name of the library that reads header fields; None for the fastest there is."""
        return self._parser

    @parser.setter
    def parser(self, parser: str | None) -> None:
        # Where none is named, the first connection chooses: whoever shows the log does so by then.
        self._read_fields = None if parser is None else field_reader(parser)
        self._parser = parser

    @property
    def access_log(self) -> str | None:
        """The format of the access log; None: there is none. Raises ValueError for no format."""
        return None if self._access is None else self._access.form

    @access_log.setter
    def access_log(self, form: str | None) -> None:
        self._access = None if form is None else AccessLog(form)

    # Hooks and error handlers.

    def before_request(self, hook: BeforeHook) -> BeforeHook:
        """A decorator: `hook(request)` is called before each handler. What it returns, other than
        None, is the answer; the handler is not called then."""
        _plain(hook, "hook(request)")
        self.policy.before.append(hook)
        return hook

    def before_body(self, hook: BeforeHook) -> BeforeHook:
        """A decorator: as `before_request`, but the hook is called before the body of the request
        is received, and so before all others. Who is not to upload anything is told so at once,
        and a client that has sent `Expect: 100-continue` sends nothing."""
        _plain(hook, "hook(request)")
        self.policy.add_before_body(hook)
        return hook

    def after_request(self, hook: AfterHook) -> AfterHook:
        """A decorator: `hook(request, response)` is called with each answer, errors included. It
        may change it, or return another one. The body of the one that it got is closed then, but
        where the body of its own is made bit by bit: of that body, it may be, which has to close
        it (PEP 3333, on middleware)."""
        _plain(hook, "hook(request, response)")
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
            _plain(handler, "handler(request, error)")
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
        self,
        peer: str = "",
        peerport: int = 0,
        localip: str = "",
        localport: int = 0,
        scheme: str = "http",
        **_: Any,
    ) -> HTTPProtocol:
        """A protocol factory, by the contract of Kamaelia's ServerCore: makes the component that
        speaks HTTP with one client. `ServerCore(protocol=app.protocol, port=8080)` serves the
        application; `run` does so on kroute's own sockets."""
        dispatcher = self._dispatcher
        if dispatcher is None or dispatcher.over:
            self.check()
            self._dispatcher = dispatcher = Dispatcher(self.urls)
            dispatcher.activate()
        # A Unix socket has no address, but a WSGI application has a server (PEP 3333).
        local = (localip or "localhost", localport or (443 if scheme == "https" else 80))
        environs = EnvironMaker((peer, peerport), local, scheme, self.proxies)
        return HTTPProtocol(
            dispatcher, environs, self.limits, access=self._access, read_fields=self._read_fields
        )

    def check(self) -> None:
        """Compile the URL map and warn (RouteWarning) of what in it can never be reached, once of
        each, as if the line of its declaration did so."""
        for warning in self.urls.compile():
            if str(warning) in self._warned:
                continue
            self._warned.add(str(warning))
            place = warning.place or Place.here()
            warnings.warn_explicit(warning, RouteWarning, place.file, place.line)

    @cached_property
    def gateway(self) -> Gateway:
        """What brings the requests of WSGI servers to this application."""
        self.check()
        return Gateway(partial(Dispatcher, self.urls), self.limits)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """The application as a WSGI application (PEP 3333), for servers and tools that speak that.

        May be called in many threads at once. The components of the application run on their
        scheduler, in a thread that is started if there is none that it runs in.
        """
        answer = self.gateway.ask(environ)
        try:
            start_response(answer.status, answer.headers)
        except BaseException:
            answer.close()  # the server will not
            raise
        return answer

    def test_client(self, **options: Any) -> TestClient:
        """A client that asks this application without a server; see `TestClient`."""
        from .testing import TestClient

        return TestClient(self, **options)

    def run(
        self,
        host: str = "127.0.0.1",
        port: int = 8080,
        ready: Callable[[str], object] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        graceful_timeout: float = GRACEFUL_TIMEOUT,
    ) -> None:
        """Serve the application until Ctrl-C or SIGTERM. port: 0 lets the system choose. ready:
        called with the URL when it is served there. ssl_context: for TLS, with a certificate.
        graceful_timeout: seconds that requests then have to be finished.

        Raises BindError where the address cannot be listened on.
        """
        show_log(self.access_log is not None)
        self.check()
        raise_descriptor_limit()
        keep_freed_memory()
        where = Address(host, port)
        serve(self.protocol, [where], self.limits, ready, ssl_context, graceful_timeout)


def _plain(function: Callable[..., Any], call: str) -> None:
    """Refuse what cannot be called so: by its arguments, or because its body would never run."""
    try:
        inspect.signature(function).bind(*call.split(","))
    except TypeError as error:
        raise TypeError(
            f"{function.__name__}() at {Place.of(function)} is called as {call}: {error}"
        ) from None
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{function.__name__}() at {Place.of(function)} is a generator or async function; "
            "hooks and error handlers are plain functions"
        )
