"""An application as a WSGI application (PEP 3333), for servers that speak WSGI.

What a WSGI server calls blocks its thread until there is an answer; an application of components
lives in one thread, its scheduler's. So the two stay apart: a request goes over with `call_soon`,
and its answer comes back through an `Answer`, a bounded queue. Where no scheduler runs in the
process, a thread is started for it.

Gateway: one for an application. Answer: one for a request. AnswerCut: it ended before its end.
SocketAnswer: one that may turn into a connection, for tests.
"""

from .answer import Answer, AnswerCut
from .gateway import Gateway
from .socket import SocketAnswer

__all__ = ["Answer", "AnswerCut", "Gateway", "SocketAnswer"]
