"""Policy: what an application does around its handlers: hooks and error handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import webob
import webob.exc

from ..http import Request

__all__ = ["BEFORE_BODY", "AfterHook", "BeforeHook", "ErrorHandler", "Policy"]

BeforeHook = Callable[[Request], Any]
AfterHook = Callable[[Request, webob.Response], Any]
ErrorHandler = Callable[[Request, Exception], Any]


BEFORE_BODY = "kroute.before_body"
"""In an environ: the hooks that are called before the body is received have been."""


class Policy:
    """Hooks and error handlers of one application, in the order they were declared.

    before: called before a handler; what one returns, other than None, is the answer. before_body:
    those that are called before the body of a request is received; they stand in `before`, too,
    for requests without one, and do nothing there if they were called already.
    after: called with every answer; may return another one.
    by_status, by_class: error handlers. debug: whether clients may see tracebacks.
    """

    def __init__(self) -> None:
        self.before: list[BeforeHook] = []
        self.before_body: list[BeforeHook] = []
        self.after: list[AfterHook] = []
        self.by_status: dict[int, ErrorHandler] = {}
        self.by_class: dict[type[Exception], ErrorHandler] = {}
        self.debug = False

    def add_before_body(self, hook: BeforeHook) -> None:
        """Have a hook called before the body of a request is received; before the handler, where
        there is none, or the handler receives it."""

        def unless_called(request: Request) -> Any:
            return None if BEFORE_BODY in request.environ else hook(request)

        self.before_body.append(hook)
        self.before.append(unless_called)

    def handler_of(self, error: Exception) -> ErrorHandler | None:
        """The error handler for `error`: by its status, then by the nearest of its classes."""
        if not (self.by_status or self.by_class):
            return None
        if isinstance(error, webob.exc.WSGIHTTPException):
            by_status = self.by_status.get(error.status_int)
            if by_status is not None:
                return by_status
        for kind in type(error).__mro__:
            by_class = self.by_class.get(kind)
            if by_class is not None:
                return by_class
        return None
