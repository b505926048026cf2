"""plain_query: the fields of a query in which nothing has to be decoded."""

from __future__ import annotations

from typing import Any

from webob.multidict import GetDict

__all__ = ["plain_query"]


def plain_query(environ: dict[str, Any]) -> GetDict | None:
    """What `webob.Request.GET` makes of QUERY_STRING, made at once and left where WebOb looks for
    it. None for what is left to WebOb: a query that was read before, and one with "%", ";" or more
    than ASCII in it."""
    query: str = environ.get("QUERY_STRING", "")
    if "webob._parsed_query_vars" in environ or "%" in query or ";" in query:
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
    environ["webob._parsed_query_vars"] = (found, query)
    made: GetDict = found
    return made
