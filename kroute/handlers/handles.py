"""handle: a component in the hands of a thread, as a pair of queues or as a file.

What `Axon.Handle` begins: bounded, waiting with a time-out, with an end in both directions::

    with handle(Pipeline(Grep("error"), Count())) as work:
        work.write(b"...")
        work.close()
        for line in work:
            ...
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any

from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess

from ..scheduler import ReactiveComponent, Timer, get_scheduler
from .ending import end, hold, release

__all__ = ["Handle", "handle"]

READ_AHEAD = 4
"""Messages that wait in an inbox of the component."""

CLOSE = object()


def handle(part: component, *, size: int = 64, grace: float = 5.0) -> Handle:
    """A component for a thread: `with handle(component) as h:`.

    The component is activated, and shut down at the end; one that runs already goes on. size:
    messages that wait in each direction; then `put` waits, and the component has no time slices.
    grace: seconds that it has for its own end, after the thread has left.
    Where no scheduler runs yet, one is run in a thread as long as it is needed.
    """
    return Handle(part, size, grace)


class Handle:
    """The thread's side. Messages: `put`, `get`. A file of bytes: `read`, `readline`, `write`,
    iteration; a str among the messages counts as UTF-8. All of it may be called from any thread
    but that of components, which it would block."""

    def __init__(self, part: component, size: int, grace: float) -> None:
        self._scheduler = get_scheduler()
        self._changed = threading.Condition()
        self._size = size
        self._going: deque[tuple[str, Any]] = deque()
        self._come: deque[Any] = deque()
        self._signals: deque[Any] = deque(maxlen=size)
        self._rest = bytearray()
        self._over = False  # the component has ended
        self._closed = False
        self._runs: threading.Thread | None = None
        self._side = _Side(self, part, grace)

    def __enter__(self) -> Handle:
        # Axon's activate() is for the thread of components: called in another one, the component
        # may run before it knows its scheduler.
        self._soon(lambda: self._side.activate(Scheduler=self._scheduler))
        with self._changed:
            while not (self._side.started or self._over):
                self._see_that_it_runs()
                self._changed.wait(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close; an exception shuts the component down as it stands."""
        if kind is None:
            self.close()
        self._soon(lambda: self._side.leave(kind is not None))

    def _see_that_it_runs(self) -> None:
        if not self._scheduler._running and (self._runs is None or not self._runs.is_alive()):
            self._runs = threading.Thread(target=self._run, name="kroute-handle", daemon=True)
            self._runs.start()

    def _run(self) -> None:
        with suppress(RuntimeError):  # somebody else has started it meanwhile
            self._scheduler.runThreads()

    def _soon(self, callback: Callable[[], object]) -> None:
        self._scheduler.call_soon(callback)

    def _wait(self, ready: Callable[[], object], timeout: float | None, what: str) -> None:
        """Wait with the lock held. Raises TimeoutError."""
        if not self._changed.wait_for(ready, timeout):
            raise TimeoutError(f"{what} within {timeout} seconds")

    # Messages.

    def put(self, message: Any, box: str = "inbox", timeout: float | None = None) -> None:
        """Send to a box of the component. Waits while too many messages wait for it.

        Raises TimeoutError after `timeout` seconds, and BrokenPipeError if the component has ended
        or the handle is closed.
        """
        with self._changed:
            self._wait(
                lambda: self._over or len(self._going) < self._size, timeout, "there was no room"
            )
            if self._over or self._closed:
                raise BrokenPipeError(f"{self._side.part.name} takes no more")
            self._going.append((box, message))
        self._soon(self._side.deliver)

    def get(self, timeout: float | None = None, box: str = "outbox") -> Any:
        """The next message out of "outbox" or "signal".

        Raises TimeoutError after `timeout` seconds, and EOFError when the component has ended and
        all that it sent has been taken.
        """
        queue = self._come if box == "outbox" else self._signals
        with self._changed:
            self._wait(lambda: queue or self._over, timeout, "nothing came")
            if not queue:
                raise EOFError(f"{self._side.part.name} has ended")
            message = queue.popleft()
        if self._side.holding:
            self._soon(self._side.taken)
        return message

    def close(self) -> None:
        """No more is sent: `producerFinished` follows what was. It can still be read from."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._going.append(("control", CLOSE))
        self._soon(self._side.deliver)

    # A file.

    def write(self, data: bytes, timeout: float | None = None) -> int:
        """`put`, as a file's: returns the length."""
        self.put(bytes(data), timeout=timeout)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back. For those who call it on all files."""

    def read(self, size: int = -1, timeout: float | None = None) -> bytes:
        """`size` bytes, or fewer where the component ends before; all that is to come if negative.

        timeout: for all of it together; what came by then is read the next time.
        """
        return self._take(lambda data: size if 0 <= size <= len(data) else -1, timeout)

    def readline(self, timeout: float | None = None) -> bytes:
        """A line with its end; b"" after the last."""
        return self._take(lambda data: data.find(b"\n") + 1 or -1, timeout)

    def __iter__(self) -> Iterator[bytes]:
        """The lines."""
        while line := self.readline():
            yield line

    def _take(self, length: Callable[[bytearray], int], timeout: float | None) -> bytes:
        """The first bytes of what came, once `length` says how many; all, where it ends before."""
        until = None if timeout is None else monotonic() + timeout
        while (end := length(self._rest)) < 0:
            try:
                message = self.get(None if until is None else max(0.0, until - monotonic()))
            except EOFError:
                end = len(self._rest)
                break
            self._rest += message.encode() if isinstance(message, str) else message
        data = bytes(self._rest[:end])
        del self._rest[:end]
        return data


class _Side(ReactiveComponent):
    """The components' side of a handle."""

    Inboxes = {"inbox": "what the component sends", "control": "its signal"}
    Outboxes = {"outbox": "not used", "signal": "not used"}

    def __init__(self, owner: Handle, part: component, grace: float) -> None:
        super().__init__()
        self.part = part
        self.started = False
        self.holding = False
        self._owner = owner
        self._grace = grace
        self._ours = part._microprocess__thread is None
        self._left = False
        self._held: list[component] = []
        self._timer: Timer | None = None

    def on_start(self) -> None:
        owner, part = self._owner, self.part
        for theirs, mine in (("outbox", "inbox"), ("signal", "control")):
            if theirs in part.outboxes and part.outboxes[theirs].target is None:
                self.link((part, theirs), (self, mine))
        part._callOnCloseDown.append(self._part_ended)
        for box in part.inboxes.values():
            box._addnotifys([self.deliver])
        if part._microprocess__stopped:
            self._part_ended()
        elif self._ours:
            part.activate(Scheduler=self.home)
        with owner._changed:
            self.started = True
            owner._changed.notify_all()

    def deliver(self) -> None:
        """Bring messages of the thread to the component, while it has room for them."""
        owner = self._owner
        with owner._changed:
            while owner._going and not self._finished:
                name, message = owner._going[0]
                box = self.part.inboxes[name]
                if message is CLOSE:
                    message = producerFinished(self)
                    if not self._ours:
                        owner._going.popleft()
                        continue
                elif len(box.sink) >= min(box.sink.size or READ_AHEAD, READ_AHEAD):
                    break
                owner._going.popleft()
                box.append(message)
            owner._changed.notify_all()

    def react(self) -> None:
        """Bring messages of the component to the thread."""
        owner = self._owner
        with owner._changed:
            while self.dataReady("inbox"):
                message = self.recv("inbox")
                if not self._left:
                    owner._come.append(message)
            while self.dataReady("control"):
                owner._signals.append(self.recv("control"))
            if len(owner._come) >= owner._size and not self.holding:
                self.holding = True
                self._held = hold(self.part, self.home)
            owner._changed.notify_all()

    def taken(self) -> None:
        """The thread has taken some: let the component go on."""
        if self.holding and len(self._owner._come) <= self._owner._size // 2:
            self.holding = False
            release(self._held, self.home)

    def leave(self, failed: bool) -> None:
        """The thread has left."""
        self._left = True
        if self._finished:
            return
        self._owner._come.clear()
        self.taken()
        if not self._ours:
            self.finish()
            return
        if failed:
            self.part.inboxes["control"].append(shutdownMicroprocess(self))
        self._timer = self.home.call_later(self._grace, lambda: end(self.part, self.home))

    def _part_ended(self) -> None:
        if not self._finished:
            self._arrived()
            self.finish()

    def on_end(self) -> None:
        part = self.part
        if self._timer is not None:
            self._timer.cancel()
        release(self._held, self.home)
        if self._part_ended in part._callOnCloseDown:
            part._callOnCloseDown.remove(self._part_ended)
            for box in part.inboxes.values():
                box._removenotifys([self.deliver])
        with self._owner._changed:
            self._owner._over = True
            self._owner._changed.notify_all()


__kamaelia_components__ = (_Side,)
