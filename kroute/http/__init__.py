"""HTTP, sans-io: fed bytes, gives events; fed answers, gives bytes.

RequestParser (Head, Data, End, NEED_DATA), EnvironMaker, RequestBody: a request from its bytes.
PARSERS, field_reader: the libraries that read its fields.
Proxies, LOCAL: whose word about a client is taken.
accept_websocket, WebSocketFrames, Close: WebSocket.
AnswerFraming, CONTINUE, FilePart, Gathered: an answer to its bytes.
Request, Response: what handlers see of both.
Exchange, Sink, Rules, Handler: the contract between those who serve a request. Limits: how much of
everything. ProtocolError, LocalProtocolError, RemoteProtocolError: whose fault.
"""

from .body import EMPTY_BODY, UNREAD_BODY, BodyTooLarge, RequestBody
from .environ import RAW_PATH, TRAILERS, EnvironMaker, add_trailers, put_body
from .errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from .exchange import (
    BodyTaker,
    Exchange,
    Handler,
    Hinting,
    Rules,
    SendsFiles,
    Sink,
    Streaming,
    Upgradable,
)
from .fields import PARSERS, FieldReader, field_reader
from .file_part import FilePart
from .forwarded import LOCAL, Proxies
from .framing import CONTINUE, AnswerFraming
from .gathered import Gathered
from .limits import Limits
from .parser import NEED_DATA, Data, End, Event, Head, RequestParser
from .query import QUERY_FIELDS
from .request import READER, Request
from .response import Response, close_body
from .websocket import Close, WebSocketFrames, accept_websocket

__all__ = [
    "CONTINUE",
    "EMPTY_BODY",
    "LOCAL",
    "NEED_DATA",
    "PARSERS",
    "QUERY_FIELDS",
    "RAW_PATH",
    "READER",
    "TRAILERS",
    "UNREAD_BODY",
    "AnswerFraming",
    "BodyTaker",
    "BodyTooLarge",
    "Close",
    "Data",
    "End",
    "EnvironMaker",
    "Event",
    "Exchange",
    "FieldReader",
    "FilePart",
    "Gathered",
    "Handler",
    "Head",
    "Hinting",
    "Limits",
    "LocalProtocolError",
    "ProtocolError",
    "Proxies",
    "RemoteProtocolError",
    "Request",
    "RequestBody",
    "RequestParser",
    "Response",
    "Rules",
    "SendsFiles",
    "Sink",
    "Streaming",
    "Upgradable",
    "WebSocketFrames",
    "accept_websocket",
    "add_trailers",
    "close_body",
    "field_reader",
    "put_body",
]
