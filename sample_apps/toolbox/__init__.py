"""toolbox: stock Kamaelia components at URLs, unmodified. `kroute run sample_apps.toolbox:app`.

GET / lists them. None of them knows anything of HTTP.
"""

from __future__ import annotations

import json
from pathlib import Path

from Axon.Component import component
from Kamaelia.Chassis.Graphline import Graphline
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.File.Reading import RateControlledFileReader, SimpleReader
from Kamaelia.Internet.UDP import SimplePeer
from Kamaelia.Util.Backplane import Backplane, PublishTo, SubscribeTo
from Kamaelia.Util.Chargen import Chargen
from Kamaelia.Util.Clock import CheapAndCheerfulClock
from Kamaelia.Util.Collate import Collate
from Kamaelia.Util.Introspector import Introspector
from Kamaelia.Util.PureTransformer import PureTransformer
from Kamaelia.Util.TagWithSequenceNumber import TagWithSequenceNumber

from kroute import App, Request, handle

HERE = Path(__file__)
TEXT = "text/plain"

app = App()

# Sources: what they send is the answer.

app.mount("/chargen", Chargen, content_type=TEXT)
app.mount("/introspector", Introspector, content_type=TEXT)
app.mount("/source", lambda request: SimpleReader(str(HERE)), content_type=TEXT)
app.mount(
    "/slowly",
    lambda request: RateControlledFileReader(str(HERE), "bytes", rate=2000, chunksize=100),
    content_type=TEXT,
)
app.events("/clock", lambda request: CheapAndCheerfulClock(0.5))

# Transformers: what is posted goes through them.

POST = {"methods": ["POST"], "content_type": TEXT, "text": True}

app.mount("/upper", lambda request: PureTransformer(str.upper), **POST)
app.mount("/number", lambda request: TagWithSequenceNumber(1), encode=str, **POST)
app.mount("/collate", Collate, encode=json.dumps, **POST)
app.mount(
    "/pipeline",
    lambda request: Pipeline(
        PureTransformer(str.split), PureTransformer(sorted), PureTransformer(" ".join)
    ),
    **POST,
)


def both_ways(request: Request) -> component:
    """Forward in one arm, backward in the other."""
    return Graphline(
        straight=PureTransformer(lambda text: (text, text[::-1])),
        joined=PureTransformer("|".join),
        linkages={
            ("self", "inbox"): ("straight", "inbox"),
            ("self", "control"): ("straight", "control"),
            ("straight", "outbox"): ("joined", "inbox"),
            ("straight", "signal"): ("joined", "control"),
            ("joined", "outbox"): ("self", "outbox"),
            ("joined", "signal"): ("self", "signal"),
        },
    )


app.mount("/graphline", both_ways, **POST)

# A backplane: what is posted to /say goes to all who listen at /hear.

Backplane("toolbox").activate()
app.mount("/say", lambda request: PublishTo("toolbox"), **POST)
app.events("/hear", lambda request: SubscribeTo("toolbox"))

# A datagram out, and what comes back; in a thread, as a file would be used.


@app.post("/udp/{host}/{port}", threaded=True)
def udp(request: Request, host: str, port: int) -> bytes:
    """Send the body in a datagram; answer with that which comes back within a second."""
    with handle(SimplePeer("0.0.0.0", 0, host, port), grace=0) as peer:
        peer.put(request.body)
        data, _sender = peer.get(timeout=1)
        answer: bytes = data
        return answer


@app.get("/")
def front(request: Request) -> str:
    """What there is."""
    paths = [route.path for route in app.urls.describe()]
    return "<h1>toolbox</h1><ul>" + "".join(f"<li>{path}" for path in paths) + "</ul>\n"
