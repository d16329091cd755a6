"""Every command as an awaitable method; grouped as a facilitator's handbook would.

All of them return when the room has committed the change, and raise ``Refused`` where it was not
taken or ``RoomClosed`` where the connection has ended for good. While the connection is away they
wait for it. Who may do what is written in protocol/ROOM.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sitwith_protocol import messages as m
from sitwith_protocol.agenda import read_stages
from sitwith_protocol.linking import blind_all

Member = str
"""A member's id, as in ``me.room.members``."""


class Sent(NamedTuple):
    """Where a message landed: the conversation in full and its place there, from 1."""

    to: str
    n: int


class Asking:
    """What all commands go through."""

    async def ask(self, make: Callable[[int], m.Command]) -> Mapping[str, Any]:
        """Sends one command and waits for its answer; the fields that the answer carries.

        ``make`` gets the command's id: ``await me.ask(lambda id: HandRaise(id))``.
        """
        raise NotImplementedError


class TalkCommands(Asking):
    """Words, signs and the queue."""

    async def say(self, to: str, body: str | bytes) -> Sent:
        """Says something in ``circle``, ``pair``, ``staff``, ``facilitators``,
        ``pair:<group>``, ``staff:<member>`` or ``direct:<member>``."""
        answer = await self.ask(lambda id: m.ChatSay(id, to, body))
        return Sent(str(answer["to"]), int(answer["n"]))

    async def delete(self, to: str, n: int) -> None:
        """Deletes a message of one's own, or as facilitator anybody's."""
        await self.ask(lambda id: m.ChatDelete(id, to, n))

    async def react(self, kind: str, to: str | None = None) -> None:
        """Gives a short-lived sign, such as ``heart``."""
        await self.ask(lambda id: m.React(id, kind, to))

    async def raise_hand(self) -> None:
        """Joins the queue."""
        await self.ask(m.HandRaise)

    async def lower_hand(self, member: Member | None = None) -> None:
        """Leaves the queue; as facilitator also for somebody else."""
        await self.ask(lambda id: m.HandLower(id, member))

    async def ask_for_help(self) -> None:
        """Calls the facilitators to one's group."""
        await self.ask(m.HelpAsk)

    async def help_done(self, member: Member) -> None:
        """As facilitator: this call has been answered."""
        await self.ask(lambda id: m.HelpDone(id, member))


class SelfCommands(Asking):
    """Oneself."""

    async def rename(self, name: str) -> None:
        """Takes another name of 1 to 40 characters."""
        await self.ask(lambda id: m.SelfRename(id, name))

    async def away(self, away: bool = True) -> None:
        """Says that one is away for a moment, or back."""
        await self.ask(lambda id: m.SelfAway(id, away))

    async def mute(self, member: Member, *kinds: str) -> None:
        """Silences ``audio``, ``video`` or ``chat``: one's own, or as facilitator anybody's."""
        await self.ask(lambda id: m.Mute(id, member, kinds))

    async def unmute(self, member: Member, *kinds: str) -> None:
        """Lifts a mute; a facilitator's only a facilitator lifts."""
        await self.ask(lambda id: m.Unmute(id, member, kinds))

    async def answer_mood(self, value: int) -> None:
        """Answers the mood question, 1 to 5."""
        await self.ask(lambda id: m.MoodAnswer(id, value))

    async def share_milestone(self, text: str | bytes) -> None:
        """Tells everybody of a milestone in one's own words; bytes where the room is sealed."""
        await self.ask(lambda id: m.MilestoneShare(id, text))

    async def clear_milestone(self, n: int) -> None:
        """Takes one's own milestone away, or as facilitator anybody's, by its number."""
        await self.ask(lambda id: m.MilestoneClear(id, n))

    async def dismiss_nudge(self) -> None:
        """Puts aside the nudge that lies with oneself (slice ``nudge``)."""
        await self.ask(m.VoiceDismiss)

    async def set_topics(self, tags: Iterable[bytes]) -> None:
        """Sets the blinded concern tags for linked pairs."""
        await self.ask(lambda id: m.TopicsSet(id, tuple(tags)))

    async def set_concerns(self, link_key: bytes, concerns: Iterable[str]) -> None:
        """Blinds concerns in plain words (``me.room.link_key``) and sets them; none takes them
        back. Raises ``ValueError`` for one that is empty or too long, and for too many."""
        await self.set_topics(blind_all(link_key, concerns))

    async def media_servers(self) -> Mapping[str, Any]:
        """``{servers: [{urls, username, credential}], ttl, relay}`` for a peer connection."""
        return await self.ask(m.MediaServers)

    async def take_pictures(self, pictures: str) -> None:
        """Says what pictures we take: ``none``, ``low`` or ``high``."""
        await self.ask(lambda id: m.MediaTake(id, pictures))

    async def offer_media(self, sdp: str) -> str:
        """Offers a media connection; the answering SDP."""
        answer = await self.ask(lambda id: m.MediaOffer(id, sdp))
        return str(answer["sdp"])


