"""One owner of the rooms that are here, and references to them."""

from __future__ import annotations

import asyncio

import pytest

from sitwith_server.log.base import CONTROL, Heads, LogDown, Lost, Position
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.model import Role
from sitwith_server.service.hosting.held import RoomReference
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.operator import Operator
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.observing import Change, Observer
from sitwith_server.service.rooms.results import Applied
from sitwith_server.service.rooms.store import Unreadable
from tests.service.logs import WorkerLog, names
from tests.service.test_cards import Seats, people


class Seen(Observer):
    """All that an observer is told."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.bodies: list[str] = []
        self.frozen: list[bool] = []
        self.gaps: list[frozenset[str]] = []

    def changed(self, change: Change) -> None:
        self.changes.append(change)

    def said(self, words: ChatEntry) -> None:
        self.bodies.append(getattr(words.what, "body", ""))

    def froze(self, frozen: bool) -> None:
        self.frozen.append(frozen)

    def lost(self, streams: frozenset[str]) -> None:
        self.gaps.append(streams)


def second(log: MemoryLog, idle_seconds: float = 30.0) -> tuple[WorkerLog, Host]:
    """Another worker on a log."""
    way = WorkerLog(log)
    return way, Host(way, AuditTrail(way, 60), idle_seconds=idle_seconds)


async def used(host: Host, room: str) -> RoomReference:
    use = await host.use(room)
    assert use is not None
    return use


async def settled() -> None:
    """Time for what was called soon, and for what that calls."""
    for _ in range(20):
        await asyncio.sleep(0)


async def say(e: Seats, body: str, to: str = "circle", by: int = 1) -> None:
    assert isinstance(await e.ask(c.Say(by=e.seats[by], to=to, body=body)), Ok)


async def test_a_room_in_use_is_not_let_go_of() -> None:
    e = await people(MemoryLog())
    _, host = second(e.memory, idle_seconds=0.0)
    first = await used(host, e.room.id)
    other = await used(host, e.room.id)
    assert first.room is other.room
    for use in (first, other):
        await asyncio.sleep(0.01)
        host.release_idle()
        assert host.hosted() == [first.room]
        use.release()
        use.release()  # a second time counts for nothing
    await asyncio.sleep(0.01)
    host.release_idle()
    assert host.hosted() == []
    await host.close()


async def test_nothing_is_let_go_between_its_being_found_and_being_watched() -> None:
    """However long whoever found the room takes to watch it, what they watch is the room."""
    e = await people(MemoryLog())
    _, host = second(e.memory, idle_seconds=0.0)
    use = await used(host, e.room.id)
    await asyncio.sleep(0.02)
    host.release_idle()
    seen = Seen()
    use.room.observe(seen)
    await say(e, "hello")
    await settled()
    assert seen.bodies == ["hello"]
    again = await used(host, e.room.id)
    assert again.room is use.room
    await host.close()


async def test_a_room_is_kept_for_a_while_after_its_last_use() -> None:
    e = await people(MemoryLog())
    _, host = second(e.memory, idle_seconds=60.0)
    (await used(host, e.room.id)).release()
    host.release_idle()
    assert len(host.hosted()) == 1
    await host.close()


async def test_many_share_one_loading() -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    way.held["heads"] = asyncio.Event()
    asked = [asyncio.create_task(host.use(e.room.id)) for _ in range(5)]
    await settled()
    asked[0].cancel()  # one of them gives up: the others have it all the same
    await settled()
    way.held.pop("heads").set()
    found = await asyncio.gather(*asked[1:])
    assert {id(use.room) for use in found if use is not None} == {id(host.hosted()[0])}
    assert len(names(way.calls, "snapshot")) == 1
    for use in found:
        assert use is not None
        use.release()
    host.release_idle()
    host._held[e.room.id].used_at -= 1_000
    host.release_idle()
    assert host.hosted() == [], "who gave up holds nothing"
    await host.close()


@pytest.mark.parametrize("what", ["snapshot", "heads", "read"])
async def test_a_loading_that_fails_leaves_nothing_behind(what: str) -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    way.down = {what}
    found = await asyncio.gather(*(host.use(e.room.id) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [LogDown] * 3
    assert not host._held
    way.down = set()
    (await used(host, e.room.id)).release()
    await host.close()


async def test_a_room_that_cannot_be_read_leaves_nothing_behind() -> None:
    e = await people(MemoryLog())
    _, host = second(e.memory)
    found = e.memory._rooms[e.room.id]
    kept, stream = list(found.streams[CONTROL].entries), found.streams[CONTROL].entries
    stream[0] = type(kept[0])(CONTROL, kept[0].position, 1, kept[0].at, "", b"\x80")
    with pytest.raises(Unreadable):
        await host.use(e.room.id)
    assert not host._held
    stream[0] = kept[0]
    (await used(host, e.room.id)).release()
    await host.close()


async def test_what_there_is_not_leaves_nothing_behind() -> None:
    _, host = second(MemoryLog())
    assert await host.use("no such room") is None
    assert not host._held
    await host.close()


async def test_a_room_that_ends_is_absent_and_its_users_are_told() -> None:
    e = await people(MemoryLog())
    _, host = second(e.memory)
    use = await used(host, e.room.id)
    seen = Seen()
    use.room.observe(seen)
    assert isinstance(await e.ask(c.RoomEnd(by=e.seats[0])), Ok)
    await settled()
    assert [change.after.ended for change in seen.changes] == [True]
    assert host.hosted() == []
    assert await host.use(e.room.id) is None
    use.release()
    await host.close()


async def test_a_room_set_aside_takes_nothing_and_starts_over() -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    way.held["heads"] = asyncio.Event()
    way.lost[room.id](Lost(room.id, frozenset(("circle",)), Heads(0, {CONTROL: Position.START})))
    ada = e.seats[1]
    frozen = await room.submit(c.HandRaise(by=ada), (ada, 90), "hand.raise")
    assert getattr(frozen, "code", "") == "frozen"
    assert (room.is_current, host.hosted()) == (False, [room])
    seen = Seen()
    room.observe(seen)
    way.held.pop("heads").set()
    async with asyncio.timeout(5):
        while not room.is_current:
            await asyncio.sleep(0.01)
    assert seen.gaps == [frozenset(("circle",))]
    assert isinstance(await room.submit(c.HandRaise(by=ada), (ada, 90), "hand.raise"), Ok)
    await host.close()


async def test_words_that_came_while_a_room_started_over_are_told() -> None:
    """Of the streams that lost nothing each message is told, once and in order."""
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    seen = Seen()
    room.observe(seen)
    await say(e, "one")
    await settled()
    way.silent = True
    await say(e, "two")
    await say(e, "on a line", "staff")
    way.lost[room.id](Lost(room.id, frozenset(), Heads(0, {CONTROL: Position.START})))
    await say(e, "three")
    async with asyncio.timeout(5):
        while len(seen.bodies) < 4:
            await asyncio.sleep(0.01)
    assert [body for body in seen.bodies if body != "on a line"] == ["one", "two", "three"]
    await room.catch_up()
    assert len(seen.bodies) == 4
    await host.close()


async def test_a_room_that_starts_over_and_is_no_more_ends_here() -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    await e.log.end(room.id)
    way.lost[room.id](Lost(room.id, frozenset(), None))
    await settled()
    assert room.state.ended and host.hosted() == []
    await host.close()


async def test_what_cannot_be_read_any_more_is_given_up_here_and_said() -> None:
    """Another version writes what this one can't read: its people are sent elsewhere."""
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    seen = Seen()
    room.observe(seen)
    way.silent = True
    await say(e, "hello")
    await settled()
    notification = way.notifications[-1]
    entry = notification.entries[0]
    strange = type(entry)(entry.stream, entry.position, entry.rights, entry.at, "", b"\x80")
    host._on_notification(
        host._held[room.id],
        room,
        type(notification)(notification.stream, notification.seq, (strange,)),
    )
    assert (room.retired, seen.frozen, host.hosted()) == (True, [True], [])
    await host.close()


