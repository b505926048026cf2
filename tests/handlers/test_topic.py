"""Topics: from messages alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished

from kroute import App, Topic
from kroute.handlers.topic import LocalCarrier, Member
from tests.server.harness import World

from .test_websocket import Browser


class Seat:
    """A member, and what it hears."""

    def __init__(self, world: World, topic: Topic, who: str) -> None:
        self.world = world
        self.member = topic.member(who)
        self._ears = component()
        self.member.link((self.member, "outbox"), (self._ears, "inbox"))
        self.member.link((self.member, "signal"), (self._ears, "control"))
        self.member.activate()
        world.settle()

    def say(self, message: Any) -> None:
        self.member.inboxes["inbox"].append(message)
        self.world.settle()

    def leave(self) -> None:
        self.member.inboxes["control"].append(producerFinished())
        self.world.settle()

    def heard(self) -> list[dict[str, Any]]:
        found = []
        while self._ears.dataReady("inbox"):
            found.append(json.loads(self._ears.recv("inbox")))
        return found


def said(who: str, data: Any) -> dict[str, Any]:
    return {"kind": "said", "who": who, "data": data}


def test_what_one_says_all_hear(world: World) -> None:
    topic = Topic("lobby")
    ada, grace = Seat(world, topic, "ada"), Seat(world, topic, "grace")
    ada.heard(), grace.heard()
    ada.say("hello")
    grace.say({"wave": True})
    expected = [said("ada", "hello"), said("grace", {"wave": True})]
    assert ada.heard() == grace.heard() == expected


def test_who_comes_and_goes(world: World) -> None:
    topic = Topic("lobby")
    ada = Seat(world, topic, "ada")
    assert ada.heard() == [{"kind": "here", "data": ["ada"]}]
    grace = Seat(world, topic, "grace")
    assert grace.heard() == [{"kind": "here", "data": ["ada", "grace"]}]
    assert ada.heard() == [{"kind": "joined", "who": "grace"}]
    assert topic.here == ["ada", "grace"]
    grace.leave()
    assert ada.heard() == [{"kind": "left", "who": "grace"}]
    assert topic.here == ["ada"]
    assert grace.heard() == []
    assert isinstance(grace._ears.recv("control"), producerFinished)


def test_two_windows_are_one_member(world: World) -> None:
    topic = Topic("lobby")
    ada, first = Seat(world, topic, "ada"), Seat(world, topic, "grace")
    ada.heard()
    second = Seat(world, topic, "grace")
    first.leave()
    assert ada.heard() == [] and topic.here == ["ada", "grace"]
    second.leave()
    assert ada.heard() == [{"kind": "left", "who": "grace"}]


def test_a_member_that_fails_has_left(world: World) -> None:
    topic = Topic("lobby")
    ada, grace = Seat(world, topic, "ada"), Seat(world, topic, "grace")
    ada.heard()
    grace.say(object())
    assert ada.heard() == [{"kind": "left", "who": "grace"}]


def test_without_presence_there_is_only_what_is_said(world: World) -> None:
    topic = Topic("lobby", presence=False)
    ada, grace = Seat(world, topic, "ada"), Seat(world, topic, "grace")
    grace.say("hello")
    grace.leave()
    assert ada.heard() == [said("grace", "hello")]


def test_anybody_can_publish(world: World) -> None:
    topic = Topic("lobby")
    ada = Seat(world, topic, "ada")
    ada.heard()
    topic.publish("maintenance at noon")
    assert ada.heard() == [{"kind": "said", "data": "maintenance at noon"}]
    with pytest.raises(TypeError):
        topic.publish(object())


def test_who_has_no_room_misses_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    topic = Topic("lobby")
    ada, grace = Seat(world, topic, "ada"), Seat(world, topic, "grace")
    grace.heard()
    grace._ears.setInboxSize("inbox", 1)
    for number in range(3):
        ada.say(number)
    assert grace.heard() == [said("ada", 0)]
    assert "grace is too slow for the topic lobby" in caplog.text


def test_a_carrier_joins_topics_of_several_processes(world: World) -> None:
    carrier = LocalCarrier()
    here, there = Topic("lobby", carrier=carrier), Topic("lobby", carrier=carrier)
    elsewhere = Topic("kitchen", carrier=carrier)
    ada, grace = Seat(world, here, "ada"), Seat(world, there, "grace")
    alan = Seat(world, elsewhere, "alan")
    for each in ada, grace, alan:
        each.heard()
    ada.say("hello")
    assert ada.heard() == grace.heard() == [said("ada", "hello")]
    assert alan.heard() == []
    assert here.here == there.here == ["ada", "grace"]


def test_a_chat(world: World) -> None:
    room = Topic("lobby")
    app = App()
    app.websocket("/chat/{who}", lambda request, who: room.member(who))
    ada = Browser(world.client(app), "/chat/ada")
    grace = Browser(world.client(app), "/chat/grace")
    grace.send("hello, ada")
    ada.client.hang_up()
    world.settle()
    assert [json.loads(text)["kind"] for text in ada.texts()] == ["here", "joined", "said"]
    assert [json.loads(text) for text in grace.texts()][1:] == [
        said("grace", "hello, ada"),
        {"kind": "left", "who": "ada"},
    ]
    assert Member in [type(each) for each in world.scheduler.listAllThreads()]
    grace.close()
    assert room.here == []
