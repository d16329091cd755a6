"""Rehearsal: simulated members, and a facilitator for them, over the real client library.

They are slow on purpose. A facilitator can practise with them, a visitor sees how an evening goes,
and an operator sees a deployment under load.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from . import personas
from .attending import Attending
from .client import Client
from .company import Company, kindly, rest
from .errors import CannotConnect, RoomClosed
from .events import Message
from .host import Host
from .personas import Persona

if TYPE_CHECKING:
    from .voice.speech import Tongue

NEVER: Final = float("inf")
TOGETHER: Final = 12.0
"""Seconds within which all members have come, however many they are."""


async def rehearse(
    link: str,
    members: int,
    *,
    stop: asyncio.Event | None = None,
    seed: int | None = None,
    haste: float = 1.0,
    voice: bool = False,
) -> None:
    """Lets ``members`` simulated people join by ``link`` and stay until ``stop`` is set.

    Returns when all have left or the room has ended for them. The same ``seed`` gives the same
    people and temperaments; ``haste`` divides all their pauses. With ``voice`` they say aloud what
    they write in their turns and in small groups. Raises ``CannotConnect`` or ``RoomClosed`` where
    none ever got in.
    """
    chance = random.Random(seed)
    company = Company(chance, haste)
    if voice:
        # Takes a second, and nobody else needs it.
        from .voice.speech import Studio

        company.studio = Studio(haste)
    halt = stop or asyncio.Event()
    gap = min(1.0, TOGETHER / max(1, members)) / haste
    async with asyncio.TaskGroup() as group:
        for number, persona in enumerate(personas.cast(members, chance)):
            own = random.Random(chance.random())
            group.create_task(
                _attend(link, persona, company, own, halt, number * gap * own.uniform(0.7, 1.3))
            )
    if company.failure is not None and not company.ids and not halt.is_set():
        raise company.failure


async def _attend(
    link: str,
    persona: Persona,
    company: Company,
    chance: random.Random,
    stop: asyncio.Event,
    after: float,
) -> None:
    if await rest(stop, after):
        return
    try:
        async with contextlib.AsyncExitStack() as stack:
            me = await stack.enter_async_context(Client.join(link, persona.name, chance=chance))
            tongue = None
            if company.studio is not None:
                from .voice.speech import Timbre, Tongue

                timbre = Timbre.of(chance)
                tongue = await stack.enter_async_context(Tongue(me, company.studio, timbre))
            await Rehearser(me, persona, company, chance, stop, tongue).live()
    except (CannotConnect, RoomClosed) as wrong:
        company.failure = wrong


class Rehearser:
    """One simulated member: looks at the room about every second and does what fits."""

    def __init__(
        self,
        me: Client,
        persona: Persona,
        company: Company,
        chance: random.Random,
        stop: asyncio.Event,
        tongue: Tongue | None = None,
    ) -> None:
        self._me = me
        self._tongue = tongue
        self._persona = persona
        self._company = company
        self._chance = chance
        self._stop = stop
        self._now = asyncio.get_running_loop().time
        self._quietly = Attending(me, chance, self._now, self._after)
        self._turn = -1
        self._speak_at = NEVER
        self._pass_at = NEVER
        self._group: str | None = None
        self._pair_line_at = NEVER
        self._hand_at = self._after(40, 150)
        self._lower_at = NEVER
        self._away_at = self._after(300, 1200)
        self._back_at = NEVER
        self._replies: list[tuple[float, str, tuple[str, ...]]] = []

    async def live(self) -> None:
        """Enters, stays and leaves."""
        listening = asyncio.create_task(self._listen())
        try:
            if not await rest(self._stop, self._lasting(0.5, 2.0)):
                await self._arrive()
            while not self._stop.is_set() and self._me.ended is None:
                if self._me.connected:
                    await self._look()
                await rest(self._stop, self._lasting(0.4, 0.9))
        finally:
            listening.cancel()

    async def _arrive(self) -> None:
        if self._me.phase == "agreement":
            await kindly(self._me.accept_agreement())
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await self._me.until(lambda: self._me.phase == "inside", timeout=0.5)
                self._company.ids.add(self._me.id)
                return

    async def _look(self) -> None:
        me = self._me
        if me.phase == "agreement":
            await kindly(me.accept_agreement())
        if me.phase != "inside" or me.id not in me.room.members:
            return
        self._company.ids.add(me.id)
        if self._tongue is not None and self._tongue.busy and not self._may_speak():
            self._tongue.hush()
        await self._quietly.look()
        if me.room.holder == me.id:
            await self._hold()
            return
        self._turn = -1
        await self._answer()
        pairs = me.room.pairs
        group = pairs["mine"] if pairs else None
        if group is not None:
            await self._sit_in_pair(group)
        else:
            self._group = None
            await self._sit_in_circle()

    # ---- the stick

    async def _hold(self) -> None:
        me, now = self._me, self._now()
        floor = me.room.floor
        assert floor is not None
        if floor["turn"] != self._turn:
            self._turn = floor["turn"]
            running = floor["round"]
            waiting = len(running["order"]) - len(running["done"]) - 1 if running else 0
            if waiting > 0 and self._chance.random() < self._persona.shy:
                self._pass_at = NEVER
                self._speak_at = NEVER
                if await kindly(me.later()):
                    return
            seconds = floor["round"]["seconds"] if floor["round"] else None
            held = min(0.7 * seconds if seconds else 16.0, self._lasting(7, 13))
            self._speak_at = now + held * self._chance.uniform(0.15, 0.35)
            self._pass_at = now + held
        if floor["paused"] or (self._tongue is not None and self._tongue.busy):
            self._pass_at = max(self._pass_at, self._after(2, 4))
        elif now >= self._pass_at:
            self._pass_at = now + 5  # again, should it not have been taken
            await kindly(me.pass_stick())
        elif now >= self._speak_at:
            self._speak_at = NEVER
            if self._chance.random() > self._persona.shy:
                await self._say("circle", self._persona.theme.turns, aloud="circle")

    # ---- small groups

    async def _sit_in_pair(self, group: str) -> None:
        now = self._now()
        conversation = f"pair:{group}"
        if group != self._group:
            self._group = group
            self._pair_line_at = self._after(1.5, 7)
        elif now >= self._pair_line_at and self._company.quiet(conversation, now):
            said = self._me.room.chats.get(conversation)
            last = said[-1].author if said else None
            self._pair_line_at = self._after(8, 16)
            if last == self._me.id and self._chance.random() < 0.7:
                return
            lines = self._persona.theme.pairs
            if last is None:
                lines = personas.PAIR_OPENINGS
            elif self._chance.random() < 0.5:
                lines = personas.PAIR_REPLIES
            await self._say("pair", lines, conversation, aloud=conversation)

    # ---- the circle

    async def _sit_in_circle(self) -> None:
        me, now = self._me, self._now()
        mine = me.room.members[me.id]
        floor = me.room.floor
        if mine["here"] == "away":
            if now >= self._back_at:
                await kindly(me.away(False))
            return
        if self._quietly.breathing:
            return
        if now >= self._away_at:
            self._away_at = self._after(400, 1500)
            self._back_at = self._after(15, 35)
            await kindly(me.away(True))
        elif mine["hand"] is not None and now >= self._lower_at:
            self._lower_at = NEVER
            await kindly(me.lower_hand())
        elif now >= self._hand_at and floor:
            # In a round everybody has a turn; and one raised hand at a time is enough.
            self._hand_at = self._after(70, 200)
            if floor["round"] is None and not floor["queue"]:
                self._lower_at = self._after(20, 45)
                await kindly(me.raise_hand())
        elif now >= self._company.next_line_at:
            await self._speak_up(busy=floor is not None and floor["holder"] is not None)

    async def _speak_up(self, *, busy: bool) -> None:
        """A line or a sign in the circle; rarer while somebody has the stick."""
        slower = 2 if busy else 1
        self._company.next_line_at = self._after(14 * slower, 32 * slower)
        if busy and self._chance.random() < 0.6:
            await kindly(self._me.react(self._chance.choice(personas.SIGNS)))
        else:
            lines = personas.AFTER_TURN if busy else personas.CIRCLE_LINES
            await self._say("circle", lines)

    # ---- people

    async def _listen(self) -> None:
        """Undertakes to answer people who aren't rehearsing: one of us, a little later."""
        async for event in self._me.events():
            if not isinstance(event, Message) or event.notice or event.deleted:
                continue
            if event.author == self._me.id or event.author in self._company.ids:
                continue
            kind = event.to.partition(":")[0]
            members = self._me.room.members
            if kind == "circle":
                guest = members.get(event.author, {"role": "facilitator"})["role"] == "member"
                if not guest or self._chance.random() < 0.5:
                    continue
            elif kind not in ("pair", "direct"):
                continue
            if self._company.claim(event.to, event.n) and len(self._replies) < 3:
                lines = personas.PAIR_REPLIES if kind == "pair" else personas.TO_VISITOR
                self._replies.append((self._after(3, 7), event.to, lines))

    async def _answer(self) -> None:
        if self._replies and self._now() >= self._replies[0][0]:
            _, to, lines = self._replies.pop(0)
            pairs = self._me.room.pairs
            if to.startswith("pair:") and (not pairs or f"pair:{pairs['mine']}" != to):
                return
            await self._say(to, lines)

    # ---- hands and tongue

    async def _say(
        self,
        to: str,
        lines: Sequence[str],
        conversation: str | None = None,
        aloud: str | None = None,
    ) -> None:
        """In writing where the room lets us; and by voice in the place ``aloud``, if we may."""
        me = self._me
        writes = me.room.settings.get("chat", "all") == "all"
        writes = writes and not me.room.settings.get("sealed") and "chat" not in self._muted()
        speaks = aloud is not None and self._may_speak()
        if not writes and not speaks:
            return
        line = self._company.pick(conversation or to, lines)
        if line is None:
            return
        if aloud is not None and speaks and self._tongue is not None:
            self._tongue.say(line, self._may_speak)
            words = len(line.split())
            self._company.speaks(aloud, self._after(0.4 * words, 0.5 * words + 1))
        if writes:
            await kindly(me.say(to, line))

    def _may_speak(self) -> bool:
        """Whether it is our turn to be heard: the stick, or a place in a small group."""
        room = self._me.room
        here = self._me.phase == "inside" and self._me.id in room.members
        if self._tongue is None or not here or "audio" in self._muted():
            return False
        return room.holder == self._me.id or bool(room.pairs and room.pairs["mine"])

    def _muted(self) -> list[str]:
        entry = self._me.room.members.get(self._me.id)
        return entry["muted"] if entry else []

    def _after(self, least: float, most: float) -> float:
        return self._now() + self._lasting(least, most)

    def _lasting(self, least: float, most: float) -> float:
        """Seconds that something takes this person."""
        return self._chance.uniform(least, most) * self._persona.pace / self._company.haste


async def host(link: str, *, stop: asyncio.Event | None = None, haste: float = 1.0) -> None:
    """A gentle rehearsal facilitator, by a facilitator's link, until ``stop`` or the room's end.

    Lets in whoever waits, sends the stick round, opens small groups now and then. As soon as
    another facilitator does something in the room it steps back and only opens the door; when
    no other is here any more it takes up its work again. ``haste`` divides all its pauses.
    """
    halt = stop or asyncio.Event()
    chance = random.Random()
    async with Client.join(link, personas.HOST_NAME, chance=chance) as me:
        await Host(me, Company(chance, haste), chance, halt).live()
