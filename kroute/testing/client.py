"""TestClient: asks an application without a server or a socket.

client = app.test_client()
assert client.get("/hello/you").text == "Hello, you!"
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping, Sequence
from email.message import Message
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urljoin

import webob.exc

from ..gateway import Answer, SocketAnswer
from ..http import Request, Response
from ..routing import Match
from ..scheduler import ThreadsBusy
from ..server import Policy
from .events import EventSession
from .parts import Parts
from .websocket import HANDSHAKE, WebSocketRefused, WebSocketSession

if TYPE_CHECKING:
    from ..app import App

__all__ = ["TestClient"]

AnyAnswer = TypeVar("AnyAnswer", bound=Answer)

REDIRECTS = 20
"""Redirects that are followed for one request."""


class TestClient:
    """A client of one application, which keeps its cookies, like a browser.

    The application runs as it does under a server: on its scheduler, in a thread of its own. Every
    method returns a `Response` (`status_int`, `headers`, `text`, `json`, ...).

    follow_redirects: follow them unless a request says otherwise. raise_errors: raise here what a
    handler raised and no error handler took; False: answer 500, as a server would. base_url: what
    the paths that are asked for are relative to. headers: sent with each request.
    """

    __test__ = False  # pytest takes it for a test

    def __init__(
        self,
        app: App,
        *,
        follow_redirects: bool = False,
        raise_errors: bool = True,
        base_url: str = "http://localhost",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.app = app
        self.follow_redirects = follow_redirects
        self.raise_errors = raise_errors
        self.base_url = base_url
        self.headers = dict(headers or {})
        # Without dots in its name, a host is no reason to mistrust its cookies.
        self.cookies = CookieJar(DefaultCookiePolicy(strict_ns_domain=0))

    def get(self, path: str, **options: Any) -> Response:
        """GET; see `request`."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> Response:
        """HEAD; see `request`."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Any) -> Response:
        """POST; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Response:
        """PUT; see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Response:
        """PATCH; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Response:
        """DELETE; see `request`."""
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Any) -> Response:
        """OPTIONS; see `request`."""
        return self.request("OPTIONS", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        form: Mapping[str, Any] | None = None,
        json: Any = None,
        follow_redirects: bool | None = None,
        stream: bool = False,
    ) -> Response:
        """Ask for `path`, or for a URL.

        query: goes behind the path. body, form, json: what is sent; a value of a form may be a
        file as `(name, bytes)`. stream: return as soon as the answer has begun; its `app_iter`
        gives the parts of the body as they come, and `app_iter.close()` is a client that leaves.

        Raises what the handler raised (unless `raise_errors` is False), AnswerCut where an answer
        broke off.
        """
        url = self._url(path)
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)
        request = _request(method, url, {**self.headers, **(headers or {})}, body, form, json)
        follow = self.follow_redirects if follow_redirects is None else follow_redirects
        response = self.send(request, stream=stream)
        for _ in range(REDIRECTS if follow else 0):
            if "Location" not in response.headers or not 301 <= response.status_int <= 308:
                return response
            request = _redirected(request, response)
            response = self.send(request, stream=stream)
        if follow and "Location" in response.headers and 301 <= response.status_int <= 308:
            raise RuntimeError(f"more than {REDIRECTS} redirects; the last to {response.location}")
        return response

    def send(self, request: Request, *, stream: bool = False) -> Response:
        """Ask for what `request` says, with the cookies that belong to it."""
        return self._response(request, self._ask(request, Answer), stream)

    def _ask(self, request: Request, kind: type[AnyAnswer]) -> AnyAnswer:
        """The head of an answer; its cookies are kept. Raises what the handler raised."""
        jar = urllib.request.Request(request.url)
        self.cookies.add_cookie_header(jar)
        cookie = jar.get_header("Cookie")
        if cookie is not None and "Cookie" not in request.headers:
            request.headers["Cookie"] = cookie
        answer = self.app.gateway.ask_for(kind, request.environ)
        self._raise_for(answer)
        self.cookies.extract_cookies(_Headers(answer), jar)  # type: ignore[arg-type]
        return answer

    def _response(self, request: Request, answer: Answer, stream: bool) -> Response:
        parts = Parts(answer, self.raise_errors)
        response = Response(
            status=answer.status,
            headerlist=answer.headers,
            app_iter=parts if stream else [b"".join(parts)],
        )
        response.request = request
        return response

    def _url(self, path: str) -> str:
        return urljoin(self.base_url + "/", path.lstrip("/") if path.startswith("/") else path)

    def events(
        self, path: str, *, last_event_id: str | None = None, timeout: float = 5.0, **options: Any
    ) -> EventSession:
        """Listen to the Server-Sent Events of `path`::

            with client.events("/ticks") as events:
                assert next(events).data == "1"

        last_event_id: what a client that comes back has got. timeout: seconds that an event may be
        in coming. options: those of `request`. Raises ValueError where no events are answered.
        """
        headers = {"Accept": "text/event-stream", **(options.pop("headers", None) or {})}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        method = options.pop("method", "GET")
        response = self.request(method, path, headers=headers, stream=True, **options)
        parts: Any = response.app_iter
        if response.status_int != 200 or response.content_type != "text/event-stream":
            parts.close()
            raise ValueError(f"{path} has no events: {response.status}, {response.content_type}")
        return EventSession(parts, timeout)

    def websocket(
        self,
        path: str,
        *,
        subprotocols: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> WebSocketSession:
        """Open a WebSocket::

            with client.websocket("/chat") as ws:
                ws.send("hello")
                assert ws.receive() == "HELLO"

        subprotocols: those that the client speaks, best first. headers: `Origin` and the like.
        timeout: seconds that a message may be in coming. Raises WebSocketRefused.
        """
        asked = {"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}
        fields = {**HANDSHAKE, **asked, **self.headers, **(headers or {})}
        request = _request("GET", self._url(path), fields, None, None, None)
        answer = self._ask(request, SocketAnswer)
        if answer.status[:3] != "101":
            raise WebSocketRefused(self._response(request, answer, stream=False))
        return WebSocketSession(answer, self.raise_errors, timeout)

    def _raise_for(self, answer: Answer) -> None:
        """Raise what a handler raised, if nobody had expected that."""
        exchange = answer.exchange
        error = exchange.error
        if not self.raise_errors or error is None:
            return
        if isinstance(error, (webob.exc.WSGIHTTPException, ThreadsBusy)):
            return  # an answer like any other
        match = exchange.request.environ.get("kroute.match")
        maps = match.maps if isinstance(match, Match) else (self.app.urls,)
        policies = [urls.owner for urls in maps if isinstance(urls.owner, Policy)]
        if not any(policy.handler_of(error) for policy in policies):
            answer.close()
            raise error


class _Headers:
    """The header fields of an answer, as `http.cookiejar` asks for them."""

    def __init__(self, answer: Answer) -> None:
        self._message = Message()
        for name, value in answer.headers:
            self._message[name] = value

    def info(self) -> Message:
        return self._message


def _request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | str | None,
    form: Mapping[str, Any] | None,
    json: Any,
) -> Request:
    given = [each for each in (body, form, json) if each is not None]
    if len(given) > 1:
        raise TypeError("a request has one body: body, form or json")
    request: Request = Request.blank(url, POST=form)
    request.environ["REQUEST_METHOD"] = method
    request.headers.update(headers)
    if json is not None:
        request.json = json
        request.content_type = request.content_type or "application/json"
    elif body is not None:
        request.body = body.encode() if isinstance(body, str) else body
    return request


def _redirected(request: Request, response: Response) -> Request:
    """The request that a redirect asks for (RFC 9110, section 15.4)."""
    url = urljoin(request.url, response.headers["Location"])
    keeps = response.status_int in (307, 308)
    method = request.method if keeps or request.method == "HEAD" else "GET"
    following: Request = Request.blank(url)
    following.environ["REQUEST_METHOD"] = method
    drop = {"host", "cookie"} | (set() if keeps else {"content-type", "content-length"})
    for name, value in request.headers.items():
        if name.lower() not in drop:
            following.headers[name] = value
    if keeps:
        following.body = request.body
    return following
