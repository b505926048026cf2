"""AppRules, to_response: what counts as an answer, and what to say of an error."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Generator, Sequence
from typing import Any

import webob
import webob.exc

from ..http import UNREAD_BODY, Exchange, Response, close_body
from ..routing import Place, local_reference
from ..scheduler import ThreadsBusy
from .error_page import Fields, Maker, error_page, usual_page
from .json_text import json_text
from .policy import BEFORE_BODY, Policy

__all__ = ["AppRules", "to_response"]

log = logging.getLogger("kroute")

GIVEN = "an answer is a Response, str (HTML), bytes, dict or list (JSON), or None (204)"


def to_response(value: Any) -> webob.Response:
    """Make a response of what a handler yields or returns. Raises TypeError for anything else."""
    if isinstance(value, (dict, list)):
        return Response(json_text(value).encode(), content_type="application/json")
    if isinstance(value, webob.Response):
        return value
    if isinstance(value, str):
        return Response(value)
    if isinstance(value, (bytes, bytearray)):
        return Response(bytes(value), content_type="application/octet-stream")
    if value is None:
        return Response(status=204)
    hint = ""
    if isinstance(value, Generator):
        hint = "; write `yield from` before what waits: sleep, in_thread, ask, request.read"
    elif isinstance(value, tuple):
        hint = "; Response(body, status) has a status"
    raise TypeError(f"the handler answered {type(value).__name__} ({value!r:.80}); {GIVEN}{hint}")


class AppRules:
    """The `Rules` of an application, or of one mounted in others.

    policies: outermost first. Hooks before a handler run from the outside in, hooks after it from
    the inside out; of the error handlers the innermost that fits is asked.
    before_hooks: what `before` runs.
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._outwards = tuple(reversed(policies))
        self._inwards = tuple(policies)
        self.before_hooks = tuple(policy.before for policy in self._inwards)
        self._before_body = tuple(policy.before_body for policy in self._inwards)
        self._after = tuple(policy.after for policy in self._outwards)

    def before(self, exchange: Exchange) -> Any:
        """Run the hooks before a handler; returns the answer of the first that has one."""
        for hooks in self.before_hooks:
            for hook in hooks:
                value = hook(exchange.request)
                if value is not None:
                    return value
        return None

    def before_body(self, exchange: Exchange) -> Any:
        """As `before`, with the hooks that want no body, before that is received."""
        return self._ask_without_body(exchange) if any(self._before_body) else None

    def _ask_without_body(self, exchange: Exchange) -> Any:
        environ = exchange.request.environ
        empty, environ["wsgi.input"] = environ["wsgi.input"], UNREAD_BODY
        try:
            for hooks in self._before_body:
                for hook in hooks:
                    value = hook(exchange.request)
                    if value is not None:
                        return value
        finally:
            environ["wsgi.input"] = empty
        environ[BEFORE_BODY] = True
        return None

    def answer(self, exchange: Exchange, value: Any) -> webob.Response:
        """See `Rules`. Raises TypeError for what is no answer, and what a hook raises."""
        if type(value) is Response:
            response: webob.Response = value
        elif isinstance(value, webob.exc.WSGIHTTPException):
            response = error_page(value, exchange.request.environ)
        else:
            response = to_response(value)
        if any(self._after):
            response = self._changed(exchange, response)
        if response.status[0] == "3":
            _keep_here(response)
        return response

    def _changed(self, exchange: Exchange, response: webob.Response) -> webob.Response:
        """Run the hooks after a handler; returns what they make of a response."""
        try:
            for hooks in self._after:
                for hook in hooks:
                    changed = hook(exchange.request, response)
                    if changed is not None and changed is not response:
                        before, response = response, to_response(changed)
                        if type(response.app_iter) is list:  # and so made of nothing of that
                            close_body(before.app_iter)
        except BaseException:
            close_body(response.app_iter)
            raise
        return response

    def usual_error(
        self, exchange: Exchange, make: Maker, detail: str | None = None, headers: Fields = ()
    ) -> webob.Response:
        """`error` with an exception of WebOb's own, which is only made where somebody sees it. The
        response is not to be changed."""
        for policy in self._inwards:
            if policy.after or policy.by_status or policy.by_class:
                return self.error(exchange, make(detail, headers))
        return usual_page(exchange.request.environ, make, detail, headers)

    def error(self, exchange: Exchange, error: Exception) -> webob.Response:
        """See `Rules`."""
        try:
            return self.answer(exchange, self._answer_to(exchange, error))
        except Exception as second:
            # An error handler or a hook failed: it is not asked again.
            log.error("%s: answering the error %r failed", exchange, error, exc_info=second)
            return self._page(exchange, second)

    def _answer_to(self, exchange: Exchange, error: Exception) -> Any:
        for policy in self._outwards:
            handler = policy.handler_of(error)
            if handler is not None:
                return _with_status(handler(exchange.request, error), error)
        if isinstance(error, webob.exc.WSGIHTTPException):
            return error_page(error, exchange.request.environ)
        if isinstance(error, ThreadsBusy):
            log.warning("%s: %s", exchange, error)
            busy = webob.exc.HTTPServiceUnavailable("All threads are busy; try again later.")
            return self._answer_to(exchange, busy)
        log.error("%s failed%s", exchange, _where(exchange), exc_info=error)
        return self._for_500(exchange, error)

    def _for_500(self, exchange: Exchange, error: Exception) -> Any:
        """The answer to an exception that nobody had expected."""
        for policy in self._outwards:
            handler = policy.by_status.get(500)
            if handler is not None:
                return _with_status(handler(exchange.request, error), error)
        return self._page(exchange, error)

    def _page(self, exchange: Exchange, error: Exception) -> webob.Response:
        detail = None
        if self._inwards[0].debug:
            detail = "".join(traceback.format_exception(error))
        page = webob.exc.HTTPInternalServerError(detail)
        if detail is not None:
            page.explanation = "The handler failed (shown because debug is on)."
            page.html_template_obj = _WITH_LINES
        return error_page(page, exchange.request.environ)


def _keep_here(response: webob.Response) -> None:
    """Let a redirect to a path lead to a path: `//evil.example`, made of what a client sent, would
    lead to another host (RFC 3986, section 4.2). WebOb sees to the same, where it is asked."""
    location = response.headers.get("Location")
    if location:
        local = local_reference(location)
        if local != location:
            response.headers["Location"] = local


def _where(exchange: Exchange) -> str:
    """The handler that an exchange is for, and its place, if one was found."""
    match = exchange.request.environ.get("kroute.match")
    function = getattr(getattr(match, "endpoint", None), "function", None)
    return "" if function is None else f" in {Place.of(function)}"


def _with_status(value: Any, error: Exception) -> webob.Response:
    """What an error handler answered; unless that is a response, with the status of the error."""
    if isinstance(value, webob.Response):
        return value
    response = to_response(value)
    if isinstance(error, webob.exc.WSGIHTTPException):
        response.status = error.status
    else:
        response.status = 500
    return response


_WITH_LINES = type(webob.exc.WSGIHTTPException.html_template_obj)(
    webob.exc.WSGIHTTPException.html_template_obj.template.replace("${body}", "<pre>${body}</pre>")
)
