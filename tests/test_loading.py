"""load_app: an application by the name that the command line takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kroute import App
from kroute.loading import LoadError, load_app
from kroute.routing import Match

SOURCE = """
from kroute import App

app = App()
other = App()
number = 3


class holder:
    inner = App()


def make_app():
    return other


def broken():
    raise ZeroDivisionError


def needs(path):
    return other


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with some modules in it, the current one."""
    (tmp_path / "loadable.py").write_text(SOURCE)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "loadable.py").write_text(SOURCE)
    (tmp_path / "asks.py").write_text("import there_is_no_such_module\n")
    (tmp_path / "wrong.py").write_text("app = (\n")
    (tmp_path / "fails.py").write_text("raise KeyError('mine')\n")
    (tmp_path / "empty.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("loadable", "app"),
        ("loadable:app", "app"),
        ("loadable:other", "other"),
        ("loadable:make_app()", "other"),
        ("package.loadable:app", "app"),
    ],
)
def test_finds(here: Path, name: str, attribute: str) -> None:
    app = load_app(name)
    module = sys.modules[name.partition(":")[0]]
    assert app is getattr(module, attribute)


def test_finds_attributes_of_attributes(here: Path) -> None:
    assert load_app("loadable:holder.inner") is sys.modules["loadable"].holder.inner


def test_puts_a_wsgi_application_into_an_app(here: Path) -> None:
    assert isinstance(load_app("loadable:wsgi"), App)


@pytest.mark.parametrize(("threads", "expected"), [(None, 8), (3, 3)])
def test_a_wsgi_application_has_the_threads_that_were_asked_for(
    here: Path, threads: int | None, expected: int
) -> None:
    match = load_app("loadable:wsgi", threads).urls.resolve("GET", "/any/path")
    assert isinstance(match, Match)
    assert match.endpoint._workers.threads == expected


def test_an_app_says_itself_how_many_threads_there_are(here: Path) -> None:
    for name in ("loadable:app", "loadable:make_app()"):
        with pytest.raises(LoadError, match="an App, which says itself how many threads each mou"):
            load_app(name, 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "'' names no application; module:app does, such as hello:app"),
        (":app", "':app' names no application"),
        ("loadable:", "'loadable:' names no application"),
        ("nowhere", "there is no module 'nowhere' in "),
        ("nowhere.at.all:app", "there is no module 'nowhere.at.all' in "),
        ("package.nowhere:app", "there is no module 'package.nowhere' in "),
        ("loadable.sub:app", "there is no module 'loadable.sub' in "),
        ("loadable.py", "'loadable.py' is a file; the name of its module is 'loadable'"),
        ("package/loadable.py", "is a file; the name of its module is 'package.loadable'"),
        (".loadable:app", "'.loadable' is not the full name of a module"),
        ("package..loadable", "'package..loadable' is not the full name of a module"),
        ("loadable:ap", "loadable has no 'ap'; it has app, other"),
        ("loadable:app.", "loadable has no 'app.'"),
        ("loadable:number", "loadable:number is no App but int (3)"),
        ("loadable:make_app", "is it a factory: loadable:make_app() ?"),
        ("loadable:number()", "loadable:number(): it cannot be called without arguments"),
        ("loadable:app()", "it is an App, and no factory; loadable:app is enough"),
        ("loadable:needs()", "cannot be called without arguments: missing a required argument"),
        ("loadable:make_app(1)", "loadable has no 'make_app(1)'"),
        ("empty", "empty has no 'app'"),
    ],
)
def test_says_in_a_line_what_is_wrong(here: Path, name: str, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_app(name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("asks", ModuleNotFoundError),
        ("wrong", SyntaxError),
        ("fails", KeyError),
        ("loadable:broken()", ZeroDivisionError),
    ],
)
def test_what_the_module_raises_is_its_own(here: Path, name: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        load_app(name)
