"""Falcon on granian, a server written in Rust."""

from granian import Granian
from granian.constants import Interfaces

from bench.given import PORT

if __name__ == "__main__":
    Granian(
        "bench.peers.falcon_app:app",
        port=PORT,
        interface=Interfaces.WSGI,
        backpressure=10_000,  # as many connections as kroute takes
        log_enabled=False,
    ).serve()
