"""`HandlerTable`: one declared path and what stands behind it, by method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._routes import RoutesRoute
from .errors import RouteError
from .match import Miss, allow_methods
from .place import Place
from .template import Template

if TYPE_CHECKING:
    from .urlmap import URLMap

__all__ = ["Filter", "HandlerTable"]

E = TypeVar("E")
Filter = Callable[[dict[str, Any]], dict[str, Any]]

# RFC 9110, 5.6.2: a method is a token.
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class HandlerTable(Generic[E]):
    """The methods of one path.

    - `path`, `requirements`, `defaults`, `conditions`: as declared, prefixes included.
    - `name`: its first name, or None; `names` all of them.
    - `methods`: what was declared, by method (``*`` for any); `places` where, by method.
    - `answers`, `any`: what is looked up: `methods` with HEAD where there is GET, and the ``*``.
    - `variables`: the names a match may carry; `optional` those of them that it may lack.
    - `place`: that of the first declaration; `owner`: the map it belongs to.
    - `route`: the Routes route that stands for it in the map's `mapper`.
    """

    __slots__ = (
        "answers",
        "any",
        "conditions",
        "defaults",
        "filter",
        "methods",
        "names",
        "optional",
        "owner",
        "place",
        "places",
        "requirements",
        "route",
        "template",
        "variables",
    )

    def __init__(
        self,
        owner: URLMap[E],
        template: Template,
        route: RoutesRoute,
        place: Place,
        conditions: Mapping[str, Any] | None = None,
        filter: Filter | None = None,
    ) -> None:
        self.owner = owner
        self.template = template
        self.route = route
        self.place = place
        self.requirements = template.requirements
        self.conditions = dict(conditions or {})
        self.filter = filter
        self.names: list[str] = []
        self.methods: dict[str, E] = {}
        self.places: dict[str, Place] = {}
        self.answers: dict[str, E] = {}
        self.any: E | None = None
        self.defaults: dict[str, str] = {
            name: value for name, value in route.defaults.items() if value is not None
        }
        condition_names = {"sub_domain"} & self.conditions.keys()
        self.variables = frozenset(template.names) | self.defaults.keys() | condition_names
        missing = template.optional
        if route.minimization:
            missing = frozenset(route.defaults.keys() & set(template.names)) | missing
        self.optional = missing - self.defaults.keys()

    @property
    def path(self) -> str:
        return self.template.source

    @property
    def name(self) -> str | None:
        return self.names[0] if self.names else None

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods it answers, with those implied, in kroute's order; ``()`` for any method."""
        return () if self.any is not None else allow_methods(self.answers)

    def add(self, handlers: Mapping[str, E], place: Place) -> None:
        """Add endpoints by method; all of them or, on an error, none.

        Raises `RouteError`: a method that is no upper-case token, or is there already; and what
        the map's `bind` raises.
        """
        for method, endpoint in handlers.items():
            self._check(method, endpoint, place)
        bind = self.owner.bind
        if bind is not None:
            handlers = {method: bind(endpoint, self) for method, endpoint in handlers.items()}
        for method, endpoint in handlers.items():
            self.methods[method] = endpoint
            self.places[method] = place
        answers = dict(self.methods)
        self.any = answers.pop("*", None)
        if "GET" in answers:
            answers.setdefault("HEAD", answers["GET"])
        self.answers = answers

    def ask(
        self,
        owner: URLMap[E],
        method: str,
        path: str,
        environ: Mapping[str, Any] | None,
        values: dict[str, str],
    ) -> Miss:
        """What it says to a method that it does not answer."""
        return Miss(self.allow)

    def _check(self, method: str, endpoint: E, place: Place) -> None:
        problem = ""
        if not isinstance(method, str) or not method or not _TOKEN.issuperset(method):
            problem = f"{method!r} is no method; a method is a word like 'GET', or '*' for any"
        elif method != method.upper():
            problem = f"methods are upper-case: write {method.upper()!r} for {method!r}"
        elif endpoint is None:
            problem = f"nothing (None) stands behind {method}"
        elif method in self.methods:
            which = "any method" if method == "*" else method
            problem = f"{which} is declared twice; it was first declared at {self.places[method]}"
        if problem:
            raise RouteError(problem, path=self.path, place=place)

    def __repr__(self) -> str:
        return f"<HandlerTable {','.join(self.methods)} {self.path!r} at {self.place}>"
