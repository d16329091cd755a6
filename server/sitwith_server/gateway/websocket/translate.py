"""Between the wire's messages and the room's commands. The one file that knows both."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from sitwith_protocol import messages as m
from sitwith_protocol.codec import encode
from sitwith_protocol.errors import RefusalCode
from sitwith_server.gateway.stages import to_stages
from sitwith_server.gateway.websocket.numbers import Places
from sitwith_server.room import commands as c
from sitwith_server.room.access import shown_as
from sitwith_server.room.care import Card, Level
from sitwith_server.room.materials import MaterialKind
from sitwith_server.room.model import Kind, Role
from sitwith_server.room.talk import Said
from sitwith_server.service.people.names import Name, NameRefused, clean
from sitwith_server.service.people.tokens import new_id
from sitwith_server.service.rooms.answers import Answer, Done
from sitwith_server.service.rooms.store import chat_frame
from sitwith_server.service.rooms.talking import Words

Frame = Mapping[str, object]


class Untranslatable(ValueError):
    """A message of good shape that means nothing: answered `bad_request`. Says why in words."""


def to_command(message: m.Command, me: str) -> c.Command:
    """The room's command for a message of the seat `me`.

    Raises:
        Untranslatable: a name that may not be.
    """
    return _COMMANDS[type(message)](message, me)


def to_name(name: str) -> Name | None:
    """A cleaned name with its skeleton; None where the name may not be."""
    try:
        return clean(name)
    except NameRefused:
        return None


def answer_frame(command_id: int, answer: Answer) -> Frame:
    if isinstance(answer, Done):
        return m.Ok(command_id, answer.fields).to_map()
    return refused_frame(command_id, answer.code, answer.message)


def refused_frame(command_id: int, code: RefusalCode, message: str | None = None) -> Frame:
    return m.Refused(command_id, str(code), message or code.text).to_map()


def words_payload(words: Words, viewer: str, places: Places) -> bytes:
    """A conversation's entry as `viewer` gets it, encoded: a message is so already."""
    stream = words.entry.stream
    to, position = shown_as(stream, viewer), places.seal(stream, words.entry.position)
    what = words.what
    if isinstance(what, Said):
        return chat_frame(words.entry.blob, to, position, words.entry.at)
    return encode(m.ChatDeleted(to, what.n, position).to_map())


def _kinds(names: tuple[str, ...]) -> frozenset[Kind]:
    return frozenset(Kind(name) for name in names)


def _rename(message: m.SelfRename, me: str) -> c.Command:
    name = to_name(message.name)
    if name is None or name.role:
        raise Untranslatable("This name can't be used.")
    return c.SelfRename(by=me, name=name.shown, skeleton=name.skeleton)


def _accept(message: m.AgreementAccept, me: str) -> c.Command:
    version = message.version if isinstance(message.version, int) else -1
    return c.AgreementAccept(by=me, version=version)


def _seed() -> int:
    return secrets.randbits(63)


def _plan(message: m.PairsPlan, me: str) -> c.Command:
    return c.PairsPlan(
        by=me,
        seed=_seed(),
        how=message.how,
        size=message.size,
        avoid=message.avoid,
        facilitators=message.facilitators,
        pins=message.pins,
    )


def _plain(command: Callable[..., c.Command], *fields: str) -> Callable[[Any, str], c.Command]:
    """A command whose fields are the message's, by the same names."""

    def make(message: Any, me: str) -> c.Command:
        return command(by=me, **{name: getattr(message, name) for name in fields})

    return make


def _worry(message: m.CareWorry, me: str) -> c.Command:
    level = None if message.level is None else Level(message.level)
    return c.CareWorry(by=me, member=message.member, level=level)


def _card(message: m.CareCard, me: str) -> c.Command:
    card = Card(message.location, message.phone, message.note)
    return c.CareCard(by=me, card=None if card == Card() else card)


def _show(kind: MaterialKind, field: str) -> Callable[[Any, str], c.Command]:
    def make(message: Any, me: str) -> c.Command:
        return c.MaterialShow(
            by=me,
            material=new_id("t"),
            what=kind,
            body=getattr(message, field),
            title=message.title,
        )

    return make


def _upload(message: m.MaterialUpload, me: str) -> c.Command:
    kind = MaterialKind(message.kind)
    return c.MaterialUpload(by=me, material=new_id("f"), what=kind, title=message.title)


def _media(message: m.Command, me: str) -> c.Command:
    return c.Media(by=me, name=message.t)


