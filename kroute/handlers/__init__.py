"""What can stand behind a URL.

make_handler, make_mounted, bind_handler, table_of, actions_of: from what an author declares.
FunctionHandler, GeneratorHandler: functions. ComponentHandler, kamaelia_handler: components.
"""

from .component import ComponentHandler
from .function import FunctionHandler, GeneratorHandler
from .kamaelia import kamaelia_handler
from .make import actions_of, bind_handler, make_handler, make_mounted, table_of

__all__ = [
    "ComponentHandler",
    "FunctionHandler",
    "GeneratorHandler",
    "actions_of",
    "bind_handler",
    "kamaelia_handler",
    "make_handler",
    "make_mounted",
    "table_of",
]
