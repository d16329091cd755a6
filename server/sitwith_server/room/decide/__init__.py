"""`decide`: what a command comes to. Pure; a refusal has no events and so changes nothing.

The checks come in the order of CONTRACT §3: phase, rights, then target and state. (Shape is the
wire's; it has been checked before a command exists.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sitwith_server.room import commands as c
from sitwith_server.room.decide import (
    agenda,
    breathe,
    care,
    door,
    entry,
    equal,
    floor,
    guests,
    inbox,
    linking,
    materials,
    media,
    milestones,
    moderate,
    mood,
    pairs,
    series,
    time,
)
from sitwith_server.room.decide.draft import Draft, Refusal, Refused, not_allowed, stale
from sitwith_server.room.events import Event
from sitwith_server.room.model import OPERATOR, Phase, Role, RoomState, Seat
from sitwith_server.room.planned import Ahead, Asked, Planned
from sitwith_server.room.rules import Rule, Who, rule_for

__all__ = ["Refusal", "Verdict", "check_rights", "decide", "plan_asked"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has happened, what the answer says beyond `ok`, and the state after it, in which the
    events are folded already; None where nothing has happened."""

    events: tuple[Event, ...]
    answer: Mapping[str, object] = field(default_factory=dict)
    after: RoomState | None = field(default=None, compare=False, repr=False)


def decide(
    state: RoomState, command: c.Command, now: float, planned: Planned | None = None
) -> Verdict | Refusal:
    """Decides one command of the control log.

    Words (`Say`, `Unsay`, `React`) go to conversations of their own: `room.talk`.

    planned: a plan that was made ahead of it (`plan_asked`). The verdict is the same without; one
    that was made for something else is not used.
    """
    draft = Draft(state, now, planned=planned)
    try:
        check_rights(state, command)
        if not (state.ended and isinstance(command, _FROM_NOBODY)):
            _RULES[type(command)](draft, command)
            if draft.events:
                care.settle(draft)
                agenda.settle(draft)
                equal.settle(draft)
                time.settle(draft)
    except Refused as refused:
        return refused.refusal
    return Verdict(tuple(draft.events), draft.answer, draft.state if draft.events else None)


def plan_asked(state: RoomState, command: c.Command, now: float) -> Asked | None:
    """What has to be planned to decide this command, for `Asked.solved`; None where nothing has.

    Cheap: it goes as far as the plan. `decide(state, command, now, asked.solved())` then plans
    nothing; on a later state it does only if `plan_asked` says something else by then.
    """
    if not isinstance(command, _PLANNING) or state.ended:
        return None
    stages = () if state.agenda is None else state.agenda.stages
    if not isinstance(command, c.PairsPlan) and all(stage.pairs is None for stage in stages):
        return None
    try:
        check_rights(state, command)
        _RULES[type(command)](Draft(state, now, ahead=True), command)
    except Ahead as ahead:
        return ahead.asked
    except Refused:
        pass
    return None


def check_rights(state: RoomState, command: c.Command) -> None:
    """Phase and rights, by the table of `rules`.

    Raises:
        Refused: `not_inside`, `stale` (a phase that is over), `not_allowed`.
    """
    rule = rule_for(command)
    if rule is None or command.by == OPERATOR:
        return
    seat = state.seats.get(command.by)
    if seat is None or state.ended:
        raise Refused("not_inside", "You are not inside.")
    if rule.phase is Phase.AGREEMENT:
        if seat.phase is not Phase.AGREEMENT:
            raise stale("You have accepted already.")
        return
    if not seat.is_inside:
        raise Refused("not_inside", "You are not inside yet.")
    _check_role(state, seat, rule)


def _check_role(state: RoomState, seat: Seat, rule: Rule) -> None:
    if rule.who is Who.FACILITATOR and not seat.facilitates:
        raise not_allowed("Only a facilitator may do this.")
    if rule.who is Who.OF_CIRCLE and seat.role is Role.GUEST:
        raise not_allowed("This is not for guests.")
    if rule.who is Who.IN_GROUP and state.group_of(seat.id) is None:
        raise not_allowed("You are not in a group.")


_PLANNING = (c.PairsPlan, c.AgendaStart, c.AgendaNext, c.AgendaBack, c.Tick)
"""What may put people into groups."""