class FloorCommands(Asking):
    """The talking stick and its clock."""

    async def open_floor(self) -> None:
        """Anyone may be heard."""
        await self.ask(m.FloorOpen)

    async def quiet_floor(self) -> None:
        """No member may be heard."""
        await self.ask(m.FloorQuiet)

    async def start_round(
        self,
        order: Iterable[Member] | None = None,
        seconds: float | None = None,
        starter: Member | None = None,
    ) -> None:
        """Sends the stick round: every listed member once; ``seconds`` a turn."""
        listed = None if order is None else tuple(order)
        await self.ask(lambda id: m.FloorRound(id, listed, seconds, starter))

    async def start_stick(self, to: Member | None = None, seconds: float | None = None) -> None:
        """Gives the stick out by queue, without a fixed order."""
        await self.ask(lambda id: m.FloorStick(id, to, seconds))

    async def pass_stick(self, to: Member | None = None) -> None:
        """Gives the stick on."""
        await self.ask(lambda id: m.FloorPass(id, to))

    async def later(self, last: bool = False) -> None:
        """Lets the next one go first, or goes last."""
        await self.ask(lambda id: m.FloorLater(id, last))

    async def extend_turn(self, seconds: float) -> None:
        """Gives the holder more time."""
        await self.ask(lambda id: m.FloorExtend(id, seconds))

    async def pause_turn(self) -> None:
        """Stops the turn's clock."""
        await self.ask(m.FloorPause)

    async def resume_turn(self) -> None:
        """Lets the turn's clock go on."""
        await self.ask(m.FloorResume)


class PairsCommands(Asking):
    """Small groups."""

    async def plan_pairs(
        self,
        how: str = "fresh",
        size: int = 2,
        avoid: Iterable[tuple[Member, Member]] = (),
        facilitators: bool = False,
    ) -> list[list[Member]]:
        """A grouping (``random``, ``fresh`` or ``linked``); opens nothing."""
        apart = tuple(avoid)
        answer = await self.ask(lambda id: m.PairsPlan(id, how, size, apart, facilitators))
        return [[str(each) for each in group] for group in answer["groups"]]

    async def plan_pairs_in_full(
        self,
        how: str = "linked",
        size: int = 2,
        avoid: Iterable[tuple[Member, Member]] = (),
        facilitators: bool = False,
        pins: Iterable[tuple[Member, Member]] = (),
    ) -> Mapping[str, Any]:
        """``{groups, why, report}``, see rule LK7; ``pins`` are put together."""
        apart, together = tuple(avoid), tuple(pins)
        return await self.ask(lambda id: m.PairsPlan(id, how, size, apart, facilitators, together))

    async def offer_concerns(self, concerns: Iterable[str]) -> None:
        """As facilitator: what members are offered to tick."""
        listed = tuple(concerns)
        await self.ask(lambda id: m.ConcernsOffer(id, listed))

    async def open_pairs(
        self, groups: Iterable[Iterable[Member]], seconds: float | None = None
    ) -> None:
        """Moves the listed members to groups of their own."""
        listed = tuple(tuple(group) for group in groups)
        await self.ask(lambda id: m.PairsOpen(id, listed, seconds))

    async def move(self, member: Member, group: str | None) -> None:
        """Puts a member into a group, or with ``None`` back to the circle."""
        await self.ask(lambda id: m.PairsMove(id, member, group))

    async def extend_pairs(self, seconds: float) -> None:
        """Gives the groups more time."""
        await self.ask(lambda id: m.PairsExtend(id, seconds))

    async def say_to_all(self, body: str | bytes) -> None:
        """A notice for everybody in all groups and the circle."""
        await self.ask(lambda id: m.PairsSay(id, body))

    async def close_pairs(self, grace: float = 30) -> None:
        """Calls everybody back, with ``grace`` seconds to finish; 0 at once."""
        await self.ask(lambda id: m.PairsClose(id, grace))

    async def visit(self, group: str) -> None:
        """Visits a group; it is announced there first."""
        await self.ask(lambda id: m.PairsVisit(id, group))

    async def end_visit(self) -> None:
        """Returns from a visit."""
        await self.ask(m.PairsReturn)


