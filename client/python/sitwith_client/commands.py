"""Commands as awaitable methods, grouped by subject.

Each returns when the room has committed the change. It raises ``Refused`` if the room refused it,
and ``RoomClosed`` if the connection has ended for good. While the connection is lost, a command
waits for the next one. protocol/ROOM.md says who may do what.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sitwith_protocol import messages as m
from sitwith_protocol.agenda import read_stages
from sitwith_protocol.linking import blind_all
from sitwith_protocol.shapes import read

Member = str
"""A member's id, as in ``me.room.members``."""


class Sent(NamedTuple):
    """Where the room put a message: the full name of its conversation, and its number from 1."""

    to: str
    n: int


class Commands(ABC):
    """Methods that send commands by ``ask``."""

    @abstractmethod
    async def ask(self, make: Callable[[int], m.Command]) -> Mapping[str, Any]:
        """Sends one command and returns the fields of its answer.

        ``make`` gets the command's id: ``await me.ask(lambda id: HandRaise(id))``.
        """

    async def command(self, t: str, /, **fields: object) -> Mapping[str, Any]:
        """Sends any command by its type on the wire: ``await me.command("mood.answer", value=3)``.

        Raises:
            KeyError: there is no such type.
            Invalid: a field is missing, unknown or does not fit.
        """
        kind = m.COMMANDS[t]
        return await self.ask(lambda id: read(kind, {"t": t, "id": id, **fields}))


class ChatCommands(Commands):
    """Messages, reactions, hands and calls for help."""

    async def say(self, to: str, body: str | bytes) -> Sent:
        """Sends a message to ``circle``, ``pair``, ``staff``, ``facilitators``,
        ``pair:<group>``, ``staff:<member>`` or ``direct:<member>``."""
        answer = await self.ask(lambda id: m.ChatSay(id, to, body))
        return Sent(str(answer["to"]), int(answer["n"]))

    async def delete(self, to: str, n: int) -> None:
        """Deletes one of our messages; a facilitator may delete anybody's."""
        await self.ask(lambda id: m.ChatDelete(id, to, n))

    async def react(self, kind: str, to: str | None = None) -> None:
        """Sends a reaction, such as ``heart``."""
        await self.ask(lambda id: m.React(id, kind, to))

    async def raise_hand(self) -> None:
        """Joins the queue."""
        await self.ask(m.HandRaise)

    async def lower_hand(self, member: Member | None = None) -> None:
        """Leaves the queue; a facilitator may also lower ``member``'s hand."""
        await self.ask(lambda id: m.HandLower(id, member))

    async def ask_for_help(self) -> None:
        """Calls the facilitators to our group."""
        await self.ask(m.HelpAsk)

    async def help_done(self, member: Member) -> None:
        """As facilitator: marks a member's call as answered."""
        await self.ask(lambda id: m.HelpDone(id, member))


