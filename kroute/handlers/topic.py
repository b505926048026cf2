"""Topic: what one says, all hear; and who is there.

A chat is `room = Topic("lobby")` and `app.websocket("/chat/{who}", lambda request, who:
room.member(who))`. What crosses the line between processes is a `Carrier`'s to say; the one here
goes no further than this process.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

from Axon.AxonExceptions import noSpaceInBox
from Axon.Ipc import producerFinished, shutdownMicroprocess

from ..scheduler import ReactiveComponent

__all__ = ["Carrier", "LocalCarrier", "Member", "News", "Topic"]

log = logging.getLogger("kroute.handlers")


@dataclass(frozen=True)
class News:
    """Something that happened in a topic.

    kind: "said" (who said data), "joined", "left" (who did), "here" (data: who is there; for the
    one that has just joined).
    """

    kind: Literal["said", "joined", "left", "here"]
    who: str | None = None
    data: Any = None

    @cached_property
    def json(self) -> str:
        """It as a JSON object, made once for all who hear it."""
        given = {"kind": self.kind, "who": self.who, "data": self.data}
        return json.dumps({name: value for name, value in given.items() if value is not None})


class Carrier(Protocol):
    """Brings news from those who publish to all who subscribed, wherever they are.

    News of one topic comes to all in the same order.
    """

    def subscribe(self, topic: str, hear: Callable[[News], None]) -> None:
        """Call `hear` with all news of a topic, in the thread of components."""

    def publish(self, topic: str, news: News) -> None:
        """Bring `news` to all who subscribed, the one that publishes too."""


class LocalCarrier:
    """The carrier inside a process."""

    def __init__(self) -> None:
        self._hearing: dict[str, list[Callable[[News], None]]] = {}

    def subscribe(self, topic: str, hear: Callable[[News], None]) -> None:
        """See `Carrier`."""
        self._hearing.setdefault(topic, []).append(hear)

    def publish(self, topic: str, news: News) -> None:
        """See `Carrier`."""
        for hear in list(self._hearing.get(topic, ())):
            hear(news)


class Topic:
    """A place where what one says all hear. For the thread of components.

    carrier: one of its own, within this process, if none is given. presence: whether members are
    told who joins and leaves.
    """

    def __init__(
        self, name: str, *, carrier: Carrier | None = None, presence: bool = True
    ) -> None:
        self.name = name
        self.presence = presence
        self._carrier = LocalCarrier() if carrier is None else carrier
        self._here: Counter[str] = Counter()
        self._members: dict[Member, None] = {}
        self._carrier.subscribe(name, self._heard)

    @property
    def here(self) -> list[str]:
        """Who is there, by name, each once."""
        return sorted(self._here)

    def publish(self, data: Any, who: str | None = None) -> None:
        """Say something to all. Raises TypeError for what JSON cannot say."""
        news = News("said", who, data)
        news.json  # noqa: B018 - here, where the author can see what is wrong with it
        self._carrier.publish(self.name, news)

    def member(self, who: str) -> Member:
        """A component that is a member as long as it runs."""
        return Member(self, who)

    def join(self, member: Member) -> None:
        """Tell a new member who is there, and all that it is."""
        self._carrier.publish(self.name, News("joined", member.who))
        self._members[member] = None
        if self.presence:
            member.hear(News("here", data=self.here))

    def leave(self, member: Member) -> None:
        """Tell all that a member is there no more."""
        if member in self._members:
            del self._members[member]
            self._carrier.publish(self.name, News("left", member.who))

    def _heard(self, news: News) -> None:
        if news.kind != "said" and not (self._count(news) and self.presence):
            return
        for member in list(self._members):
            member.hear(news)

    def _count(self, news: News) -> bool:
        """Note who joins and leaves; whether that is news. Somebody with two windows joins with
        the first and leaves with the last."""
        who = news.who or ""
        self._here[who] += 1 if news.kind == "joined" else -1
        if self._here[who] <= 0:
            del self._here[who]
            return True
        return news.kind == "joined" and self._here[who] == 1


class Member(ReactiveComponent):
    """One of those in a topic: says what comes to its inbox, sends what all say."""

    Inboxes = {
        "inbox": "what to say: str, or anything that JSON can say",
        "control": "producerFinished, shutdownMicroprocess: leave",
    }
    Outboxes = {"outbox": "news, as JSON text", "signal": "producerFinished: it has left"}

    def __init__(self, topic: Topic, who: str) -> None:
        super().__init__()
        self.who = who
        self._topic = topic

    def on_start(self) -> None:
        self._topic.join(self)

    def on_end(self) -> None:
        self._topic.leave(self)
        self.send(producerFinished(self), "signal")

    def react(self) -> None:
        """Say what there is to say."""
        while self.dataReady("inbox"):
            self._topic.publish(self.recv("inbox"), self.who)
        while self.dataReady("control"):
            if isinstance(self.recv("control"), (producerFinished, shutdownMicroprocess)):
                self.finish()

    def hear(self, news: News) -> None:
        """Pass news on. Whoever has no room for it misses it."""
        try:
            self.send(news.json, "outbox")
        except noSpaceInBox:
            log.warning("%s is too slow for the topic %s", self.who, self._topic.name)


__kamaelia_components__ = (Member,)
