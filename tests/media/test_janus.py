"""The engine on real Janus gateways: routes, their end, and what is left when something breaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sitwith_client.voice.peer import Peer
from sitwith_server.media.engine import EngineDown, OfferRefused, PictureChoice
from sitwith_server.media.janus.engine import GatewayAddress, JanusEngine
from sitwith_server.media.janus.room import JanusRoom
from tests.media.janus_member import Member, Watch, everybody, plan
from tests.media.janus_net import ADMIN_SECRET, PATIENT, SECRETS, Janus, freeze, janus, why_not
from tests.waiting import until

_WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Janus]:
    with janus(tmp_path_factory.mktemp("janus") / "one") as one:
        yield one


@asynccontextmanager
async def opened(
    *gateways: Janus, bound: float = PATIENT
) -> AsyncIterator[tuple[JanusEngine, JanusRoom, Watch]]:
    engine = JanusEngine([each.address for each in gateways], SECRETS, bound=bound)
    watch = Watch()
    try:
        yield engine, await engine.open("room", watch), watch
    finally:
        await engine.close()


@asynccontextmanager
async def members(room: JanusRoom, *people: Member) -> AsyncIterator[None]:
    try:
        for each in people:
            await each.join(room)
        yield
    finally:
        for each in people:
            await each.close()


async def test_a_transport_whose_other_is_lost_meanwhile_is_not_made(
    gateway: Janus, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = Member("a")
    async with opened(gateway) as (_, room, watch):
        home = await room.ensure_video_room()
        subscribe = home.subscribe

        async def slowly(*words: Any) -> Any:
            made = await subscribe(*words)
            await a.up.close()
            await until(lambda: watch.losses["a"] == 1, "a is lost")
            return made

        monkeypatch.setattr(home, "subscribe", slowly)
        await a.up.connect(await room.answer("a", a.up.offer()))
        with pytest.raises(EngineDown):
            await room.answer("a", a.down.offer())
        assert room.size == 0
        monkeypatch.undo()
        again = Member("a")
        async with members(room, again):
            await until(lambda: watch.ups["a"] == 2, "a is back")


async def test_members_who_go_all_at_once_wait_for_nobody(gateway: Janus) -> None:
    people = [Member(name) for name in "abcd"]
    async with opened(gateway) as (_, room, watch), members(room, *people):
        await room.apply(plan(1, everybody(*"abcd")))
        await until(lambda: all(len(watch.on(name)) == 3 for name in "abcd"), "all are on slots")
        async with asyncio.timeout(10):
            await asyncio.gather(*(room.drop(name) for name in "abcd"))
        assert room.size == 0 and not watch.losses


@asynccontextmanager
async def hearing(
    *gateways: Janus, bound: float = PATIENT
) -> AsyncIterator[tuple[JanusEngine, JanusRoom, Watch, Member, Member]]:
    """`b` hears `a`, by plan 1."""
    a, b = Member("a"), Member("b")
    async with opened(*gateways, bound=bound) as (engine, room, watch), members(room, a, b):
        a.speak()
        await room.apply(plan(1, {"a": ["b"]}))
        await until(lambda: b.count("a") > 5, "b hears a")
        yield engine, room, watch, a, b


async def heard_after(listener: Member, name: str, when: float) -> None:
    """Returns once a packet has come that is later than `when`."""
    await until(lambda: listener.last.get(name, 0.0) > when, f"{name} is heard")


async def test_ME1_once_apply_has_returned_what_it_took_away_is_over(gateway: Janus) -> None:
    a, b, c = Member("a"), Member("b"), Member("c")
    async with opened(gateway) as (_, room, _watch), members(room, a, b, c):
        for each in (a, b, c):
            each.speak()
        for turn in range(1, 7):
            holder, other = ("a", "b") if turn % 2 else ("b", "a")
            asked = time.monotonic()
            await room.apply(plan(turn, {holder: [other, "c"]}, turn=turn))
            done = time.monotonic()
            await heard_after(c, holder, done)
            await asyncio.sleep(0.15)
            # What the gateway had sent before it confirmed may still have been under way.
            assert c.last.get(other, 0.0) < done + 0.1, (turn, done - asked)
        # Pairs: the same speaker is heard by some and not by others.
        await room.apply(plan(10, {"a": ["b"], "b": ["a"], "c": []}, turn=7))
        done = time.monotonic()
        await until(lambda: a.last["b"] > done + 0.2 and b.last["a"] > done + 0.2, "the pair")
        assert c.last["a"] < done + 0.1 and c.last["b"] < done + 0.1
        await room.apply(plan(11, {"a": ["c"], "c": ["a"], "b": []}, turn=7))
        done = time.monotonic()
        await until(lambda: a.last.get("c", 0) > done + 0.2 and c.last["a"] > done + 0.2, "turned")
        assert b.last["a"] < done + 0.1 and a.last["b"] < done + 0.1


async def test_ME2_silence_lasts_until_the_next_plan(gateway: Janus) -> None:
    a, b = Member("a", sends=("audio", "video"), video=1), Member("b", video=1)
    async with opened(gateway) as (_, room, watch), members(room, a, b):
        a.speak()
        await room.apply(plan(1, {"a": ["b"]}, {"a": ["b"]}))
        mids = {medium: mid for mid, medium in (("0", "audio"), ("3", "video"))}
        await until(lambda: all(b.heard["a", mid] > 10 for mid in mids.values()), "b hears, sees")
        room.silence()
        done = time.monotonic()
        assert not watch.on("b")
        await asyncio.sleep(0.5)
        assert b.last["a"] < done + 0.3
        await room.apply(plan(2, {}, {"a": ["b"]}))
        done, before = time.monotonic(), b.heard["a", mids["audio"]]
        await until(lambda: b.last["a"] > done + 0.2, "the picture is back")
        assert b.heard["a", mids["audio"]] == before
        room.choose_pictures("b", PictureChoice.NONE)
        await until(lambda: not watch.on("b"), "b takes no pictures")
        done = time.monotonic()
        await asyncio.sleep(0.3)
        assert b.last["a"] < done + 0.1


async def test_ME1_ME4_a_sender_who_comes_back_has_no_more_than_before(gateway: Janus) -> None:
    async with hearing(gateway) as (_, room, watch, a, b):
        await room.apply(plan(2, {}))
        again = Member("a")
        async with members(room, again):
            again.speak()
            done = time.monotonic()
            await asyncio.sleep(0.5)
            assert b.last["a"] < done
            await room.apply(plan(3, {"a": ["b"]}))
            await until(lambda: b.last["a"] > done, "b hears a's new connection")
            # The transport that was replaced is ended, and that is no loss.
            await until(lambda: a.up.state == "closed", "the old one is closed")
            assert watch.losses["a"] == 0


async def test_ME4_slots_of_people_who_vanish_serve_the_next(gateway: Janus) -> None:
    a, b, c = Member("a"), Member("b", audio=1), Member("c")
    async with opened(gateway) as (_, room, watch), members(room, a, b, c):
        a.speak()
        c.speak()
        await room.apply(plan(1, {"a": ["b"]}))
        await until(lambda: b.count("a") > 5, "b hears a")
        await a.close()
        await until(lambda: watch.losses["a"] == 1, "a is lost")
        await room.apply(plan(2, {"c": ["b"]}))
        await until(lambda: b.count("c") > 5, "b hears c on the same slot")
        await room.drop("c")
        await until(lambda: c.up.state == "closed" and c.down.state == "closed", "c is dropped")
        assert watch.losses["c"] == 0 and not watch.on("b")


async def test_ME27_offers_that_cannot_be_answered_change_nothing(gateway: Janus) -> None:
    async with hearing(gateway) as (_, room, _watch, _a, b):
        both = Member("a").up.offer().replace("a=sendonly", "a=inactive")
        other = Member("a").down.offer().replace("111", "109")
        for sdp, reason in (
            ("nonsense", "malformed"),
            (both, "malformed"),
            (other, "no_codec"),
            (_two_ways(), "two_transports"),
        ):
            with pytest.raises(OfferRefused) as refused:
                await room.answer("a", sdp)
            assert refused.value.reason == reason
        before = b.count("a")
        await until(lambda: b.count("a") > before + 5, "b still hears a")


def _two_ways() -> str:
    return Peer(("audio",), audio=2).offer()


async def test_ME29_an_ice_restart_keeps_both_transports(gateway: Janus) -> None:
    async with hearing(gateway) as (_, room, watch, a, b):
        await a.up.connect(await room.answer("a", a.up.offer()))
        await b.down.connect(await room.answer("b", b.down.offer()))
        before = b.count("a")
        await until(lambda: b.count("a") > before + 20, "b still hears a")
        assert not watch.losses and a.up.state == b.down.state == "connected"


async def test_with_more_voices_than_slots_those_who_talk_are_heard(gateway: Janus) -> None:
    names = ("a", "b", "c", "d")
    people = {name: Member(name, audio=1) for name in names}
    listener = people["d"]
    async with opened(gateway) as (_, room, _watch), members(room, *people.values()):
        await room.apply(plan(1, everybody(*names)))
        for name in ("a", "b", "c"):
            people[name].speak()
            await heard_after(listener, name, time.monotonic())
            await people[name].hush()


async def test_a_link_that_ends_ends_what_is_forwarded(gateway: Janus) -> None:
    async with hearing(gateway) as (engine, room, watch, a, b):
        link = engine._gateways[0]._connection
        assert link is not None
        link.close()
        assert watch.losses == {"a": 1, "b": 1}
        with pytest.raises(EngineDown):
            await room.apply(plan(2, {}))
        await until(lambda: a.up.state == b.down.state == "closed", "Janus has ended both")
        done = time.monotonic()
        await asyncio.sleep(0.2)
        assert b.last["a"] < done
        # The engine links itself again, and the room is made anew with the plan it has.
        await until(lambda: engine._gateways[0].is_up, "linked again")
        new = (Member("a"), Member("b"))
        async with members(room, *new):
            new[0].speak()
            await asyncio.sleep(0.2)
            assert not new[1].heard
            await _applied(room, {"a": ["b"]})
            await until(lambda: new[1].count("a") > 5, "b hears a again")


async def _applied(room: JanusRoom, heard: dict[str, list[str]]) -> None:
    """Applies until the engine can vouch for it."""
    for rev in range(100, 300):
        try:
            await room.apply(plan(rev, heard))
            return
        except EngineDown:
            await asyncio.sleep(0.1)
    raise AssertionError("no plan could be applied")


async def test_ME38_what_a_node_does_not_vouch_for_is_ended(
    gateway: Janus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hearing(gateway) as (_, room, watch, _a, b):
        monkeypatch.setattr(room._steering, "allowed_until", lambda: 0.0)
        await until(lambda: b.down.state == "closed", "Janus has let go")
        await until(lambda: watch.losses == {"a": 1, "b": 1}, "and we know")
        done = time.monotonic()
        await asyncio.sleep(0.2)
        assert b.last["a"] < done
        # It is over for certain, so nothing stands against another.
        await room.apply(plan(2, {"a": ["b"]}))


async def test_a_gateway_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with janus(tmp_path / "one") as one:
        async with hearing(one) as (engine, room, watch, _a, b):
            one.freeze()
            with pytest.raises(EngineDown):
                await room.apply(plan(2, {}))
            assert watch.losses == {"a": 1, "b": 1}
            # Its guard kills it, so it never wakes, and starts another.
            await until(lambda: len(one.starts()) == 2 and one.readies() == 2, "another", 40)
            before = b.count("a")
            await until(lambda: engine.load() < 1.0, "linked again")
            new = Member("a"), Member("b")
            async with members(room, *new):
                new[0].speak()
                await _applied(room, {"a": ["b"]})
                await until(lambda: new[1].count("a") > 5, "b hears a again")
            assert b.count("a") == before


async def test_rooms_spread_over_the_fleet_and_move_off_a_dead_gateway(
    tmp_path: Path,
) -> None:
    bound = 3.0
    with (
        janus(tmp_path / "one", bound=bound) as one,
        janus(tmp_path / "two", bound=bound) as two,
    ):
        engine = JanusEngine([one.address, two.address], SECRETS, bound=bound)
        watches = [Watch(), Watch()]
        rooms = [await engine.open(name, watch) for name, watch in zip("xy", watches, strict=True)]
        people = [[Member("a"), Member("b")] for _ in rooms]
        try:
            assert {room.gateway for room in rooms} == set(engine._gateways)
            with pytest.raises(ValueError, match="open already"):
                await engine.open("x", Watch())
            for room, (a, b) in zip(rooms, people, strict=True):
                await a.join(room)
                await b.join(room)
                a.speak()
                await room.apply(plan(1, {"a": ["b"]}))
                await heard_after(b, "a", 0.0)
            home = rooms[0].gateway
            assert home is not None
            (one, two)[home.index].kill()
            await until(lambda: watches[0].losses == {"a": 1, "b": 1}, "all of one are lost")
            assert not watches[1].losses
            a, b = again = [Member("a"), Member("b")]
            people.append(again)
            await a.join(rooms[0])
            await b.join(rooms[0])
            assert rooms[0].gateway is rooms[1].gateway
            a.speak()
            await _applied(rooms[0], {"a": ["b"]})
            await until(lambda: b.count("a") > 5, "b hears a on the other")
            before = people[1][1].count("a")
            await until(lambda: people[1][1].count("a") > before + 5, "the other room goes on")
        finally:
            for each in (each for pair in people for each in pair):
                await each.close()
            await engine.close()
        with pytest.raises(EngineDown):
            (one, two)[1 - home.index].kill()
            dead = JanusEngine([one.address, two.address], SECRETS, patience=0.5)
            try:
                await dead.open("x", Watch())
            finally:
                await dead.close()


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("session_timeout = 2", "session_timeout = 60"),
        ("reclaim_session_timeout = 0", "reclaim_session_timeout = 5"),
        ("ice_lite = true", "ice_lite = false"),
    ],
)
async def test_a_gateway_that_would_not_let_go_is_not_used(
    tmp_path: Path, was: str, now: str
) -> None:
    with janus(tmp_path / "one", (was, now)) as one:
        engine = JanusEngine([one.address], SECRETS, bound=PATIENT)
        try:
            with pytest.raises(EngineDown):
                await engine.open("room", Watch())
            assert engine.load() == 1.0
        finally:
            await engine.close()


async def test_ME41_a_gateway_without_a_guard_or_with_a_slower_one_is_not_used(
    gateway: Janus,
) -> None:
    alone = GatewayAddress(gateway.address.api, guard=f"{gateway.net.gate}:9")
    for address, bound in ((alone, PATIENT), (gateway.address, PATIENT / 2)):
        engine = JanusEngine([address], SECRETS, patience=0.5, bound=bound)
        try:
            with pytest.raises(EngineDown):
                await engine.open("room", Watch())
        finally:
            await engine.close()


async def test_ME41_a_gateway_whose_guard_stands_still_is_given_up(tmp_path: Path) -> None:
    with janus(tmp_path / "one", bound=2.0) as one:
        async with hearing(one, bound=2.0) as (engine, _room, watch, _a, b):
            freeze(one.guard)
            await until(lambda: watch.losses == {"a": 1, "b": 1}, "both are lost")
            await until(lambda: b.down.state == "closed", "Janus has ended it")
            assert not any(each.is_up for each in engine._gateways)


async def test_the_gateway_logs_nobody(gateway: Janus) -> None:
    a, b = Member("a"), Member("b")
    async with opened(gateway) as (_, room, _watch), members(room, a, b):
        await room.apply(plan(1, {"a": ["b"]}))
    said = gateway.said()
    assert "ufrag" not in said and "candidate" not in said
    assert SECRETS.api not in said and ADMIN_SECRET not in said
    assert gateway.net.here not in said
