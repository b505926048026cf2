"""`Declarations`, `Submapper`, `Collection`: the ways to declare routes, under a prefix or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import RouteError, nearest
from .place import Place
from .resource import ResourceRoute, collection_routes, resource_routes
from .table import Filter, HandlerTable
from .template import Template

if TYPE_CHECKING:
    from typing_extensions import Self

    from .urlmap import URLMap

__all__ = ["Collection", "Declarations", "Submapper"]

E = TypeVar("E")


class Declarations(ABC, Generic[E]):
    """What a `URLMap` and a `Submapper` have in common: all that can be declared."""

    @abstractmethod
    def add(
        self,
        path: str,
        handlers: Mapping[str, E],
        *,
        place: Place,
        name: str | None = None,
        requirements: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        conditions: Mapping[str, Any] | None = None,
        filter: Filter | None = None,
        minimize: bool = False,
    ) -> HandlerTable[E]:
        """Put endpoints behind a path, by method; see `URLMap.add`."""

    @abstractmethod
    def mount(
        self, prefix: str, target: URLMap[E] | E, *, place: Place, name: str | None = None
    ) -> None:
        """Give everything under a prefix to a map or an endpoint; see `URLMap.mount`."""

    @abstractmethod
    def redirect(
        self,
        path: str,
        destination: str,
        *,
        place: Place,
        code: int = 302,
        name: str | None = None,
        requirements: Mapping[str, str] | None = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        """Answer a path with a redirect; see `URLMap.redirect`."""

    @abstractmethod
    def static(self, name: str, url: str, *, place: Place) -> None:
        """Name a URL that is built and never matched; see `URLMap.static`."""

    def submapper(
        self,
        prefix: str = "",
        *,
        name_prefix: str = "",
        requirements: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        conditions: Mapping[str, Any] | None = None,
        filter: Filter | None = None,
        minimize: bool | None = None,
    ) -> Submapper[E]:
        """The same declarations with a prefix before each path and name, and options for all.

        What a declaration under it says of its own goes before what is said here; dictionaries are
        merged. A requirement here is for the declarations that have the variable.
        """
        options = Options(
            prefix,
            name_prefix,
            dict(requirements or {}),
            dict(defaults or {}),
            dict(conditions or {}),
            filter,
            minimize,
        )
        return Submapper(self, options)

    def resource(
        self,
        member_name: str,
        collection_name: str,
        actions: Mapping[str, E],
        *,
        place: Place,
        collection: Mapping[str, str] | None = None,
        member: Mapping[str, str] | None = None,
        new: Mapping[str, str] | None = None,
        parent_resource: Mapping[str, str] | None = None,
        path_prefix: str | None = None,
        name_prefix: str | None = None,
        requirements: Mapping[str, str] | None = None,
        formatted: bool = True,
    ) -> None:
        """Routes' `resource()`: paths and names for `actions`, endpoints by action.

        The actions are ``index``, ``create``, ``new``, ``show``, ``edit``, ``update``, ``delete``
        and those that `collection`, `member` and `new` add, each with its method (``'any'`` for
        any). Of the seven, those without an endpoint are not routed. Each path exists twice, with
        ``.{format}`` and without, unless `formatted` is false. `parent_resource` has
        ``member_name`` and ``collection_name``; it makes `path_prefix` and `name_prefix`.

        Raises `RouteError`: an endpoint for an action that is not there, an action added without
        an endpoint, a parent without a name.
        """
        parent = None
        if parent_resource is not None:
            if not parent_resource.keys() >= {"member_name", "collection_name"}:
                raise RouteError(
                    "parent_resource needs 'member_name' and 'collection_name', not "
                    f"{sorted(parent_resource)}",
                    path=path_prefix,
                    place=place,
                )
            parent = (parent_resource["member_name"], parent_resource["collection_name"])
        added = {**(collection or {}), **(member or {}), **(new or {})}
        _check_added(added, actions, f"/{collection_name}", place)
        routes = resource_routes(
            member_name,
            collection_name,
            collection=collection or {},
            member=member or {},
            new=new or {},
            parent=parent,
            path_prefix=path_prefix,
            name_prefix=name_prefix,
            formatted=formatted,
        )
        self._add_actions(list(routes), actions, place, requirements)

    def collection(
        self,
        collection_name: str,
        resource_name: str,
        actions: Mapping[str, E],
        *,
        place: Place,
        path_prefix: str = "",
        member_prefix: str = "/{id}",
        requirements: Mapping[str, str] | None = None,
        formatted: bool = True,
    ) -> Collection[E]:
        """Routes' `collection()`: a submapper with a `member`, and the paths of `actions` in them.

        The actions are the seven of `resource`; those without an endpoint are not routed. Each
        path ends in ``{.format}`` unless `formatted` is false.

        Raises `RouteError`: an endpoint for an action that is not there.
        """
        options = Options(
            f"{path_prefix}/{collection_name}", "", dict(requirements or {}), {}, {}, None, None
        )
        made = Collection(self, options, member_prefix)
        whole, member = collection_routes(collection_name, resource_name, formatted)
        _check_actions([*whole, *member], actions, options.prefix, place)
        for submapper, routes in ((made, whole), (made.member, member)):
            present = {route.action for route in routes} & actions.keys()
            chosen = {action: actions[action] for action in present}
            submapper._add_actions(routes, chosen, place, None)
        return made

    def _add_actions(
        self,
        routes: list[ResourceRoute],
        actions: Mapping[str, E],
        place: Place,
        requirements: Mapping[str, str] | None,
    ) -> None:
        """Add those of `routes` that have an endpoint."""
        _check_actions(routes, actions, routes[0].path, place)
        for action, method, path, name, built_in in routes:
            if action not in actions:
                continue
            names = Template(path, None, place).names
            asked = {part: regex for part, regex in built_in.items() if not self._requires(part)}
            own = {part: regex for part, regex in (requirements or {}).items() if part in names}
            self.add(
                path,
                {method: actions[action]},
                place=place,
                name=name,
                requirements={**asked, **own},
            )

    def _requires(self, variable: str) -> bool:
        """Whether what is around has a requirement for `variable`."""
        return False


def _check_actions(
    routes: Iterable[ResourceRoute], actions: Mapping[str, Any], path: str, place: Place
) -> None:
    known = list(dict.fromkeys(route.action for route in routes))
    for action in actions:
        if action not in known:
            close = nearest(action, known)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            raise RouteError(f"there is no action {action!r}; {hint}", path=path, place=place)


def _check_added(
    added: Iterable[str], actions: Mapping[str, Any], path: str, place: Place
) -> None:
    for action in added:
        if action not in actions:
            problem = f"the action {action!r} has no handler; there are {', '.join(actions)}"
            raise RouteError(problem, path=path, place=place)


class Options:
    """What a `Submapper` puts before, or under, each declaration."""

    __slots__ = (
        "conditions",
        "defaults",
        "filter",
        "minimize",
        "name_prefix",
        "prefix",
        "requirements",
    )

    def __init__(
        self,
        prefix: str,
        name_prefix: str,
        requirements: dict[str, str],
        defaults: dict[str, Any],
        conditions: dict[str, Any],
        filter: Filter | None,
        minimize: bool | None,
    ) -> None:
        self.prefix = prefix
        self.name_prefix = name_prefix
        self.requirements = requirements
        self.defaults = defaults
        self.conditions = conditions
        self.filter = filter
        self.minimize = minimize

    def name(self, name: str | None) -> str | None:
        return None if name is None else self.name_prefix + name

    def requirements_for(
        self, path: str, own: Mapping[str, str] | None, place: Place
    ) -> dict[str, str]:
        """The requirements here for variables that `path` has, and its own."""
        if not self.requirements:
            return dict(own or {})
        names = Template(path, None, place).names
        here = {name: regex for name, regex in self.requirements.items() if name in names}
        return {**here, **(own or {})}


class Submapper(Declarations[E]):
    """Declarations under a prefix, with shared options; also a context manager."""

    def __init__(self, parent: Declarations[E], options: Options) -> None:
        self.parent = parent
        self.options = options

    def add(
        self,
        path: str,
        handlers: Mapping[str, E],
        *,
        place: Place,
        name: str | None = None,
        requirements: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        conditions: Mapping[str, Any] | None = None,
        filter: Filter | None = None,
        minimize: bool = False,
    ) -> HandlerTable[E]:
        """See `URLMap.add`. An empty `path` is the prefix itself."""
        options = self.options
        path = options.prefix + path
        return self.parent.add(
            path,
            handlers,
            place=place,
            name=options.name(name),
            requirements=options.requirements_for(path, requirements, place),
            defaults={**options.defaults, **(defaults or {})},
            conditions={**options.conditions, **(conditions or {})},
            filter=filter or options.filter,
            minimize=minimize or bool(options.minimize),
        )

    def mount(
        self, prefix: str, target: URLMap[E] | E, *, place: Place, name: str | None = None
    ) -> None:
        """See `URLMap.mount`.

        Raises `RouteError` also for a mount under options it cannot have (conditions, defaults).
        """
        options = self.options
        path = options.prefix + prefix
        if options.conditions or options.defaults:
            raise RouteError(
                "a mount takes no conditions or defaults from a submapper", path=path, place=place
            )
        self.parent.mount(path, target, place=place, name=options.name(name))

    def redirect(
        self,
        path: str,
        destination: str,
        *,
        place: Place,
        code: int = 302,
        name: str | None = None,
        requirements: Mapping[str, str] | None = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        """See `URLMap.redirect`. The prefix goes before `path`, not before `destination`."""
        options = self.options
        path = options.prefix + path
        self.parent.redirect(
            path,
            destination,
            place=place,
            code=code,
            name=options.name(name),
            requirements=options.requirements_for(path, requirements, place),
            conditions={**options.conditions, **(conditions or {})},
        )

    def static(self, name: str, url: str, *, place: Place) -> None:
        """See `URLMap.static`. The prefix goes before a `url` that begins with a slash."""
        options = self.options
        if url.startswith("/"):
            url = options.prefix + url
        self.parent.static(options.name_prefix + name, url, place=place)

    def _requires(self, variable: str) -> bool:
        return variable in self.options.requirements or self.parent._requires(variable)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


class Collection(Submapper[E]):
    """A submapper for a collection; `member` is the one for its members."""

    def __init__(self, parent: Declarations[E], options: Options, member_prefix: str) -> None:
        super().__init__(parent, options)
        self.member: Submapper[E] = self.submapper(member_prefix)