class HouseCommands(Asking):
    """The roles and the room, for facilitators."""

    async def mute_all(
        self, *kinds: str, except_: Iterable[Member] = (), hold: bool = True
    ) -> None:
        """Silences all members but ``except_``."""
        spared = tuple(except_)
        await self.ask(lambda id: m.MuteAll(id, kinds, spared, hold))

    async def lock(self) -> None:
        """Nobody new comes in."""
        await self.ask(m.RoomLock)

    async def unlock(self) -> None:
        """The room takes people again."""
        await self.ask(m.RoomUnlock)

    async def extend(self, seconds: float) -> None:
        """Moves the room's end by so many seconds."""
        await self.ask(lambda id: m.RoomExtend(id, seconds))

    async def end_room(self) -> None:
        """Ends the room for everybody."""
        await self.ask(m.RoomEnd)

    async def change_settings(self, **changes: Any) -> None:
        """Changes settings by their names, such as ``chat="staff"``."""
        await self.ask(lambda id: m.RoomSettings(id, **changes))

    async def remove(self, member: Member) -> None:
        """Removes a member; their seat is dead."""
        await self.ask(lambda id: m.MemberRemove(id, member))

    async def give_role(self, member: Member, role: str) -> None:
        """Makes somebody ``facilitator``, ``member`` or ``guest``."""
        await self.ask(lambda id: m.RoleGive(id, member, role))

    async def start_agenda(self) -> None:
        """Begins the first stage."""
        await self.ask(m.AgendaStart)

    async def next_stage(self, at: int | None = None) -> None:
        """Begins the next stage; with ``at`` only if that one is still under way."""
        await self.ask(lambda id: m.AgendaNext(id, at))

    async def previous_stage(self, at: int | None = None) -> None:
        """Goes back one stage; with ``at`` only if that one is still under way."""
        await self.ask(lambda id: m.AgendaBack(id, at))

    async def extend_stage(self, seconds: float) -> None:
        """Gives the stage more time."""
        await self.ask(lambda id: m.AgendaExtend(id, seconds))

    async def edit_agenda(self, stages: Iterable[Mapping[str, Any]], at: int | None = None) -> None:
        """Writes the agenda anew; ``at`` is the place of the stage under way among ``stages``.

        Raises ``Invalid`` (of ``sitwith_protocol.checks``) for stages that are none.
        """
        written = read_stages(list(stages))
        await self.ask(lambda id: m.AgendaEdit(id, written, at))

    async def ask_mood(self) -> None:
        """Asks everybody how they are, 1 to 5."""
        await self.ask(m.MoodAsk)

    async def nudge(self, member: Member) -> None:
        """Asks a member in private whether they like to speak; at most every 10 minutes each."""
        await self.ask(lambda id: m.VoiceNudge(id, member))

    async def close_mood(self) -> None:
        """Ends the mood question."""
        await self.ask(m.MoodClose)

    async def start_breathing(self, pattern: Iterable[float], seconds: float) -> None:
        """Breathes together; ``pattern`` is the seconds of each phase of a breath."""
        phases = tuple(pattern)
        await self.ask(lambda id: m.BreatheStart(id, phases, seconds))

    async def stop_breathing(self) -> None:
        """Ends the breathing."""
        await self.ask(m.BreatheStop)
