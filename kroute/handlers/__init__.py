"""What can stand behind a URL.

make_handler, table_of: from what an author declares. FunctionHandler, GeneratorHandler: functions.
"""

from .function import FunctionHandler, GeneratorHandler
from .make import make_handler, table_of

__all__ = ["FunctionHandler", "GeneratorHandler", "make_handler", "table_of"]
