"""check_form: a form is refused by what separates its fields, before it is taken apart."""

from __future__ import annotations

import io
from typing import Any

import pytest
import webob.exc

from kroute import Request
from kroute.http.form import MAX_FIELDS, check_form

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = 'multipart/form-data; boundary="xYx"'


def fields(count: int, size: int = 1) -> bytes:
    return b"&".join([b"a=" + b"b" * size] * count)


def parts(count: int) -> bytes:
    part = b'--xYx\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    return part * count + b"--xYx--\r\n"


def refused(kind: str, body: bytes) -> bool:
    file = io.BytesIO(body)
    try:
        check_form({"CONTENT_TYPE": kind}, file)
    except webob.exc.HTTPRequestEntityTooLarge:
        return True
    assert file.read() == body
    return False


@pytest.mark.parametrize(
    ("kind", "body", "too_large"),
    [
        (URLENCODED, fields(MAX_FIELDS), False),
        (URLENCODED, fields(MAX_FIELDS + 2), True),
        (URLENCODED, fields(MAX_FIELDS + 2, 500), True),
        (URLENCODED.upper(), fields(MAX_FIELDS + 2), True),
        (MULTIPART, parts(MAX_FIELDS - 1), False),
        (MULTIPART, parts(MAX_FIELDS + 1), True),
        (MULTIPART, b"--xYx\r\n\r\n" + b"&" * 5000 + b"\r\n--xYx--", False),
        ("multipart/form-data", parts(MAX_FIELDS + 1), False),  # which nobody can read
        ("text/plain", fields(5000), False),
        ("", fields(5000), False),
    ],
)
def test_a_form_has_so_many_fields(kind: str, body: bytes, too_large: bool) -> None:
    assert refused(kind, body) is too_large


def test_a_boundary_that_is_cut_by_a_read_counts_once() -> None:
    """Reads are of 65536 bytes; each of these has a boundary across its end."""
    body = b"".join(b"x" * (65536 - 3) + b"--xYx"[: 5] for _ in range(3))
    whole = body + parts(MAX_FIELDS - 4)
    assert not refused(MULTIPART, whole)
    assert refused(MULTIPART, body + parts(MAX_FIELDS - 3))


@pytest.mark.parametrize("name", ["POST", "text", "json"])
@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "rot13", "nonsense"])
def test_a_charset_that_is_not_for_text(name: str, charset: str) -> None:
    request = Request.blank("/", method="POST", body=b"a=1")
    request.headers["Content-Type"] = f"{URLENCODED}; charset={charset}"
    with pytest.raises(webob.exc.HTTPUnsupportedMediaType):
        getattr(request, name)


@pytest.mark.parametrize("charset", ["utf-8", "UTF-16LE", "iso-8859-15", "us-ascii", "cp1252"])
def test_a_charset_for_text(charset: str) -> None:
    body = "é" if charset != "us-ascii" else "e"
    request = Request.blank("/", method="PUT", body=body.encode(charset))
    request.headers["Content-Type"] = f"text/plain; charset={charset}"
    assert request.text == body


def test_a_form_is_read_as_ever() -> None:
    request = Request.blank("/", method="POST", POST={"a": "1", "file": ("x.txt", b"data")})
    form: Any = request.POST
    assert form["a"] == "1"
    assert form["file"].file.read() == b"data"
    form["file"].file.close()


def test_json_that_is_too_deep_is_the_clients_fault() -> None:
    request = Request.blank("/", method="PUT", body=b"[" * 100_000)
    with pytest.raises(webob.exc.HTTPBadRequest):
        _ = request.json
