"""Our media engine as a process of its own, driven by lines of JSON on its standard input.

    {"do": "open", "room": …}
    {"do": "answer", "room": …, "member": …, "sdp": …}   -> {"sdp": …}
    {"do": "plan", "room": …, "rev": …, "heard": {…}, "seen": {…}}

Each is answered by one line. It ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

import uvloop

from sitwith_server.media.aiortc.engine import AiortcEngine
from sitwith_server.media.aiortc.room import AiortcRoom, Limits
from sitwith_server.media.engine import Plan
from sitwith_server.room.media.routes import Routes

_ALL = Limits(offers=1e6, offers_burst=1e6, all_offers=1e6, all_offers_burst=1e6,
              half_open_room=1_000, half_open=10_000)  # fmt: skip


class _Nobody:
    """A watcher that does nothing."""

    def slots_changed(self, member: str, slots: Mapping[str, str | None]) -> None: ...

    def connected(self, member: str) -> None: ...

    def lost(self, member: str) -> None: ...


async def serve(address: str, voices: int) -> None:
    engine = AiortcEngine(address, 0, voices=voices, limits=_ALL)
    await engine.start()
    rooms: dict[str, AiortcRoom] = {}
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        match asked["do"]:
            case "open":
                rooms[asked["room"]] = await engine.open(asked["room"], _Nobody())
            case "answer":
                answer["sdp"] = await rooms[asked["room"]].answer(asked["member"], asked["sdp"])
            case "plan":
                heard, seen = (
                    {each: frozenset(to) for each, to in asked[name].items()}
                    for name in ("heard", "seen")
                )
                await rooms[asked["room"]].apply(Plan(asked["rev"], Routes(0, heard, seen)))
            case "counts":
                answer = dict(engine.counts())
        print(json.dumps(answer), flush=True)
    await engine.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
