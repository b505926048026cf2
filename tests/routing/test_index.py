"""`Index`: never leaves one out, keeps the order, stays small."""

from __future__ import annotations

from kroute.routing.index import Index
from kroute.routing.shape import ANY_PATH, Shape, shapes_of


def index_of(*regexps: str) -> Index[str]:
    return Index((regexp, shapes_of(regexp)) for regexp in regexps)


def found(index: Index[str], path: str) -> list[str]:
    candidates = index.candidates(path)
    ranks = [rank for rank, _ in candidates]
    assert ranks == sorted(set(ranks))
    return [item for _, item in candidates]


def test_an_exact_path_comes_with_all_that_could_match_it_in_order() -> None:
    wild, exact, other = r"^/[^/]+?\Z", r"^/foo\Z", r"^/f[^/]+?\Z"
    index = index_of(wild, exact, other)
    assert found(index, "/foo") == [wild, exact, other]
    assert found(index, "/bar") == [wild]
    assert found(index, "/foo/") == []
    assert set(index.exact) == {"/foo"}


def test_fixed_segments_narrow_the_search() -> None:
    routes = [rf"^/api/[^/]+?/r{number}/[^/]+?\Z" for number in range(100)]
    index = index_of(*routes)
    assert found(index, "/api/acme/r7/1") == [routes[7]]
    assert found(index, "/api/acme/none/1") == []


def test_what_is_open_is_found_at_any_depth() -> None:
    rest = r"^/files/.+?\Z"
    index = index_of(rest, r"^/[^/]+?\Z")
    for path in ("/files/a", "/files/a/b", "/files/a/b/c/d/e/f"):
        assert found(index, path) == [rest]
    assert rest not in found(index, "/other/a")


def test_an_item_with_many_shapes_is_found_once() -> None:
    index: Index[str] = Index([("all", [ANY_PATH, *shapes_of(r"^/(?:a|[^/]+)\Z")])])
    assert found(index, "/a") == ["all"]


def test_an_empty_index_finds_nothing() -> None:
    index: Index[str] = Index([])
    assert list(index.candidates("/")) == []
    assert list(index.candidates("")) == []
    assert Index([("x", [Shape(())])]).candidates("/") in ((), [])
