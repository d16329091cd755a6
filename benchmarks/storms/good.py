"""Good members, as a process of their own: they talk all the while, and time each word's way.

Reads a line for each order on standard input: `phase NAME`, from when on times go under that name,
and `end`. Answers with one line of JSON: the milliseconds of each phase, how many words were said,
and the fewest that a member heard of them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import uvloop

from benchmarks.bench_crowd import Reader

EACH: Final = 0.25
"""Seconds between two words of one member: less than a seat may say."""


class Member(Reader):
    """One good member. `times`: when each of its own words was said."""

    def __init__(self, host: str, token: str, name: str, talk: Talk) -> None:
        super().__init__(host, token, name)
        self._talk, self._number = talk, 0
        self.name = name
        self.heard = 0

    def speak(self) -> None:
        self._number += 1
        body = f"{self.name} {self._number} {time.perf_counter_ns()}"
        self._talk.said += 1
        self.say({"t": "chat.say", "id": 10 + self._number, "to": "circle", "body": body})

    def _take(self, frame: dict[str, object]) -> None:
        if frame["t"] != "chat":
            super()._take(frame)
            return
        name, _, rest = str(frame["body"]).partition(" ")
        if not name.startswith("good"):
            return
        self.heard += 1
        if name == self.name:
            sent = int(rest.partition(" ")[2])
            self._talk.note((time.perf_counter_ns() - sent) / 1e6)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._talk.lost += 1


class Talk:
    """What all of them say, and how long it takes."""

    def __init__(self) -> None:
        self.said = 0
        self.lost = 0
        self._phases: dict[str, list[float]] = {}
        self._now: list[float] | None = None

    def phase(self, name: str) -> None:
        self._now = self._phases.setdefault(name, [])

    def note(self, milliseconds: float) -> None:
        if self._now is not None:
            self._now.append(milliseconds)

    def told(self, members: list[Member]) -> str:
        heard = min(member.heard for member in members)
        lost = self.lost
        return json.dumps({"phases": self._phases, "said": self.said, "heard": heard, "lost": lost})


async def main(url: str, tokens: list[str]) -> None:
    talk, members = Talk(), list[Member]()
    host = urlsplit(url).netloc
    address, port = host.split(":")
    loop = asyncio.get_running_loop()
    for number, token in enumerate(tokens):
        _, member = await loop.create_connection(
            partial(Member, host, token, f"good{number}", talk),
            address,
            int(port),
        )
        async with asyncio.timeout(30):
            await member.inside
        members.append(member)
    gc.collect()
    gc.disable()
    print("ready", flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    talking = asyncio.create_task(_talk(members))
    while (order := (await orders.readline()).decode().split()) and order[0] == "phase":
        talk.phase(order[1])
    talking.cancel()
    await asyncio.sleep(1.0)
    print(talk.told(members), flush=True)
    os._exit(0)


async def _talk(members: list[Member]) -> None:
    """One after another, at even distances."""
    step, due = EACH / len(members), time.perf_counter()
    while True:
        for member in members:
            member.speak()
            due += step
            await asyncio.sleep(due - time.perf_counter())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], json.loads(sys.argv[2])))
