"""bind: path variables and the parameters of handlers."""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Optional

import pytest

from kroute import App, RouteError
from tests.server.harness import World

if TYPE_CHECKING:
    from nowhere import Missing

U = uuid.UUID("12345678-1234-5678-1234-567812345678")


def app_of(function: Any, path: str = "/x/{v}", **options: Any) -> App:
    app = App()
    app.get(path, **options)(function)
    return app


def integer(request, v: int):
    return repr(v)


def number(request, v: float):
    return repr(v)


def unique(request, v: uuid.UUID):
    return repr(v)


def as_bytes(request, v: bytes):
    return repr(v)


def optional(request, v: int | None):
    return repr(v)


def old_optional(request, v: Optional[int]):  # noqa: UP045
    return repr(v)


def annotated(request, v: Annotated[int, "positive"]):
    return repr(v)


def text(request, v: str):
    return repr(v)


def unknown(request, v: complex):
    return repr(v)


def either(request, v: int | float):
    return repr(v)


def beside(request: Missing, v: int) -> Missing:
    return repr(v)


def itself_missing(request, v: Missing):
    return repr(v)


def plain(request, v):
    return repr(v)


def generator(request, v: int):
    yield repr(v)


def keywords(request, **variables: int):
    return repr(variables["v"])


def wrapping(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Callable_:
    def __call__(self, request, v: int):
        return repr(v)


@pytest.mark.parametrize(
    ("function", "given", "answer"),
    [
        (integer, "7", "7"),
        (integer, "-7", "-7"),
        (integer, "007", "7"),
        (number, "1.5", "1.5"),
        (number, "-1e3", "-1000.0"),
        (number, "2", "2.0"),
        (unique, str(U), repr(U)),
        (unique, U.hex.upper(), repr(U)),
        (as_bytes, "%C3%A9%FF", repr("é".encode() + b"\xff")),
        (optional, "7", "7"),
        (old_optional, "7", "7"),
        (annotated, "7", "7"),
        (text, "7", "'7'"),
        (either, "7", "'7'"),
        (beside, "7", "7"),
        (itself_missing, "7", "'7'"),
        (plain, "7", "'7'"),
        (generator, "7", "7"),
        (keywords, "7", "'7'"),
        (wrapping(integer), "7", "7"),
        (functools.partial(integer), "7", "7"),
        (Callable_(), "7", "7"),
        (Callable_().__call__, "7", "7"),
    ],
)
def test_arrives_as_the_parameter_wants_it(
    world: World, function: Any, given: str, answer: str
) -> None:
    assert world.client(app_of(function)).get(f"/x/{given}").text == answer


NO_INTEGERS = ["x", "1.5", "1_000", "%201", "1%20", "%2B1", "0x10", "%D9%A1", "%EF%BC%91", "1%0A"]
NO_INTEGERS += ["--", "1e3", "9" * 4001]
NO_NUMBERS = ["x", "nan", "inf", "-inf", "1e999", "1_0", ".5", "5.", "%201", "0x1p3", "1%0A"]
NO_UUIDS = [f"{{{U}}}", f"urn:uuid:{U}", str(U)[:-1], f"{U}0", "1" * 31, f"{U}%0A"]


@pytest.mark.parametrize(
    ("function", "given"),
    [
        *((integer, given) for given in NO_INTEGERS),
        *((number, given) for given in NO_NUMBERS),
        *((unique, given) for given in NO_UUIDS),
        (optional, "x"),
        (generator, "x"),
        (functools.partial(integer), "x"),
    ],
)
def test_what_does_not_convert_is_404(world: World, function: Any, given: str) -> None:
    assert world.client(app_of(function)).get(f"/x/{given}").code == 404


def test_a_part_that_is_not_there_leaves_the_default(world: World) -> None:
    app = App()

    @app.get("/x{.n}")
    def handler(request, n: int | None = None):
        return repr(n)

    client = world.client(app)
    assert [client.get(path).text for path in ("/x", "/x.7")] == ["None", "7"]
    assert client.get("/x.y").code == 404


def test_defaults_of_the_route_are_arguments_too(world: World) -> None:
    app = app_of(lambda request, v, kind: f"{v} {kind}", defaults={"kind": "entry"})
    assert world.client(app).get("/x/1").text == "1 entry"


# What does not fit


def no_parameter(request):
    pass


def other_parameter(request, w):
    pass


def more(request, v, w):
    pass


def nothing():
    pass


def keyword_only(*, request, v):
    pass


def keywords_only(**variables):
    pass


def first_is_variable(v):
    pass


def needs_optional(request, v):
    pass


@pytest.mark.parametrize(
    ("function", "path", "problem"),
    [
        (no_parameter, "/{v}", "has no parameter 'v', which the path has; it has none"),
        (other_parameter, "/{v}", "has no parameter 'v', which the path has; it has 'w'"),
        (more, "/{v}", "needs 'w', which the path does not have; it has 'v'"),
        (more, "/", "needs 'v', which the path does not have; it has none"),
        (nothing, "/", "takes no argument; the first one of a handler is the request"),
        (keyword_only, "/{v}", "takes no argument; the first one of a handler is the request"),
        (keywords_only, "/{v}", "takes keywords only; the first argument"),
        (first_is_variable, "/{v}", "calls its first argument 'v', as the path calls a variable"),
        (needs_optional, "/x{.v}", "needs 'v', which the path may lack; give it a default"),
    ],
)
def test_what_does_not_fit_is_said_with_file_line_and_route(
    function: Any, path: str, problem: str
) -> None:
    app = App()
    with pytest.raises(RouteError) as caught:
        app.get(path)(function)
    message = str(caught.value)
    line = function.__code__.co_firstlineno
    assert message.startswith(
        f"{function.__code__.co_filename}:{line} ({function.__name__}): "
    ) or (f"test_binding.py:{line} ({function.__name__}): " in message)
    assert f"route {path!r}: " in message
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "function",
    [
        lambda request, /, v: "",
        lambda v_, *, v: "",
        lambda *args, v: "",
        lambda request, **kw: "",
        lambda request, v, w=1: "",
        lambda request, v="x": "",
        lambda request, /, request_=None, **kw: "",
    ],
)
def test_fits(world: World, function: Any) -> None:
    assert world.client(app_of(function)).get("/x/1").code == 200


def test_a_builtin_whose_parameters_cannot_be_seen() -> None:
    with pytest.raises(RouteError, match="cannot see the parameters of"):
        App().get("/")(dict.fromkeys.__self__.update)


def test_a_type_that_a_variable_does_not_arrive_as() -> None:
    with pytest.raises(RouteError, match=r"unknown\(\) wants 'v' as complex; .* one of str, int"):
        App().get("/{v}")(unknown)
