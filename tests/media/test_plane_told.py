"""Workers and media nodes on virtual time: what members are told of their voices."""

from __future__ import annotations

import asyncio

from sitwith_protocol.commands.media import MediaTake
from sitwith_server.media.engine import PictureChoice, Speech
from sitwith_server.room import commands as c
from sitwith_server.service.rooms.answers import Ok
from tests.media.plane import Plane
from tests.media.plane_rooms import (
    LOSSES,
    NAMES,
    connected,
    plane,
)


def test_lost_letters_are_sent_again_and_an_offer_is_answered_once() -> None:
    async def work(p: Plane) -> None:
        for process in (*p.nodes, *p.workers):
            process.sight.change(losing=0.3)
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        assert sorted(room.members) == sorted(NAMES)

    plane(work, seed=5)


def test_MW8_speaking_names_only_whom_a_viewer_is_given_to_hear() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        assert await p.ask(
            p.workers[0], c.PairsOpen(by="fay", groups=(("ada", "ben"), ("cleo", "dora")))
        )
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        slots = {
            "ada": {"1": "ben", "2": None},
            "ben": {"1": "ada"},
            "cleo": {"1": "dora", "2": "ada"},
        }
        for member, mapped in slots.items():
            carrier.machine.call(lambda m=member, s=mapped: room.watcher.slots_changed(m, s))  # type: ignore[misc]
        room.talked = {name: Speech(3.0, name in ("ada", "cleo")) for name in NAMES}
        await asyncio.sleep(1)
        told = {
            name: [f["members"] for f in p.workers[0].told.get(name, ()) if f["t"] == "speaking"]
            for name in NAMES
        }
        # Cleo's slot may still name somebody of before; her routes say that she doesn't hear them.
        assert told == {
            "fay": [],
            "ada": [("ada",)],
            "ben": [("ada",)],
            "cleo": [("cleo",)],
            "dora": [],
        }
        assert [f for f in p.workers[1].told["ada"] if f["t"] == "media.map"] == [
            {"t": "media.map", "slots": {"1": "ben", "2": None}}
        ]

    plane(work)


def test_VO4_what_was_heard_goes_into_the_rooms_log_now_and_then() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        events = p.room.state.seq
        for second in range(30):
            room.talked = {"ada": Speech(float(second + 1), True)}
            await asyncio.sleep(1)
        assert p.room.state.talk["ada"] > 19
        assert p.room.state.seq - events <= 5
        before = p.room.state.talk["ada"]
        await p.must(c.FloorStick(by="fay", to="ben"))
        await asyncio.sleep(1)
        assert p.room.state.talk == {"ada": 30.0} and before < 30.0

    plane(work)


def test_MW10_pictures_are_taken_as_asked_until_the_connection_is_lost() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        worker = p.workers[0]
        asked = worker.media.answer_command(worker.room, "ada", "", MediaTake(1, "low"))
        assert await worker.machine.start(asked) == Ok()
        await asyncio.sleep(0.5)
        assert room.takes == {"ada": PictureChoice.LOW}
        room.takes.clear()
        carrier.machine.call(lambda: room.watcher.connected("ada"))
        assert room.takes == {"ada": PictureChoice.LOW}
        carrier.machine.call(lambda: room.watcher.lost("ada"))
        room.takes.clear()
        carrier.machine.call(lambda: room.watcher.connected("ada"))
        assert room.takes == {}

    plane(work)


def test_MW6_a_connection_that_is_new_to_its_worker_is_told_how_things_are() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        carrier.machine.call(lambda: room.watcher.slots_changed("ada", {"1": "ben"}))
        carrier.machine.call(lambda: room.watcher.lost("ben"))
        await asyncio.sleep(0.5)
        worker = p.workers[1]
        worker.told.clear()
        for member in ("ada", "ben"):
            worker.machine.call(lambda m=member: worker.media.seat_resumed(worker.room, m))  # type: ignore[misc]
        await asyncio.sleep(0.5)
        assert {"t": "media.map", "slots": {"1": "ben"}} in worker.told["ada"]
        assert worker.told["ben"] == LOSSES

    plane(work)


def test_MW4_who_leaves_loses_the_transport_and_who_resumes_keeps_it() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        seat = p.room.state.seats["ada"]
        await p.must(c.LoseConnection(by="ada", connection=seat.connection or ""))
        await p.must(c.Leave(by="ben"))
        await p.must(c.LobbyReturn(by="fay", member="cleo"))
        await asyncio.sleep(1)
        assert sorted(room.members) == ["ada", "dora", "fay"]

    plane(work)
