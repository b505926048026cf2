"""What can stand behind a URL.

make_handler, make_mounted, bind_handler, table_of, actions_of: from what an author declares.
FunctionHandler, GeneratorHandler: functions. ComponentHandler, kamaelia_handler: components.
Service, make_service: components kept running. EventsHandler, EventTerms, Event: event streams.
WebSocketHandler, WebSocketTerms, WebSocket, Disconnected: WebSockets.
Topic, News, Carrier: what one says, all hear.
ask, Question, NoAnswer, Unavailable; handle, Handle: questions to components.
WSGIHandler, is_wsgi: WSGI applications. StaticFiles: directories. EarlyHints: before an answer.
Unattended: at work for a client that is gone.
"""

from .asking import NoAnswer, Question, Unavailable, ask
from .component import ComponentHandler
from .events import Event, EventsHandler, EventTerms
from .function import FunctionHandler, GeneratorHandler
from .handles import Handle, handle
from .hints import EarlyHints
from .kamaelia import kamaelia_handler
from .make import actions_of, bind_handler, make_handler, make_mounted, table_of
from .service import Service, make_service
from .static import StaticFiles
from .topic import Carrier, News, Topic
from .unattended import Unattended
from .websocket import Disconnected, WebSocket, WebSocketHandler, WebSocketTerms
from .wsgi import WSGIHandler, is_wsgi

__all__ = [
    "Carrier",
    "ComponentHandler",
    "Disconnected",
    "EarlyHints",
    "Event",
    "EventTerms",
    "EventsHandler",
    "FunctionHandler",
    "GeneratorHandler",
    "Handle",
    "News",
    "NoAnswer",
    "Question",
    "Service",
    "StaticFiles",
    "Topic",
    "Unattended",
    "Unavailable",
    "WSGIHandler",
    "WebSocket",
    "WebSocketHandler",
    "WebSocketTerms",
    "actions_of",
    "ask",
    "bind_handler",
    "handle",
    "is_wsgi",
    "kamaelia_handler",
    "make_handler",
    "make_mounted",
    "make_service",
    "table_of",
]
