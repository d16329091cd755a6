"""Coming back late, and by way of the lobby, at a running server (SPEC, RE10, RE12, RE13)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.house import Circle, Server, circle
from tests.blackbox.rawclient import Client


async def _stand_still(server: Server) -> None:
    server.signal(signal.SIGSTOP)
    state = Path(f"/proc/{server.process.pid}/stat")
    while state.read_text().rpartition(")")[2].split()[0] != "T":
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", ["closed", "dropped"])
async def test_RE10_a_greeting_that_was_given_up_takes_no_seat(
    own_server: Callable[..., Server], how: str
) -> None:
    server = own_server()
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        invite = await c.invite("member", uses=1)
        late, newcomer = await c.socket("late"), await c.socket("newcomer")
        await _stand_still(server)
        try:
            await late.send({"t": "hello", "resume": ada.resume_value, "seen": {}})
            await newcomer.send({"t": "hello", "token": invite["token"], "name": "Bea"})
            for each in (late, newcomer):
                if how == "closed":
                    closing = asyncio.create_task(each.socket.close())
                    await asyncio.sleep(0.05)
                    closing.cancel()
                each.drop()
            await asyncio.sleep(0.1)  # both closes are on the other side by now, unread
        finally:
            server.signal(signal.SIGCONT)
        # The one who had the seat still has it, and the invite's one use is still there.
        await ada.ok("hand.raise")
        await c.join("Bea", token=invite["token"])
        assert not ada.over
        whys = [f.body["why"] for f in c.f.frames if f.body["t"] == "room"]
        assert "resume" not in whys and "connection.lost" not in whys


async def _sent_back_while_away(c: Circle, ada: Client) -> Client:
    """Ada, back from wherever she was, in the lobby; `missed` was said to her before."""
    ada.drop()

    def is_gone() -> bool:
        return bool(c.f.view["members"][ada.me]["here"] != "here")

    await c.f.until(is_gone, "that Ada is gone")
    await c.f.ok("chat.say", {"to": "circle", "body": "missed 1"})
    await c.f.ok("chat.say", {"to": "circle", "body": "missed 2"})
    await c.f.ok("chat.say", {"to": f"staff:{ada.me}", "body": "missed 3"})
    await c.f.ok("lobby.return", {"member": ada.me})
    await c.f.ok("chat.say", {"to": "circle", "body": "not for her"})
    back = await c.back(ada)
    assert back.phase == "lobby"
    return back


async def test_RE12_words_missed_before_being_sent_back_are_said_to_be_missed(
    server: Server,
) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        await c.f.ok("chat.say", {"to": "circle", "body": "heard"})
        await ada.hears("heard")
        back = await _sent_back_while_away(c, ada)
        await c.f.ok("lobby.admit", {"person": ada.me})
        await back.until(lambda: back.phase == "inside", "entry")
        kinds = [f.body["t"] for f in back.frames]
        assert kinds == ["welcome", "gap", "gap", "entered"]
        gaps = {f.body["stream"]: f.body["missed"] for f in back.frames if f.body["t"] == "gap"}
        # `heard` was the circle's first entry.
        assert gaps == {"circle": [2, 3], f"staff:{ada.me}": [1, 1]}
        await c.f.ok("chat.say", {"to": "circle", "body": "again together"})
        await back.hears("again together")
        assert b"missed" not in b"".join(f.raw for f in back.frames if f.body["t"] != "gap")
        assert b"not for her" not in back.everything


async def test_RE12_who_missed_nothing_is_told_of_no_gap(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        await c.f.ok("chat.say", {"to": "circle", "body": "heard"})
        await ada.hears("heard")
        await c.f.ok("lobby.return", {"member": ada.me})
        await ada.until(lambda: ada.phase == "lobby", "the lobby")
        await c.f.ok("chat.say", {"to": "circle", "body": "not for her"})
        back = await c.back(ada)
        await c.f.ok("lobby.admit", {"person": ada.me})
        await back.until(lambda: back.phase == "inside", "entry")
        assert [f.body["t"] for f in back.frames] == ["welcome", "entered"]


async def test_RE13_what_no_longer_is_as_it_was_seen_is_a_gap_of_unknown_extent(
    server: Server,
) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        await c.f.ok("chat.say", {"to": "circle", "body": "one"})
        await ada.hears("one")
        seen = {**ada.seen, "circle": ada.seen["circle"][:-8] + bytes(8)}
        await c.f.ok("chat.say", {"to": "circle", "body": "two"})
        back = await c.back(ada, seen=seen)
        await back.hears("two")
        gaps = [f.body for f in back.frames if f.body["t"] == "gap"]
        assert gaps == [{"t": "gap", "stream": "circle", "missed": None}]
        assert back.said("circle") == ["two"]
