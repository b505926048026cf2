"""A Pipeline of ten components: `python -m bench.pipeline kroute 1` prints messages a second.

The first sends a message in each of its time slices, eight pass on what they get, the last counts.
kroute, axon: whose scheduler runs them; nothing else differs. A number: for how many seconds.
"""

import sys
import time

from Axon.Component import component
from Axon.Ipc import producerFinished
from Kamaelia.Chassis.Pipeline import Pipeline

__all__ = ["messages_per_second"]


class Source(component):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def main(self):
        until = time.perf_counter() + self.seconds
        while time.perf_counter() < until:
            self.send("message", "outbox")
            yield 1
        self.send(producerFinished(self), "signal")


class Pass(component):
    def main(self):
        while True:
            while self.dataReady("inbox"):
                self.send(self.recv("inbox"), "outbox")
            if self.dataReady("control"):
                self.send(self.recv("control"), "signal")
                return
            self.pause()
            yield 1


class Count(component):
    count = 0

    def main(self):
        while True:
            while self.dataReady("inbox"):
                self.recv("inbox")
                self.count += 1
            if self.dataReady("control"):
                return
            self.pause()
            yield 1


def messages_per_second(seconds):
    count = Count()
    pipeline = Pipeline(Source(seconds), *(Pass() for _ in range(8)), count)
    began = time.perf_counter()
    pipeline.run()
    return count.count / (time.perf_counter() - began)


if __name__ == "__main__":
    if sys.argv[1] == "kroute":
        import kroute  # noqa: F401 - makes its scheduler Axon's default
    print(messages_per_second(float(sys.argv[2])))
