"""ticker: Kamaelia's clock and a file that grows, drawn live. `kroute run sample_apps.ticker`.

The file is named by TICKER_FILE, ticker.log here if it is not; write numbers into it, one a line:
`while true; do echo $RANDOM; sleep 0.3; done > ticker.log`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.Util.Clock import CheapAndCheerfulClock
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute import App, Event, Request, in_thread, sleep

FILE = Path(os.environ.get("TICKER_FILE", "ticker.log"))
PAGE = Path(__file__).with_name("page.html")
TICK = 0.5
"""Seconds between two ticks of the clock."""

app = App()


class Tail(component):
    """Sends the lines that are added to a file from now on, as `tail -f` does."""

    Outboxes = {"outbox": "lines, without their ends", "signal": "producerFinished"}

    LOOK = 0.2
    """Seconds between looks at the file."""

    AT_ONCE = 65536
    """Bytes that are read at a time; a longer line comes in pieces."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._at = self._size()

    def main(self) -> Iterator[Any]:
        at = self._at
        rest = ""
        while not self._over():
            data, at = yield from in_thread(self._read, at)
            *lines, rest = (rest + data).split("\n")
            for line in lines:
                self.send(line, "outbox")
            if len(rest) > self.AT_ONCE:
                self.send(rest, "outbox")
                rest = ""
            if not data:
                yield from sleep(self.LOOK)
        self.send(producerFinished(self), "signal")

    def _over(self) -> bool:
        return self.dataReady("control") and isinstance(
            self.recv("control"), (producerFinished, shutdownMicroprocess)
        )

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _read(self, at: int) -> tuple[str, int]:
        """What was added since `at`, and where that ends. A file that got shorter is a new one."""
        size = self._size()
        if size < at:
            at = 0
        if size == at:
            return "", at
        with self.path.open("rb") as file:
            file.seek(at)
            data = file.read(self.AT_ONCE)
        return data.decode("utf-8", "replace"), at + len(data)


class Counter:
    """Counts ticks, so that a page sees whether it missed one."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, tick: object) -> Event:
        self.count += 1
        return Event({"tick": self.count})


app.events(
    "/clock",
    lambda request: Pipeline(CheapAndCheerfulClock(TICK), PureTransformer(Counter())),
    retry=500,
)
app.events("/file", lambda request: Tail(FILE), retry=500, restart="on_failure")


@app.get("/")
def front(request: Request) -> str:
    """The page that draws both."""
    return PAGE.read_text("utf-8")
