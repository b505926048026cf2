"""Declaring, Submapper, Collection: the ways to declare what stands behind a URL."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Collection as Collected
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .handlers import (
    EventsHandler,
    WebSocketHandler,
    actions_of,
    make_handler,
    make_mounted,
    make_service,
    table_of,
)
from .http import Handler
from .routing import Declarations, Place, RouteError, URLMap, nearest
from .scheduler import get_scheduler

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Collection", "Declaring", "Submapper"]

F = TypeVar("F", bound=Callable[..., Any])

ACTIONS = ("index", "create", "new", "show", "edit", "update", "delete")

# What other frameworks write for a type; as a regex it would match that word alone.
TYPED = re.compile(r"\{(\w+):(int|float|str|string|path|uuid|any)\}")
# What they write for a variable.
ANGLED = re.compile(r"(?<!\(\?P)<(?:\w+:)?(\w+)>")

# What a route takes beside its path, methods and handlers: ours, and what `URLMap.add` takes.
HANDLER_OPTIONS = ("threaded", "max_body", "stream", "on_disconnect")
ROUTE_OPTIONS = ("name", "requirements", "defaults", "conditions", "filter", "minimize")
# What the others take.
SUBMAPPER_OPTIONS = ("name_prefix", *ROUTE_OPTIONS[1:])
RESOURCE_OPTIONS = ("parent_resource", "path_prefix", "name_prefix", "requirements")
COLLECTION_OPTIONS = ("path_prefix", "member_prefix", "requirements")
REDIRECT_OPTIONS = ("code", "name", "requirements", "conditions")


class Declaring:
    """Routes, handler tables, resources, mounts, redirects: what an `App` and a `Submapper` have
    in common.

    The options of a route: name; requirements, regexes by variable; defaults; conditions (method,
    sub_domain, function, as in Routes); filter (changes the parts given to `url_for`); minimize;
    threaded, run the handler in a thread; max_body, bytes of a request body; stream, start the
    handler before the body is received, for it to read (`request.read`); on_disconnect, "stop" (it
    is closed when its client goes away) or "finish" (it goes on to its end). Everything raises
    RouteError for what cannot stand, with file and line.
    """

    _declarations: Declarations[Handler]

    def route(
        self, path: str, methods: Iterable[str] = ("GET",), **options: Any
    ) -> Callable[[F], F]:
        """A decorator: the function answers `path`, for each of `methods`."""
        if not isinstance(path, str):
            problem = "the decorator needs a path: @app.get('/...')"
            raise RouteError(problem, place=Place.of(path))
        if isinstance(methods, str):
            problem = f"methods is a list of words: [{methods!r}]"
            raise RouteError(problem, path=path, place=Place.here(1))
        tokens = tuple(methods)

        def decorate(function: F) -> F:
            self._add(path, dict.fromkeys(tokens, function), Place.of(function), options)
            return function

        return decorate

    def get(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for GET (which answers HEAD too)."""
        return self.route(path, ("GET",), **options)

    def post(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for POST."""
        return self.route(path, ("POST",), **options)

    def put(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for PUT."""
        return self.route(path, ("PUT",), **options)

    def patch(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for PATCH."""
        return self.route(path, ("PATCH",), **options)

    def delete(self, path: str, **options: Any) -> Callable[[F], F]:
        """`route` for DELETE."""
        return self.route(path, ("DELETE",), **options)

    def add(self, path: str, table: Any = None, /, **given: Any) -> None:
        """Put a handler table behind `path`: `add('/entries', GET=list_entries, POST=create)`.

        table: a class with a method for each HTTP method (`def GET(self, request, id)`), an
        instance of one, or a mapping. Keywords in upper case are methods, the others options.
        """
        place = Place.here(1)
        methods = {word: thing for word, thing in given.items() if word.isupper()}
        options = {word: thing for word, thing in given.items() if not word.isupper()}
        if isinstance(table, Mapping):
            methods = {**table, **methods}
        elif table is not None:
            with _declared_at(place):
                methods = {**table_of(table, path), **methods}
        self._add(path, methods, place, options)

    def _add(
        self, path: str, methods: Mapping[str, Any], place: Place, options: Mapping[str, Any]
    ) -> None:
        _check_options(options, HANDLER_OPTIONS + ROUTE_OPTIONS, "a route", path, place)
        _check_language(path, place)
        ours = {name: options[name] for name in HANDLER_OPTIONS if name in options}
        theirs = {name: options[name] for name in ROUTE_OPTIONS if name in options}
        with _declared_at(place):
            handlers = {
                method: make_handler(thing, path, **ours) for method, thing in methods.items()
            }
            self._declarations.add(path, handlers, place=place, **theirs)

    def resource(
        self,
        member_name: str,
        collection_name: str,
        table: Any,
        *,
        collection: Mapping[str, str] | None = None,
        member: Mapping[str, str] | None = None,
        new: Mapping[str, str] | None = None,
        formatted: bool = False,
        threaded: bool = False,
        max_body: int | None = None,
        **options: Any,
    ) -> None:
        """Routes' `resource()`: `resource('entry', 'entries', Entries())`.

        table: a class, an instance or a mapping with some of the actions index, create, new, show,
        edit, update and delete, and of those that `collection`, `member` and `new` name, each with
        its method. options: parent_resource, path_prefix, name_prefix, requirements. With
        `formatted` each path also ends in `.{format}`, which the actions take as an argument that
        has a default (Routes always does so).
        """
        place = Place.here(1)
        _check_options(options, RESOURCE_OPTIONS, "a resource", collection_name, place)
        names = (*ACTIONS, *(collection or {}), *(member or {}), *(new or {}))
        with _declared_at(place):
            self._declarations.resource(
                member_name,
                collection_name,
                _actions(table, names, collection_name, threaded, max_body),
                place=place,
                collection=collection,
                member=member,
                new=new,
                formatted=formatted,
                **options,
            )

    def collection(
        self,
        collection_name: str,
        member_name: str,
        table: Any,
        *,
        formatted: bool = False,
        threaded: bool = False,
        max_body: int | None = None,
        **options: Any,
    ) -> Collection:
        """Routes' `collection()`: a submapper with the paths of a resource, and a `member` for
        more of them: `with app.collection('entries', 'entry', Entries) as entries:`.

        table: as for `resource`, with the seven actions. options: path_prefix, member_prefix
        (`/{id}`), requirements. formatted: paths may end in `.{format}`.
        """
        place = Place.here(1)
        _check_options(options, COLLECTION_OPTIONS, "a collection", collection_name, place)
        with _declared_at(place):
            made = self._declarations.collection(
                collection_name,
                member_name,
                _actions(table, ACTIONS, collection_name, threaded, max_body),
                place=place,
                formatted=formatted,
                **options,
            )
        return Collection(made, Submapper(made.member))

    def redirect(self, path: str, destination: str, **options: Any) -> None:
        """Answer `path` with a redirect to `destination`, which may use its variables.

        options: code (302), name, requirements, conditions.
        """
        place = Place.here(1)
        _check_options(options, REDIRECT_OPTIONS, "a redirect", path, place)
        _check_language(path, place)
        self._declarations.redirect(path, destination, place=place, **options)

    def static(self, name: str, url: str) -> None:
        """Name a URL for `url_for` that nothing here answers: a CDN, another server."""
        self._declarations.static(name, url, place=Place.here(1))

    def mount(
        self, prefix: str, target: Any, *, name: str | None = None, **options: Any
    ) -> None:
        """Give every URL under `prefix` to another application.

        Its hooks run inside the hooks of this one; `name` goes before the names of its routes
        (`name.route`). What it has no answer for goes on to the later routes of this one, whose
        404 or 405 it is then. The variables of the prefix are in `request.path_variables`.
        """
        place = Place.here(1)
        _check_language(prefix, place)
        urls = getattr(target, "urls", None)
        with _declared_at(place):
            if not isinstance(urls, URLMap):
                urls = make_mounted(target, prefix, place, **options)
            else:
                _check_options(options, ("name",), "a mounted App", prefix, place)
            self._declarations.mount(prefix, urls, place=place, name=name)

    def events(self, path: str, factory: Any, **options: Any) -> EventsHandler:
        """Answer `path` with what a component sends, as Server-Sent Events.

        factory: as for `mount`. options: those of a route, of `EventsHandler` and of `EventTerms`.
        Returns the handler, which counts its `subscribers`, and what slow ones lost.
        """
        place = Place.here(1)
        route = {name: options.pop(name) for name in ROUTE_OPTIONS if name in options}
        with _declared_at(place):
            handler = EventsHandler(factory, path, **options)
            self._declarations.add(path, {"GET": handler}, place=place, **route)
        return handler

    def websocket(self, path: str, factory: Any, **options: Any) -> None:
        """Put the inbox and outbox of a component behind `path`, as a WebSocket.

        factory: as for `mount`; or a generator function of the request, the `WebSocket` and the
        variables of the path. options: those of a route, of `WebSocketHandler` and of
        `WebSocketTerms`.
        """
        place = Place.here(1)
        route = {name: options.pop(name) for name in ROUTE_OPTIONS if name in options}
        with _declared_at(place):
            handler = WebSocketHandler(factory, path, **options)
            self._declarations.add(path, {"GET": handler}, place=place, **route)

    def service(
        self, path: str, what: Any, *, max_body: int | None = None, **options: Any
    ) -> None:
        """Let one component, kept running, answer to all who post to `path`.

        what: the component, or what makes it. options: those of a route, and of `Service`. It
        starts when the scheduler does.
        """
        place = Place.here(1)
        route = {name: options.pop(name) for name in ROUTE_OPTIONS if name in options}
        with _declared_at(place):
            service = make_service(what, path, name=route.get("name"), **options)
            handlers = {
                "POST": make_handler(service.post, path, max_body=max_body),
                "GET": make_handler(service.get, path),
            }
            self._declarations.add(path, handlers, place=place, **route)
        get_scheduler().call_soon(service.start)

    def submapper(self, prefix: str = "", **options: Any) -> Submapper:
        """The same declarations under a prefix: `with app.submapper('/api') as api:`.

        options: name_prefix, requirements, defaults, conditions, filter, minimize; for all that is
        declared under it.
        """
        place = Place.here(1)
        _check_options(options, SUBMAPPER_OPTIONS, "a submapper", prefix, place)
        _check_language(prefix, place)
        return Submapper(self._declarations.submapper(prefix, **options))


class Submapper(Declaring):
    """Declarations under a prefix; also a context manager, for the indentation."""

    def __init__(self, declarations: Declarations[Handler]) -> None:
        self._declarations = declarations

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


class Collection(Submapper):
    """What `collection` gives. member: for declarations under the path of one member."""

    def __init__(self, declarations: Declarations[Handler], member: Submapper) -> None:
        super().__init__(declarations)
        self.member = member


def _actions(
    table: Any, names: Collected[str], collection_name: str, threaded: bool, max_body: int | None
) -> dict[str, Handler]:
    """The handlers of a resource by action."""
    path = f"/{collection_name}"
    return {
        name: make_handler(thing, path, threaded, max_body)
        for name, thing in actions_of(table, names, path).items()
    }


@contextlib.contextmanager
def _declared_at(place: Place) -> Iterator[None]:
    """An error about what has no place of its own is one of the line that declares it."""
    try:
        yield
    except RouteError as error:
        if error.place is not None and error.place.known:
            raise
        raise RouteError(error.problem, path=error.path, place=place) from error.__cause__


def _check_options(
    options: Iterable[str], known: tuple[str, ...], what: str, path: str, place: Place
) -> None:
    """Refuse options that `what` does not have."""
    for name in options:
        if name in known:
            continue
        close = nearest(name, known)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
        if name.upper() in ("METHOD", "GET", "POST", "PUT", "PATCH", "DELETE"):
            hint = "methods are methods=['PUT'] for route(), PUT=handler for add()"
        problem = f"{name!r} is no option of {what}; {hint}"
        raise RouteError(problem, path=path, place=place)


def _check_language(path: str, place: Place) -> None:
    """Refuse what means a variable elsewhere, and here would match only its own letters."""
    problem = ""
    if typed := TYPED.search(path):
        problem = (
            f"{typed[0]!r}: after the colon stands a regex, and {typed[2]!r} matches only "
            f"that word; for a number annotate the parameter ({typed[1]}: int), for a rest "
            f"with slashes write '*{typed[1]}'"
        )
    elif angled := ANGLED.search(path):
        problem = (
            f"{angled[0]!r} is no variable here: write '{{{angled[1]}}}', and annotate the "
            f"parameter where it is a number ({angled[1]}: int)"
        )
    if problem:
        raise RouteError(problem, path=path, place=place)