_COMMANDS: Mapping[type, Callable[[Any, str], c.Command]] = {
    m.AgreementAccept: _accept,
    m.ChatSay: lambda w, me: c.Say(by=me, to=w.to, body=w.body),
    m.PairsSay: lambda w, me: c.Say(by=me, to="circle", body=w.body, notice=True),
    m.ChatDelete: lambda w, me: c.Unsay(by=me, to=w.to, n=w.n),
    m.React: _plain(c.React, "kind", "to"),
    m.HandRaise: _plain(c.HandRaise),
    m.HandLower: _plain(c.HandLower, "member"),
    m.FloorOpen: _plain(c.FloorOpen),
    m.FloorQuiet: _plain(c.FloorQuiet),
    m.FloorRound: _plain(c.FloorRound, "order", "seconds", "starter"),
    m.FloorStick: _plain(c.FloorStick, "to", "seconds"),
    m.FloorPass: _plain(c.FloorPass, "to"),
    m.FloorLater: _plain(c.FloorLater, "last"),
    m.FloorExtend: _plain(c.FloorExtend, "seconds"),
    m.FloorPause: _plain(c.FloorPause),
    m.FloorResume: _plain(c.FloorResume),
    m.Mute: lambda w, me: c.Mute(by=me, member=w.member, kinds=_kinds(w.kinds)),
    m.Unmute: lambda w, me: c.Unmute(by=me, member=w.member, kinds=_kinds(w.kinds)),
    m.MuteAll: lambda w, me: c.MuteAll(
        by=me, kinds=_kinds(w.kinds), sparing=w.except_, hold=w.hold
    ),
    m.PairsPlan: _plan,
    m.PairsOpen: _plain(c.PairsOpen, "groups", "seconds"),
    m.PairsMove: _plain(c.PairsMove, "member", "group"),
    m.PairsExtend: _plain(c.PairsExtend, "seconds"),
    m.PairsClose: _plain(c.PairsClose, "grace"),
    m.PairsVisit: _plain(c.PairsVisit, "group"),
    m.PairsReturn: _plain(c.PairsReturn),
    m.HelpAsk: _plain(c.HelpAsk),
    m.HelpDone: _plain(c.HelpDone, "member"),
    m.LobbyAdmit: _plain(c.LobbyAdmit, "person"),
    m.LobbyAdmitAll: _plain(c.LobbyAdmitAll),
    m.LobbyDecline: _plain(c.LobbyDecline, "person"),
    m.LobbyDeclineAll: lambda w, me: c.LobbyDeclineAll(by=me, invite=w.link),
    m.LinkReplace: lambda w, me: c.LinkReplace(
        by=me, invite=w.link, new=new_id("i"), digest=w.digest, inside=w.inside
    ),
    m.AgreementReading: _plain(c.AgreementReading),
    m.LobbyReturn: _plain(c.LobbyReturn, "member"),
    m.RoomLock: _plain(c.RoomLock),
    m.RoomUnlock: _plain(c.RoomUnlock),
    m.RoomEnd: _plain(c.RoomEnd),
    m.RoomExtend: _plain(c.RoomExtend, "seconds"),
    m.RoomSettings: lambda w, me: c.RoomSettings(by=me, changes=w.changes),
    m.MemberRemove: _plain(c.MemberRemove, "member"),
    m.RoleGive: lambda w, me: c.RoleGive(by=me, member=w.member, role=Role(w.role)),
    m.SelfRename: _rename,
    m.SelfAway: _plain(c.SelfAway, "away"),
    m.Leave: _plain(c.Leave),
    m.CareFlag: lambda w, me: c.CareFlag(by=me, level=Level(w.level)),
    m.CareWithdraw: _plain(c.CareWithdraw),
    m.CareWorry: _worry,
    m.CareTake: _plain(c.CareTake, "member"),
    m.CareDone: _plain(c.CareDone, "member"),
    m.CareAside: lambda w, me: c.CareAside(by=me, member=w.member, seed=_seed()),
    m.CareBack: _plain(c.CareBack, "member"),
    m.CareCard: _card,
    m.CareOpen: _plain(c.CareOpen, "member"),
    m.StaffClaim: _plain(c.StaffClaim, "member"),
    m.StaffRelease: _plain(c.StaffRelease, "member"),
    m.AgendaStart: lambda w, me: c.AgendaStart(by=me, seed=_seed()),
    m.AgendaNext: lambda w, me: c.AgendaNext(by=me, seed=_seed(), at=w.at),
    m.AgendaBack: lambda w, me: c.AgendaBack(by=me, seed=_seed(), at=w.at),
    m.AgendaExtend: _plain(c.AgendaExtend, "seconds"),
    m.AgendaEdit: lambda w, me: c.AgendaEdit(by=me, stages=to_stages(w.stages), at=w.at),
    m.MoodAsk: _plain(c.MoodAsk),
    m.MoodAnswer: _plain(c.MoodAnswer, "value"),
    m.MoodClose: _plain(c.MoodClose),
    m.MilestoneShare: lambda w, me: c.MilestoneShare(by=me, text=w.text, seed=_seed()),
    m.MilestoneClear: _plain(c.MilestoneClear, "n"),
    m.VoiceNudge: _plain(c.VoiceNudge, "member"),
    m.VoiceDismiss: _plain(c.VoiceDismiss),
    m.MaterialLink: _show(MaterialKind.LINK, "url"),
    m.MaterialText: _show(MaterialKind.TEXT, "text"),
    m.MaterialUpload: _upload,
    m.MaterialOpen: _plain(c.MaterialOpen, "material"),
    m.MaterialHide: _plain(c.MaterialHide, "material"),
    m.GuestBring: _plain(c.GuestBring),
    m.GuestRest: _plain(c.GuestRest),
    m.BreatheStart: _plain(c.BreatheStart, "pattern", "seconds"),
    m.BreatheStop: _plain(c.BreatheStop),
    m.TopicsSet: _plain(c.TopicsSet, "tags"),
    m.ConcernsOffer: _plain(c.ConcernsOffer, "concerns"),
    m.MediaOffer: _media,
    m.MediaServers: _media,
    m.MediaTake: _media,
}
