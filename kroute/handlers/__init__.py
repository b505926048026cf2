"""What can stand behind a URL.

make_handler, make_mounted, bind_handler, table_of, actions_of: from what an author declares.
FunctionHandler, GeneratorHandler: functions. ComponentHandler, kamaelia_handler: components.
WSGIHandler, is_wsgi: WSGI applications.
"""

from .component import ComponentHandler
from .function import FunctionHandler, GeneratorHandler
from .kamaelia import kamaelia_handler
from .make import actions_of, bind_handler, make_handler, make_mounted, table_of
from .wsgi import WSGIHandler, is_wsgi

__all__ = [
    "ComponentHandler",
    "FunctionHandler",
    "GeneratorHandler",
    "WSGIHandler",
    "actions_of",
    "bind_handler",
    "is_wsgi",
    "kamaelia_handler",
    "make_handler",
    "make_mounted",
    "table_of",
]
