"""A message to the whole circle, from `chat.say` until the last reader has it.

Readers and server share this machine's cores, so these are numbers to compare, not to boast of.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

from benchmarks.measure import Result
from benchmarks.server import serving
from sitwith_client import Client, Message

MEMBERS = 40
MESSAGES = 20  # a member's burst
PAUSE = 0.25


def run() -> Iterator[Result]:
    with serving() as server:
        links = server.open_room(capacity=MEMBERS + 1, lobby=False, settings={"sealed": False})
        delays, seconds = asyncio.run(_measure(links["member"]))
    delays.sort()
    yield Result(f"message to {MEMBERS} readers, median", statistics.median(delays) * 1e3, "ms")
    yield Result("the same, 99th percentile", delays[int(len(delays) * 0.99)] * 1e3, "ms")
    yield Result("frames delivered in a burst", len(delays) / seconds, "per s")


async def _measure(link: str) -> tuple[list[float], float]:
    """Delays of single messages, one reader's arrival each; seconds that all of them took."""
    delays: list[float] = []
    async with AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(Client.join(link, f"Member {number}"))
            for number in range(MEMBERS)
        ]
        for member in members:
            await member.enter(timeout=30)
        said: dict[str, float] = {}
        readers = [
            asyncio.create_task(_read(member, said, delays, MESSAGES * 2)) for member in members
        ]
        for number in range(MESSAGES):
            body = f"single {number}"
            said[body] = time.perf_counter()
            await members[number % MEMBERS].say("circle", body)
            await asyncio.sleep(PAUSE)
        begin = time.perf_counter()
        await asyncio.gather(
            *(members[number].say("circle", f"burst {number}") for number in range(MESSAGES))
        )
        await asyncio.gather(*readers)
        seconds = time.perf_counter() - begin
    return delays, seconds


async def _read(member: Client, said: dict[str, float], delays: list[float], count: int) -> None:
    async for event in member.events():
        if isinstance(event, Message) and isinstance(event.body, str):
            if event.body in said:
                delays.append(time.perf_counter() - said[event.body])
            count -= 1
            if count == 0:
                return
