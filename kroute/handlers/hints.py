"""EarlyHints: what a handler can tell its client before the answer (RFC 8297)."""

from __future__ import annotations

from collections.abc import Mapping

from Axon.Ipc import ipc

__all__ = ["EarlyHints"]


class EarlyHints(ipc):
    """Yielded by a handler before its answer: sends a 103 (Early Hints) at once, so that the
    client can fetch what it is going to need while the answer is made::

        yield EarlyHints("</style.css>; rel=preload; as=style")

    links: values of Link fields (RFC 8288). headers: other fields. May be yielded more than once.
    A client of HTTP/1.0 gets none, nor does one behind a WSGI server, which has no way to send
    them. Raises ValueError where there is nothing to tell.
    """

    def __init__(self, *links: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.headers = [("Link", link) for link in links] + list((headers or {}).items())
        if not self.headers:
            raise ValueError("early hints are of something: EarlyHints('</a.css>; rel=preload')")
