"""HTTPProtocol, one for each connection, and Dispatcher, one for each application.

AccessLog: a line for each answer, in one of ACCESS_FORMATS. Policy: hooks and error handlers.
to_response: what counts as an answer.
"""

from .access import ACCESS_FORMATS, AccessLog
from .dispatcher import Dispatcher
from .policy import AfterHook, BeforeHook, ErrorHandler, Policy
from .protocol import HTTPProtocol
from .rules import AppRules, to_response

__all__ = [
    "ACCESS_FORMATS",
    "AccessLog",
    "AfterHook",
    "AppRules",
    "BeforeHook",
    "Dispatcher",
    "ErrorHandler",
    "HTTPProtocol",
    "Policy",
    "to_response",
]
