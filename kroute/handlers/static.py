"""StaticFiles: the files of a directory behind URLs."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from errno import EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO
from typing import Any, NamedTuple
from urllib.parse import quote

import webob
import webob.exc

from ..http import Exchange, FilePart, Response
from ..routing import Place, RouteError
from ..scheduler import in_thread
from .byte_ranges import content_range, multipart, wanted_ranges
from .file_parts import can_send_files
from .preconditions import Validators
from .run import Run
from .static_body import Body, Piece
from .static_seen import NotSeen, Seen, SeenTree
from .static_tree import OpenFile, Tree, split_path
from .static_types import TYPES, media_type

__all__ = ["StaticFiles"]

log = logging.getLogger("kroute.handlers")

ALLOW = [("Allow", "GET, HEAD, OPTIONS")]

CODINGS = {"br": b".br", "gzip": b".gz"}
"""Content codings by what siblings are called; the one that is preferred first."""

SETTLED = 2 * 10**9
"""Nanoseconds after which a file's time has changed if the file has: file systems' clocks tick."""

NOT_THERE = frozenset((EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO))

Fields = list[tuple[str, str]]


class StaticFiles:
    """Answers GET and HEAD with the regular files below a directory.

    index: the name of the file that stands for a directory; None: directories are not found.
    follow_symlinks: also out of the directory; inside of it they are always followed. hidden: also
    files and directories whose names begin with a dot. precompressed: where there is a `name.br`
    or `name.gz` beside a file that is not older, send that to clients that take it.
    cache_control: the value of that field. charset: of all text. types: more media types, by
    extension (`{".foo": "text/x-foo"}`).
    """

    max_body: int | None = None
    streams = False
    takes_bytes = True  # and so do file systems

    def __init__(
        self,
        directory: str | os.PathLike[str],
        index: str | None = "index.html",
        follow_symlinks: bool = False,
        *,
        hidden: bool = False,
        precompressed: bool = True,
        cache_control: str | None = None,
        charset: str | None = "utf-8",
        types: Mapping[str, str] | None = None,
    ) -> None:
        root = os.path.abspath(directory)
        if not os.path.isdir(root):
            raise RouteError(f"StaticFiles: {root} is no directory", place=Place.here(1))
        if os.open not in os.supports_dir_fd:
            raise RouteError("StaticFiles: this system has no openat()", place=Place.here(1))
        self.directory = root
        self.index = None if index is None else os.fsencode(index)
        self.hidden = hidden
        self.codings = CODINGS if precompressed else {}
        self.charset = charset
        own = {"." + key.lower().lstrip("."): value for key, value in (types or {}).items()}
        self.types = {**TYPES, **own}
        self._tree = Tree(root, follow_symlinks)
        self._seen = Seen()
        self._seen_tree = SeenTree(self._tree, self._seen)
        self._fields = [("Cache-Control", cache_control)] if cache_control else []

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        Run(exchange, self._steps(exchange.request, exchange)).go()

    def _steps(self, request: webob.Request, exchange: Exchange) -> Iterator[Any]:
        """A handler as an author would write it. All that may have to wait for a disk is done in
        threads; what is in memory, and was a moment ago, is not."""
        if request.method == "OPTIONS":
            yield Response(status=204, headerlist=list(ALLOW))
            return
        if request.method not in ("GET", "HEAD"):
            detail = f"{request.method} is not among the methods of this URL: {ALLOW[0][1]}."
            raise webob.exc.HTTPMethodNotAllowed(detail, headers=ALLOW)
        names = self._names(request)
        with closing(Body(can_send_files(exchange))) as body:
            answer = self._answer_now(request, names, body)
            if answer is None:
                answer = yield from in_thread(body.use, self._answer, request, names, body)
                if body.from_memory:
                    self._note(names, body)
            yield answer
            yield from self._rest(names, body)

    def _rest(self, names: list[bytes], body: Body) -> Iterator[Any]:
        """What follows the first bytes of a body."""
        while body.more:
            data = body.part() if body.in_parts else body.read_now()
            if data is None:
                data = yield from in_thread(body.use, body.read)
            elif isinstance(data, FilePart) and not self._seen.has_part(body.names, data.offset):
                if data.is_fetched:
                    self._note(names, body, data.offset)
                else:
                    yield from in_thread(data.fetch)
            yield data

    def _note(self, names: list[bytes], body: Body, part: int | None = None) -> None:
        """Note that a file, or a part of it, could be read from memory."""
        for each in (names, body.names):
            if not self._seen.has(each):
                self._seen.note(each)
        if part is not None:
            self._seen.note_part(body.names, part)

    def _answer_now(
        self, request: webob.Request, names: list[bytes], body: Body
    ) -> webob.Response | None:
        """The answer, if nobody has to wait for it."""
        if not self._seen.has(names):
            return None
        body.waits = False
        try:
            return self._answer(request, names, body)
        except NotSeen:
            return None
        finally:
            body.waits = True

    # In a thread, or where nothing has to be waited for.

    def _answer(
        self, request: webob.Request, names: list[bytes], body: Body
    ) -> webob.Response:
        """The head of an answer and what is read of its body at once; `body` is to give the rest.
        Raises NotSeen unless `body.waits`."""
        try:
            found = self._find(request, names, body)
        except IsADirectoryError:
            return self._with_slash(request)
        except OSError as error:
            raise _not_found(request, error) from error
        validators = _validators(found)
        fields = [("ETag", validators.etag), ("Last-Modified", validators.last_modified)]
        fields += self._fields
        if found.varies:
            fields.append(("Vary", "Accept-Encoding"))
        status = validators.status_for(request.environ)
        if status == 412:
            raise webob.exc.HTTPPreconditionFailed()
        if status == 200:
            if found.coding:
                fields.append(("Content-Encoding", found.coding))
            # RFC 9110, section 14.2: there are no ranges but of GET.
            wanted = request.method == "GET" and validators.range_holds(request.environ)
            header = request.environ.get("HTTP_RANGE") if wanted else None
            kind = media_type(found.name, self.types, self.charset)
            status, pieces = _pieces(header, found.file.stat.st_size, kind, fields)
            if request.method == "GET":
                body.take(pieces)
        first = [body.first()] if body.is_read else []
        return Response(status=status, headerlist=fields, app_iter=first)

    def _find(self, request: webob.Request, names: list[bytes], body: Body) -> _Found:
        """Open the file that a request is for, or a sibling that the client would rather have.
        Raises OSError, and NotSeen."""
        tree = self._tree if body.waits else self._seen_tree
        file = tree.open(names)
        body.hold(file.fd, names)
        siblings = self._siblings(names, file) if self.codings else {}
        coding = _preferred(request, siblings)
        if coding:
            try:
                sibling = tree.open(siblings[coding])
                body.hold(sibling.fd, siblings[coding])
                return _Found(names[-1], sibling, coding, True)
            except OSError:
                pass  # it is gone, or elsewhere
        return _Found(names[-1], file, "", bool(siblings))

    def _siblings(self, names: list[bytes], file: OpenFile) -> dict[str, list[bytes]]:
        """The compressed siblings of a file, by coding, unless they are older than it (by whole
        seconds: tools that copy the time do not always copy all of it)."""
        found = {}
        for coding, suffix in self.codings.items():
            sibling = [*names[:-1], names[-1] + suffix]
            modified = self._tree.modified(sibling)
            if modified is not None and modified >= int(file.stat.st_mtime):
                found[coding] = sibling
        return found

    def _names(self, request: webob.Request) -> list[bytes]:
        """The names of the file that a request is for. Raises HTTPNotFound if that cannot be."""
        try:
            names = split_path(request.environ["kroute.match"].path_info, self.hidden)
        except ValueError:
            raise webob.exc.HTTPNotFound() from None
        if not names or names[-1]:
            return names
        if self.index is None:
            raise webob.exc.HTTPNotFound()
        return [*names[:-1], self.index]

    def _with_slash(self, request: webob.Request) -> webob.Response:
        """From a directory to its index. The reference is relative: no prefix that a proxy has
        taken off gets lost, and it leads to no other host, whatever the path is like."""
        if self.index is None:
            raise webob.exc.HTTPNotFound()
        path = request.environ["SCRIPT_NAME"] + request.environ["PATH_INFO"]
        to = f"./{quote(path.rpartition('/')[2].encode('latin-1'))}/"
        if request.query_string:
            to += "?" + request.query_string
        response = Response(f"{to}\n", 308, content_type="text/plain")
        response.headers["Location"] = to
        return response


class _Found(NamedTuple):
    """name: of the file itself. file: that, or a sibling in a `coding`. varies: whether there is
    a choice."""

    name: bytes
    file: OpenFile
    coding: str
    varies: bool


def _preferred(request: webob.Request, codings: Collection[str]) -> str:
    """The coding that the client likes best; "" for none.

    RFC 9110, section 12.5.3: who does not say takes anything; but not all that do not say know of
    codings. Where nothing is acceptable, what is not encoded comes nearest.
    """
    accept = request.accept_encoding
    if not accept or not codings:
        return ""
    found = accept.acceptable_offers([*codings, "identity"])
    return found[0][0] if found and found[0][0] != "identity" else ""


def _pieces(header: str | None, size: int, kind: str, fields: Fields) -> tuple[int, list[Piece]]:
    """The status and the pieces of a body, of which `fields` are to tell. Raises
    HTTPRequestRangeNotSatisfiable."""
    fields.append(("Accept-Ranges", "bytes"))
    ranges = None if header is None else wanted_ranges(header, size)
    status = 200 if ranges is None else 206
    pieces: list[Piece] = [(0, size)]
    if ranges == []:
        unsatisfied = ("Content-Range", f"bytes */{size}")
        raise webob.exc.HTTPRequestRangeNotSatisfiable(headers=[unsatisfied])
    if ranges is not None and len(ranges) == 1:
        fields.append(("Content-Range", content_range(ranges[0], size)))
        pieces = [*ranges]
    elif ranges:
        boundary = secrets.token_hex(16)
        pieces = multipart(ranges, size, kind, boundary)
        kind = f"multipart/byteranges; boundary={boundary}"
    length = sum(len(each) if isinstance(each, bytes) else each[1] - each[0] for each in pieces)
    fields += [("Content-Type", kind), ("Content-Length", str(length))]
    return status, pieces


def _validators(found: _Found) -> Validators:
    """By size and time, as they are the same for copies of a file on other machines. As long as
    there may be another change within the same tick of the clock, they are weak."""
    changed, size = found.file.stat.st_mtime_ns, found.file.stat.st_size
    now = time.time_ns()
    strong = changed < now - SETTLED
    opaque = f"{changed:x}-{size:x}-{found.coding}".rstrip("-")
    etag = f'"{opaque}"' if strong else f'W/"{opaque}"'
    # RFC 9110, section 8.8.2.1: no time in the future.
    return Validators(etag, max(0, min(changed, now) // 10**9), strong)


def _not_found(request: webob.Request, error: OSError) -> Exception:
    """The answer where a file cannot be opened. That it is there is not said (RFC 9110, section
    15.5.4); the log is told what the author may not know."""
    if error.errno not in NOT_THERE:
        return error
    if error.errno == EACCES:
        log.warning("%r is not served: %s", request.environ["PATH_INFO"], error.strerror)
    return webob.exc.HTTPNotFound()