_FROM_NOBODY = (
    c.Tick,
    c.Forget,
    c.Thaw,
    c.LoseConnection,
    c.AddInvite,
    c.RevokeInvite,
    c.PinMedia,
    c.AddTalk,
    c.LineMoved,
    c.MaterialLose,
    c.SeriesForget,
    c.SeriesDrop,
)
"""What may still come once a room has ended, and then changes nothing."""


_RULES: dict[type[c.Command], Callable[[Draft, Any], None]] = {
    c.TakeSeat: entry.take_seat,
    c.TakeBack: entry.take_back,
    c.LoseConnection: entry.lose_connection,
    c.AgreementAccept: entry.accept_agreement,
    c.LobbyAdmit: entry.admit,
    c.LobbyAdmitAll: entry.admit_all,
    c.LobbyDecline: entry.decline,
    c.LobbyDeclineAll: door.decline_all,
    c.LinkReplace: entry.replace_link,
    c.AgreementReading: door.note_sign,
    c.LobbyReturn: entry.send_back,
    c.Leave: entry.leave,
    c.Tick: time.tick,
    c.Forget: time.forget,
    c.RoomExtend: time.extend,
    c.Thaw: time.thaw,
    c.Reassert: moderate.reassert,
    c.AddInvite: moderate.add_invite,
    c.RevokeInvite: moderate.revoke_invite,
    c.RoomLock: moderate.lock,
    c.RoomUnlock: moderate.unlock,
    c.RoomEnd: moderate.end,
    c.RoomSettings: moderate.change_settings,
    c.MemberRemove: moderate.remove,
    c.RoleGive: moderate.give_role,
    c.SelfRename: moderate.rename,
    c.SelfAway: moderate.step_away,
    c.Mute: moderate.mute,
    c.Unmute: moderate.unmute,
    c.MuteAll: moderate.mute_all,
    c.HandRaise: floor.raise_hand,
    c.HandLower: floor.lower_hand,
    c.FloorOpen: floor.open_floor,
    c.FloorQuiet: floor.quiet_floor,
    c.FloorRound: floor.begin_round,
    c.FloorStick: floor.begin_stick,
    c.FloorPass: floor.pass_on,
    c.FloorLater: floor.later,
    c.FloorExtend: floor.extend,
    c.FloorPause: floor.pause,
    c.FloorResume: floor.resume,
    c.PairsPlan: pairs.plan,
    c.PairsOpen: pairs.open_pairs,
    c.PairsMove: pairs.move,
    c.PairsExtend: pairs.extend,
    c.PairsClose: pairs.close,
    c.PairsVisit: pairs.visit,
    c.PairsReturn: pairs.end_own_visit,
    c.TopicsSet: linking.set_topics,
    c.ConcernsOffer: linking.offer_concerns,
    c.HelpAsk: pairs.ask_help,
    c.HelpDone: pairs.help_done,
    c.CareFlag: care.flag,
    c.CareWithdraw: care.withdraw,
    c.CareWorry: care.worry,
    c.CareTake: care.take,
    c.CareDone: care.done,
    c.CareAside: care.aside,
    c.CareBack: care.back,
    c.CareCard: care.keep_card,
    c.CareOpen: care.open_card,
    c.StaffClaim: inbox.claim,
    c.StaffRelease: inbox.release,
    c.LineMoved: inbox.moved,
    c.AgendaStart: agenda.start,
    c.AgendaNext: agenda.go_on,
    c.AgendaBack: agenda.go_back,
    c.AgendaExtend: agenda.extend,
    c.AgendaEdit: agenda.edit,
    c.MoodAsk: mood.ask,
    c.MoodAnswer: mood.answer,
    c.MoodClose: mood.close,
    c.MilestoneShare: milestones.share,
    c.MilestoneClear: milestones.clear,
    c.VoiceNudge: equal.nudge,
    c.VoiceDismiss: equal.dismiss,
    c.MaterialShow: materials.show,
    c.MaterialUpload: materials.upload,
    c.MaterialBring: materials.bring,
    c.MaterialOpen: materials.open_file,
    c.MaterialHide: materials.hide,
    c.MaterialLose: materials.lose,
    c.GuestBring: guests.bring,
    c.GuestRest: guests.rest,
    c.BreatheStart: breathe.start,
    c.BreatheStop: breathe.stop,
    c.SeriesBegin: series.begin,
    c.SeriesForget: series.forget,
    c.SeriesDrop: series.drop,
    c.Media: media.check,
    c.PinMedia: media.pin,
    c.AddTalk: media.add_talk,
}
