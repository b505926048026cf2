"""The AtomPub sample answers the same bytes on kroute, gunicorn and waitress.

Each serves it with a fresh database in a folder of its own. What differs from run to run is what
the sample's store takes from outside, its identifiers (`uuid4`) and its time (`_now`): the module
that is served counts there. All are asked by one name, so that URLs are the same.

What a server says of its own is left out before answers are compared: Date, Server, Connection,
wherever they stand. waitress also sorts the header fields and writes their names with capitals.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.waiting import PATIENCE
from tests.wsgi_servers import COMMANDS, Process

from .sample_server import ENTRY, entry

COUNTING = """
from itertools import count
from types import SimpleNamespace
from uuid import UUID

from sample_apps.atompub import make_app, store

numbers, times = count(1), count(1_700_000_000_000_000, 1_000_000)
store.uuid = SimpleNamespace(uuid4=lambda: UUID(int=next(numbers)))
store._now = lambda: next(times)
app = make_app()
"""

OWN = {b"date", b"server", b"connection"}


class Reply(NamedTuple):
    """line: the first. fields: the others of the head, but for a server's own."""

    line: bytes
    fields: list[bytes]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.line.split()[1])

    def field(self, name: bytes) -> str:
        (value,) = (each[len(name) + 2 :] for each in self.fields if _name(each) == name.lower())
        return value.decode()


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].lower()


def ask(port: int, method: str, path: str, body: str | None = None, **headers: str) -> Reply:
    """All bytes of an answer. Header names are written with `_` for `-`."""
    data = (body or "").encode()
    fields = {"Host": "atom.example", "Connection": "close", **headers}
    if body is not None:
        fields["Content-Length"] = str(len(data))
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode() + data)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, rest = answer.partition(b"\r\n\r\n")
    line, *said = head.split(b"\r\n")
    return Reply(line, [each for each in said if _name(each) not in OWN], rest)


Ask = Callable[..., Reply]


def reading(ask: Ask) -> Iterator[Reply]:
    """What is asked of a feed that has some entries in it."""
    for number in range(22):
        yield ask("POST", "/entries", entry(f"Number {number}"), Content_Type=ENTRY)
    for method in ("GET", "HEAD"):
        for path in ("/", "/service", "/entries", "/entries/number-1", "/entries/none"):
            yield ask(method, path)
    feed = ask("GET", "/entries")
    yield ask("GET", "/entries", If_None_Match=feed.field(b"ETag"))
    yield ask("GET", "/entries", If_None_Match='"another"')
    yield ask("GET", "/entries?before=1700000005000000")
    yield ask("GET", "/entries?before=yesterday")
    yield ask("GET", "/?before=1700000005000000")
    yield ask("GET", "/nowhere", Accept="application/json")
    yield ask("GET", "/nowhere", Accept="text/html")
    yield ask("OPTIONS", "/entries")
    yield ask("PATCH", "/entries", "x")


def writing(ask: Ask) -> Iterator[Reply]:
    """Entries that are made, edited and deleted, or not."""
    yield ask("POST", "/entries", entry("First"), Content_Type=ENTRY, Slug="Gr%C3%BC%C3%9Fe")
    yield ask("POST", "/entries", entry("First"), Content_Type=ENTRY, Slug="Gr%C3%BC%C3%9Fe")
    more = entry("\u20ac &amp; more", more="<id>x</id>")
    yield ask("POST", "/entries", more, Content_Type=ENTRY)
    yield ask("POST", "/entries", "<entry", Content_Type=ENTRY)
    yield ask("POST", "/entries", "<entry/>", Content_Type=ENTRY)
    yield ask("POST", "/entries", "{}", Content_Type="application/json")
    yield ask("POST", "/entries", entry(content="x" * 300_000), Content_Type=ENTRY)
    made = ask("POST", "/entries", entry("Mine"), Content_Type=ENTRY)
    yield made
    path, etag = made.field(b"Location").removeprefix("http://atom.example"), made.field(b"ETag")
    yield ask("GET", path, If_None_Match=etag)
    yield ask("GET", path, Range="bytes=0-9")
    yield ask("PUT", path, entry("Ours"), Content_Type=ENTRY)
    changed = ask("PUT", path, entry("Ours"), Content_Type=ENTRY, If_Match=etag)
    yield changed
    yield ask("PUT", path, entry("Yours"), Content_Type=ENTRY, If_Match=etag)
    yield ask("PUT", path, "{}", Content_Type="application/json", If_Match="*")
    yield ask("PUT", "/entries/none", entry(), Content_Type=ENTRY, If_Match="*")
    yield ask("DELETE", path)
    yield ask("DELETE", path, If_Match=etag)
    yield ask("DELETE", path, If_Match=changed.field(b"ETag"))
    yield ask("DELETE", path, If_Match="*")
    yield ask("GET", path)


STATUSES = {200, 201, 204, 206, 304, 400, 404, 405, 412, 413, 415, 422, 428}


def test_the_answers_are_the_same_everywhere(tmp_path: Path) -> None:
    answers: dict[str, list[Reply]] = {}
    for name in COMMANDS:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "counting.py").write_text(COUNTING)
        server = Process(name, "counting:app", folder)
        try:
            ask_it = partial(ask, server.port)
            answers[name] = [*reading(ask_it), *writing(ask_it)]
        finally:
            server.stop()
        assert (folder / "var" / "atompub.sqlite").is_file()
    ours = answers["kroute"]
    assert {reply.status for reply in ours} == STATUSES
    assert answers["gunicorn"] == ours
    assert [_sorted(reply) for reply in answers["waitress"]] == [_sorted(each) for each in ours]


def _sorted(reply: Reply) -> Reply:
    """As waitress would write it."""
    fields = [_name(field).title() + field[len(_name(field)) :] for field in reply.fields]
    return reply._replace(fields=sorted(fields))