class SelfCommands(Commands):
    """Our own name, presence, mutes, mood, concerns and media."""

    async def rename(self, name: str) -> None:
        """Changes our name to one of 1 to 40 characters."""
        await self.ask(lambda id: m.SelfRename(id, name))

    async def away(self, away: bool = True) -> None:
        """Says that we are away for a moment, or back."""
        await self.ask(lambda id: m.SelfAway(id, away))

    async def mute(self, member: Member, *kinds: str) -> None:
        """Mutes ``audio``, ``video`` or ``chat``: our own, or as facilitator anybody's."""
        await self.ask(lambda id: m.Mute(id, member, kinds))

    async def unmute(self, member: Member, *kinds: str) -> None:
        """Lifts a mute. Only a facilitator lifts a mute that a facilitator holds."""
        await self.ask(lambda id: m.Unmute(id, member, kinds))

    async def answer_mood(self, value: int) -> None:
        """Answers the mood question, 1 to 5."""
        await self.ask(lambda id: m.MoodAnswer(id, value))

    async def share_milestone(self, text: str | bytes) -> None:
        """Shares a milestone with everybody; as bytes if the room is sealed."""
        await self.ask(lambda id: m.MilestoneShare(id, text))

    async def clear_milestone(self, n: int) -> None:
        """Removes our milestone number ``n``; a facilitator may remove anybody's."""
        await self.ask(lambda id: m.MilestoneClear(id, n))

    async def dismiss_nudge(self) -> None:
        """Dismisses the nudge that we got (slice ``nudge``)."""
        await self.ask(m.VoiceDismiss)

    async def set_topics(self, tags: Iterable[bytes]) -> None:
        """Sets our blinded concern tags, for linked pairs."""
        await self.ask(lambda id: m.TopicsSet(id, tuple(tags)))

    async def set_concerns(self, link_key: bytes, concerns: Iterable[str]) -> None:
        """Blinds ``concerns`` with ``me.room.link_key`` and sets them; none takes ours back.

        Raises ``ValueError`` if one is empty or too long, or if there are too many.
        """
        await self.set_topics(blind_all(link_key, concerns))

    async def media_servers(self) -> Mapping[str, Any]:
        """``{servers: [{urls, username, credential}], ttl, relay}`` for a peer connection."""
        return await self.ask(m.MediaServers)

    async def take_pictures(self, pictures: str) -> None:
        """Says which pictures we want: ``none``, ``low`` or ``high``."""
        await self.ask(lambda id: m.MediaTake(id, pictures))

    async def offer_media(self, sdp: str) -> str:
        """Offers a media connection; returns the SDP of the answer."""
        answer = await self.ask(lambda id: m.MediaOffer(id, sdp))
        return str(answer["sdp"])


class FloorCommands(Commands):
    """The talking stick and its clock."""

    async def open_floor(self) -> None:
        """Everybody may speak."""
        await self.ask(m.FloorOpen)

    async def quiet_floor(self) -> None:
        """No member may speak."""
        await self.ask(m.FloorQuiet)

    async def start_round(
        self,
        order: Iterable[Member] | None = None,
        seconds: float | None = None,
        starter: Member | None = None,
    ) -> None:
        """Starts a round: each member of ``order`` has one turn of ``seconds``."""
        listed = None if order is None else tuple(order)
        await self.ask(lambda id: m.FloorRound(id, listed, seconds, starter))

    async def start_stick(self, to: Member | None = None, seconds: float | None = None) -> None:
        """Gives the stick by the queue, without a fixed order; first to ``to``."""
        await self.ask(lambda id: m.FloorStick(id, to, seconds))

    async def pass_stick(self, to: Member | None = None) -> None:
        """Passes the stick on."""
        await self.ask(lambda id: m.FloorPass(id, to))

    async def later(self, last: bool = False) -> None:
        """Lets the next member go first; with ``last``, everybody else."""
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


class PairsCommands(Commands):
    """Small groups."""

    async def plan_pairs(
        self,
        how: str = "fresh",
        size: int = 2,
        avoid: Iterable[tuple[Member, Member]] = (),
        facilitators: bool = False,
    ) -> list[list[Member]]:
        """Plans groups (``random``, ``fresh`` or ``linked``) and returns them; opens none."""
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
        """Plans groups; ``{groups, why, report}`` (rule LK7). ``pins`` stay together."""
        apart, together = tuple(avoid), tuple(pins)
        return await self.ask(lambda id: m.PairsPlan(id, how, size, apart, facilitators, together))

    async def offer_concerns(self, concerns: Iterable[str]) -> None:
        """As facilitator: offers concerns that members may tick."""
        listed = tuple(concerns)
        await self.ask(lambda id: m.ConcernsOffer(id, listed))

    async def open_pairs(
        self, groups: Iterable[Iterable[Member]], seconds: float | None = None
    ) -> None:
        """Opens these groups, for ``seconds``."""
        listed = tuple(tuple(group) for group in groups)
        await self.ask(lambda id: m.PairsOpen(id, listed, seconds))

    async def move(self, member: Member, group: str | None) -> None:
        """Puts a member into a group, or with ``None`` back to the circle."""
        await self.ask(lambda id: m.PairsMove(id, member, group))

    async def extend_pairs(self, seconds: float) -> None:
        """Gives the groups more time."""
        await self.ask(lambda id: m.PairsExtend(id, seconds))

    async def say_to_all(self, body: str | bytes) -> None:
        """Sends a notice to all groups and the circle."""
        await self.ask(lambda id: m.PairsSay(id, body))

    async def close_pairs(self, grace: float = 30) -> None:
        """Calls everybody back, with ``grace`` seconds to finish."""
        await self.ask(lambda id: m.PairsClose(id, grace))

    async def visit(self, group: str) -> None:
        """Visits a group; the room announces the visit there first."""
        await self.ask(lambda id: m.PairsVisit(id, group))

    async def end_visit(self) -> None:
        """Returns from a visit."""
        await self.ask(m.PairsReturn)


