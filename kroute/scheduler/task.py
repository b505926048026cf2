"""Task: one microprocess as the scheduler sees it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from Axon.Ipc import WaitComplete
from Axon.Microprocess import microprocess
from Axon.ThreadedComponent import threadedcomponent

from .coroutine import Coroutine, Waiting

__all__ = ["Task"]


class Task:
    """A microprocess with how to step it, and whether it is awake.

    `step()` gives it one time slice. Axon's own way there has six calls in it
    (`__next__`, `next`, `_microprocessGenerator`, `_isStopped`, `areDebugging`, the generator);
    where none of them is overridden, the generator of `main()` is stepped directly and the
    scheduler looks at the stop flag itself.
    """

    __slots__ = (
        "_coroutine",
        "_generator",
        "awake",
        "held",
        "mprocess",
        "queued",
        "step",
        "threaded",
        "waiting",
    )

    def __init__(self, mprocess: microprocess) -> None:
        self.mprocess = mprocess
        self.awake = True
        self.queued = True
        self.held = False
        self.threaded = mprocess if isinstance(mprocess, threadedcomponent) else None
        self.waiting: Waiting | None = None
        self._generator: Any = None
        self._coroutine: Coroutine | None = None  # of it, where it has to be more than stepped
        self.step: Callable[[], Any] = self._begin

    def _begin(self) -> Any:
        """The first step: find the generator, in the scheduler's thread."""
        self._generator = generator = _generator_of(self.mprocess)
        self.step = generator.__next__
        return self.step()

    @property
    def coroutine(self) -> Coroutine:
        """Its generator, and those that it waits for."""
        if self._coroutine is None:
            self._coroutine = Coroutine(self._generator)
        return self._coroutine

    def wait_complete(self, request: WaitComplete) -> None:
        """Run the generator of a yielded `WaitComplete` in this one's place."""
        self.coroutine.wait_complete(request)
        self.step = self._step_nested

    def refuse(self, error: Exception) -> None:
        """Have the next step raise `error` where the microprocess stands: at the yield that asked
        for what cannot be had."""
        coroutine, usual = self.coroutine, self.step

        def raise_there() -> Any:
            self.step = usual
            return coroutine.throw(error)

        self.step = raise_there

    def _step_nested(self) -> Any:
        coroutine = self.coroutine
        depth = coroutine.depth
        result = coroutine.step()
        if coroutine.depth < depth:
            # Axon reactivates the one that waited, which wakes it: a pause that the other asked
            # for with its last breath is not to hold it.
            self.mprocess.unpause()
        if not coroutine.depth:
            self.step = coroutine.step
        return result

    def thread_is_over(self) -> bool:
        """Whether the thread of a threaded component has left its main().

        Such a thread clears `_threadrunning`, wakes its component and dies a moment later; a
        component that is quick to wake still sees it alive and pauses, with nobody left to wake
        it. So the scheduler asks here before it lets one sleep, and waits out that moment.
        """
        if self.threaded is None or self.threaded._threadrunning:
            return False
        thread = self.threaded._thethread
        if thread.ident is None:
            return False
        thread.join()
        return True

    def close(self) -> None:
        """End the generator, so that its `finally` clauses run. Raises what they raise."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None
        if self._generator is not None:
            self.coroutine.close()


def _generator_of(mprocess: microprocess) -> Any:
    """What to call `next` on for a time slice: the generator of main() where that is the same."""
    kind = type(mprocess)
    if kind.__next__ is not microprocess.__next__ or kind.next is not microprocess.next:
        return mprocess
    generator = mprocess._microprocess__thread
    if (
        inspect.isgenerator(generator)
        and generator.gi_code is microprocess._microprocessGenerator.__code__
        and inspect.getgeneratorstate(generator) == inspect.GEN_CREATED
        and kind._isStopped is microprocess._isStopped
    ):
        arguments = inspect.getgeneratorlocals(generator)
        part, name = arguments["someobject"], arguments["mainmethod"]
        del arguments
        generator.close()  # or its frame stays as long as the component
        main = getattr(part, name)()
        if not hasattr(main, "__next__"):
            raise TypeError(
                f"{name}() of {mprocess.name} gave {main!r}, not a generator; "
                "has it no yield in it?"
            )
        return main
    if generator is None:
        raise TypeError(f"{mprocess.name} has no generator to run; was it activated?")
    return generator
