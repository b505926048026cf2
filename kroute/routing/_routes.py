"""`RoutesMapper`, `RoutesRoute`, `RoutesException`: what kroute uses of Routes, with types.

Routes ships no type information. A type checker reads the declarations below, which name only what
this package touches; at run time they are Routes' own classes, unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

__all__ = ["RoutesException", "RoutesMapper", "RoutesRoute"]

if TYPE_CHECKING:
    import re

    class RoutesException(Exception): ...

    class RoutesRoute:
        routepath: str
        routelist: list[str | dict[str, str]]
        name: str | None
        static: bool
        minimization: bool
        redirect: bool
        filter: Callable[[dict[str, Any]], dict[str, Any]] | None
        reqs: dict[str, str]
        defaults: dict[str, Any]
        conditions: dict[str, Any] | None
        maxkeys: frozenset[str]
        minkeys: frozenset[str]
        dotkeys: frozenset[str]
        regexp: str
        _default_keys: frozenset[str]

        def __init__(self, name: str | None, routepath: str, **kargs: Any) -> None: ...
        @property
        def regmatch(self) -> re.Pattern[str]: ...
        def makeregexp(self, clist: Iterable[str], include_names: bool = True) -> str | None: ...
        def buildnextreg(
            self, path: Any, clist: Iterable[str], include_names: bool = True
        ) -> tuple[str, bool, bool]: ...
        def buildfullreg(self, clist: Iterable[str], include_names: bool = True) -> str: ...
        def match(
            self,
            url: str,
            environ: Mapping[str, Any] | None = None,
            sub_domains: bool = False,
            sub_domains_ignore: Iterable[str] | None = None,
            domain_match: str = "",
        ) -> dict[str, Any] | bool: ...
        def generate(
            self, _ignore_req_list: Any = False, _append_slash: Any = False, **kargs: Any
        ) -> str | bool: ...

    class RoutesMapper:
        matchlist: list[RoutesRoute]
        prefix: str | None
        directory: str | None
        always_scan: bool
        controller_scan: Callable[..., Iterable[str]] | Iterable[str] | None
        environ: Mapping[str, Any] | None
        debug: bool
        explicit: bool
        minimization: bool
        sub_domains: bool
        sub_domains_ignore: list[str]
        domain_match: str
        create_regs_lock: Lock
        _created_regs: bool
        _created_gens: bool
        _regprefix: re.Pattern[str] | None
        _routenames: dict[str, RoutesRoute]
        maxkeys: dict[frozenset[str], list[RoutesRoute]]

        def __init__(
            self,
            controller_scan: Any = ...,
            directory: str | None = None,
            always_scan: bool = False,
            register: bool = True,
            explicit: bool = True,
        ) -> None: ...
        def make_route(self, *args: Any, **kargs: Any) -> RoutesRoute: ...
        def connect(self, *args: Any, **kargs: Any) -> None: ...
        def create_regs(self, *args: Any, **kwargs: Any) -> None: ...
        def resource(self, member_name: str, collection_name: str, **kwargs: Any) -> None: ...
        def generate(self, *args: Any, **kargs: Any) -> str | None: ...

else:
    from routes import Mapper as RoutesMapper
    from routes.route import Route as RoutesRoute
    from routes.util import RoutesException
