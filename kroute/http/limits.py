"""Limits: how much of everything one client may have."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds of the server, with their units.

    request_line: bytes of the first line of a request; beyond: 414.
    header_bytes: bytes of request line and header fields together; beyond: 431.
    header_fields: number of header fields; beyond: 431.
    body_bytes: bytes of a request body; beyond: 413. A route can have its own (`max_body`).
    body_in_memory: bytes of a request body that are kept in memory in any case.
    bodies_in_memory: bytes of all request bodies longer than that, together, that are kept in
        memory; one for which there is no room goes to a temporary file.
    output_high, output_low: bytes not yet taken by the client's socket. At the first, a handler is
        paused; below the second, it goes on.
    discard_bytes: bytes of a body nobody wants that are read for the sake of the connection; with
        more to come it is closed instead.
    header_seconds: from the first byte of a request to the end of its header fields; beyond: 408.
        A new connection has as long for that first byte; beyond, it is closed.
    body_idle_seconds: without a byte of a body that is not complete; beyond: 408.
    write_idle_seconds: without the client taking anything of its answer; beyond, it is cut off.
    keep_alive_seconds: between two requests; beyond, the connection is closed.
    requests: of one connection; with the answer to the last one it is closed. 0: any number.
    pipelined: requests of one pipeline that are parsed and answered before others have their turn.
        Those after them wait as bytes, of which no more are read.
    connections: connections in all; more are not accepted until one closes.

    Times are kept to the second. Raises ValueError for what would let nobody in, or is negative.
    """

    request_line: int = 8190
    header_bytes: int = 65536
    header_fields: int = 100
    body_bytes: int = 16 * 1024 * 1024
    body_in_memory: int = 65536
    bodies_in_memory: int = 64 * 1024 * 1024
    output_high: int = 65536
    output_low: int = 16384
    discard_bytes: int = 65536
    header_seconds: float = 30.0
    body_idle_seconds: float = 30.0
    write_idle_seconds: float = 30.0
    keep_alive_seconds: float = 5.0
    requests: int = 0
    pipelined: int = 32
    connections: int = 10_000

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 0 or (value < 1 and name in ("connections", "pipelined")):
                raise ValueError(f"the limit {name} cannot be {value}")