async def test_a_room_with_people_here_is_kept_until_it_has_forgotten() -> None:
    """A log that loses everything has to be told by somebody."""
    log = MemoryLog()
    e = await people(log)
    _, host = second(log, idle_seconds=0.0)
    invite = await _link(e)
    seated = await Seating(host).join(invite, clean("Cleo"))
    assert isinstance(seated, Seated)
    await Seating(host).disconnect(seated)
    await asyncio.sleep(0.01)
    host.release_idle()
    (room,) = host.hosted()
    for each in e.seated:
        await e.host.presence.report(e.room, each.seat, each.connection)
    assert e.room.state.emptied_at is not None
    later = e.room.state.emptied_at + e.room.state.opening.forget_seconds
    log._clock = lambda: later + 1
    for _ in range(5):  # other things are due by then, too
        assert isinstance(await e.room.tick(), Applied)
    await settled()
    assert room.state.life == 1 and not room.state.seats
    host.release_idle()
    assert host.hosted() == []
    await host.close()


async def _link(e: Seats) -> str:
    made = await Operator(e.host, room_ttl=3600).invite(e.room.id, Role.MEMBER, None, None)
    assert made is not None
    return made[1]


async def test_a_closed_host_leaves_no_task() -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    await used(host, e.room.id)
    way.down = {"snapshot"}
    way.lost[e.room.id](Lost(e.room.id, frozenset(), Heads(0, {CONTROL: Position.START})))
    await settled()
    assert host._tasks
    await host.close()
    await settled()
    assert not host._tasks
