"""serve: a protocol, such as that of an application, on sockets, until somebody stops it.

show_log, raise_descriptor_limit, keep_freed_memory: what a process that serves does first.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from Axon.Ipc import producerFinished, shutdownMicroprocess

from .handlers import Unattended
from .http import Limits
from .net import TLS, Capacity, Endpoint, Listener, ProtocolFactory, listen, written
from .scheduler import Scheduler, get_scheduler

try:
    import resource
except ImportError:  # pragma: no cover - not on Unix
    resource = None  # type: ignore[assignment]

__all__ = [
    "GRACEFUL_TIMEOUT",
    "keep_freed_memory",
    "raise_descriptor_limit",
    "serve",
    "show_log",
]

log = logging.getLogger("kroute")

GRACEFUL_TIMEOUT = 30.0
"""Seconds that requests have to be finished after a stop was asked for."""

KEPT = 16 * 1024 * 1024
"""Bytes of freed memory that a process keeps."""

AT_ONCE = 1.0
"""Seconds in which the end "at once" has to come; a handler may not let it."""

NOT_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 42\r\nConnection: close\r\n\r\n"
    b"HTTPS is spoken here, and you spoke HTTP.\n"
)
"""What a client is told that speaks HTTP without TLS where TLS is spoken."""


def show_log(access: bool = False) -> None:
    """Write kroute's log to the error output, and that of accesses, if it is wanted, to the
    standard output as it is; unless the program has set up logging itself."""
    if not logging.getLogger().handlers:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        log.setLevel(logging.INFO)
        accesses = logging.getLogger("kroute.access")
        if access and not accesses.handlers:
            accesses.addHandler(logging.StreamHandler(sys.stdout))
            accesses.propagate = False


def raise_descriptor_limit() -> None:
    """Let this process have as many descriptors, and so connections, as the system allows."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for what comes next.

    glibc gives the free end of its memory back to the system, and has it made anew, zeroed and
    page by page, for the next body: a third of the time of one of 1 MiB. How much it keeps is
    twice the largest block that it ever mapped apart and was told to free (mallopt(3),
    M_MMAP_THRESHOLD). So that is done here; other C libraries do not mind.
    """
    bytearray(KEPT // 2)


def serve(
    protocol: ProtocolFactory,
    endpoints: Iterable[Endpoint],
    limits: Limits | None = None,
    ready: Callable[[str], object] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    graceful_timeout: float = GRACEFUL_TIMEOUT,
) -> None:
    """Serve `protocol` on `endpoints` until Ctrl-C or SIGTERM; finish what has begun, and return.

    limits: of the sockets: connections, write_idle_seconds. ready: called with the URL of each
    endpoint when it is listened on. ssl_context: for TLS; then `protocol` gets scheme="https"
    beside what every protocol factory gets.

    The first signal closes the listening sockets and lets requests finish, for `graceful_timeout`
    seconds at most; a second one ends everything at once. A handler that does not give way even
    then is not waited for: the process ends with status 1. Other components that were activated
    go on until the server has stopped.
    Raises BindError, before anything is served, where an address cannot be had.
    """
    limits = Limits() if limits is None else limits
    sockets = listen(endpoints)
    scheme, tls = "http", None
    if ssl_context is not None:
        scheme, tls = "https", TLS(ssl_context, NOT_PLAIN)
        protocol = partial(protocol, scheme=scheme)
    scheduler = get_scheduler()
    capacity = Capacity(limits.connections)
    listeners = [
        Listener(sock, protocol, capacity, tls, limits.write_idle_seconds) for sock in sockets
    ]
    # Before anybody is told that there is somebody to stop.
    with _signals(scheduler, listeners, graceful_timeout):
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
    """Stop the scheduler when the listeners have ended, and handlers that are to finish without
    their clients have done so."""
    if not all(listener._isStopped() for listener in listeners):
        return
    for part in scheduler.listAllThreads():
        if isinstance(part, Unattended) and not part._isStopped():
            part._callOnCloseDown.append(lambda: _stop_after_last(scheduler, listeners))
            return
    scheduler.stop()


@contextlib.contextmanager
def _signals(
    scheduler: Scheduler, listeners: list[Listener], graceful_timeout: float
) -> Iterator[None]:
    """Stop the listeners on SIGINT and SIGTERM, while the scheduler runs."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    asked = 0
    kill = threading.Timer(AT_ONCE, _kill)
    kill.daemon = True

    def tell(message: object) -> None:
        for listener in listeners:
            listener._deliver(message, "control")

    def on_signal(number: int, frame: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            scheduler.call_soon(begin)
        elif asked == 2:
            scheduler.call_soon(end)
            kill.start()

    def begin() -> None:
        log.info("stopping; requests that have begun are finished (again to stop at once)")
        tell(producerFinished())
        scheduler.call_later(graceful_timeout, end)

    def end() -> None:
        for part in scheduler.listAllThreads():
            if isinstance(part, Unattended):
                part.finish()
        tell(shutdownMicroprocess())

    old = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        kill.cancel()
        for number, handler in old.items():
            signal.signal(number, handler)


def _kill() -> None:
    """End the process, whatever it is doing."""
    log.critical("a handler does not give way; the process ends without it")
    os._exit(1)
