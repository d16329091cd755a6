"""Rehearsal: simulated members and a facilitator for them, over the real client library.

They act slowly, as people do. A facilitator can practise with them, a visitor sees how an evening
goes, and an operator sees a deployment under load.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from . import personas
from .client import Client
from .coordinator import Coordinator, accepted, wait_or_stop
from .errors import CannotConnect, RoomClosed
from .events import Message
from .host import Host
from .participation import Participation
from .personas import Persona

if TYPE_CHECKING:
    from .voice.speech import Speaker

NEVER: Final = float("inf")
TOGETHER: Final = 12.0
"""Seconds within which all members join, however many there are."""


async def rehearse(
    link: str,
    members: int,
    *,
    stop: asyncio.Event | None = None,
    seed: int | None = None,
    speed: float = 1.0,
    voice: bool = False,
) -> None:
    """Lets ``members`` simulated people join by ``link`` and stay until ``stop`` is set.

    Returns when all have left or the room has ended for them. The same ``seed`` makes the same
    people; ``speed`` divides all their pauses. With ``voice`` they also speak what they write in
    their turns and in small groups. Raises ``CannotConnect`` or ``RoomClosed`` if none got in.
    """
    chance = random.Random(seed)
    coordinator = Coordinator(chance, speed)
    if voice:
        # Imported here because it loads slowly.
        from .voice.speech import Synthesizer

        coordinator.synthesizer = Synthesizer(speed)
    halt = stop or asyncio.Event()
    gap = min(1.0, TOGETHER / max(1, members)) / speed
    async with asyncio.TaskGroup() as group:
        for number, persona in enumerate(personas.choose(members, chance)):
            own = random.Random(chance.random())
            group.create_task(
                _attend(link, persona, coordinator, own, halt, number * gap * own.uniform(0.7, 1.3))
            )
    if coordinator.failure is not None and not coordinator.ids and not halt.is_set():
        raise coordinator.failure


async def _attend(
    link: str,
    persona: Persona,
    coordinator: Coordinator,
    chance: random.Random,
    stop: asyncio.Event,
    after: float,
) -> None:
    if await wait_or_stop(stop, after):
        return
    try:
        async with contextlib.AsyncExitStack() as stack:
            me = await stack.enter_async_context(Client.join(link, persona.name, chance=chance))
            speaker = None
            if coordinator.synthesizer is not None:
                from .voice.speech import Speaker, Timbre

                timbre = Timbre.of(chance)
                speaker = await stack.enter_async_context(
                    Speaker(me, coordinator.synthesizer, timbre)
                )
            await Rehearser(me, persona, coordinator, chance, stop, speaker).live()
    except (CannotConnect, RoomClosed) as wrong:
        coordinator.failure = wrong


class Rehearser:
    """One simulated member: looks at the room about every second and acts."""

    def __init__(
        self,
        me: Client,
        persona: Persona,
        coordinator: Coordinator,
        chance: random.Random,
        stop: asyncio.Event,
        speaker: Speaker | None = None,
    ) -> None:
        self._me = me
        self._speaker = speaker
        self._persona = persona
        self._coordinator = coordinator
        self._chance = chance
        self._stop = stop
        self._now = asyncio.get_running_loop().time
        self._participation = Participation(me, chance, self._now, self._after)
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
            if not await wait_or_stop(self._stop, self._lasting(0.5, 2.0)):
                await self._arrive()
            while not self._stop.is_set() and self._me.ended is None:
                if self._me.connected:
                    await self._look()
                await wait_or_stop(self._stop, self._lasting(0.4, 0.9))
        finally:
            listening.cancel()

    async def _arrive(self) -> None:
        if self._me.phase == "agreement":
            await accepted(self._me.accept_agreement())
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await self._me.until(lambda: self._me.phase == "inside", timeout=0.5)
                self._coordinator.ids.add(self._me.id)
                return

    async def _look(self) -> None:
        me = self._me
        if me.phase == "agreement":
            await accepted(me.accept_agreement())
        if me.phase != "inside" or me.id not in me.room.members:
            return
        self._coordinator.ids.add(me.id)
        if self._speaker is not None and self._speaker.busy and not self._may_speak():
            self._speaker.stop()
        await self._participation.look()
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
                if await accepted(me.later()):
                    return
            seconds = floor["round"]["seconds"] if floor["round"] else None
            held = min(0.7 * seconds if seconds else 16.0, self._lasting(7, 13))
            self._speak_at = now + held * self._chance.uniform(0.15, 0.35)
            self._pass_at = now + held
        if floor["paused"] or (self._speaker is not None and self._speaker.busy):
            self._pass_at = max(self._pass_at, self._after(2, 4))
        elif now >= self._pass_at:
            self._pass_at = now + 5  # tries again if the room refused
            await accepted(me.pass_stick())
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
        elif now >= self._pair_line_at and self._coordinator.quiet(conversation, now):
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
                await accepted(me.away(False))
            return
        if self._participation.breathing:
            return
        if now >= self._away_at:
            self._away_at = self._after(400, 1500)
            self._back_at = self._after(15, 35)
            await accepted(me.away(True))
        elif mine["hand"] is not None and now >= self._lower_at:
            self._lower_at = NEVER
            await accepted(me.lower_hand())
        elif now >= self._hand_at and floor:
            # No hand in a round, where everybody has a turn, or while another hand is up.
            self._hand_at = self._after(70, 200)
            if floor["round"] is None and not floor["queue"]:
                self._lower_at = self._after(20, 45)
                await accepted(me.raise_hand())
        elif now >= self._coordinator.next_line_at:
            await self._speak_up(busy=floor is not None and floor["holder"] is not None)

    async def _speak_up(self, *, busy: bool) -> None:
        """Writes a line or reacts in the circle; less often while somebody holds the stick."""
        slower = 2 if busy else 1
        self._coordinator.next_line_at = self._after(14 * slower, 32 * slower)
        if busy and self._chance.random() < 0.6:
            await accepted(self._me.react(self._chance.choice(personas.SIGNS)))
        else:
            lines = personas.AFTER_TURN if busy else personas.CIRCLE_LINES
            await self._say("circle", lines)

    # ---- people

    async def _listen(self) -> None:
        """Takes on answers to people who are not part of the rehearsal."""
        async for event in self._me.events():
            if not isinstance(event, Message) or event.notice or event.deleted:
                continue
            if event.author == self._me.id or event.author in self._coordinator.ids:
                continue
            kind = event.to.partition(":")[0]
            members = self._me.room.members
            if kind == "circle":
                guest = members.get(event.author, {"role": "facilitator"})["role"] == "member"
                if not guest or self._chance.random() < 0.5:
                    continue
            elif kind not in ("pair", "direct"):
                continue
            if self._coordinator.claim(event.to, event.n) and len(self._replies) < 3:
                lines = personas.PAIR_REPLIES if kind == "pair" else personas.TO_VISITOR
                self._replies.append((self._after(3, 7), event.to, lines))

    async def _answer(self) -> None:
        if self._replies and self._now() >= self._replies[0][0]:
            _, to, lines = self._replies.pop(0)
            pairs = self._me.room.pairs
            if to.startswith("pair:") and (not pairs or f"pair:{pairs['mine']}" != to):
                return
            await self._say(to, lines)

    # ---- writing and speaking

    async def _say(
        self,
        to: str,
        lines: Sequence[str],
        conversation: str | None = None,
        aloud: str | None = None,
    ) -> None:
        """Writes a line if the room allows it, and speaks it in the place ``aloud`` if we may."""
        me = self._me
        writes = me.room.settings.get("chat", "all") == "all"
        writes = writes and not me.room.settings.get("sealed") and "chat" not in self._muted()
        speaks = aloud is not None and self._may_speak()
        if not writes and not speaks:
            return
        line = self._coordinator.pick(conversation or to, lines)
        if line is None:
            return
        if aloud is not None and speaks and self._speaker is not None:
            self._speaker.say(line, self._may_speak)
            words = len(line.split())
            self._coordinator.speaks(aloud, self._after(0.4 * words, 0.5 * words + 1))
        if writes:
            await accepted(me.say(to, line))

    def _may_speak(self) -> bool:
        """Whether we may speak: we hold the stick or are in a small group."""
        room = self._me.room
        here = self._me.phase == "inside" and self._me.id in room.members
        if self._speaker is None or not here or "audio" in self._muted():
            return False
        return room.holder == self._me.id or bool(room.pairs and room.pairs["mine"])

    def _muted(self) -> list[str]:
        entry = self._me.room.members.get(self._me.id)
        return entry["muted"] if entry else []

    def _after(self, least: float, most: float) -> float:
        return self._now() + self._lasting(least, most)

    def _lasting(self, least: float, most: float) -> float:
        """Random seconds at this member's pace."""
        return self._chance.uniform(least, most) * self._persona.pace / self._coordinator.speed


async def host(link: str, *, stop: asyncio.Event | None = None, speed: float = 1.0) -> None:
    """Runs a rehearsal facilitator by a facilitator's link, until ``stop`` or the room's end.

    It admits everybody, starts rounds and sometimes opens small groups. When another facilitator
    acts in the room, it steps back and only admits people, until no other facilitator is here.
    ``speed`` divides all its pauses.
    """
    halt = stop or asyncio.Event()
    chance = random.Random()
    async with Client.join(link, personas.HOST_NAME, chance=chance) as me:
        await Host(me, Coordinator(chance, speed), chance, halt).live()
