"""A peer whose stack is looked at a thousand times a second, from a SIGUSR1 until its end.

`python -m bench.sampled kroute` serves as `bench.peers.kroute` does. At its end (SIGTERM) it
writes the file and name of each function that it was met in, and how often, into `samples.json`
in BENCH_FILES.
"""

from __future__ import annotations

import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from .given import FILES

__all__: list[str] = []

INTERVAL = 0.001
samples: Counter[tuple[str, str]] = Counter()


def begin(number: int, frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)


def sample(number: int, frame: FrameType | None) -> None:
    if frame is not None:
        samples[frame.f_code.co_filename, frame.f_code.co_name] += 1


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGALRM, sample)
    try:
        runpy.run_module(f"bench.peers.{sys.argv[1]}", run_name="__main__")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        found = [[*where, count] for where, count in samples.items()]
        (Path(FILES) / "samples.json").write_text(json.dumps(found))
