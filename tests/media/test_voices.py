"""The parts of `worker`, `bus` and `turn` that need no network."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections import Counter
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.nodes import (
    DEAD_AFTER,
    HEARTBEAT_GAP,
    STEADY_FOR,
    KnownNodes,
    NodeReporters,
)
from sitwith_server.media.plane.turn import Turn
from sitwith_server.service.rooms.conversations import is_media_message, reaction_to_bytes


def here(node: str, load: float = 0.0, *, leaving: bool = False) -> bus.Here:
    return bus.Here(node, load, 0, 0, leaving)


def nodes(*found: bus.Here, at: float = 0.0) -> KnownNodes:
    made = KnownNodes()
    for each in found:
        made.heartbeat(each, at)
    return made


# ------------------------------------------------------------------------------------- who tells


@given(st.sets(st.text(max_size=4), min_size=1, max_size=6), st.sets(st.text(max_size=4)))
def test_of_each_node_one_worker_alone_tells_and_others_once_it_is_gone(
    workers: set[str], names: set[str]
) -> None:
    found = [here(name) for name in sorted(names)]
    reporters = {each: NodeReporters(each) for each in workers}
    for one in reporters.values():
        for other in workers - {one.own}:
            one.announced(other, 0.0)
    told = [each.node for one in reporters.values() for each in one.mine(found, DEAD_AFTER)]
    assert sorted(told) == sorted(names)
    # Of those that are silent, another tells.
    assert next(iter(reporters.values())).mine(found, DEAD_AFTER + 0.1) == found


# ------------------------------------------------------------------------------------- which node


def test_rooms_spread_over_the_nodes_by_their_load() -> None:
    made = nodes(here("a"), here("b"), here("c", 0.75))
    chosen = Counter(made.choose(f"room {number}", 0.0) for number in range(900))
    assert set(chosen) == {"a", "b", "c"}
    assert 0.8 < chosen["a"] / chosen["b"] < 1.25
    assert chosen["c"] < chosen["a"] / 2


def test_another_node_takes_only_what_becomes_its_own() -> None:
    rooms = [f"room {number}" for number in range(200)]
    two, three = nodes(here("a"), here("b")), nodes(here("a"), here("b"), here("c"))
    for room in rooms:
        now, then = two.choose(room, 0.0), three.choose(room, 0.0)
        assert then in (now, "c")


@given(st.floats(0, 1), st.floats(0, 1), st.text(max_size=8))
def test_whoever_hears_the_same_chooses_the_same(one: float, other: float, room: str) -> None:
    first, second = here("a", one), here("b", other)
    assert nodes(first, second).choose(room, 0.0) == nodes(second, first).choose(room, 0.0)


def test_full_nodes_come_last_and_leaving_ones_never() -> None:
    full, leaving = here("full", 1.0), here("leaving", 0.0, leaving=True)
    assert nodes(full, here("free", 0.9)).choose("room", 0.0) == "free"
    assert nodes(full, leaving).choose("room", 0.0) == "full"
    assert nodes(leaving).choose("room", 0.0) is None
    assert nodes().choose("room", 0.0) is None
    assert nodes(full, leaving).is_draining("leaving") and not nodes(full).is_draining("full")


def test_a_node_is_dead_when_it_alone_is_silent() -> None:
    made = nodes(here("a"), here("b"))
    now = 0.0
    while now < DEAD_AFTER + 0.2:
        now += 0.25
        made.heartbeat(here("b"), now)
        assert made.is_dead("a", now) is (now > DEAD_AFTER)
    assert made.choose("room", now) == "b"
    made.heartbeat(here("a"), now)
    assert not made.is_dead("a", now)
    made.forget("a")
    assert made.is_dead("a", now)


def test_who_hears_nobody_takes_nobody_for_dead() -> None:
    made = nodes(here("a"), here("b"))
    later = DEAD_AFTER + 1
    assert not made.is_dead("a", later)
    made.heartbeat(here("b"), later)
    assert not made.is_dead("a", later), "the first word after a silence says nothing of the others"
    for step in (0.25, 0.5, STEADY_FOR + 0.01):
        made.heartbeat(here("b"), later + step)
    assert made.is_dead("a", later + STEADY_FOR + 0.01)
    assert not made.is_dead("a", later + STEADY_FOR + HEARTBEAT_GAP + 0.1)


# ---------------------------------------------------------------------------------------- letters

TEXT = st.text(max_size=20)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "load": st.floats(0, 1),
    "rooms": st.integers(0, 1000),
    "connections": st.integers(0, 1000),
    "leaving": st.booleans(),
    "counts": st.dictionaries(TEXT, st.integers(0, 2**50), max_size=3),
    "slots": st.dictionaries(TEXT, st.none() | TEXT, max_size=4),
    "to": st.dictionaries(TEXT, st.lists(TEXT, max_size=3).map(tuple), max_size=3),
    "epoch": st.integers(0, 2**40),
    "seq": st.integers(0, 2**40),
}


def letters(kind: type) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{each.name: VALUES.get(each.name, TEXT) for each in fields(kind)})


@given(st.one_of([letters(kind) for kind in get_args(bus.MediaMessage)]))
def test_every_letter_comes_as_it_was_written(letter: bus.MediaMessage) -> None:
    blob = bus.to_bytes(letter)
    assert is_media_message(blob)
    assert bus.from_bytes(blob) == letter


@given(st.binary(max_size=60))
def test_what_is_no_letter_is_none(noise: bytes) -> None:
    assert bus.from_bytes(noise) is None or is_media_message(noise)
    assert bus.from_bytes(b"\xc1" + noise) is None


def test_a_reaction_is_no_letter_and_a_letter_shows_no_offer() -> None:
    reaction = reaction_to_bytes("circle", "ada", "heart")
    assert not is_media_message(reaction)
    assert bus.from_bytes(reaction) is None
    assert "secret" not in repr(bus.Offer("n", "l", "ada", "c", "secret"))
    assert "secret" not in repr(bus.Answer("l", "secret"))


async def test_letters_reach_who_follows_until_they_end_it() -> None:
    log = MemoryLog()
    post = bus.Bus(log)
    heard: list[bus.MediaMessage] = []
    end = post.subscribe("room", heard.append)
    end_all = post.subscribe_all(heard.append)
    await post.publish("room", bus.Lost("ada"))
    await post.publish_to_all(bus.Gone("n1"))
    await log.publish("room", reaction_to_bytes("circle", "ada", "heart"))
    await log.now()
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard == [bus.Lost("ada"), bus.Gone("n1")]
    end()
    end_all()
    await post.publish("room", bus.Lost("ada"))
    await post.publish_to_all(bus.Gone("n1"))
    await asyncio.sleep(0)
    assert len(heard) == 2
    await log.close()


async def test_a_letter_that_somebody_fails_at_reaches_all_others() -> None:
    log = MemoryLog()
    post = bus.Bus(log)
    heard: list[bus.MediaMessage] = []

    def fails(letter: bus.MediaMessage) -> None:
        raise ValueError("a defect")

    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: unhandled.append(context)
    )
    post.subscribe("room", fails)
    post.subscribe("room", heard.append)
    with capture_logs() as lines:
        await post.publish("room", bus.Lost("ada"))
        await asyncio.sleep(0.01)
    assert heard == [bus.Lost("ada")] and unhandled == []
    assert [e["event"] for e in lines] == ["media_callback_fault"]
    assert [e["callback"] for e in lines] == ["media_message"]
    await log.close()


# ------------------------------------------------------------------------------------------- TURN


def only(answer: Any) -> dict[str, Any]:
    (server,) = answer["servers"]
    assert isinstance(server, dict)
    return server


def test_MW9_credentials_are_of_one_seat_and_end() -> None:
    turn = Turn(("turn:one.example.org",), "secret", 300)
    found = [turn.servers(*who, now=1000.5) for who in (("r", "a"), ("r", "b"), ("s", "a"))]
    names = []
    for each in found:
        server = only(each)
        expiry, _, name = server["username"].partition(":")
        assert expiry == "1300"
        names.append(name)
    assert len(set(names)) == 3
    assert turn.servers("r", "a", 1000.9) == found[0]
    assert turn.servers("r", "a", 1001.0) != found[0]
    assert "secret" not in repr(turn) + str(found)


def test_the_credential_is_the_drafts() -> None:
    # draft-uberti-behave-turn-rest-00 §2.2: base64(HMAC-SHA1(secret, username)).
    turn = Turn(("turn:one.example.org",), "a secret", 60, relay_only=True)
    server = only(turn.servers("room", "ada", 1.0))
    words = ["openssl", "dgst", "-sha1", "-hmac", "a secret", "-binary"]
    digest = subprocess.run(
        words, input=server["username"].encode(), capture_output=True, check=True
    ).stdout
    assert base64.b64encode(digest).decode() == server["credential"]


@pytest.mark.parametrize("relay", [True, False])
def test_without_servers_there_are_none(relay: bool) -> None:
    assert Turn((), "", 600, relay).servers("r", "a", 0.0) == {
        "servers": [],
        "ttl": 600,
        "relay": relay,
    }
