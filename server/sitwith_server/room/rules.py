"""Who may ask for what. ROOM.md's table is generated from this one.

The checks that these tables make come in the order of CONTRACT §3: phase, then rights. Where a
right depends on more than a role (the holder, the author, one's own microphone) the table says so
in words and the rule's own function looks closer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sitwith_server.room import commands as c
from sitwith_server.room.model import Phase


class Who(StrEnum):
    ANYONE = "anyone inside"
    OF_CIRCLE = "member, facilitator"
    FACILITATOR = "facilitator"
    SELF_OR_FACILITATOR = "oneself, facilitator"
    AUTHOR_OR_FACILITATOR = "author, facilitator"
    HOLDER_OR_FACILITATOR = "holder, facilitator"
    IN_TURN = "holder, whoever is still to come"
    IN_GROUP = "in a group"


@dataclass(frozen=True, slots=True)
class Rule:
    wire: str
    command: type[c.Command]
    who: Who
    phase: Phase = Phase.INSIDE


RULES: tuple[Rule, ...] = (
    Rule("chat.say", c.Say, Who.ANYONE),
    Rule("chat.delete", c.Unsay, Who.AUTHOR_OR_FACILITATOR),
    Rule("react", c.React, Who.ANYONE),
    Rule("hand.raise", c.HandRaise, Who.OF_CIRCLE),
    Rule("hand.lower", c.HandLower, Who.SELF_OR_FACILITATOR),
    Rule("floor.open", c.FloorOpen, Who.FACILITATOR),
    Rule("floor.quiet", c.FloorQuiet, Who.FACILITATOR),
    Rule("floor.round", c.FloorRound, Who.FACILITATOR),
    Rule("floor.stick", c.FloorStick, Who.FACILITATOR),
    Rule("floor.pass", c.FloorPass, Who.HOLDER_OR_FACILITATOR),
    Rule("floor.later", c.FloorLater, Who.IN_TURN),
    Rule("floor.extend", c.FloorExtend, Who.FACILITATOR),
    Rule("floor.pause", c.FloorPause, Who.FACILITATOR),
    Rule("floor.resume", c.FloorResume, Who.FACILITATOR),
    Rule("mute", c.Mute, Who.SELF_OR_FACILITATOR),
    Rule("unmute", c.Unmute, Who.SELF_OR_FACILITATOR),
    Rule("mute.all", c.MuteAll, Who.FACILITATOR),
    Rule("pairs.plan", c.PairsPlan, Who.FACILITATOR),
    Rule("pairs.open", c.PairsOpen, Who.FACILITATOR),
    Rule("pairs.move", c.PairsMove, Who.FACILITATOR),
    Rule("pairs.extend", c.PairsExtend, Who.FACILITATOR),
    Rule("pairs.say", c.Say, Who.FACILITATOR),
    Rule("pairs.close", c.PairsClose, Who.FACILITATOR),
    Rule("pairs.visit", c.PairsVisit, Who.FACILITATOR),
    Rule("pairs.return", c.PairsReturn, Who.FACILITATOR),
    Rule("help.ask", c.HelpAsk, Who.IN_GROUP),
    Rule("help.done", c.HelpDone, Who.FACILITATOR),
    Rule("lobby.admit", c.LobbyAdmit, Who.FACILITATOR),
    Rule("lobby.admit_all", c.LobbyAdmitAll, Who.FACILITATOR),
    Rule("lobby.decline", c.LobbyDecline, Who.FACILITATOR),
    Rule("lobby.decline_all", c.LobbyDeclineAll, Who.FACILITATOR),
    Rule("lobby.return", c.LobbyReturn, Who.FACILITATOR),
    Rule("link.replace", c.LinkReplace, Who.FACILITATOR),
    Rule("room.lock", c.RoomLock, Who.FACILITATOR),
    Rule("room.unlock", c.RoomUnlock, Who.FACILITATOR),
    Rule("room.end", c.RoomEnd, Who.FACILITATOR),
    Rule("room.extend", c.RoomExtend, Who.FACILITATOR),
    Rule("room.settings", c.RoomSettings, Who.FACILITATOR),
    Rule("member.remove", c.MemberRemove, Who.FACILITATOR),
    Rule("role.give", c.RoleGive, Who.FACILITATOR),
    Rule("self.rename", c.SelfRename, Who.ANYONE),
    Rule("self.away", c.SelfAway, Who.ANYONE),
    Rule("leave", c.Leave, Who.ANYONE),
    Rule("agreement.accept", c.AgreementAccept, Who.ANYONE, Phase.AGREEMENT),
    Rule("agreement.reading", c.AgreementReading, Who.ANYONE, Phase.AGREEMENT),
    Rule("care.flag", c.CareFlag, Who.ANYONE),
    Rule("care.withdraw", c.CareWithdraw, Who.ANYONE),
    Rule("care.worry", c.CareWorry, Who.OF_CIRCLE),
    Rule("care.take", c.CareTake, Who.FACILITATOR),
    Rule("care.done", c.CareDone, Who.FACILITATOR),
    Rule("care.aside", c.CareAside, Who.FACILITATOR),
    Rule("care.back", c.CareBack, Who.SELF_OR_FACILITATOR),
    Rule("care.card", c.CareCard, Who.ANYONE),
    Rule("care.open", c.CareOpen, Who.FACILITATOR),
    Rule("staff.claim", c.StaffClaim, Who.FACILITATOR),
    Rule("staff.release", c.StaffRelease, Who.FACILITATOR),
    Rule("agenda.start", c.AgendaStart, Who.FACILITATOR),
    Rule("agenda.next", c.AgendaNext, Who.FACILITATOR),
    Rule("agenda.back", c.AgendaBack, Who.FACILITATOR),
    Rule("agenda.extend", c.AgendaExtend, Who.FACILITATOR),
    Rule("agenda.edit", c.AgendaEdit, Who.FACILITATOR),
    Rule("mood.ask", c.MoodAsk, Who.FACILITATOR),
    Rule("mood.answer", c.MoodAnswer, Who.OF_CIRCLE),
    Rule("mood.close", c.MoodClose, Who.FACILITATOR),
    Rule("milestone.share", c.MilestoneShare, Who.OF_CIRCLE),
    Rule("milestone.clear", c.MilestoneClear, Who.AUTHOR_OR_FACILITATOR),
    Rule("voice.nudge", c.VoiceNudge, Who.FACILITATOR),
    Rule("voice.dismiss", c.VoiceDismiss, Who.ANYONE),
    Rule("material.link", c.MaterialShow, Who.FACILITATOR),
    Rule("material.text", c.MaterialShow, Who.FACILITATOR),
    Rule("material.upload", c.MaterialUpload, Who.FACILITATOR),
    Rule("material.open", c.MaterialOpen, Who.ANYONE),
    Rule("material.hide", c.MaterialHide, Who.FACILITATOR),
    Rule("guest.bring", c.GuestBring, Who.FACILITATOR),
    Rule("guest.rest", c.GuestRest, Who.FACILITATOR),
    Rule("breathe.start", c.BreatheStart, Who.FACILITATOR),
    Rule("breathe.stop", c.BreatheStop, Who.FACILITATOR),
    Rule("topics.set", c.TopicsSet, Who.OF_CIRCLE),
    Rule("concerns.offer", c.ConcernsOffer, Who.FACILITATOR),
    Rule("media.offer", c.Media, Who.ANYONE),
    Rule("media.servers", c.Media, Who.ANYONE),
    Rule("media.take", c.Media, Who.ANYONE),
)

BY_WIRE = {rule.wire: rule for rule in RULES}


def rule_for(command: c.Command) -> Rule | None:
    """The rule of a person's command, or None for what comes from the door, time or operator."""
    if isinstance(command, c.Media):
        return BY_WIRE[command.name]
    if isinstance(command, c.Say):
        return BY_WIRE["pairs.say" if command.notice else "chat.say"]
    return _BY_COMMAND.get(type(command))


_BY_COMMAND = {rule.command: rule for rule in RULES if rule.command not in (c.Say, c.Media)}


def table() -> str:
    """The rules as a Markdown table, as it stands in ROOM.md."""
    rows = [f"| `{r.wire}` | {r.phase} | {r.who} |" for r in RULES]
    return "\n".join(("| command | phase | who |", "|---|---|---|", *rows))
