"""Notifications carry what was committed: whoever has missed nothing folds it, and reads nothing.

A notification is a hint all the same: late, twice, out of order, of a life before or
never, what is folded is what the log says.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.log.base import Notification, life_of
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.observing import Change, Observer
from sitwith_server.service.rooms.room import HostedRoom
from tests.service.logs import CALLS, WorkerLog, names
from tests.service.test_cards import Seats, people
from tests.service.test_host import Seen, say, second, settled, used

READS = ("heads", "read", "snapshot", "record", "progress")


async def following() -> tuple[Seats, WorkerLog, Host, HostedRoom, Seen]:
    """A circle at one worker, and another that follows it."""
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    seen = Seen()
    room.observe(seen)
    await settled()
    way.calls.clear()
    way.notifications.clear()
    return e, way, host, room, seen


async def same(e: Seats, room: HostedRoom) -> None:
    """Both hold what the log says."""
    truth = await load(e.log, e.host.trail, e.room.id)
    assert truth is not None
    assert room.state == truth.state == e.room.state
    assert room.position == truth.position and room.rights == truth.rights
    assert {s: truth.conversations.index.head(s) for s in truth.conversations.index.streams()} == {
        s: room.conversations.index.head(s) for s in room.conversations.index.streams()
    }


async def test_what_bells_carry_is_folded_without_a_read() -> None:
    e, way, host, room, seen = await following()
    await say(e, "hello")
    await say(e, "help me", "staff")
    await e.ask(c.HandRaise(by=e.seats[1]))
    await e.ask(c.Mute(by=e.seats[0], member=e.seats[1], kinds=frozenset()))
    await e.ask(c.Unsay(by=e.seats[1], to="circle", n=1))
    await settled()
    assert way.calls == []
    assert seen.bodies[:2] == ["hello", "help me"]
    await same(e, room)
    await host.close()


async def test_S5_a_message_costs_its_author_one_call_and_others_none() -> None:
    """Counted at the log: the author's worker waits for its commit alone. On a line to the
    facilitators, too, although the inbox changes with it."""
    e, way, host, room, _ = await following()
    ada = e.seats[1]
    others, its = WorkerLog(e.memory), way
    other = Host(others, e.host.trail)
    await used(other, e.room.id)
    await settled()
    for number, to in enumerate(("circle", "staff", "circle", "staff"), start=50):
        its.calls.clear()
        others.calls.clear()
        said = await room.submit(c.Say(by=ada, to=to, body="hello"), (ada, number), "chat.say")
        assert isinstance(said, Ok)
        await settled()
        assert its.calls == ["commit"]
        assert others.calls == []
    its.calls.clear()
    raised = await room.submit(c.HandRaise(by=ada), (ada, 60), "hand.raise")
    assert isinstance(raised, Ok)
    await settled()
    assert (its.calls, others.calls) == (["commit"], [])
    await other.close()
    await host.close()


async def test_own_bells_are_no_news() -> None:
    e, way, host, room, seen = await following()
    ada = e.seats[1]
    way.held["commit"] = asyncio.Event()
    asked = asyncio.create_task(
        room.submit(c.Say(by=ada, to="circle", body="mine"), (ada, 50), "chat.say")
    )
    await settled()
    await say(e, "theirs", by=2)  # rings while the lock is held
    await settled()
    way.held.pop("commit").set()
    assert isinstance(await asked, Ok)
    await settled()
    assert sorted(seen.bodies) == ["mine", "theirs"]
    await same(e, room)
    await host.close()


async def test_bells_that_came_meanwhile_are_folded_in_one_go() -> None:
    e, way, host, room, seen = await following()
    async with room._lock:
        for n in range(30):
            await say(e, f"word {n}")
        await settled()
        assert seen.bodies == [] and room.pending
        followers = [t for t in asyncio.all_tasks() if "_follow" in repr(t.get_coro())]
        assert len(followers) == 1
    await settled()
    assert seen.bodies == [f"word {n}" for n in range(30)]
    assert way.calls == []
    await host.close()


async def test_a_missing_bell_is_read_for_once_and_nothing_comes_twice() -> None:
    e, way, host, room, seen = await following()
    way.silent = True
    for n in range(3):
        await say(e, f"word {n}")
    await settled()
    way.silent = False
    await say(e, "word 3")
    await settled()
    assert seen.bodies == [f"word {n}" for n in range(4)]
    assert names(way.calls, "heads") == ["heads"]
    await same(e, room)
    await host.close()


async def test_a_bell_without_entries_is_a_hint_to_read() -> None:
    e, way, host, room, seen = await following()
    way.silent = True
    await say(e, "hello")
    await settled()
    (notification,) = way.notifications
    host._on_notification(
        host._held[room.id], room, Notification(notification.stream, notification.seq)
    )
    await settled()
    assert seen.bodies == ["hello"]
    host._on_notification(
        host._held[room.id], room, Notification(notification.stream, notification.seq)
    )
    await settled()
    assert names(way.calls, "heads") == ["heads"], "what is known is not read again"
    await host.close()


async def test_words_wait_for_the_rights_that_they_were_said_by() -> None:
    """Who may have them is known only by the control entries before them."""
    e, way, host, room, _ = await following()
    way.silent = True
    assert isinstance(await e.ask(c.MemberRemove(by=e.seats[0], member=e.seats[2])), Ok)
    await say(e, "without Ben")
    await settled()
    words = next(
        notification for notification in way.notifications if notification.stream == "circle"
    )
    known: list[bool] = []

    class Asking(Observer):
        def said(self, words: ChatEntry) -> None:
            known.append(e.seats[2] in room.state.removed)

        def changed(self, change: Change) -> None:
            return

    room.observe(Asking())
    host._on_notification(host._held[room.id], room, words)
    await settled()
    assert known == [True]
    await host.close()


async def test_what_rings_of_a_life_before_is_dropped() -> None:
    e, way, host, room, seen = await following()
    way.silent = True
    await say(e, "of before")
    await settled()
    (old,) = way.notifications
    await forget(e)
    await host.catch_up(room)  # what came before the forgetting can't be read any more
    await settled()
    assert room.state.life == 1 and life_of(room.position.epoch) == 1
    seen.bodies.clear()
    way.calls.clear()
    host._on_notification(host._held[room.id], room, old)
    host._on_notification(host._held[room.id], room, replace(old, seq=7, entries=()))
    await settled()
    assert seen.bodies == [] and not room.conversations.index.streams()
    await same(e, room)
    await host.close()


async def test_a_forgetting_is_folded_from_its_bell() -> None:
    e, way, host, room, _ = await following()
    await say(e, "hello")
    await forget(e)
    await settled()
    assert room.state.life == 1 and not room.conversations.index.streams()
    assert names(way.calls, *READS) == []
    await same(e, room)
    await host.close()


async def forget(e: Seats) -> None:
    """Everybody goes, and it is time."""
    for each in e.seated:
        await e.host.presence.report(e.room, each.seat, each.connection)
    assert e.room.state.emptied_at is not None
    at = e.room.state.emptied_at + e.room.state.opening.forget_seconds
    e.memory._clock = lambda: at + 1
    for _ in range(5):  # other things are due by then, too
        await e.room.tick()
    assert e.room.state.life == 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), lost=st.sampled_from([0.0, 0.3, 0.8]), twice=st.booleans())
def test_bells_in_any_order_lead_to_what_the_log_says(seed: int, lost: float, twice: bool) -> None:
    async def main() -> None:
        e, way, host, room, seen = await following()
        chance = random.Random(seed)
        way.silent = True
        said = 0
        for _ in range(25):
            match chance.randrange(6):
                case 0:
                    await e.ask(c.HandRaise(by=chance.choice(e.seats[1:])))
                case 1:
                    await e.ask(c.FloorRound(by=e.seats[0], seconds=60))
                case 2:
                    await e.ask(c.RoomSettings(by=e.seats[0], changes={"direct": said % 2 == 0}))
                case 3:
                    await say(e, f"{said}", "staff", chance.choice((1, 2)))
                    said += 1
                case _:
                    await say(e, f"{said}", "circle", chance.randrange(3))
                    said += 1
            await settled()
            if chance.random() < 0.4:
                notifications = [
                    notification for notification in way.notifications if chance.random() >= lost
                ]
                chance.shuffle(notifications)
                for notification in notifications * (2 if twice else 1):
                    host._on_notification(host._held[room.id], room, notification)
                    if chance.random() < 0.5:
                        await settled()
        await settled()
        look = (await e.log.progress([room.id]))[room.id]
        assert look is not None
        if not room.compare(look, 0.0):
            await room.catch_up()
        assert sorted(seen.bodies, key=int) == [str(n) for n in range(said)]
        await same(e, room)
        await host.close()

    asyncio.run(main())


@pytest.mark.parametrize("what", ["words", "control", "nothing"])
async def test_a_look_tells_whether_anything_is_missing(what: str) -> None:
    e, way, host, room, _ = await following()
    way.silent = True
    if what == "words":
        await say(e, "hello")
    elif what == "control":
        await e.ask(c.HandRaise(by=e.seats[1]))
    look = (await way.progress([room.id]))[room.id]
    assert look is not None
    assert room.compare(look, 0.0) is (what == "nothing")
    await room.catch_up()
    assert room.compare(look, 0.0)
    await host.close()


def test_every_call_is_counted() -> None:
    """Were one left out, the counts above would count for nothing."""
    way = WorkerLog(MemoryLog())
    counted = {n for n in CALLS if getattr(way, n).__qualname__.startswith("WorkerLog")}
    assert counted == set(CALLS)


async def test_words_are_taken_after_a_commit_whose_last_event_changes_no_rights() -> None:
    """By the log the rights are of such a commit's last entry, whoever has folded or loaded it."""
    e, _, host, room, _ = await following()
    fay, ada, ben = e.seats
    for command in (
        c.FloorRound(by=fay, order=(ben, ada)),
        c.MemberRemove(by=fay, member=ben),  # and the turn moves on
    ):
        assert isinstance(await e.ask(command), Ok)
    heads = await e.log.heads(e.room.id)
    assert heads is not None and e.room.state.rights < heads.rights, "or it is no such commit"
    assert e.room.rights == heads.rights
    await say(e, "here")
    await settled()
    said = await room.submit(c.Say(by=ada, to="circle", body="there"), (ada, 70), "chat.say")
    assert isinstance(said, Ok)
    await e.room.catch_up()
    await e.save()
    _, third = second(e.memory)
    loaded = (await used(third, e.room.id)).room
    assert loaded.rights == e.room.rights
    said = await loaded.submit(c.Say(by=ada, to="circle", body="loaded"), (ada, 71), "chat.say")
    assert isinstance(said, Ok)
    await third.close()
    await host.close()
