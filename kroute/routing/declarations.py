"""`Declarations`, `Submapper`: the ways to declare routes, on a map or under a prefix."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import RouteError
from .place import Place
from .table import Filter, HandlerTable
from .template import Template

if TYPE_CHECKING:
    from .urlmap import URLMap

__all__ = ["Declarations", "Submapper"]

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

    def __enter__(self) -> Submapper[E]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None
