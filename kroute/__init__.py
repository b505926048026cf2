"""kroute: a declarative routing micro-framework on a Kamaelia web server.

App: an application. Request, Response: what handlers get and give. sleep, in_thread: waiting
that blocks nobody. Limits, BindError, BuildError, RouteError, RouteWarning: what else is met.

Importing it makes its scheduler the default one of Axon.
"""

from .app import App
from .handlers import (
    Disconnected,
    EarlyHints,
    Event,
    NoAnswer,
    Question,
    StaticFiles,
    Topic,
    Unavailable,
    ask,
    handle,
    kamaelia_handler,
)
from .http import Close, Limits, Request, Response
from .net import BindError
from .routing import BuildError, RouteError, RouteWarning
from .scheduler import in_thread, sleep, take_over

__all__ = [
    "App",
    "BindError",
    "BuildError",
    "Close",
    "Disconnected",
    "EarlyHints",
    "Event",
    "Limits",
    "NoAnswer",
    "Question",
    "Request",
    "Response",
    "RouteError",
    "RouteWarning",
    "StaticFiles",
    "Topic",
    "Unavailable",
    "ask",
    "handle",
    "in_thread",
    "kamaelia_handler",
    "sleep",
]

__version__ = "0.1.0"

take_over()
