"""check_streams_both_ways: an answer that begins before its request has ended."""

from __future__ import annotations

from http.client import HTTPConnection

__all__ = ["check_streams_both_ways"]


def check_streams_both_ways(client: HTTPConnection, path: str) -> None:
    """POST to what answers each part of a body in capitals; what was sent is answered before the
    rest is sent."""
    client.putrequest("POST", path)
    client.putheader("Content-Length", "6")
    client.endheaders(b"one")
    response = client.getresponse()
    assert response.read1() == b"ONE"
    client.sock.sendall(b"two")
    assert response.read() == b"TWO"
