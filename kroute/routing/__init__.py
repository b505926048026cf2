"""`URLMap`, `Mapper`, and what they give: from URLs to endpoints, and back.

Routes' declarations behind an index, a handler table per path, URL generation without
thread-locals. Pure: no sockets, no clock, no component, nothing of kroute outside this package.
"""

from __future__ import annotations

from .declarations import Declarations, Submapper
from .errors import BuildError, RouteError, RouteWarning
from .info import Explanation, RouteInfo, Step
from .mapper import Mapper
from .match import Match, Miss, allow_methods
from .paths import info_from_path, is_utf8, routing_path, routing_path_from_info
from .place import Place
from .table import HandlerTable
from .urlmap import Mount, Redirect, Static, URLMap

__all__ = [
    "BuildError",
    "Declarations",
    "Explanation",
    "HandlerTable",
    "Mapper",
    "Match",
    "Miss",
    "Mount",
    "Place",
    "Redirect",
    "RouteError",
    "RouteInfo",
    "RouteWarning",
    "Static",
    "Step",
    "Submapper",
    "URLMap",
    "allow_methods",
    "info_from_path",
    "is_utf8",
    "routing_path",
    "routing_path_from_info",
]
