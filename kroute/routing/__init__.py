"""`URLMap`, `Mapper`, and what they give: from URLs to endpoints, and back.

Routes' declarations behind an index, a handler table per path, URL generation without
thread-locals. Pure: no sockets, no clock, no component, nothing of kroute outside this package.
"""

from __future__ import annotations

from .declarations import Collection, Declarations, Submapper
from .errors import BuildError, RouteError, RouteWarning, nearest
from .info import Explanation, RouteInfo, Step
from .mapper import Mapper
from .match import Match, Miss, allow_methods
from .mount import Mount
from .paths import info_from_path, is_utf8, routing_path, routing_path_from_info
from .place import Place
from .redirect import Redirect, Static
from .table import HandlerTable
from .urlmap import URLMap
from .urls import local_reference

__all__ = [
    "BuildError",
    "Collection",
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
    "local_reference",
    "nearest",
    "routing_path",
    "routing_path_from_info",
]
