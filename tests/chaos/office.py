"""An operator's program that goes on opening and ending rooms while everything breaks, and notes
each answer. Afterwards it looks what became of it (N15)."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Final

import httpx

from tests.blackbox.rawclient import Client, Gone
from tests.chaos.history import Call, History, Standing
from tests.chaos.site import Site
from tests.programs import Door

EACH: Final = 1.0
"""Seconds between two calls, as a rule."""
MOST: Final = 6
"""Rooms at the same time."""


class Office:
    def __init__(self, site: Site, chance: random.Random, history: History) -> None:
        self._site = site
        self._chance = chance
        self._history = history
        self._rooms: dict[str, dict[str, str]] = {}
        """The tokens of each room that was opened, by their invites' ids (or roles)."""
        self._ended: set[str] = set()

    async def go_on(self, ends: float) -> None:
        while time.monotonic() < ends:
            await asyncio.sleep(self._chance.random() * 2 * EACH)
            here = sorted(self._rooms.keys() - self._ended)
            draw = self._chance.random()
            if not here or (draw < 0.3 and len(here) < MOST):
                await self._create()
                continue
            room = self._chance.choice(here)
            if draw < 0.6:
                await self._invite(room)
            elif draw < 0.85:
                await self._revoke(room)
            else:
                self._ended.add(room)
                await self._call("end", room, "", "DELETE", f"/api/rooms/{room}")

    def _door(self) -> Door:
        cluster = self._site.cluster
        return self._chance.choice([cluster, *cluster.doors])

    async def _create(self) -> None:
        body = {"settings": {"lobby": False, "sealed": False}}
        made = await self._call("create", "", "", "POST", "/api/rooms", body)
        if made:
            self._rooms[made["room"]] = dict(made["tokens"])

    async def _invite(self, room: str) -> None:
        path = f"/api/rooms/{room}/invites"
        made = await self._call("invite", room, "", "POST", path, {"role": "member"})
        if made:
            self._rooms[room][made["invite"]] = made["token"]

    async def _revoke(self, room: str) -> None:
        invites = sorted(self._rooms[room].keys() - {"member", "facilitator"})
        if invites:
            invite = self._chance.choice(invites)
            path = f"/api/rooms/{room}/invites/{invite}"
            await self._call("revoke", room, invite, "DELETE", path)

    async def _call(
        self, what: str, room: str, invite: str, method: str, path: str, body: object = None
    ) -> dict[str, Any]:
        """What it was answered, where it was done. An answer that is no worker's is none."""
        at, status, code = self._history.now(), None, ""
        found: dict[str, Any] = {}
        try:
            answer = await self._door().http(method, path, body)
        except httpx.HTTPError:
            pass
        else:
            if "html" not in answer.headers.get("content-type", ""):
                status = answer.status_code
                found = answer.json() if answer.content else {}
                if status == 503 and "retry-after" not in answer.headers:
                    code = "(without Retry-After) "
                code += (found.get("error") or {}).get("code", "")
        done = status is not None and 200 <= status < 300
        if done:
            room, invite = room or found.get("room", ""), invite or found.get("invite", "")
        self._history.calls.append(Call(what, room, invite, at, self._history.now(), status, code))
        return found if done else {}

    # -- afterwards ------------------------------------------------------------------------------

    async def look(self) -> None:
        """What holds, once everything is well; then ends it all."""
        for room, tokens in self._rooms.items():
            answer = await self._site.cluster.http("GET", f"/api/rooms/{room}")
            trail = await self._site.cluster.http("GET", f"/api/audit/{room}")
            there = {200: True, 404: False}[answer.status_code]
            admits = {name: await self._admits(token) for name, token in tokens.items()}
            entries = trail.json().get("audit", [])
            noted = [(e["action"], e["target"]) for e in entries if e["result"] == "ok"]
            self._history.standing[room] = Standing(there, admits, noted)
            if there:
                await self._site.end(room)
            await self._site.forget_if_there(room)

    async def _admits(self, token: str) -> bool:
        client = await Client.connect(self._site.cluster.ws)
        try:
            await client.hello(token, "Somebody")
        except Gone as gone:
            if gone.code != 4404:
                raise
            return False
        finally:
            client.drop()
        return True
