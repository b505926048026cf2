"""docs/topics/url-maps.md: every example in it is run, and does what its comments say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kroute import App
from kroute.routing import BuildError, Match, RouteError, routing_path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "topics" / "url-maps.md"
SECTION = re.compile(r"^## ([^\n]+)$|^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REQUEST = re.compile(r"# ([A-Z]+) (\S*/\S*) -> (.+)")
URL = re.compile(r"# (url_for\(.+\)) -> (.+)")
ERROR = re.compile(r"# RouteError: (.+)")
WARNING = re.compile(r"# RouteWarning: (.+)")


def blocks() -> list[Any]:
    found = []
    title = ""
    for heading, block in SECTION.findall(PAGE.read_text()):
        title = heading or title
        if block:
            found.append(pytest.param(block, id=f"{title} {len(found)}"))
    return found


@pytest.mark.parametrize("block", blocks())
def test_an_example(block: str) -> None:
    names: dict[str, Any] = {"App": App, "app": App()}
    code = compile(block, PAGE.name, "exec")
    expected = ERROR.findall(block)
    if expected:
        with pytest.raises(RouteError) as caught:
            exec(code, names)
        assert [str(caught.value)] == [Like(text) for text in expected]
        return
    exec(code, names)
    app = names["app"]
    said = [str(warning) for warning in app.urls.compile()]
    assert said == [Like(text) for text in WARNING.findall(block)]
    asked = REQUEST.findall(block)
    for method, url, outcome in asked:
        assert becomes(app, method, url) == outcome, f"{method} {url}"
    built = URL.findall(block)
    for call, url in built:
        assert url_for(app, call) == Like(url), call
    comments = re.findall("^# .*", block, re.MULTILINE)
    assert len(comments) == len(asked) + len(built) + len(said)
    assert comments or "assert" in block


def becomes(app: App, method: str, url: str) -> str:
    """What a request comes to, as the page says it."""
    parts = urlsplit(url)
    environ = {"REQUEST_METHOD": method, "PATH_INFO": parts.path, "HTTP_HOST": parts.netloc}
    answer = app.urls.resolve(method, routing_path(parts.path), environ)
    if isinstance(answer, Match):
        name = answer.endpoint.function.__name__  # type: ignore[attr-defined]
        return f"{name}({', '.join(f'{part}={value!r}' for part, value in order(answer))})"
    if answer.redirect is not None:
        return f"{answer.code} to {answer.redirect}"
    allow = f", Allow: {', '.join(answer.allow)}" if answer.allow else ""
    return f"{answer.code}{allow}"


def order(match: Match[Any]) -> list[tuple[str, str]]:
    """The values in the order of the parameters."""
    code = match.endpoint.function.__code__
    names = code.co_varnames[: code.co_argcount]
    return sorted(match.variables.items(), key=lambda item: names.index(item[0]))


def url_for(app: App, call: str) -> str:
    try:
        return str(eval(call, {"url_for": app.url_for}))
    except BuildError as error:
        return f"BuildError: {error}"


class Like:
    """Equal to any text that reads so, with anything for ``...``."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        pattern = re.escape(self.text).replace(re.escape("..."), ".*")
        return isinstance(other, str) and re.fullmatch(pattern, other, re.DOTALL) is not None

    def __repr__(self) -> str:
        return repr(self.text)