class RoomCommands(Commands):
    """Roles, settings and the room itself, for facilitators."""

    async def mute_all(
        self, *kinds: str, except_: Iterable[Member] = (), hold: bool = True
    ) -> None:
        """Mutes all members but ``except_``."""
        spared = tuple(except_)
        await self.ask(lambda id: m.MuteAll(id, kinds, spared, hold))

    async def lock(self) -> None:
        """Locks the room: nobody new comes in."""
        await self.ask(m.RoomLock)

    async def unlock(self) -> None:
        """Unlocks the room."""
        await self.ask(m.RoomUnlock)

    async def extend(self, seconds: float) -> None:
        """Moves the room's end ``seconds`` later."""
        await self.ask(lambda id: m.RoomExtend(id, seconds))

    async def end_room(self) -> None:
        """Ends the room for everybody."""
        await self.ask(m.RoomEnd)

    async def change_settings(self, **changes: Any) -> None:
        """Changes settings by their names, such as ``chat="staff"``."""
        await self.ask(lambda id: m.RoomSettings(id, **changes))

    async def remove(self, member: Member) -> None:
        """Removes a member; nobody can resume their seat."""
        await self.ask(lambda id: m.MemberRemove(id, member))

    async def give_role(self, member: Member, role: str) -> None:
        """Makes somebody ``facilitator``, ``member`` or ``guest``."""
        await self.ask(lambda id: m.RoleGive(id, member, role))


class EveningCommands(Commands):
    """Agenda, mood question, nudges and breathing."""

    async def start_agenda(self) -> None:
        """Begins the first stage."""
        await self.ask(m.AgendaStart)

    async def next_stage(self, at: int | None = None) -> None:
        """Begins the next stage; with ``at``, only if that stage is the present one."""
        await self.ask(lambda id: m.AgendaNext(id, at))

    async def previous_stage(self, at: int | None = None) -> None:
        """Goes back one stage; with ``at``, only if that stage is the present one."""
        await self.ask(lambda id: m.AgendaBack(id, at))

    async def extend_stage(self, seconds: float) -> None:
        """Gives the stage more time."""
        await self.ask(lambda id: m.AgendaExtend(id, seconds))

    async def edit_agenda(self, stages: Iterable[Mapping[str, Any]], at: int | None = None) -> None:
        """Replaces the agenda; ``at`` is the place of the present stage among ``stages``.

        Raises ``Invalid`` (of ``sitwith_protocol.checks``) if ``stages`` does not fit.
        """
        written = read_stages(list(stages))
        await self.ask(lambda id: m.AgendaEdit(id, written, at))

    async def ask_mood(self) -> None:
        """Asks everybody how they are, 1 to 5."""
        await self.ask(m.MoodAsk)

    async def nudge(self, member: Member) -> None:
        """Asks a member in private whether they want to speak; at most every 10 minutes each."""
        await self.ask(lambda id: m.VoiceNudge(id, member))

    async def close_mood(self) -> None:
        """Ends the mood question."""
        await self.ask(m.MoodClose)

    async def start_breathing(self, pattern: Iterable[float], seconds: float) -> None:
        """Starts breathing together; ``pattern`` is the seconds of each phase of a breath."""
        phases = tuple(pattern)
        await self.ask(lambda id: m.BreatheStart(id, phases, seconds))

    async def stop_breathing(self) -> None:
        """Ends the breathing."""
        await self.ask(m.BreatheStop)
