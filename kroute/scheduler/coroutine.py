"""Coroutine, Waiting, sleep, in_thread's foundation: generators that wait without blocking.

Axon's components are generators that yield to give others a turn; `WaitComplete` lets one of them
run another to its end. `Coroutine` is that habit as a value: a stack of generators that is stepped
from outside and says what became of the step. The scheduler keeps one for each component, the
handlers one for each request that does not answer at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from Axon.Ipc import WaitComplete, ipc

__all__ = ["Coroutine", "Waiting"]


class Waiting(ipc):
    """Yielded to say "not before this has happened". Subclasses say what.

    Whoever steps the generator calls `begin(resume)` once and then lets the generator rest until
    `resume()` is called, from the scheduler's thread. `cancel()` says that nobody waits any more.
    A generator can be stepped earlier than that (a component is woken by its messages too), so it
    yields its `Waiting` again until `done` is true.
    """

    def __init__(self) -> None:
        self.done = False
        self._resume: Callable[[], object] | None = None

    def begin(self, resume: Callable[[], object]) -> None:
        """Start what is waited for, the first time; remember whom to call."""
        first = self._resume is None
        self._resume = resume
        if first:
            self.start()

    def start(self) -> None:
        """Start what is waited for, so that `finish` is called when it has happened."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Stop waiting. `finish` may still be called and does nothing then."""
        self._resume = None

    def finish(self) -> None:
        """It has happened: call `resume`. For subclasses, in the scheduler's thread."""
        self.done = True
        if self._resume is not None:
            self._resume()


class Coroutine:
    """A generator, and those that it waits for by `WaitComplete`, as one thing to be stepped.

    `step()` runs it to its next yield and returns what was yielded; `StopIteration` is its end.
    A failure in a generator that was waited for is thrown into the one that waits, as `yield from`
    would do.
    """

    __slots__ = ("_below", "_next", "_top")

    def __init__(self, generator: Iterator[Any]) -> None:
        self._top = generator
        self._next = generator.__next__
        self._below: list[Iterator[Any]] = []

    def step(self) -> Any:
        """Run to the next yield and return its value; raises StopIteration at the end."""
        if not self._below:
            return self._next()
        try:
            return self._next()
        except StopIteration:
            self._pop()
            return None
        except Exception as error:
            return self.throw(error)

    def throw(self, error: BaseException) -> Any:
        """Raise `error` where the coroutine stands; otherwise as `step`."""
        while True:
            top = self._top
            try:
                if isinstance(top, Generator):
                    return top.throw(error)
                raise error
            except StopIteration:
                if not self._below:
                    raise
                self._pop()
                return None
            except Exception as raised:
                if not self._below:
                    raise
                self._pop()
                error = raised

    def wait_complete(self, request: WaitComplete) -> None:
        """Go on with the generator in `request`, and with this one when that has ended."""
        inner: Any = request.args[0] if request.args else None
        if not hasattr(inner, "__next__"):
            raise TypeError(
                f"WaitComplete takes a generator, not {inner!r}; has the function that made it "
                "no yield in it?"
            )
        self._below.append(self._top)
        self._top = inner
        self._next = inner.__next__

    @property
    def depth(self) -> int:
        """How many generators wait for another one that they gave in a `WaitComplete`."""
        return len(self._below)

    def _pop(self) -> None:
        self._top = self._below.pop()
        self._next = self._top.__next__

    def close(self) -> None:
        """End it where it stands, innermost first, so that every `finally` is run.

        Raises what a generator raises instead of ending (after closing the others).
        """
        failure: BaseException | None = None
        for generator in (self._top, *reversed(self._below)):
            if isinstance(generator, Generator):
                try:
                    generator.close()
                except Exception as error:
                    failure = error
        self._below.clear()
        if failure is not None:
            raise failure
