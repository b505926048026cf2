"""The store: order, versions, and one winner of each race."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sample_apps.atompub.entry import Entry
from sample_apps.atompub.store import EntryChanged, NoSuchEntry, Store

FIRST = Entry("<entry>1</entry>", "One", "first")
SECOND = Entry("<entry>2</entry>", "Two", "second")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "made" / "if missing" / "entries.sqlite")
    yield store
    store.close()


def slugs(store: Store, size: int = 20) -> list[str]:
    """By following the pages."""
    page = store.page(size=size)
    found = [row.slug for row in page.rows]
    while page.older:
        page = store.page(page.older, size)
        found += [row.slug for row in page.rows]
    return found


def test_what_was_created_is_found(store: Store) -> None:
    row = store.create("a", FIRST)
    assert store.find("a") == row
    assert (row.slug, row.title, row.text, row.xml) == ("a", "One", "first", FIRST.xml)
    assert row.published == row.edited
    assert row.id.startswith("urn:uuid:")


def test_a_taken_slug_gets_a_number(store: Store) -> None:
    rows = [store.create("a", FIRST) for _ in range(12)]
    assert [row.slug for row in rows[:3]] == ["a", "a-2", "a-3"]
    assert len({row.slug for row in rows}) == len({row.id for row in rows}) == 12


def test_an_edit_changes_the_version_and_nothing_else(store: Store) -> None:
    old = store.create("a", FIRST)
    new = store.replace("a", [old.etag], SECOND)
    assert (new.id, new.slug, new.published) == (old.id, old.slug, old.published)
    assert new.etag != old.etag
    assert new.edited > old.edited
    assert store.find("a").title == "Two"


def test_the_same_text_again_is_a_new_version(store: Store) -> None:
    old = store.create("a", FIRST)
    assert store.replace("a", [old.etag], FIRST).etag != old.etag


@pytest.mark.parametrize("etags", [[], ["stale"]])
def test_another_version_is_left_alone(store: Store, etags: list[str]) -> None:
    row = store.create("a", FIRST)
    updated = store.page().updated
    with pytest.raises(EntryChanged, match=row.etag):
        store.replace("a", etags, SECOND)
    with pytest.raises(EntryChanged):
        store.delete("a", etags)
    assert store.find("a") == row
    assert store.page().updated == updated


def test_any_version_will_do(store: Store) -> None:
    store.create("a", FIRST)
    assert store.replace("a", None, SECOND).title == "Two"
    store.delete("a", None)


def test_what_is_not_there(store: Store) -> None:
    for call in (
        lambda: store.find("a"),
        lambda: store.replace("a", None, FIRST),
        lambda: store.replace("a", ["x"], FIRST),
        lambda: store.delete("a", None),
    ):
        with pytest.raises(NoSuchEntry, match="no entry 'a'"):
            call()


def test_a_deleted_entry_is_gone(store: Store) -> None:
    row = store.create("a", FIRST)
    store.delete("a", [row.etag])
    with pytest.raises(NoSuchEntry):
        store.find("a")
    assert store.create("a", FIRST).id != row.id


def test_the_newest_edit_comes_first(store: Store) -> None:
    for name in "abc":
        store.create(name, FIRST)
    store.replace("a", None, SECOND)
    assert slugs(store) == ["a", "c", "b"]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_pages_have_each_entry_once(store: Store, size: int) -> None:
    for name in "abcd":
        store.create(name, FIRST)
    assert slugs(store, size) == ["d", "c", "b", "a"]


def test_pages_stay_whole_while_entries_are_edited(store: Store) -> None:
    for name in "abcd":
        store.create(name, FIRST)
    page = store.page(size=2)
    store.create("e", FIRST)
    store.delete("d", None)
    assert [row.slug for row in store.page(page.older, 2).rows] == ["b", "a"]


def test_no_two_edits_have_one_time_though_the_clock_stands(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for clock in (10**15, 5):
        monkeypatch.setattr("sample_apps.atompub.store._now", lambda now=clock: now)
        store.create("a", FIRST)
    times = [row.edited for row in store.page().rows]
    assert times[0] > times[1]


def test_the_feed_changes_with_a_deletion(store: Store) -> None:
    row = store.create("a", FIRST)
    store.delete("a", None)
    assert store.page().updated > row.edited


def test_the_feed_is_the_same_feed_after_a_restart(tmp_path: Path) -> None:
    pages = []
    for path in (tmp_path / "a.sqlite", f"sqlite:///{tmp_path}/a.sqlite"):
        store = Store(path)
        pages.append(store.page())
        store.create("a", FIRST)
        store.close()
    assert pages[0].id == pages[1].id
    assert len(pages[1].rows) == 1


def test_a_commit_is_on_the_disk(store: Store) -> None:
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_of_many_edits_of_one_version_one_wins(store: Store) -> None:
    row = store.create("a", FIRST)
    together = threading.Barrier(16)

    def edit(number: int) -> str:
        together.wait()
        try:
            return store.replace("a", [row.etag], Entry("", str(number), "")).title
        except EntryChanged:
            return ""

    with ThreadPoolExecutor(16) as pool:
        won = [title for title in pool.map(edit, range(16)) if title]
    assert won == [store.find("a").title]


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    """Two stores are as good: each has its own lock and connections."""
    stores = [Store(tmp_path / "a.sqlite") for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda n: stores[n % 2].create("a", FIRST), range(40)))
    assert len({row.slug for row in rows}) == 40
    assert len({row.edited for row in rows}) == 40
    assert sorted(slugs(stores[0])) == sorted(row.slug for row in rows)
    for store in stores:
        store.close()
