"""field_reader: which library reads header fields, and what it may not do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kroute.http import PARSERS, field_reader
from kroute.http.fields import NotFields

LINES = b"\r\nHost: a\r\nX:\t one  two \r\nhost:\r\n\r\n"


@pytest.mark.parametrize("name", PARSERS)
def test_reads_fields_as_they_came(name: str) -> None:
    read = field_reader(name)
    assert read(LINES) == [(b"Host", b"a"), (b"X", b"one  two"), (b"host", b"")]
    assert read(b"\r\n\r\n") == []


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "line", [b"X", b"X\0: 1", b"X: \0", b"X: \r1", b"X: 1\nY: 2", b"X: \x1f", b"X: \x7f"]
)
def test_refuses_what_are_no_fields(name: str, line: bytes) -> None:
    with pytest.raises(NotFields):
        field_reader(name)(b"\r\nHost: a\r\n%b\r\n\r\n" % line)


def test_a_library_gives_no_field_a_meaning() -> None:
    """h11 leaves out the second of two equal lengths, and puts codings in lower case."""
    lines = b"\r\nContent-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: GZIP\r\n\r\n"
    assert field_reader("h11")(lines) == [
        (b"Content-Length", b"5"),
        (b"Content-Length", b"5"),
        (b"Transfer-Encoding", b"GZIP"),
    ]


def test_httptools_is_taken_where_it_is_installed() -> None:
    assert field_reader() is field_reader("httptools")
    assert field_reader() is not field_reader("h11")


def test_there_are_no_others() -> None:
    with pytest.raises(ValueError, match="there is no parser 'lxml'; there are httptools and h11"):
        field_reader("lxml")


WITHOUT = """
import logging, sys
sys.modules["httptools"] = None  # as if it were not installed
import kroute
from kroute.http import field_reader
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(name)s: %(message)s")
assert field_reader() is field_reader("h11")
field_reader()
app = kroute.App()
assert app.protocol() is not None
try:
    kroute.App(parser="httptools")
except ImportError as error:
    print(error)
"""


def test_h11_is_taken_where_httptools_is_missing() -> None:
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT], check=True, capture_output=True, text=True, timeout=30
    ).stdout.splitlines()
    assert len(said) == 2
    assert said[0].startswith("kroute.http: requests are read by h11, since httptools cannot be ")
    assert said[1].startswith("httptools cannot be imported (")
    assert said[1].endswith("): install it, or use h11")
