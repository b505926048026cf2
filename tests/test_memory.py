"""What a connection takes of memory while nothing is asked on it."""

from __future__ import annotations

import gc
import socket
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack, closing

import Axon.Scheduler
import pytest

from kroute import App, Response
from kroute.net import Address, Listener, bind
from kroute.scheduler import Scheduler
from tests.waiting import wait_until

KIB = 1024
WARM, COUNTED = 50, 200

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: text/html\r\n\r\n"
)


def hello(request: object) -> Response:
    return Response("Hello, World!", content_type="text/plain")


@pytest.mark.parametrize(("used", "most"), [(False, 6.2), (True, 6.4)], ids=["new", "used"])
def test_an_idle_connection_takes_little(used: bool, most: float) -> None:
    """most: KiB that Python's own objects take; 10 % above what was counted."""
    app = App()
    app.add("/", GET=hello)
    with ExitStack() as stack:
        scheduler = Scheduler()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(Axon.Scheduler.scheduler, "run", scheduler)  # for the Dispatcher
        stack.callback(scheduler.poller.close)
        listener = Listener(bind(Address("127.0.0.1", 0)), app.protocol)
        listener.activate(Scheduler=scheduler)
        main = scheduler.main()
        stack.callback(lambda: list(main))
        stack.callback(scheduler.stop)
        clients = [socket.socket() for _ in range(WARM + COUNTED)]
        for client in clients:
            stack.enter_context(closing(client))

        def until(condition: Callable[[], object]) -> None:
            wait_until(lambda: next(main) and condition(), between=0.0)

        def ask(begin: int, end: int) -> None:
            for number, client in enumerate(clients[begin:end], begin + 1):
                client.connect(("127.0.0.1", listener.port))
                until(lambda number=number: len(listener.connections) == number)
                if used:
                    client.sendall(REQUEST)
                    client.setblocking(False)
                    until(lambda client=client: _got(client))
            until(lambda: not scheduler._queue)
            gc.collect()

        ask(0, WARM)
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        ask(WARM, WARM + COUNTED)
        after, _ = tracemalloc.get_traced_memory()
        taken = (after - before) / COUNTED / KIB
        assert 3 < taken < most, taken
        protocols = list(listener.connections.values())
        assert {len(vars(part)) for part in (*listener.connections, *protocols)} == {0}


def _got(client: socket.socket) -> bool:
    try:
        return client.recv(4096).endswith(b"Hello, World!")
    except BlockingIOError:
        return False
