"""Floods of frames and endless messages on a real socket: turns, codes, and nothing read after."""

from __future__ import annotations

import asyncio
import itertools
import struct
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from sitwith_server.gateway.sockets import websocket_protocol
from sitwith_server.gateway.sockets.websocket_protocol import EXTENSION

from .serving import serving
from .test_sockets import UPGRADE, plugs

FRAGMENT = b"\x00\x81\0\0\0\0x"
BEGUN = b"\x02\x81\0\0\0\0x"
PING = b"\x89\x80\0\0\0\0"
SOON = 0.3


async def seated(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes whatever comes, for somebody who sits."""
    await receive()
    await send({"type": "websocket.accept"})
    scope["extensions"][EXTENSION].seated()
    while (await receive())["type"] != "websocket.disconnect":
        pass


def ended_with(read: bytes) -> int:
    at = read.rfind(b"\x88\x02")
    assert at >= 0, read[-40:]
    return int(struct.unpack(">H", read[at + 2 : at + 4])[0])


@pytest.mark.parametrize(
    ("flood", "code"),
    [
        (PING * 200, 4001),
        ((BEGUN + FRAGMENT * 62 + b"\x80\x80\0\0\0\0") * 3, 4429),
    ],
)
async def test_LI12_a_flood_of_frames_ends_it(flood: bytes, code: int) -> None:
    reasons: list[str] = []
    async with serving(seated, cut=reasons.append) as served, plugs(served, 1) as (plug,):
        await plug.send(UPGRADE + b"\r\n")
        await plug.answer(b"HTTP/1.1 101 ")
        await plug.send(flood)
        assert ended_with(await plug.read()) == code
    assert reasons == ["frames"]


@pytest.mark.parametrize("part", [BEGUN, BEGUN[:-1], BEGUN[:1]])
async def test_LI12_a_message_that_does_not_end_ends_it(
    part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_protocol, "MESSAGE_SECONDS", SOON)
    async with serving(seated) as served, plugs(served, 1) as (plug,):
        await plug.send(UPGRADE + b"\r\n")
        await plug.answer(b"HTTP/1.1 101 ")
        await plug.send(part)
        assert ended_with(await asyncio.wait_for(plug.read(), 10)) == 4001


async def test_LI12_messages_that_end_have_no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "MESSAGE_SECONDS", SOON)
    whole = BEGUN + b"\x80\x80\0\0\0\0"
    async with serving(seated) as served, plugs(served, 1) as (plug,):
        await plug.send(UPGRADE + b"\r\n")
        await plug.answer(b"HTTP/1.1 101 ")
        for cut in range(1, 12):
            await plug.send(whole[:cut])
            await asyncio.sleep(SOON / 6)
            await plug.send(whole[cut:])
        await plug.send(PING)
        assert (await plug.answer(b"\x8a\x00"))[:2] == b"\x8a\x00"


async def test_LI13_between_the_frames_of_a_flood_others_have_their_turn() -> None:
    """What one read brings is not parsed in one go."""
    turns: list[int] = []

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        made: Any = scope["extensions"][EXTENSION]
        take, count = made._frame_reader.take, 0

        def counted(buffer: bytearray, now: float) -> bytes:
            nonlocal count
            count += 1
            return bytes(take(buffer, now))

        made._frame_reader.take = counted
        await receive()
        await send({"type": "websocket.accept"})
        made.seated()
        while made._unparsed or not count:
            await asyncio.sleep(0)
            turns.append(count)
        await receive()

    async with serving(counting) as served, plugs(served, 1) as (plug,):
        await plug.send(UPGRADE + b"\r\n")
        await plug.answer(b"HTTP/1.1 101 ")
        await plug.send(PING * 100)
        await plug.answer(b"\x8a\x00")
        await asyncio.sleep(0.1)
    steps = [b - a for a, b in itertools.pairwise(turns)]
    assert turns[-1] >= 100 and max(steps) <= 17
