"""Dispatcher: from requests to handlers; one for an application."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from Axon.Ipc import producerFinished, shutdownMicroprocess
from webob.exc import (
    HTTPBadRequest,
    HTTPMethodNotAllowed,
    HTTPNotFound,
    HTTPRequestURITooLong,
)

from ..http import RAW_PATH, UNREAD_BODY, Exchange, Handler, Response
from ..routing import Match, Miss, URLMap, info_from_path, is_utf8, routing_path
from ..scheduler import ReactiveComponent
from .links import Links
from .policy import Policy
from .rules import AppRules

__all__ = ["Dispatcher"]

log = logging.getLogger("kroute.server")

MAX_PATH = 8192
"""Bytes of a path that are matched: a requirement may be a regex that takes long for long ones."""


class Dispatcher(ReactiveComponent):
    """Resolves the URL of each exchange in its inbox and starts the handler that stands behind it.

    It acts when an exchange arrives, in the time slice of the connection that sent it, and holds
    none: the handler answers to the exchange itself. When the last connection has been gone for
    LINGER seconds it ends, so that a Kamaelia system with a server in it can end too.

    urls: whose `owner` is the `Policy` of the application, as is that of each map mounted in it.
    """

    Inboxes = {
        "inbox": "exchanges",
        "control": "producerFinished, shutdownMicroprocess: end with the last connection",
    }
    Outboxes = {"outbox": "not used", "signal": "not used"}

    LINGER = 1.0

    def __init__(self, urls: URLMap[Handler]) -> None:
        super().__init__()
        self._incoming = self.take_at_once("inbox", self._dispatch)
        self._urls = urls
        self._links = Links(urls)
        self._rules: dict[tuple[URLMap[Handler], ...], AppRules] = {}
        self._root = self._rules_of((urls,))
        self._sources = _Sources(self._lonely)
        self.inboxes["inbox"].sources = self._sources

    @property
    def over(self) -> bool:
        """Whether it has ended and takes no more exchanges."""
        return self._finished or self._isStopped()

    def _rules_of(self, maps: tuple[URLMap[Handler], ...]) -> AppRules:
        rules = self._rules.get(maps)
        if rules is None:
            policies = [urls.owner for urls in maps if isinstance(urls.owner, Policy)]
            rules = self._rules[maps] = AppRules(policies)
        return rules

    def _lonely(self) -> None:
        """No connection is left: end if that stays so."""
        if not self._finished and hasattr(self, "home"):
            self.home.call_later(self.LINGER, self._end_if_lonely)

    def _end_if_lonely(self) -> None:
        if not self._sources and not self._finished:
            self.finish()

    def react(self) -> None:
        """Dispatch what had arrived before it began, and see what is on "control"."""
        while self._incoming:
            self._dispatch(self._incoming.pop(0), kept=True)
        while self.dataReady("control"):
            message = self.recv("control")
            if isinstance(message, (producerFinished, shutdownMicroprocess)):
                self._end_if_lonely()

    def _dispatch(self, exchange: Exchange, kept: bool = False) -> None:
        if (self._reacting and not kept) or self._finished:
            self._incoming.keep(exchange)
            return
        exchange.rules = rules = self._root
        environ = exchange.request.environ
        environ["kroute.links"] = self._links
        try:
            path = environ[RAW_PATH]
            if len(path) > MAX_PATH:
                raise HTTPRequestURITooLong(f"A path has at most {MAX_PATH} bytes.")
            decoded = "%" in path or not path.isascii()
            if decoded:
                path = routing_path(path)
            found = self._urls.resolve(environ["REQUEST_METHOD"], path, environ)
            if isinstance(found, Miss):
                self._unresolved(exchange, found, path)
                return
            handler = found.endpoint
            if decoded and not (handler.takes_bytes or is_utf8(path)):
                raise HTTPBadRequest("The path is not UTF-8.")
            # What the URL said: in WSGI's own words, and in ours.
            variables = found.variables
            environ["wsgiorg.routing_args"] = ((), variables)
            environ["kroute.match"] = found
            if found.script_name:
                _shift(environ, found)
            if len(found.maps) > 1:
                exchange.rules = rules = self._rules_of(found.maps)
                # A handler gets what its own path has; it need not know where it is mounted.
                own = found.table.variables
                variables = {name: value for name, value in variables.items() if name in own}
            if exchange.has_body:
                if not handler.streams:
                    _receive(rules, exchange, handler, variables)
                    return
                environ["wsgi.input"] = UNREAD_BODY
        except Exception as error:
            exchange.fail(error)
            return
        if any(rules.before_hooks):
            _start(rules, exchange, handler, variables)
        else:
            handler.start(exchange, variables)

    def _unresolved(self, exchange: Exchange, miss: Miss, path: str) -> None:
        """Answer for what no handler answers: 404, 405, OPTIONS, a redirect."""
        if exchange.has_body:
            # It is not received; a hook that looks for it is to find an empty one.
            exchange.request.environ["CONTENT_LENGTH"] = "0"
        rules = self._root
        value = rules.before(exchange)
        if value is not None:
            _answer(exchange, value)
            return
        environ = exchange.request.environ
        method = environ["REQUEST_METHOD"]
        if miss.redirect is not None:
            _answer(exchange, _redirection(miss, environ))
        elif method == "OPTIONS" and (miss.allow or path == "*"):
            allow = [("Allow", ", ".join(miss.allow))] if miss.allow else []
            _answer(exchange, Response(status=204, headerlist=allow))
        elif miss.allow:
            methods = ", ".join(miss.allow)
            detail = f"{method} is not among the methods of this URL: {methods}."
            fields = (("Allow", methods),)
            exchange.send(rules.usual_error(exchange, HTTPMethodNotAllowed, detail, fields))
        elif not (path.isascii() or is_utf8(path)):
            raise HTTPBadRequest("The path is not UTF-8.")
        else:
            exchange.send(rules.usual_error(exchange, HTTPNotFound))


def _shift(environ: dict[str, Any], match: Match[Handler]) -> None:
    """Write into the environ what the mounts on the way have consumed of the path (PEP 3333)."""
    environ["kroute.script_name"] = environ["SCRIPT_NAME"]
    environ["SCRIPT_NAME"] += info_from_path(match.script_name)
    environ["PATH_INFO"] = info_from_path(match.path_info)


def _start(
    rules: AppRules, exchange: Exchange, handler: Handler, variables: dict[str, Any]
) -> None:
    """Run the hooks before a handler, and if they have no answer, the handler."""
    try:
        value = rules.before(exchange)
        if value is not None:
            _answer(exchange, value)
            return
    except Exception as error:
        exchange.fail(error)
        return
    handler.start(exchange, variables)


def _receive(
    rules: AppRules, exchange: Exchange, handler: Handler, variables: dict[str, Any]
) -> None:
    """Have the body received, unless a hook does not want it. It is what a client waits for that
    sent `Expect: 100-continue`, so such an answer comes without a 100 (Continue)."""
    value = rules.before_body(exchange)
    if value is None:
        start = partial(_start, rules, exchange, handler, variables)
        exchange.sink.receive(exchange, handler.max_body, start)
    else:
        _answer(exchange, value)


def _answer(exchange: Exchange, value: Any) -> None:
    """Answer without a handler."""
    exchange.send(exchange.rules.answer(exchange, value))


def _redirection(miss: Miss, environ: Mapping[str, Any]) -> Response:
    """A redirect as the map declares it. Its Location is a reference (RFC 9110, 10.2.2)."""
    assert miss.redirect is not None
    to = miss.redirect
    if "://" not in to:
        to = quote(environ["SCRIPT_NAME"].encode("latin-1")) + to
    if miss.keep_query and environ["QUERY_STRING"]:
        to += "?" + environ["QUERY_STRING"]
    response = Response(f"{to}\n", miss.code, content_type="text/plain")
    response.headers["Location"] = to
    return response


class _Sources(dict[Any, None]):
    """The boxes that are linked to an inbox; `empty` is called when the last one has left. Axon
    keeps a list of them, in which it takes long to find one of ten thousand."""

    def __init__(self, empty: Any) -> None:
        super().__init__()
        self._empty = empty

    def append(self, box: Any) -> None:
        self[box] = None

    def remove(self, box: Any) -> None:
        del self[box]
        if not self:
            self._empty()


__kamaelia_components__ = (Dispatcher,)
