"""serve: a protocol, such as that of an application, on sockets, until somebody stops it.

show_log, raise_descriptor_limit: what a process that serves does first.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from Axon.Ipc import producerFinished, shutdownMicroprocess

from .net import TLS, Endpoint, Listener, ProtocolFactory, listen, written
from .scheduler import Scheduler, get_scheduler

try:
    import resource
except ImportError:  # pragma: no cover - not on Unix
    resource = None  # type: ignore[assignment]

__all__ = ["raise_descriptor_limit", "serve", "show_log"]

log = logging.getLogger("kroute")

DRAIN = 10.0
"""Seconds that requests have to be finished after a stop was asked for."""


NOT_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 42\r\nConnection: close\r\n\r\n"
    b"HTTPS is spoken here, and you spoke HTTP.\n"
)
"""What a client is told that speaks HTTP without TLS where TLS is spoken."""


def show_log() -> None:
    """Write kroute's log to the error output, unless the program has set up logging itself."""
    if not logging.getLogger().handlers:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        log.setLevel(logging.INFO)


def raise_descriptor_limit() -> None:
    """Let this process have as many descriptors, and so connections, as the system allows."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(
    protocol: ProtocolFactory,
    endpoints: Iterable[Endpoint],
    max_connections: int = 10_000,
    ready: Callable[[str], object] | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> None:
    """Serve `protocol` on `endpoints` until Ctrl-C or SIGTERM; finish what has begun, and return.

    ready: called with the URL of each endpoint when it is listened on. ssl_context: for TLS; then
    `protocol` gets scheme="https" beside what every protocol factory gets.

    The first signal closes the listening sockets and lets requests finish, for DRAIN seconds at
    most; a second one ends everything at once. Other components that were activated go on until
    the server has stopped.
    Raises BindError, before anything is served, where an address cannot be had.
    """
    sockets = listen(endpoints)
    scheme, tls = "http", None
    if ssl_context is not None:
        scheme, tls = "https", TLS(ssl_context, NOT_PLAIN)
        protocol = partial(protocol, scheme=scheme)
    scheduler = get_scheduler()
    listeners = [Listener(sock, protocol, max_connections, tls) for sock in sockets]
    with _signals(scheduler, listeners):  # before anybody is told that there is somebody to stop
        for sock, listener in zip(sockets, listeners, strict=True):
            listener._callOnCloseDown.append(lambda: _stop_after_last(scheduler, listeners))
            listener.activate()
            place = written(sock)
            url = place if place.startswith("unix:") else f"{scheme}://{place}"
            log.info("serving on %s", url)
            if ready is not None:
                ready(url)
        scheduler.runThreads()


def _stop_after_last(scheduler: Scheduler, listeners: list[Listener]) -> None:
    if all(listener._isStopped() for listener in listeners):
        scheduler.stop()


@contextlib.contextmanager
def _signals(scheduler: Scheduler, listeners: list[Listener]) -> Iterator[None]:
    """Stop the listeners on SIGINT and SIGTERM, while the scheduler runs."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    asked = 0

    def tell(message: object) -> None:
        for listener in listeners:
            listener._deliver(message, "control")

    def on_signal(number: int, frame: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            scheduler.call_soon(begin)
        else:
            scheduler.call_soon(lambda: tell(shutdownMicroprocess()))

    def begin() -> None:
        log.info("stopping; requests that have begun are finished (again to stop at once)")
        tell(producerFinished())
        scheduler.call_later(DRAIN, lambda: tell(shutdownMicroprocess()))

    old = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
