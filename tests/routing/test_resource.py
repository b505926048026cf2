"""`resource()` and `collection()`, beside those of Routes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from routes import Mapper as RoutesMapper

from kroute.routing import RouteError, URLMap
from kroute.routing.resource import resource_routes

from .helpers import HERE, answer

ACTIONS = ("index", "create", "new", "show", "edit", "update", "delete")

REGIONS = {"member_name": "region", "collection_name": "regions"}
RESOURCES: list[dict[str, Any]] = [
    {},
    {"collection": {"rss": "GET"}},
    {"collection": {"rss": "get", "clear": "DELETE", "search": "POST"}},
    {"member": {"mark": "POST", "preview": "GET"}},
    {"member": {"patch": "PATCH", "put_it": "PUT"}},
    {"new": {"preview": "POST", "check": "GET"}},
    {"path_prefix": "/category/:category_id", "name_prefix": "category_"},
    {"path_prefix": "{project_id}/"},
    {"parent_resource": REGIONS},
    {"parent_resource": REGIONS, "path_prefix": "areas/{area_id}"},
    {"parent_resource": REGIONS, "name_prefix": ""},
]


def all_actions(options: dict[str, Any]) -> dict[str, str]:
    more = [options.get(kind, {}) for kind in ("collection", "member", "new")]
    return {action: action for action in itertools.chain(ACTIONS, *more)}


def their_mapper(options: dict[str, Any]) -> RoutesMapper:
    mapper = RoutesMapper(controller_scan=None, register=False)
    # Routes writes into the dictionaries it is given.
    copied = {
        name: dict(value) if isinstance(value, dict) else value for name, value in options.items()
    }
    mapper.resource("message", "messages", **copied)
    mapper.create_regs([])
    return mapper


def modern(path: str) -> str:
    """Routes' older spelling of variables in the newer one."""
    for name in ("id", "category_id", "region_id", "format"):
        path = path.replace(f":({name})", f"{{{name}}}").replace(f":{name}", f"{{{name}}}")
    return path


@pytest.mark.parametrize("options", RESOURCES, ids=str)
def test_the_same_routes_in_the_same_order(options: dict[str, Any]) -> None:
    theirs = [
        (
            route.defaults["action"],
            route.conditions["method"][0],
            modern(route.routepath),
            route.name,
            dict(route.reqs),
        )
        for route in their_mapper(options).matchlist
    ]
    parent = options.get("parent_resource")
    mine = resource_routes(
        "message",
        "messages",
        collection=options.get("collection", {}),
        member=options.get("member", {}),
        new=options.get("new", {}),
        parent=parent and (parent["member_name"], parent["collection_name"]),
        path_prefix=options.get("path_prefix"),
        name_prefix=options.get("name_prefix"),
        formatted=True,
    )
    assert [
        (action, method, modern(path), name, dict(requirements))
        for action, method, path, name, requirements in mine
    ] == theirs


@pytest.mark.parametrize("options", RESOURCES, ids=str)
def test_the_same_answers_and_urls(options: dict[str, Any]) -> None:
    theirs = their_mapper(options)
    urls: URLMap[str] = URLMap()
    urls.resource("message", "messages", all_actions(options), place=HERE, **options)
    assert set(urls.names()) == set(theirs._routenames)
    for name, route in theirs._routenames.items():
        parts = {part: "x7" for part in route.minkeys}
        assert urls.url_for(name, **parts) == route.generate(
            **parts, action=route.defaults["action"], controller="messages"
        )
    prefixes = ("", "/category/7", "/p", "/regions/7", "/areas/7")
    tails = ("", "/new", "/7", "/7/edit", "/rss", "/clear", "/7/mark", "/new/preview", "/a.b.c")
    for method, prefix, tail, end in itertools.product(
        ("GET", "POST", "PUT", "DELETE", "PATCH"), prefixes, tails, ("", ".json", "/")
    ):
        path = f"{prefix}/messages{tail}{end}"
        expected = in_order(theirs, path, method)
        found = answer(urls, f"{method} {path}")
        matched = bool(found) and isinstance(found[-1], dict)
        assert (found if matched else None) == expected, path


def in_order(mapper: RoutesMapper, path: str, method: str) -> tuple[str, dict[str, str]] | None:
    """What the first of Routes' own routes says, as kroute gives it."""
    for route in mapper.matchlist:
        found = route.match(path, {"REQUEST_METHOD": method})
        if found is not False:
            action = found.pop("action")
            del found["controller"]
            return action, found
    return None


