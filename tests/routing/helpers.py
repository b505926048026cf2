"""What the tests of URL maps share."""

from __future__ import annotations

from typing import Any

from kroute.routing import Match, Place, URLMap

HERE = Place("app.py", 12, "hello")


def answer(urls: URLMap[str], request: str, **environ: Any) -> Any:
    """The endpoint and values of a match, where a miss leads to, or its `Allow`."""
    method, path = request.split(" ", 1)
    asked = {"REQUEST_METHOD": method, "PATH_INFO": path, **environ} if environ else None
    found = urls.resolve(method, path, asked)
    if isinstance(found, Match):
        return found.endpoint, found.variables
    return found.allow if found.redirect is None else (found.code, found.redirect)


def a_map(*declarations: str, **options: Any) -> URLMap[str]:
    """A map of ``'GET /path'`` lines; the endpoint is the line, the place its number."""
    urls: URLMap[str] = URLMap(**options)
    for number, line in enumerate(declarations, 1):
        methods, path = line.split(" ", 1)
        handlers = dict.fromkeys(methods.split(","), line)
        urls.add(path, handlers, place=Place("app.py", number))
    return urls
