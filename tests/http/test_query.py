"""plain_query: what WebOb makes of a query, or nothing."""

from __future__ import annotations

import itertools

import pytest
import webob
from webob.multidict import GetDict

from kroute.http import Request
from kroute.http.query import plain_query

PARTS = ["", "a", "a=", "=b", "a=b", "a=b=c", "+a=b+c", "a?=/", "%41=%42", "a;b=c", "\xc3\xa9=1"]
QUERIES = [*PARTS, *("&".join(pair) for pair in itertools.product(PARTS, PARTS))]


def asked(kind: type[webob.Request], query: str) -> webob.Request:
    return kind({**webob.Request.blank("/").environ, "QUERY_STRING": query})


@pytest.mark.parametrize("query", QUERIES)
def test_it_is_what_webob_makes(query: str) -> None:
    ours, theirs = asked(Request, query), asked(webob.Request, query)
    assert list(ours.GET.items()) == list(theirs.GET.items())
    assert list(ours.params.items()) == list(theirs.params.items())
    assert type(ours.GET) is GetDict
    assert ours.GET is ours.GET
    assert (plain_query(asked(Request, query).environ) is None) == any(
        sign in query for sign in "%;\xc3"
    )


def test_what_is_changed_in_it_is_in_the_query() -> None:
    ours = asked(Request, "a=1&b=2")
    ours.GET["c"] = "\xe9 3"
    assert ours.query_string == "a=1&b=2&c=%C3%A9+3"
    del ours.GET["a"]
    assert list(ours.GET.items()) == [("b", "2"), ("c", "\xe9 3")]
    ours.query_string = "d=4"
    assert list(ours.GET.items()) == [("d", "4")]


def test_an_environ_without_a_query_has_an_empty_one() -> None:
    assert not Request({"REQUEST_METHOD": "GET"}).GET
