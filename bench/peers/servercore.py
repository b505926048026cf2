"""Fixed bytes from a protocol component on Kamaelia's own ServerCore, on Axon's own scheduler.

There is no HTTP in it, since Kamaelia's own HTTP server serves nothing on Python 3.
"""

from Axon.Component import component
from Kamaelia.Chassis.ConnectedServer import ServerCore

from bench.given import PORT

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
    b"Content-Length: 13\r\n\r\nHello, World!"
)


class Fixed(component):
    def main(self):
        while not self.dataReady("control"):
            while self.dataReady("inbox"):
                self.recv("inbox")
                self.send(ANSWER, "outbox")
            self.pause()
            yield 1
        self.send(self.recv("control"), "signal")


if __name__ == "__main__":
    ServerCore(protocol=lambda **connection: Fixed(), port=PORT).run()
