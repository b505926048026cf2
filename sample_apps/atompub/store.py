"""Store: the entries, in an SQLite file.

Its methods wait for the disk: call them through `in_thread`. What they have returned from is on
the disk, whatever happens to the process or to the power after that.
"""

import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import URL

from .slug import variants

metadata = MetaData()

# Times are microseconds since 1970. No two edits have the same: `edited` is the order of the feed.
entries = Table(
    "entries",
    metadata,
    Column("slug", String, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("etag", String, nullable=False),
    Column("published", BigInteger, nullable=False),
    Column("edited", BigInteger, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("xml", Text, nullable=False),
)

# One row. Every change takes its time from here, deletions too.
feed = Table(
    "feed",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False),
    Column("updated", BigInteger, nullable=False),
)


class NoSuchEntry(LookupError):
    """There is no entry of this name, or no more."""

    def __init__(self, slug):
        super().__init__(f"There is no entry {slug!r}.")


class EntryChanged(Exception):
    """The entry is not (or no longer) what the client says it is."""

    def __init__(self, slug, etag):
        super().__init__(f'The entry {slug!r} has changed; its ETag is "{etag}" now.')


class Page(NamedTuple):
    """Some rows of `entries`, the newest edit first. older: what to give `Store.page` for the
    rows after them; None where there are none."""

    id: str
    updated: int
    rows: list[Any]
    older: int | None


class Store:
    """path_or_url: of the database; a file is made if it is missing, its directory too."""

    def __init__(self, path_or_url):
        self._engine = create_engine(_url(path_or_url))
        self._writing = threading.Lock()
        event.listen(self._engine, "connect", _make_durable)
        metadata.create_all(self._engine)
        first = {"number": 1, "id": uuid.uuid4().urn, "updated": _now()}
        with self._engine.begin() as connection:
            connection.execute(insert(feed).prefix_with("OR IGNORE").values(first))

    def close(self):
        self._engine.dispose()

    def page(self, before=None, size=20):
        """The Page of at most `size` entries that were last edited before a time."""
        query = select(entries).order_by(entries.c.edited.desc()).limit(size + 1)
        if before is not None:
            query = query.where(entries.c.edited < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            about = connection.execute(select(feed)).one()
        older = rows[size - 1].edited if len(rows) > size else None
        return Page(about.id, about.updated, rows[:size], older)

    def find(self, slug):
        """The row of an entry. Raises NoSuchEntry."""
        with self._engine.connect() as connection:
            return _row(connection, slug)

    def create(self, slug, entry):
        """Add an entry under `slug`, or what comes nearest to it; returns its row."""
        with self._change() as (connection, now):
            free = next(name for name in variants(slug) if not _taken(connection, name))
            values = {"slug": free, "id": uuid.uuid4().urn, "published": now}
            connection.execute(insert(entries).values(**values, **_version(entry, now)))
            return _row(connection, free)

    def replace(self, slug, etags, entry):
        """Change an entry whose ETag is one of `etags` (None: any); returns its row.

        Raises NoSuchEntry, EntryChanged.
        """
        with self._change() as (connection, now):
            change = update(entries).where(*_is(slug, etags)).values(_version(entry, now))
            _expect_one(connection, connection.execute(change).rowcount, slug)
            return _row(connection, slug)

    def delete(self, slug, etags):
        """Remove an entry whose ETag is one of `etags` (None: any).

        Raises NoSuchEntry, EntryChanged.
        """
        with self._change() as (connection, _):
            count = connection.execute(delete(entries).where(*_is(slug, etags))).rowcount
            _expect_one(connection, count, slug)

    @contextmanager
    def _change(self):
        """A transaction and its time. It begins with a write, so that it has the database's write
        lock from the start; ours is before it, as waiting in Python is cheaper and fairer."""
        later = func.max(feed.c.updated + 1, _now())
        with self._writing, self._engine.begin() as connection:
            connection.execute(update(feed).values(updated=later))
            yield connection, connection.execute(select(feed.c.updated)).scalar_one()


def _url(path_or_url):
    if "://" in str(path_or_url):
        return path_or_url
    path = Path(path_or_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    return URL.create("sqlite", database=str(path))


def _make_durable(connection, _):
    """Readers never wait for the writer (WAL); a commit is on the disk when it returns (FULL)."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _now():
    return time.time_ns() // 1000


def _version(entry, now):
    """The columns that change with each edit."""
    return {"etag": uuid.uuid4().hex, "edited": now, **entry._asdict()}


def _is(slug, etags):
    """The conditions for an entry to be that one, in one of those versions."""
    named = entries.c.slug == slug
    return (named,) if etags is None else (named, entries.c.etag.in_(etags))


def _taken(connection, slug):
    return connection.execute(select(entries.c.id).where(*_is(slug, None))).first() is not None


def _row(connection, slug):
    row = connection.execute(select(entries).where(*_is(slug, None))).first()
    if row is None:
        raise NoSuchEntry(slug)
    return row


def _expect_one(connection, count, slug):
    """Say why a change with an ETag has changed nothing."""
    if count == 0:
        raise EntryChanged(slug, _row(connection, slug).etag)
