"""A facilitator hears the rehearsal: whoever has the stick, and in pairs those who are visited."""

from __future__ import annotations

import asyncio
import shutil
import time

import pytest

from sitwith_client import Client
from sitwith_client.rehearse import rehearse
from sitwith_client.voice import Voice, opus
from tests.blackbox.house import Server, circle
from tests.waiting import until

SPEED = 8.0
WITHIN = 40.0


@pytest.mark.parametrize("speech", [True, False], ids=["speech", "notes"])
async def test_a_rehearsal_is_heard_in_turns_and_in_pairs(
    server: Server, monkeypatch: pytest.MonkeyPatch, speech: bool
) -> None:
    if not speech:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    stop = asyncio.Event()
    async with circle(server, host="") as c:
        link = c.made["links"]
        async with Client.join(link["facilitator"], "Olive") as me, Voice(me, keep=25) as voice:
            await me.enter(WITHIN)
            await voice.wait_connected(WITHIN)
            running = asyncio.create_task(
                rehearse(link["member"], 3, stop=stop, seed=5, speed=SPEED, voice=True)
            )
            await me.until(lambda: len(me.room.members) == 4, WITHIN)
            guests = [each for each in me.room.members if each != me.id]
            await me.quiet_floor()
            assert not voice.heard
            await me.start_round(order=guests, seconds=60)
            turns: dict[str, set[str]] = {}
            loud = opus.SILENCE
            ends = time.monotonic() + WITHIN
            while len(turns) < 2 and time.monotonic() < ends:
                if me.room.holder is None:
                    await me.start_round(order=guests, seconds=60)
                holder, before = me.room.holder, voice.heard.copy()
                await asyncio.sleep(0.1)
                for member in voice.heard - before:
                    turns.setdefault(member, set()).add(str(holder))
                loud = min([loud, *voice.levels().values()])
            assert len(turns) >= 2, f"heard {turns} of {guests}"
            assert 12 < loud < 60, "quiet, and not silent"
            await me.open_floor()
            await me.open_pairs([guests[:2]], seconds=600)
            assert me.room.pairs is not None
            group = next(iter(me.room.pairs["groups"]))
            await me.visit(group)
            before = voice.heard.copy()
            await until(lambda: set(voice.heard - before) & set(guests[:2]), "a pair talking")
            # Whose a packet is, is told by the map, which may come a packet later.
            assert (voice.heard - before)[guests[2]] < 5
            stop.set()
            await asyncio.wait_for(running, WITHIN)
    assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]


async def test_a_rehearsal_goes_on_where_there_are_no_voices() -> None:
    server = Server({"SITWITH_MEDIA": "off"})
    stop = asyncio.Event()
    try:
        async with circle(server) as c:
            running = asyncio.create_task(
                rehearse(c.made["links"]["member"], 2, stop=stop, speed=25, voice=True)
            )
            await c.f.until(lambda: len(c.f.view["members"]) == 3, "all of them")
            await c.f.until(lambda: c.f.chats, "a word")
            stop.set()
            await asyncio.wait_for(running, WITHIN)
    finally:
        server.stop()
