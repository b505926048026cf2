"""make_handler, table_of: what can stand behind a URL, and what cannot."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from kroute import App, RouteError
from kroute.handlers import FunctionHandler, GeneratorHandler, make_handler, table_of


def plain(request):
    return "x"


def generator(request):
    yield "x"


async def coroutine(request):
    return "x"


async def async_generator(request):
    yield "x"


class Caller:
    def __init__(self, how: Any) -> None:
        pass

    def __call__(self, request):
        return "x"


class YieldingCaller:
    def __call__(self, request):
        yield "x"

    def method(self, request):
        yield "x"


class AsyncCaller:
    async def __call__(self, request):
        return "x"


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (plain, FunctionHandler),
        (Caller(1), FunctionHandler),
        (functools.partial(plain), FunctionHandler),
        (lambda request: "x", FunctionHandler),
        (generator, GeneratorHandler),
        (YieldingCaller(), GeneratorHandler),
        (YieldingCaller().method, GeneratorHandler),
        (functools.partial(generator), GeneratorHandler),
    ],
)
def test_is_of_a_kind(thing: Any, kind: type) -> None:
    assert type(make_handler(thing, "/")) is kind


@pytest.mark.parametrize(
    ("thing", "problem"),
    [
        ("text", "'text' is no handler: a function is, or a class with a method GET"),
        (3, "3 is no handler"),
        (coroutine, "coroutine is an async function; a handler that waits is a generator"),
        (async_generator, "async_generator is an async function"),
        (functools.partial(coroutine), "is an async function"),
        (AsyncCaller(), "is an async function"),
        (AsyncCaller().__call__, "is an async function"),
        (Caller, "the class Caller stands for all methods: app.add(path, the class)"),
    ],
)
def test_is_no_handler(thing: Any, problem: str) -> None:
    app = App()
    with pytest.raises(RouteError) as caught:
        app.add("/it/{x}", GET=thing)
    assert problem in str(caught.value)
    assert "route '/it/{x}': " in str(caught.value)
    assert caught.value.place is not None


def test_nothing_is_no_handler() -> None:
    with pytest.raises(RouteError):
        App().add("/", GET=None)


# Tables


class Table:
    LIMIT = 10

    def __init__(self) -> None:
        self.made = True

    def GET(self, request):
        return "x"

    @staticmethod
    def PUT(request):
        return "x"

    @classmethod
    def POST(cls, request):
        yield "x"

    def helper(self):
        pass

    def Delete(self, request):
        pass


class Empty:
    def get(self, request):
        pass


class NeedsArguments:
    def __init__(self, store: Any) -> None:
        pass

    def GET(self, request):
        pass


class FailsWithin:
    def __init__(self) -> None:
        len(3)  # type: ignore[arg-type]

    def GET(self, request):
        pass


def test_what_a_class_raises_is_its_own() -> None:
    with pytest.raises(TypeError, match="has no len"):
        App().add("/t", FailsWithin)


@pytest.mark.parametrize("table", [Table, Table()])
def test_the_methods_of_a_class(table: Any) -> None:
    assert list(table_of(table, "/")) == ["GET", "POST", "PUT"]


def test_methods_of_a_class_share_one_object() -> None:
    methods = table_of(Table, "/")
    assert methods["GET"].__self__.made


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (Empty, "Empty has no method called GET, PUT, POST, ..."),
        (Empty(), "Empty has no method called GET"),
        ("GET", "str has no method called GET"),
        (NeedsArguments, "NeedsArguments cannot be made without arguments"),
    ],
)
def test_is_no_table(table: Any, problem: str) -> None:
    with pytest.raises(RouteError) as caught:
        App().add("/t", table)
    assert problem in str(caught.value)
    assert "route '/t': " in str(caught.value)
    if not isinstance(table, str):
        assert "test_make.py:" in str(caught.value)
