"""What can stand behind a URL.

make_handler, make_mounted, bind_handler, table_of, actions_of: from what an author declares.
FunctionHandler, GeneratorHandler: functions.
"""

from .function import FunctionHandler, GeneratorHandler
from .make import actions_of, bind_handler, make_handler, make_mounted, table_of

__all__ = [
    "FunctionHandler",
    "GeneratorHandler",
    "actions_of",
    "bind_handler",
    "make_handler",
    "make_mounted",
    "table_of",
]