def test_actions_without_an_endpoint_are_not_routed() -> None:
    urls: URLMap[str] = URLMap()
    urls.resource("entry", "entries", {"index": "i", "show": "s"}, place=HERE, formatted=False)
    assert answer(urls, "GET /entries") == ("i", {})
    assert answer(urls, "POST /entries") == ("GET", "HEAD", "OPTIONS")
    assert answer(urls, "GET /entries/new") == ("s", {"id": "new"})
    assert answer(urls, "GET /entries.json") == ()
    assert urls.names() == ["entries", "entry"]


def test_any_is_any_method() -> None:
    urls: URLMap[str] = URLMap()
    urls.resource("entry", "entries", {"ping": "p"}, place=HERE, member={"ping": "any"})
    assert answer(urls, "BREW /entries/7/ping") == ("p", {"id": "7"})


def test_requirements_of_the_resource_or_around_it() -> None:
    urls: URLMap[str] = URLMap()
    show = {"show": "s"}
    urls.resource("a", "as", show, place=HERE, requirements={"id": r"\d+"})
    with urls.submapper("/sub", requirements={"id": r"\d"}) as sub:
        sub.resource("b", "bs", show, place=HERE, path_prefix="{tenant}")
    assert answer(urls, "GET /as/77") == ("s", {"id": "77"})
    assert answer(urls, "GET /as/x") == ()
    assert answer(urls, "GET /sub/acme/bs/7.json")[1]["format"] == "json"
    assert answer(urls, "GET /sub/acme/bs/77") == ()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"actions": {"idnex": "i"}}, "there is no action 'idnex'; did you mean 'index'?"),
        ({"actions": {"zzz": "i"}}, "there is no action 'zzz'; there are create, index, new"),
        (
            {"actions": {"mark": "m", "show": "s"}, "member": {"mark": "PUT", "amrk": "PUT"}},
            "route '/entries': the action 'amrk' has no handler; there are mark, show",
        ),
        (
            {"actions": {}, "parent_resource": {"member_name": "x"}},
            "parent_resource needs 'member_name' and 'collection_name', not ['member_name']",
        ),
    ],
)
def test_errors_name_the_place(call: dict[str, Any], says: str) -> None:
    urls: URLMap[str] = URLMap()
    with pytest.raises(RouteError) as caught:
        urls.resource("entry", "entries", place=HERE, **call)
    assert str(caught.value).startswith("app.py:12 (hello): ")
    assert says in str(caught.value)


def test_allow_is_that_of_all_the_actions_of_a_path() -> None:
    urls: URLMap[str] = URLMap()
    urls.resource("entry", "entries", all_actions({}), place=HERE)
    assert answer(urls, "OPTIONS /entries") == ("GET", "HEAD", "POST", "OPTIONS")
    assert answer(urls, "PATCH /entries/7") == ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
    # The path of a new member is one of a member as well.
    assert answer(urls, "PATCH /entries/new") == ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


@pytest.mark.parametrize("formatted", [True, False])
def test_a_collection_has_the_paths_and_names_of_routes(formatted: bool) -> None:
    theirs = RoutesMapper(controller_scan=None, register=False)
    theirs.collection(
        "entries", "entry", path_prefix="/x", formatted=formatted, member_prefix="/{number}"
    )
    urls: URLMap[str] = URLMap()
    made = urls.collection(
        "entries",
        "entry",
        all_actions({}),
        place=HERE,
        path_prefix="/x",
        member_prefix="/{number}",
        formatted=formatted,
    )
    assert [
        (route.name, route.routepath, route.conditions["method"]) for route in theirs.matchlist
    ] == [
        (name, table.path, method)
        for table_path in dict.fromkeys(route.routepath for route in theirs.matchlist)
        for table in urls.declared
        if table.path == table_path
        for name, method in zip(table.names, table.methods, strict=True)  # type: ignore
    ]
    made.add("/recent", {"GET": "recent"}, place=HERE, name="recent_entries")
    made.member.add("/ping", {"POST": "ping"}, place=HERE, name="ping_entry")
    assert answer(urls, "POST /x/entries/7/ping") == ("ping", {"number": "7"})
    assert urls.url_for("recent_entries") == "/x/entries/recent"


def test_a_collection_is_a_context_manager_too() -> None:
    urls: URLMap[str] = URLMap()
    requirements = {"id": r"\d+"}
    with urls.collection(
        "entries", "entry", {"show": "show"}, place=HERE, requirements=requirements
    ) as entries:
        entries.member.add("/ping", {"POST": "ping"}, place=HERE)
    assert answer(urls, "GET /entries/7.json") == ("show", {"id": "7", "format": "json"})
    assert answer(urls, "GET /entries/x") == ()
    assert answer(urls, "POST /entries/x/ping") == ()
    with pytest.raises(RouteError, match="did you mean 'show'"):
        urls.collection("a", "b", {"shwo": "s"}, place=HERE)
