"""WebSocket, from bytes alone. Sections are those of RFC 6455."""

from __future__ import annotations

import os
import random
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
import webob.exc

from kroute.http import Close, Request
from kroute.http.websocket import HTTPUpgradeRequired, WebSocketFrames, accept_websocket
from tests.websocket_frames import frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request(**changed: str | None) -> Request:
    fields = HANDSHAKE | {name.replace("_", "-"): text for name, text in changed.items()}
    made: Any = Request.blank("/")
    made.headers.update({name: text for name, text in fields.items() if text is not None})
    return made


def frames(max_message: int = 1000) -> WebSocketFrames:
    return accept_websocket(request(), max_message=max_message)[1]


def fed(reader: WebSocketFrames, pieces: Iterable[bytes]) -> list[Any]:
    return [meant for piece in pieces for meant in reader.feed(piece)]


# The handshake.


def test_the_answer_of_the_rfc() -> None:
    response, reader = accept_websocket(request())
    assert response.status_code == 101
    assert response.headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert response.headers["Upgrade"] == "websocket"
    assert "Sec-WebSocket-Protocol" not in response.headers
    assert reader.subprotocol is None and reader.open


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"Upgrade": None}, HTTPUpgradeRequired),
        ({"Upgrade": "h2c"}, HTTPUpgradeRequired),
        ({"Sec_WebSocket_Version": None}, HTTPUpgradeRequired),
        ({"Sec_WebSocket_Version": "8"}, HTTPUpgradeRequired),
        ({"Connection": None}, webob.exc.HTTPBadRequest),
        ({"Connection": "close"}, webob.exc.HTTPBadRequest),
        ({"Sec_WebSocket_Key": None}, webob.exc.HTTPBadRequest),
        ({"Sec_WebSocket_Key": "AAAA"}, webob.exc.HTTPBadRequest),
        ({"Sec_WebSocket_Key": "no base64, but 24 bytes!"}, webob.exc.HTTPBadRequest),
        ({"Sec_WebSocket_Key": "é" * 12}, webob.exc.HTTPBadRequest),
    ],
)
def test_what_is_no_handshake(changed: dict[str, str | None], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        accept_websocket(request(**changed))
    response: Any = caught.value
    if error is HTTPUpgradeRequired:
        assert (response.code, response.headers["Upgrade"]) == (426, "websocket")


def test_a_wrong_version_is_told_the_right_one() -> None:
    """Section 4.4."""
    with pytest.raises(HTTPUpgradeRequired) as caught:
        accept_websocket(request(Sec_WebSocket_Version="25"))
    assert caught.value.headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.parametrize(
    ("asked", "spoken", "chosen"),
    [
        ("chat, superchat", ["superchat", "chat"], "superchat"),
        ("chat", ["superchat"], None),
        (None, ["chat"], None),
        ("chat", [], None),
    ],
)
def test_subprotocols(asked: str | None, spoken: list[str], chosen: str | None) -> None:
    response, reader = accept_websocket(request(Sec_WebSocket_Protocol=asked), spoken)
    assert response.headers.get("Sec-WebSocket-Protocol") == reader.subprotocol == chosen


def test_origins() -> None:
    """Section 10.2."""
    ours = ["https://example.org"]
    accept_websocket(request(Origin="https://example.org"), origins=ours)
    accept_websocket(request(Origin="https://elsewhere"))
    for origin in "https://elsewhere", None:
        with pytest.raises(webob.exc.HTTPForbidden):
            accept_websocket(request(Origin=origin), origins=ours)


@pytest.mark.parametrize(
    ("offer", "accepted"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; client_max_window_bits=10; server_max_window_bits=10", True),
        ("x-other, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=8", False),
        ('permessage-deflate; server_max_window_bits="10"', True),  # RFC 6455, section 9.1
        ("permessage-deflate; client_max_window_bits=x", False),  # RFC 7692, section 7.1
        ("permessage-deflate; client_max_window_bits=99", False),
        ("permessage-deflate; server_max_window_bits", False),
        ("permessage-deflate; server_no_context_takeover=1", False),
        ("permessage-deflate; x-other", False),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=10", False),
        ("permessage-deflate; x-other, permessage-deflate", True),
        ("x-webkit-deflate-frame", False),
        ("", False),
    ],
)
def test_compression_is_agreed_on(offer: str, accepted: bool) -> None:
    asked = request(Sec_WebSocket_Extensions=offer)
    given = accept_websocket(asked)[0].headers.get("Sec-WebSocket-Extensions", "")
    assert given.startswith("permessage-deflate") == accepted
    assert ("server_no_context_takeover" in given) == accepted
    assert "Sec-WebSocket-Extensions" not in accept_websocket(asked, compress=False)[0].headers


# Messages.

MESSAGES = [
    (frame(1, b"text"), ["text"]),
    (frame(2, b"\0\xff"), [b"\0\xff"]),
    (frame(1), [""]),
    (frame(1, b"a", fin=False) + frame(0, b"b", fin=False) + frame(0, b"c"), ["abc"]),
    (frame(1, b"a", fin=False) + frame(9, b"!") + frame(0, b"b"), ["ab"]),
    (frame(1, "é".encode()[:1], fin=False) + frame(0, "é".encode()[1:]), ["é"]),
    (frame(2, b"x" * 200) + frame(1, b"y"), [b"x" * 200, "y"]),
    (frame(2, fin=False) + frame(0), [b""]),
    (frame(2, b"a", fin=False) + frame(0, b"c", fin=False) * 990 + frame(0), [b"a" + b"c" * 990]),
]


@pytest.mark.parametrize(("data", "messages"), MESSAGES)
def test_messages_whole_and_byte_by_byte(data: bytes, messages: list[Any]) -> None:
    assert fed(frames(), [data]) == messages
    assert fed(frames(), [data[at : at + 1] for at in range(len(data))]) == messages


def test_a_ping_is_answered_by_itself() -> None:
    """Section 5.5.2."""
    reader = frames()
    assert fed(reader, [frame(9, b"here?")]) == []
    assert reader.out == [b"\x8a\x05here?"]


def test_a_pong_says_nothing() -> None:
    assert fed(frames(), [frame(10, b"!"), frame(1, b"x")]) == ["x"]


def test_messages_are_unpacked_as_they_are_asked_for() -> None:
    reader = deflating(2_000_000)
    feed = reader.feed(frame(2, deflated(b"x" * 1_500_000), rsv=4) * 2 + frame(8))
    assert len(next(feed)) == 1_500_000  # type: ignore[arg-type]
    assert reader.out == [] and reader._size == 0
    assert len(next(feed)) == 1_500_000  # type: ignore[arg-type]
    assert isinstance(next(feed), Close)


def test_what_is_sent() -> None:
    reader = frames()
    assert reader.message("é") == b"\x81\x02\xc3\xa9"
    assert reader.message(b"\xff") == b"\x82\x01\xff"
    assert reader.ping() == b"\x89\x00"
    assert reader.close(Close(1001, "bye")) == b"\x88\x05\x03\xe9bye"
    assert not reader.open
    assert reader.message("late") == reader.ping() == reader.close(Close()) == b""


# The end.


@pytest.mark.parametrize(
    ("payload", "close", "answer"),
    [
        (struct.pack("!H", 1000) + b"bye", Close(1000, "bye"), b"\x88\x02\x03\xe8"),
        (struct.pack("!H", 1001), Close(1001), b"\x88\x02\x03\xe9"),
        (struct.pack("!H", 4000) + b"ours", Close(4000, "ours"), b"\x88\x06\x0f\xa0ours"),
        (b"", Close(1005), b"\x88\x02\x03\xe8"),
    ],
)
def test_the_other_side_closes(payload: bytes, close: Close, answer: bytes) -> None:
    """Section 5.5.1: a close is answered with one; what follows counts for nothing."""
    reader = frames()
    assert fed(reader, [frame(8, payload) + frame(1, b"more"), frame(1, b"more")]) == [close]
    assert reader.out == [answer]
    assert not reader.open


def test_a_close_of_ours_is_acknowledged() -> None:
    reader = frames()
    reader.close(Close(1001))
    assert fed(reader, [frame(1, b"on its way"), frame(8, struct.pack("!H", 1001))]) == [
        "on its way",
        Close(1001),
    ]
    assert reader.out == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(1, b"x", masked=False), 1002),  # section 5.1
        (frame(1, b"x", rsv=1), 1002),
        (frame(1, b"x", rsv=4), 1002),  # section 5.2: no extension has agreed on it
        *((frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        (frame(9, rsv=1), 1002),
        (b"\x82\xfe\x00\x01\1\2\3\4x", 1002),  # one byte, its length said in two
        (b"\x82\xff" + b"\xff" * 8 + b"\1\2\3\4", 1002),
        (frame(0, b"x"), 1002),  # section 5.4
        (frame(1, b"x", fin=False) + frame(1, b"y"), 1002),
        (frame(9, b"x" * 126), 1002),  # section 5.5
        (frame(9, fin=False), 1002),
        (frame(8, b"\x03"), 1002),
        (frame(8, struct.pack("!H", 1005)), 1002),  # section 7.4.1
        (frame(8, struct.pack("!H", 999)), 1002),
        (frame(1, b"\xff"), 1007),  # section 8.1
        (frame(1, b"\xc3"), 1007),
        (frame(8, struct.pack("!H", 1000) + b"\xff"), 1007),
        (frame(2, b"x" * 1001), 1009),
        (frame(1, "é".encode() * 501), 1009),
        (frame(2, b"x" * 600, fin=False) + frame(0, b"x" * 600), 1009),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_breaches_of_the_protocol(data: bytes, code: int, size: int) -> None:
    reader = frames()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    (close,) = fed(reader, [*pieces, frame(1, b"more")])
    assert close.code == code
    assert reader.out[0][:1] == b"\x88"
    assert struct.unpack("!H", reader.out[0][2:4]) == (code,)
    assert len(reader.out) == 1 and not reader.open


def test_a_long_reason_is_cut_between_characters() -> None:
    data = frames().close(Close(1000, "é" * 100))
    assert data[1] == 2 + 122
    data[4:].decode("utf-8")


# Compression.


def deflating(max_message: int) -> WebSocketFrames:
    asked = request(Sec_WebSocket_Extensions="permessage-deflate")
    return accept_websocket(asked, max_message=max_message)[1]


def deflated(data: bytes) -> bytes:
    """RFC 7692, section 7.2.1."""
    compress = zlib.compressobj(wbits=-15)
    return (compress.compress(data) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_compressed_messages_both_ways() -> None:
    reader = deflating(100_000)
    for data in b"", b"x" * 90_000, os.urandom(300):
        assert fed(reader, [frame(2, deflated(data), rsv=4)]) == [data]
        sent = reader.message(data)
        assert sent[0] == 0xC2
        at = {126: 4, 127: 10}.get(sent[1], 2)
        plain = zlib.decompressobj(wbits=-15).decompress(sent[at:] + b"\0\0\xff\xff")
        assert plain == data
    assert fed(reader, [frame(1, b"plain")]) == ["plain"]


def test_a_message_for_all_is_made_once_for_each_kind_of_compression() -> None:
    text = "all hear this" * 20
    plain, packed, small = frames(), deflating(1000), deflating(1000)
    small._window = 9
    assert plain.message(text) is frames().message(text)
    assert packed.message(text) is deflating(1000).message(text)
    assert len({plain.message(text), packed.message(text)}) == 2
    assert packed.message(text) is not small.message(text)
    assert plain.message("another") != plain.message(text)


def test_a_bomb_is_not_unpacked() -> None:
    reader = deflating(1_000_000)
    bomb = deflated(b"\0" * 200_000_000)
    seen = 0

    def count(data: bytes, max_length: int = 0) -> bytes:
        nonlocal seen
        made = unpack(data, max_length)
        seen += len(made)
        return made

    (extension,) = reader._connection._proto.extensions
    fed(reader, [frame(2, deflated(b"x"), rsv=4)])
    unpack = zlib.decompressobj(wbits=-15).decompress
    extension._decompressor = type("Counting", (), {"decompress": staticmethod(count)})()
    (close,) = fed(reader, [frame(2, bomb, rsv=4)])
    assert close.code == 1009
    assert 1_000_000 < seen < 6_000_000


def test_frames_of_nothing_take_nothing() -> None:
    reader = frames()
    assert fed(reader, [frame(2, fin=False), *[frame(0, fin=False)] * 1000]) == []
    assert len(reader._parts) == 0
    assert fed(reader, [frame(0, b"x", fin=False)] * 900) == []
    assert len(reader._parts) < 300


@pytest.mark.parametrize("opcode", [0, 9])
def test_what_is_not_compressed_must_not_say_so(opcode: int) -> None:
    """RFC 7692, section 6."""
    first = frame(2, b"x", fin=opcode == 9)
    closes = fed(deflating(1000), [first, frame(opcode, b"x", rsv=4)])
    assert [close.code for close in closes if isinstance(close, Close)] == [1002]


def test_what_is_no_compressed_data() -> None:
    (close,) = fed(deflating(1000), [frame(2, b"\xff" * 100, rsv=4)])
    assert close.code in (1002, 1007)


def test_random_pieces_of_random_messages() -> None:
    made = random.Random(7)
    messages = [made.randbytes(made.randrange(2000)) for _ in range(100)]
    data = b""
    for message in messages:
        parts = [message[at : at + 700] for at in range(0, len(message), 700)] or [b""]
        for number, part in enumerate(parts):
            fin = number == len(parts) - 1
            data += frame(0 if number else 2, part, fin=fin)
    pieces = []
    while data:
        size = made.randrange(1, 3000)
        pieces.append(data[:size])
        data = data[size:]
    assert fed(frames(max_message=2000), pieces) == messages
