"""run_reloading: a program that is started again whenever its source changes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

__all__ = ["run_reloading"]

INTERVAL = 0.5
"""Seconds between two looks at the files."""

NOT_SOURCE = frozenset(("__pycache__", "node_modules", "site-packages"))


def run_reloading(command: Sequence[str], directory: str = ".") -> int:
    """Run `command` as a process; end it and start it anew when a `*.py` file under `directory` is
    changed, added or removed. Hidden directories and installed packages are not looked at.

    Returns the exit status of the last process when it was stopped by Ctrl-C or SIGTERM. One that
    ends by itself (a syntax error, say) is started again after the next change.
    """
    seen = _stamps(directory)
    process = subprocess.Popen(command)
    waiting = False
    try:
        while True:
            time.sleep(INTERVAL)
            stamps = _stamps(directory)
            if stamps != seen:
                changed = sorted(set(stamps.items()) ^ set(seen.items()))[0][0]
                _say(f"{os.path.normpath(changed)} has changed; starting again")
                seen = stamps
                _end(process)
                process = subprocess.Popen(command)
                waiting = False
            elif process.poll() is not None and not waiting:
                waiting = True
                _say("it has ended; it is started again when a file changes (Ctrl-C: not at all)")
    except (KeyboardInterrupt, SystemExit):
        return _end(process)


def _say(what: str) -> None:
    print(f"kroute: {what}", file=sys.stderr, flush=True)


def _end(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _stamps(directory: str) -> dict[str, tuple[int, int]]:
    """When each source file was changed (ns), and its size in bytes."""
    found = {}
    for path in _sources(directory):
        try:
            state = os.stat(path)
        except OSError:
            continue  # removed a moment ago
        found[path] = (state.st_mtime_ns, state.st_size)
    return found


def _sources(directory: str) -> Iterator[str]:
    for folder, folders, files in os.walk(directory):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in NOT_SOURCE
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        ]
        yield from (os.path.join(folder, name) for name in files if name.endswith(".py"))
