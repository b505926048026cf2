"""`take_over`: kroute's scheduler in the place of Axon's, from the import on."""

from __future__ import annotations

import Axon.Scheduler
from Axon.Microprocess import microprocess

from kroute.scheduler import Scheduler, take_over

from .helpers import in_new_python

PROGRAM = """
import warnings
warnings.simplefilter("ignore")  # Axon's own
from Axon.Component import component
from Axon.Scheduler import scheduler

class Says(component):
    word, turns = "", 3
    def main(self):
        for _ in range(self.turns):
            print(self.word)
            yield 1

"""


def test_importing_kroute_is_enough() -> None:
    assert isinstance(Axon.Scheduler.scheduler.run, Scheduler)
    assert microprocess.schedulerClass is Scheduler


def test_a_second_time_changes_nothing() -> None:
    assert take_over() is take_over() is Axon.Scheduler.scheduler.run


def test_what_was_activated_before_the_import_is_taken_over() -> None:
    printed = in_new_python(
        PROGRAM
        + """
first = Says(word="before").activate()
first.activate()
scheduler.run.wakeThread(Says(word="never activated"))
import kroute
from kroute.scheduler import Scheduler
Says(word="after").activate()
assert isinstance(first.scheduler, Scheduler)
Says(word="run").run()
"""
    )
    assert printed.split() == ["before", "after", "run"] * 3


def test_what_axons_scheduler_left_behind_is_taken_over() -> None:
    """It ends with the first failure, in the middle of everybody's work."""
    printed = in_new_python(
        PROGRAM
        + """
class Fails(component):
    def main(self):
        yield 1
        raise KeyError

class Sleeps(component):
    def main(self):
        self.pause()
        yield 1
        print("woken")

Says(word="word", turns=4).activate()
sleeps = Sleeps().activate()
Fails().activate()
try:
    scheduler.run.runThreads()
except KeyError:
    print("ended")
import kroute
sleeps.unpause()
scheduler.run.runThreads()
"""
    )
    assert printed.split()[:3] == ["word", "word", "ended"]
    assert sorted(printed.split()[3:]) == ["woken", "word", "word"]


def test_a_scheduler_that_runs_is_left_alone() -> None:
    printed = in_new_python(
        PROGRAM
        + """
class Imports(component):
    def main(self):
        yield 1
        try:
            import kroute
        except RuntimeError as error:
            print(error)

Imports().run()
"""
    )
    assert printed.startswith("Axon's scheduler is running already: import kroute before")


def test_a_scheduler_that_runs_in_another_thread_is_left_alone() -> None:
    printed = in_new_python(
        PROGRAM
        + """
import time
from Axon.background import background
background().start()
time.sleep(0.02)
try:
    import kroute
except RuntimeError as error:
    print(error)
"""
    )
    assert printed.startswith("Axon's scheduler is running already")


def test_zap_puts_axons_own_back_and_is_named() -> None:
    printed = in_new_python(
        PROGRAM
        + """
import time
import kroute
from kroute.scheduler import ReactiveComponent, get_scheduler
from Axon.background import background
background(zap=True).start()
time.sleep(0.02)
try:
    get_scheduler()
except RuntimeError as error:
    print(error)
"""
    )
    assert "not kroute's: something replaced it after kroute was imported" in printed
