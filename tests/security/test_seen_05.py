"""Seen 5 of the table in README.md: a new socket was a new pace."""

from __future__ import annotations

import time

from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Gone


async def test_seen_05_who_comes_back_for_every_few_words_says_no_more_than_others(
    server: Server,
) -> None:
    """LI10, LI11"""
    async with circle(server, ["Ada"]) as c:
        ada, began, number = c.members[0], time.monotonic(), 1_000
        codes: set[int | None] = set()
        while time.monotonic() - began < 1.5:
            try:
                for _ in range(5):
                    number += 1
                    say = {"t": "chat.say", "id": number, "to": "circle", "body": f"{number}"}
                    await ada.send(say)
                ada = await c.back(ada)
            except Gone as gone:
                codes.add(gone.code)
        took = time.monotonic() - began
        await c.f.ok("hand.raise")
        assert codes <= {4029, 4409, 4429} and 4029 in codes
        heard = [each for each in c.f.chats if each["from"] == ada.me]
        assert 20 <= len(heard) <= 40 + 10 * took + 1
