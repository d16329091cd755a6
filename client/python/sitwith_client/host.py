"""The rehearsal's facilitator, which leads while no person does."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Final

from . import personas
from .client import Client
from .coordinator import Coordinator, wait_or_stop
from .errors import Refused, RoomClosed
from .events import Change

LEADING_SLICES: Final = frozenset(
    {"floor", "pairs", "locked", "settings", "lobby", "help", "agenda"}
)
"""Slices that change when a facilitator leads."""

MIN_MEMBERS: Final = 2
"""Fewest members for a round."""


class Host:
    """Admits people at once, and leads unless a person does."""

    def __init__(
        self, me: Client, coordinator: Coordinator, chance: random.Random, stop: asyncio.Event
    ) -> None:
        self._me = me
        self._coordinator = coordinator
        self._chance = chance
        self._stop = stop
        self._led_by: set[str] = set()

    async def live(self) -> None:
        """Enters, admits and leads until ``stop``."""
        if self._me.phase == "agreement":
            with contextlib.suppress(Refused):
                await self._me.accept_agreement()
        with contextlib.suppress(RoomClosed):
            await self._until(lambda: self._me.phase == "inside")
            work = [
                asyncio.create_task(each())
                for each in (self._watch, self._keep_door, self._answer_calls, self._lead)
            ]
            ended = asyncio.create_task(self._until(lambda: False))
            try:
                await asyncio.wait([*work, ended], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*work, ended):
                    task.cancel()
                results = await asyncio.gather(*work, ended, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, RoomClosed):
                    raise result

    @property
    def stepped_back(self) -> bool:
        """Whether a person leads: a facilitator who has acted and is here."""
        members = self._me.room.members
        return any(
            each in members
            and members[each]["role"] == "facilitator"
            and members[each]["here"] == "here"
            for each in self._led_by
        )

    async def _watch(self) -> None:
        async for event in self._me.events():
            if not isinstance(event, Change) or event.by in (None, self._me.id):
                continue
            entry = self._me.room.members.get(str(event.by))
            muted = event.why.startswith(("mute", "unmute", "role", "member"))
            if (
                entry
                and entry["role"] == "facilitator"
                and (muted or event.slices & LEADING_SLICES)
            ):
                self._led_by.add(str(event.by))

    async def _keep_door(self) -> None:
        while not self._stop.is_set():
            await self._until(lambda: self._leading_role() and self._me.room.lobby)
            await self._pause(0.6, 1.6)
            if self._stop.is_set():
                return
            with contextlib.suppress(Refused):
                await self._me.admit_all()

    async def _answer_calls(self) -> None:
        """Visits each group that asks for help, says a line there, and returns."""
        while not self._stop.is_set():
            await self._until(lambda: self._may_lead() and self._me.room.help)
            if self._stop.is_set():
                return
            member = self._me.room.help[0]
            pairs = self._me.room.pairs
            groups = pairs["groups"] if pairs else {}
            group = next((g for g, people in groups.items() if member in people), None)
            with contextlib.suppress(Refused):
                if group is not None:
                    await self._me.visit(group)
                    await self._pause(1.5, 1.5)
                    await self._say(f"pair:{group}", personas.HOST_HELP)
                    await self._pause(10, 14)
                    await self._me.end_visit()
                await self._me.help_done(member)
            await self._pause(1, 1)

    async def _lead(self) -> None:
        await self._until(lambda: self._may_lead() and len(self._present()) >= MIN_MEMBERS)
        await self._pause(2.5, 2.5)
        rounds = 0
        while not self._stop.is_set():
            await self._until(lambda: self._may_lead() and len(self._present()) >= MIN_MEMBERS)
            if self._stop.is_set():
                return
            try:
                if rounds == 0:
                    await self._say("circle", personas.HOST_WELCOME)
                await self._send_round()
                rounds += 1
                if self._may_lead():
                    await self._say("circle", personas.HOST_BETWEEN)
                    await self._pause(10, 18)
                if rounds % 2 == 0 and self._may_lead():
                    await self._open_pairs()
                    await self._pause(6, 12)
            except Refused:
                await self._pause(4, 8)

    async def _send_round(self) -> None:
        if not self._may_lead():
            return
        me = self._me
        await me.start_round(seconds=self._seconds(25, 40))
        floor = me.room.floor
        if floor and floor["round"]:
            await self._until(lambda: not self._may_lead() or self._round_over())
        if self._may_lead():
            await me.open_floor()

    async def _open_pairs(self) -> None:
        me = self._me
        if len(self._present()) < MIN_MEMBERS or me.room.pairs is not None:
            return
        await self._say("circle", personas.HOST_PAIRS)
        await self._pause(2, 4)
        if not self._may_lead() or me.room.pairs is not None:
            return
        groups = await me.plan_pairs("fresh")
        if groups and self._may_lead():
            await me.open_pairs(groups, seconds=self._seconds(50, 80))
            await self._until(lambda: not self._may_lead() or me.room.pairs is None)

    # ---- looking and waiting

    def _round_over(self) -> bool:
        floor = self._me.room.floor
        return floor is not None and floor["round"] is None

    def _leading_role(self) -> bool:
        return self._me.phase == "inside" and self._me.role == "facilitator"

    def _may_lead(self) -> bool:
        return self._leading_role() and not self.stepped_back

    def _present(self) -> list[str]:
        return [
            each
            for each, entry in self._me.room.members.items()
            if entry["role"] == "member" and entry["here"] == "here"
        ]

    async def _say(self, to: str, lines: Sequence[str]) -> None:
        line = self._coordinator.pick(to, lines)
        if line is not None and not self._me.room.settings.get("sealed"):
            with contextlib.suppress(Refused):
                await self._me.say(to, line)

    async def _pause(self, least: float, most: float) -> None:
        await wait_or_stop(self._stop, self._chance.uniform(least, most) / self._coordinator.speed)

    def _seconds(self, least: int, most: int) -> float:
        """Whole seconds for a turn or for groups."""
        return max(1, round(self._chance.randint(least, most) / self._coordinator.speed))

    async def _until(self, test: Callable[[], object]) -> None:
        """Waits until ``test()`` is true or ``stop`` is set."""
        looking = asyncio.create_task(self._me.until(test))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([looking, stopping], return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                await looking
        finally:
            looking.cancel()
            stopping.cancel()
