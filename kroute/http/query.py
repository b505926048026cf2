"""plain_query, QUERY_FIELDS: the fields of a query in which nothing has to be decoded."""

from __future__ import annotations

from typing import Any

from webob.multidict import GetDict

__all__ = ["QUERY_FIELDS", "plain_query"]

QUERY_FIELDS = "webob._parsed_query_vars"
"""WebOb's environ key of the fields of the query, once somebody has asked for them."""


def plain_query(environ: dict[str, Any]) -> GetDict | None:
    """What `webob.Request.GET` makes of QUERY_STRING, made at once and left where WebOb looks for
    it. None for what is left to WebOb: a query that was read before, and one with "%", ";" or more
    than ASCII in it."""
    query: str = environ.get("QUERY_STRING", "")
    if QUERY_FIELDS in environ or "%" in query or ";" in query:
        return None
    if not query.isascii():
        return None
    fields = []
    for field in query.replace("+", " ").split("&"):
        if field:
            name, _, value = field.partition("=")
            fields.append((name, value))
    # Without its __init__, which finds out first what kind of fields it is given.
    found: Any = GetDict.__new__(GetDict)
    found._items = fields
    found.env = environ
    environ[QUERY_FIELDS] = (found, query)
    made: GetDict = found
    return made
