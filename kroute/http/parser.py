"""RequestParser and its events: what a client's bytes say. Sans-io.

Head: the start of a request. Data: a part of its body. End: the end of its body; there is neither
after a Head whose `body_length` is 0.
NEED_DATA: no event until more bytes come.

The parser cuts the stream of bytes into messages itself and hands each head, complete, to
`HeadReader`. So it knows where every message ends, can stop there, and can count a head before it
looks into it. What it says does not depend on the pieces in which the bytes come.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NoReturn

from .errors import RemoteProtocolError
from .fields import FieldReader, Fields, field_reader
from .head import TOKEN, Head, HeadReader, parse_trailers
from .limits import Limits

__all__ = ["NEED_DATA", "Data", "End", "Event", "Head", "NeedData", "RequestParser"]


@dataclass(slots=True)
class Data:
    """A part of the body, with its framing taken off."""

    data: bytes


@dataclass(slots=True)
class End:
    """The end of the body. trailers: header fields that followed a chunked one."""

    trailers: Fields


class NeedData(Enum):
    """The type of NEED_DATA."""

    NEED_DATA = "need data"


NEED_DATA: Final = NeedData.NEED_DATA
Event = Head | Data | End

# RFC 9112, section 2.2: a recipient MAY take a bare LF for a line end. It is a way to smuggle
# requests past a proxy that does not, so we do not either; a bare CR must not be taken for one.
BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")

# RFC 9112, section 7.1: chunk-size [ chunk-ext ]; more than 16 digits are no size.
CHUNK = re.compile(
    rb"""([0-9A-Fa-f]{1,16})
    ((?: [\t ]*;[\t ]* [!#$%&'*+\-.^_`|~0-9A-Za-z]+
         (?: [\t ]*=[\t ]* (?: [!#$%&'*+\-.^_`|~0-9A-Za-z]+
             | "(?: [\t !\x23-\x5b\x5d-\x7e\x80-\xff] | \\[\t -~\x80-\xff] )*" ) )? )*)""",
    re.VERBOSE,
)


class RequestParser:
    """Bytes in by `feed`, events out by `next_event`.

    After the end of a request it goes on with the next one when it is asked for the next event;
    bytes that are not asked for stay in `buffered`. After a RemoteProtocolError it raises that
    again. After a Head with `keep_alive` false and its body it looks at nothing more (RFC 9112,
    section 9.6).

    read_fields: of the library that is to read header fields; by default that of `field_reader()`.
    """

    __slots__ = (
        "_buffer", "_extensions", "_fault", "_heads", "_keep_alive", "_limits", "_read_fields",
        "_remaining", "_scanned", "_start", "_state", "_surely_good",
    )  # fmt: skip

    def __init__(self, limits: Limits, read_fields: FieldReader | None = None) -> None:
        self._limits = limits
        self._surely_good = min(limits.request_line, limits.header_bytes)  # bytes of a block
        self._read_fields = read_fields or field_reader()
        self._heads = HeadReader(limits.header_fields, self._read_fields)
        # A bytearray where pieces had to be put together: it grows without being copied.
        self._buffer: bytes | bytearray = b""
        self._start = 0  # bytes of the buffer that were looked at
        self._scanned = 0  # bytes after those that hold no end of a block or line
        self._state: Callable[[RequestParser], Event | NeedData] = RequestParser._read_head
        self._keep_alive = True
        self._remaining = 0  # bytes of a body or a chunk
        self._extensions = 0  # bytes of chunk extensions beyond the bytes of data they came with
        self._fault = ("", 400)

    @property
    def buffered(self) -> bytes:
        """Bytes that were fed and not yet looked at."""
        return bytes(self._buffer[self._start :])

    @property
    def has_buffered(self) -> bool:
        """Whether `buffered` has anything in it."""
        return bool(self._buffer)

    @property
    def in_message(self) -> bool:
        """Whether a request has begun and not ended."""
        if self._state is RequestParser._read_head:
            return bool(self._buffer)
        return self._state is not RequestParser._ignore

    def feed(self, data: bytes) -> None:
        """Add what has come from the client."""
        if not self._buffer:
            self._buffer = data
            return
        if isinstance(self._buffer, bytes):
            self._buffer = bytearray(self._buffer)
        self._buffer += data

    def next_event(self, data: bytes = b"") -> Event | NeedData:
        """The next thing that the bytes say. data: more of them, as by `feed`. Raises
        RemoteProtocolError where it is not HTTP."""
        if data:
            if self._buffer:
                self.feed(data)
            else:
                self._buffer = data
        try:
            return self._state(self)
        except RemoteProtocolError as error:
            self._fault = (str(error), error.status)
            self._state = RequestParser._fail
            raise

    def take_body(self) -> bytes | None:
        """The rest of a body of known length, if all of it was fed, and None otherwise; there are
        no events of it then. For who wants it whole: after the Head of a small request."""
        remaining = self._remaining
        if not 0 < remaining <= len(self._buffer) - self._start:
            return None
        self._remaining = 0
        self._finish()
        return self._take(remaining)

    def close(self) -> None:
        """Let go of what was fed."""
        self._buffer, self._start = b"", 0
        self._state = RequestParser._ignore

    # The states: what is to be read next.

    def _read_head(self) -> Event | NeedData:
        buffer, head = self._buffer, None
        end = len(buffer) - self._heads.body  # of the head, if this is another one with its body
        if type(buffer) is bytes and not self._start and end <= self._surely_good:
            head = self._heads.again(buffer, end)
        if head is not None:
            self._buffer = buffer[end:]
        else:
            block = self._cut_head()
            if block is None:
                return NEED_DATA
            try:
                head = self._heads.read(block)
            except RemoteProtocolError:
                self._check_block(block, is_head=True)
                raise
        said = head.said
        self._keep_alive = said.keep_alive
        if said.body_length != 0:
            self._expect_body(said.body_length)
        elif not said.keep_alive:
            self._state = RequestParser._ignore
        return head

    def _expect_body(self, length: int | None) -> None:
        if length is None:
            self._extensions = 0
            self._state = RequestParser._read_chunk_size
        else:
            self._remaining = length
            self._state = RequestParser._read_body

    def _cut_head(self) -> bytes | None:
        """The head that the buffer begins with, or None where it is not complete."""
        if not self._buffer:
            return None
        while self._buffer.startswith(b"\r\n", self._start):
            # RFC 9112, section 2.2: at least one empty line before a request line is ignored.
            self._take(2)
        return self._cut_block(is_head=True)

    def _read_body(self) -> Event | NeedData:
        """A body of known length."""
        data = self._take(self._remaining)
        if not data:
            return NEED_DATA
        self._remaining -= len(data)
        if not self._remaining:
            self._state = RequestParser._read_end
        return Data(data)

    def _read_end(self) -> Event:
        self._finish()
        return End([])

    def _read_chunk_size(self) -> Event | NeedData:
        """The line before a chunk (RFC 9112, section 7.1)."""
        line = self._cut_line()
        if line is None:
            return NEED_DATA
        match = CHUNK.fullmatch(line, 0, len(line) - 2) if line.endswith(b"\r\n") else None
        if match is None:
            raise RemoteProtocolError("a chunk does not begin with its size")
        self._remaining = int(match[1], 16)
        # Section 7.1.1: the total length of chunk extensions is to be limited. Signatures of
        # chunks are in use; so they may have as many bytes as the data.
        excess = self._extensions + len(match[2]) - self._remaining
        if excess > self._limits.header_bytes:
            raise RemoteProtocolError("the chunk extensions are too long", 431)
        self._extensions = max(0, excess)
        kind = RequestParser
        self._state = kind._read_chunk if self._remaining else kind._read_trailers
        return self._state(self)

    def _read_chunk(self) -> Event | NeedData:
        data = self._take(self._remaining)
        if not data:
            return NEED_DATA
        self._remaining -= len(data)
        if not self._remaining:
            self._state = RequestParser._read_chunk_end
        return Data(data)

    def _read_chunk_end(self) -> Event | NeedData:
        line_end = bytes(self._buffer[self._start : self._start + 2])
        if not b"\r\n".startswith(line_end):
            raise RemoteProtocolError("a chunk is longer than its size")
        if len(line_end) < 2:
            return NEED_DATA
        self._take(2)
        self._state = RequestParser._read_chunk_size
        return self._read_chunk_size()

    def _read_trailers(self) -> Event | NeedData:
        """What follows the last chunk: fields, if any, and an empty line (section 7.1.2)."""
        if self._buffer.startswith(b"\r\n", self._start):
            self._take(2)
            self._finish()
            return End([])
        block = self._cut_block(is_head=False)
        if block is None:
            return NEED_DATA
        try:
            trailers = parse_trailers(block, self._limits.header_fields, self._read_fields)
        except RemoteProtocolError:
            self._check_block(block, is_head=False)
            raise
        self._finish()
        return End(trailers)

    def _ignore(self) -> NeedData:
        self._buffer, self._start = b"", 0
        return NEED_DATA

    def _fail(self) -> NoReturn:
        raise RemoteProtocolError(*self._fault)

    # What the states share.

    def _finish(self) -> None:
        """A message has ended."""
        self._state = RequestParser._read_head if self._keep_alive else RequestParser._ignore

    def _take(self, size: int) -> bytes:
        """The next bytes, as many as there are up to `size`."""
        start, buffer = self._start, self._buffer
        if start or len(buffer) > size or type(buffer) is not bytes:
            data = bytes(buffer[start : start + size])
            self._start = start + len(data)
            if self._start < len(buffer):
                return data
        else:
            data = buffer
        self._buffer, self._start = b"", 0
        return data

    def _cut_line(self) -> bytes | None:
        """The next bytes up to and with an LF, or None where there is none yet."""
        self._drop_taken()
        size = self._buffer.find(b"\n", self._scanned) + 1
        if (size or len(self._buffer)) > self._limits.header_bytes:
            raise RemoteProtocolError("the chunk extensions are too long", 431)
        self._scanned = 0 if size else len(self._buffer)
        return self._take(size) if size else None

    def _cut_block(self, is_head: bool) -> bytes | None:
        """The next bytes up to and with an empty line, or None where there is none yet."""
        end = self._buffer.find(b"\r\n\r\n", self._start + self._scanned)
        if end < 0:
            self._drop_taken()
            self._check_block(self._buffer, is_head)
            self._scanned = max(0, len(self._buffer) - 3)
            return None
        block = self._take(end + 4 - self._start)
        if len(block) > self._surely_good:
            self._check_block(block, is_head)
        self._scanned = 0
        return block

    def _drop_taken(self) -> None:
        """Give back the part of the buffer that was looked at."""
        if self._start:
            self._buffer = self._buffer[self._start :]
            self._start = 0

    def _check_block(self, block: bytes | bytearray, is_head: bool) -> None:
        """Raise for what can be seen to be wrong with a block, complete or not.

        Of several faults the one counts that shows first when the bytes come one by one: so that
        the answer is the same in whatever pieces they come.
        """
        limits = self._limits
        faults: list[tuple[int, str, int]] = []  # number of bytes that show it, message, status
        bare = BARE_LINE_END.search(block, max(0, self._scanned - 1))
        if bare is not None:
            shown = bare.end() + (bare[0] == b"\r")
            faults.append((shown, "a line ends with a bare CR or LF; CRLF is right", 400))
        if is_head:
            if block[:1] != b"\r" and block and not TOKEN.match(block[:1]):
                faults.append((1, "a request begins with a method", 400))
            enough = limits.request_line + 2
            # Looked for once only: not again where more bytes than that were scanned before.
            if self._scanned < enough <= len(block) and block.find(b"\r\n", 0, enough) < 0:
                message = f"the request line is longer than {limits.request_line} bytes"
                faults.append((enough, message, 414))
        message = f"the header fields are longer than {limits.header_bytes} bytes"
        faults.append((limits.header_bytes + 1, message, 431))
        shown, message, status = min(faults, key=lambda fault: fault[0])
        if shown <= len(block):
            raise RemoteProtocolError(message, status)
