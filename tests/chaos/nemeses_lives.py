"""What breaks while a room forgets: nothing may be left of it, whoever died in the middle."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Final

from websockets.exceptions import InvalidHandshake

from tests.blackbox.rawclient import Client, Gone
from tests.chaos.history import Forgotten
from tests.chaos.person import new_canary
from tests.chaos.site import FORGET_SECONDS
from tests.chaos.stage import Stage

PEOPLE: Final = 3
AROUND: Final = (-0.6, -0.2, 0.0, 0.2, 0.5, 0.8, 1.2)
"""Seconds from the moment at which the room is to forget to the one at which a worker dies."""


class KillWhileForgetting:
    """Some people come, speak and close their pages; a worker is killed as it is forgotten."""

    name = "kill -9 a worker while a room forgets"
    profiles = ("plain", "aof", "sentinel")

    async def strike(self, stage: Stage) -> None:
        site = stage.site
        made = await site.forgetful()
        if made is None:
            return  # nobody could be asked: something else is broken just now
        told = Forgotten(made["room"], set())
        site.forgotten.append(told)
        closed = await self._lived(stage, made["tokens"], told)
        moment = closed + FORGET_SECONDS + stage.chance.choice(AROUND)
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        number = stage.worker()
        if number is None:
            return  # whoever breaks the others breaks this, too
        try:
            site.cluster.kill(number)
            await site.cluster.ended(number)
            await stage.lasting(0.0, 1.0, 3.0)
            site.restart(number)
            await site.cluster.ready(number)
        finally:
            site.busy.discard(number)

    async def _lived(self, stage: Stage, tokens: dict[str, str], told: Forgotten) -> float:
        people: list[Client] = []
        try:
            for number in range(PEOPLE):
                role = "member" if number else "facilitator"
                name = f"Gone {secrets.token_hex(6)}"
                told.marks.add(name.encode())
                people.append(await self._came(stage, tokens[role], name))
            for person in people:
                for _ in range(2):
                    body = new_canary(stage.chance)
                    told.marks.add(body.encode())
                    await person.command("chat.say", {"to": "circle", "body": body})
                card = {"location": new_canary(stage.chance), "note": new_canary(stage.chance)}
                told.marks.update(word.encode() for word in card.values())
                await person.command("care.card", card)
        except (AssertionError, Gone, OSError, EOFError, InvalidHandshake):
            pass  # broken meanwhile: what was said so far has to be forgotten all the same
        finally:
            for person in people:
                person.drop()
        return time.monotonic()

    async def _came(self, stage: Stage, token: str, name: str) -> Client:
        client = await Client.connect(stage.site.url, label=name)
        try:
            await client.hello(token, name)
            version = client.view["agreement"]["version"]
            await client.command("agreement.accept", {"version": version})
            await client.until(lambda: client.phase == "inside", "entry")
        except BaseException:
            client.drop()
            raise
        return client
