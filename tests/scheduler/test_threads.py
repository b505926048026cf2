"""`ThreadPool`: blocking work in threads, never more of it than was agreed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import weakref

import pytest

from kroute.scheduler import ThreadPool, ThreadsBusy
from tests.waiting import PATIENCE


def test_calls_run_in_threads_and_give_their_results() -> None:
    with contextlib.closing(ThreadPool(2)) as pool:
        here = threading.get_ident()
        assert pool.submit(divmod, 7, 3).result(PATIENCE) == (2, 1)
        assert pool.submit(dict, a=1).result(PATIENCE) == {"a": 1}
        assert pool.submit(threading.get_ident).result(PATIENCE) != here
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result(PATIENCE)


def test_no_thread_is_started_before_it_is_needed() -> None:
    before = threading.active_count()
    with contextlib.closing(ThreadPool(8)):
        assert threading.active_count() == before


def test_more_than_was_agreed_is_refused_and_room_comes_back() -> None:
    release = threading.Event()
    with contextlib.closing(ThreadPool(workers=2, max_pending=3)) as pool:
        taken = [pool.submit(release.wait, PATIENCE) for _ in range(5)]
        with pytest.raises(ThreadsBusy, match="2 threads are busy and 3 calls wait"):
            pool.submit(print)
        assert taken[-1].cancel()
        again = pool.submit(release.wait, PATIENCE)
        with pytest.raises(ThreadsBusy):
            pool.submit(print)
        release.set()
        assert [call.result(PATIENCE) for call in [*taken[:4], again]] == [True] * 5
        assert pool.submit(len, "abc").result(PATIENCE) == 3


def test_many_threads_may_submit() -> None:
    with contextlib.closing(ThreadPool(workers=2, max_pending=5000)) as pool:
        done: list[int] = []

        def submit() -> None:
            for n in range(100):
                pool.submit(done.append, n)

        threads = [threading.Thread(target=submit) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        calls = [pool.submit(int) for _ in range(2)]  # the last ones in the queue
        for call in calls:
            call.result(PATIENCE)
    assert pool.join(PATIENCE)
    assert (len(done), pool._taken) == (1000, 0)


def test_close_drops_what_waits_and_takes_no_more() -> None:
    began, release = threading.Event(), threading.Event()
    pool = ThreadPool(workers=1)
    runs = pool.submit(lambda: (began.set(), release.wait(PATIENCE)))
    waits = pool.submit(print, "never")
    assert began.wait(PATIENCE)
    pool.close()
    assert waits.cancelled()
    release.set()
    assert runs.result(PATIENCE)
    assert pool.join(PATIENCE)
    with pytest.raises(RuntimeError):
        pool.submit(print)
    assert pool._taken == 0


def test_a_call_that_never_returns_does_not_keep_the_process_from_ending() -> None:
    program = """
import threading
from kroute.scheduler import ThreadPool
pool, there = ThreadPool(), threading.Event()
pool.submit(lambda: (there.set(), threading.Event().wait()))
assert there.wait()
pool.close()
assert not pool.join(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)


def test_what_a_call_was_made_of_is_let_go() -> None:
    class Thing:
        pass

    with contextlib.closing(ThreadPool(1)) as pool:
        thing = Thing()
        kept = weakref.ref(thing)
        pool.submit(id, thing).result(PATIENCE)
        del thing
        pool.submit(int).result(PATIENCE)  # the thread has begun with another one
        assert kept() is None
