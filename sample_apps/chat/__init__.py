"""chat: who is there and what they say. `kroute run sample_apps.chat`, and two browser windows."""

from __future__ import annotations

from pathlib import Path

from Axon.Component import component

from kroute import App, Request, Topic

PAGE = Path(__file__).with_name("page.html")

app = App()
room = Topic("lobby")


def join(request: Request) -> component:
    """A member of the room, by the name in the query."""
    return room.member(request.GET.get("who", "").strip()[:40] or "somebody")


app.websocket("/chat", join, max_message=4096, max_concurrent=5000)


@app.get("/")
def front(request: Request) -> str:
    """The page that talks to it."""
    return PAGE.read_text("utf-8")
