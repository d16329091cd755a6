"""A session: it reconnects, resumes, sends commands again, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from sitwith_client import (
    ConnectionBack,
    ConnectionLost,
    Ended,
    Forgotten,
    Message,
    Refused,
    RoomClosed,
    Sent,
)
from sitwith_client import session as session_module
from sitwith_client.client import come_again
from sitwith_client.reconnect import retry_delay
from tests.client.fakes import chat, joined, welcome

pytestmark = pytest.mark.usefixtures("prompt_retries")


async def test_RE4_a_lost_connection_is_resumed_and_unanswered_commands_are_sent_again() -> None:
    async with joined() as (me, line, server):
        events = me.events()
        answered = asyncio.create_task(me.raise_hand())
        line.say({"t": "ok", "id": (await line.heard())["id"]})
        await answered
        saying = asyncio.create_task(me.say("circle", "hello"))
        said = await line.heard()
        line.say(chat(1))
        await me.until(lambda: me.room.chats, 5)
        line.end(1006)

        again = await server.line()
        hello = await again.heard()
        assert hello["resume"] == "resume-1"
        assert hello["seen"] == {"room": b"\x01", "circle": b"p1"}
        away = asyncio.create_task(me.away())
        await asyncio.sleep(0)
        assert again.silent(), "nothing may be said before the welcome"
        again.say(welcome(resumed=True, resume="resume-2"))
        assert await again.heard() == said
        assert (await again.heard())["t"] == "self.away"
        again.say({"t": "ok", "id": said["id"], "to": "circle", "n": 2})
        assert await saying == Sent("circle", 2)
        assert me.connections == 2
        again.end(4002)
        third = await server.line()
        assert (await third.heard())["resume"] == "resume-2"
        third.say(welcome(resumed=True))
        assert (await third.heard())["t"] == "self.away"
        away.cancel()
        told = [await anext(events) for _ in range(3)]
        assert isinstance(told[0], Message)
        assert told[1:] == [ConnectionLost(1006), ConnectionBack()]


async def test_a_cancelled_command_is_not_sent_again() -> None:
    async with joined() as (me, line, server):
        raising = asyncio.create_task(me.raise_hand())
        await line.heard()
        raising.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await raising
        line.end(1006)
        again = await server.line()
        await again.heard()
        again.say(welcome(resumed=True))
        await me.until(lambda: me.connected, 5)
        assert again.silent()


@pytest.mark.parametrize("code", [4400, 4403, 4404, 4405, 4408, 4409, 4413, 4423, 4429, 1000])
async def test_CC1_final_codes_end_it(code: int) -> None:
    async with joined() as (me, line, server):
        events = me.events()
        waiting = asyncio.create_task(me.raise_hand())
        await line.heard()
        line.end(code)
        with pytest.raises(RoomClosed) as caught:
            await waiting
        assert caught.value.code == code == me.ended
        assert [each async for each in events] == [Ended(code)]
        assert len(server.urls) == 1
        with pytest.raises(RoomClosed):
            await me.say("circle", "too late")
        with pytest.raises(RoomClosed):
            await me.until(lambda: False)


async def test_CC7_who_gave_up_a_place_comes_back_when_asked_to() -> None:
    async with joined("agreement") as (me, line, server):
        line.say({"t": "closed", "code": 4010})
        line.end(1006)
        with pytest.raises(RoomClosed) as caught:
            await me.enter(5)
        assert caught.value.code == 4010 == me.ended
        await asyncio.sleep(0.05)
        assert len(server.urls) == 1, "it came back by itself"
        again = come_again(me)
        coming = asyncio.create_task(again.__aenter__())
        new = await server.line()
        assert (await new.heard())["resume"] == "resume-1"
        new.say(welcome("agreement", resumed=True, resume="resume-2"))
        await coming
        assert (again.phase, again.id) == ("agreement", "m1")
        reading = asyncio.create_task(again.still_reading())
        asked = await new.heard()
        assert asked["t"] == "agreement.reading"
        new.say({"t": "ok", "id": asked["id"]})
        await reading
        await again.__aexit__(asyncio.CancelledError, None, None)


async def test_RE14_a_seat_that_was_forgotten_is_taken_anew_by_its_token() -> None:
    async with joined() as (me, line, server):
        events = me.events()
        waiting = asyncio.create_task(me.raise_hand())
        await line.heard()
        line.end(1006)
        back = await server.line()
        resume = (await back.heard())["resume"]
        back.say({"t": "closed", "code": 4404})
        back.end(4404)
        with pytest.raises(Refused) as refused:
            await waiting
        assert refused.value.code == "not_inside"
        anew = await server.line()
        assert await anew.heard() == {
            "t": "hello",
            "token": "room.secret",
            "name": "Ada",
            "was": resume,
        }
        assert (me.phase, me.room.slices) == ("", {})
        anew.say(welcome("agreement", resume="r.m2.new"))
        await me.until(lambda: me.connected, 5)
        assert me.phase == "agreement"
        assert anew.silent()  # what was not answered is not sent again
        told = [await anext(events) for _ in range(2)]
        assert told == [ConnectionLost(1006), Forgotten()]
        anew.end(1006)
        last = await server.line()
        assert (await last.heard())["resume"] == "r.m2.new"


async def test_RE14_the_token_is_tried_once() -> None:
    async with joined() as (me, line, server):
        line.end(1006)
        await (again := await server.line()).heard()
        again.end(4404)
        await (anew := await server.line()).heard()
        anew.end(4404)
        with pytest.raises(RoomClosed) as caught:
            await me.until(lambda: False, 5)
        assert caught.value.code == 4404
        assert len(server.urls) == 3


async def test_RE14_whoever_has_left_does_not_come_in_anew() -> None:
    async with joined() as (me, line, server):
        leaving = asyncio.create_task(me.leave())
        await line.heard()
        line.end(1006)
        await (again := await server.line()).heard()
        again.end(4404)
        with pytest.raises(RoomClosed):
            await leaving
        assert len(server.urls) == 2


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4004, 1001, 1006, 1011, 1012])
async def test_CC1_other_codes_bring_it_back(code: int) -> None:
    async with joined() as (me, line, server):
        line.end(code)
        again = await server.line()
        assert "resume" in await again.heard()
        again.say(welcome(resumed=True))
        await me.until(lambda: me.connected, 5)


async def test_RE11_elsewhere_soon_after_a_greeting_was_given_up_is_not_final() -> None:
    async with joined() as (me, line, server):
        line.end(1006)
        late = await server.line()
        await late.heard()
        late.end(1006)  # no welcome came: its greeting may be taken yet
        again = await server.line()
        await again.heard()
        again.say(welcome(resumed=True, resume="resume-3"))
        await me.until(lambda: me.connected, 5)
        again.say({"t": "closed", "code": 4409})
        again.end(4409)
        last = await server.line()
        assert (await last.heard())["resume"] == "resume-3"
        last.say(welcome(resumed=True))
        await me.until(lambda: me.connected, 5)


@pytest.mark.parametrize("code", [4403, 4409])
async def test_RE11_it_is_final_where_no_greeting_was_given_up_of_late(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    if code == 4409:
        monkeypatch.setattr(session_module, "LATE_GREETING", 0.0)
    async with joined() as (me, line, server):
        line.end(1006)
        late = await server.line()
        await late.heard()
        late.end(1006)
        again = await server.line()
        await again.heard()
        again.say(welcome(resumed=True))
        await me.until(lambda: me.connected, 5)
        again.end(code)
        with pytest.raises(RoomClosed) as caught:
            await me.until(lambda: False, 5)
        assert caught.value.code == code


async def test_CC3_what_was_said_before_the_close_counts_when_the_close_is_lost() -> None:
    async with joined() as (me, line, server):
        line.say({"t": "closed", "code": 4403})
        line.end(1006)
        with pytest.raises(RoomClosed) as caught:
            await me.until(lambda: False, 5)
        assert caught.value.code == 4403
        assert len(server.urls) == 1


async def test_a_reconnect_frame_is_honoured_in_time() -> None:
    async with joined() as (me, line, server):
        line.say({"t": "reconnect", "after_ms": 30})
        again = await server.line()
        assert line.closed == 1001
        assert "resume" in await again.heard()
        again.say(welcome(resumed=True))
        await me.until(lambda: me.connected, 5)


async def test_a_server_that_talks_nonsense_is_left_and_tried_again() -> None:
    async with joined() as (me, line, server):
        line.say_raw(b"\xc1")
        again = await server.line()
        assert line.closed == 1002
        assert "resume" in await again.heard()
        again.say(welcome(resumed=True))
        await me.until(lambda: me.connected, 5)


def test_RE5_retries_start_at_once_then_grow_and_never_march_in_step() -> None:
    chance = random.Random(7)
    first = [retry_delay(0, chance) for _ in range(50)]
    assert max(first) <= 0.25 and len(set(first)) == 50
    for attempt in range(1, 12):
        longest = min(20.0, 0.5 * 2**attempt)
        waits = [retry_delay(attempt, chance) for _ in range(50)]
        assert longest / 2 <= min(waits) and max(waits) <= longest and len(set(waits)) > 1
    assert retry_delay(10_000, chance) <= 20
