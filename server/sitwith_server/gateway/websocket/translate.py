"""Translates between the wire's messages and the room's commands. Only this module knows both."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sitwith_protocol import messages as m
from sitwith_protocol.codec import encode
from sitwith_protocol.errors import RefusalCode
from sitwith_protocol.shapes import fields_of
from sitwith_server.gateway.stages import to_stages
from sitwith_server.gateway.websocket.positions import PositionSealer
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.chat.access import shown_as
from sitwith_server.room.chat.talk import Said
from sitwith_server.room.family import Rule
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.room.model import Kind, Role
from sitwith_server.room.rules import RULES
from sitwith_server.service.people.names import Name, NameRefused, clean
from sitwith_server.service.people.tokens import new_id
from sitwith_server.service.rooms.answers import Answer, Ok
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.store import chat_frame

Frame = Mapping[str, object]


class Untranslatable(ValueError):
    """A well-formed command with an impossible value; refused with `bad_request` and this text."""


def to_command(message: m.Command, me: str) -> c.Command:
    """The room's command for a command of the wire by the seat `me`.

    Raises:
        Untranslatable: the name can't be used.
    """
    return _COMMANDS[message.t](message, me)


def to_name(name: str) -> Name | None:
    """The cleaned name with its skeleton; None if the name can't be used."""
    try:
        return clean(name)
    except NameRefused:
        return None


def answer_frame(command_id: int, answer: Answer) -> Frame:
    if isinstance(answer, Ok):
        return m.Ok(command_id, answer.fields).to_map()
    return refused_frame(command_id, answer.code, answer.message)


def refused_frame(command_id: int, code: RefusalCode, message: str | None = None) -> Frame:
    return m.Refused(command_id, str(code), message or code.text).to_map()


def chat_payload(chat: ChatEntry, viewer: str, sealer: PositionSealer) -> bytes:
    """A conversation's entry as `viewer` gets it, encoded. A message is stored encoded."""
    stream = chat.entry.stream
    to, position = shown_as(stream, viewer), sealer.seal(stream, chat.entry.position)
    what = chat.what
    if isinstance(what, Said):
        return chat_frame(chat.entry.blob, to, position, chat.entry.at)
    return encode(m.ChatDeleted(to, what.n, position).to_map())


def _kinds(names: tuple[str, ...]) -> frozenset[Kind]:
    return frozenset(Kind(name) for name in names)


def _seed() -> int:
    return secrets.randbits(63)


def _level(word: str | None) -> Level | None:
    return None if word is None else Level(word)


_READ: Mapping[str, Callable[[Any], object]] = {
    "kinds": _kinds,
    "level": _level,
    "role": Role,
    "stages": to_stages,
}
"""Conversions of fields whose values differ between wire and room."""


def _by_fields(rule: Rule) -> Callable[[Any, str], c.Command]:
    """Makes a translation for a command whose fields have the same names on the wire. It fills in a
    random `seed` if the command has one."""
    command: Callable[..., c.Command] = rule.command
    names = [each.attribute for each in fields_of(m.COMMANDS[rule.wire]) if each.attribute != "id"]
    seeded = any(field.name == "seed" for field in fields(rule.command))

    def make(message: Any, me: str) -> c.Command:
        given = {name: getattr(message, name) for name in names}
        read = {name: _READ[name](given[name]) for name in names if name in _READ}
        chance = {"seed": _seed()} if seeded else {}
        return command(by=me, **given | read | chance)

    return make


def _rename(message: m.SelfRename, me: str) -> c.Command:
    name = to_name(message.name)
    if name is None or name.role:
        raise Untranslatable("This name can't be used.")
    return c.SelfRename(by=me, name=name.shown, skeleton=name.skeleton)


def _accept(message: m.AgreementAccept, me: str) -> c.Command:
    version = message.version if isinstance(message.version, int) else -1
    return c.AgreementAccept(by=me, version=version)


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


_OTHERS: Mapping[str, Callable[[Any, str], c.Command]] = {
    "agreement.accept": _accept,
    "pairs.say": lambda w, me: c.Say(by=me, to="circle", body=w.body, notice=True),
    "mute.all": lambda w, me: c.MuteAll(
        by=me, kinds=_kinds(w.kinds), sparing=w.except_, hold=w.hold
    ),
    "lobby.decline_all": lambda w, me: c.LobbyDeclineAll(by=me, invite=w.link),
    "link.replace": lambda w, me: c.LinkReplace(
        by=me, invite=w.link, new=new_id("i"), digest=w.digest, inside=w.inside
    ),
    "room.settings": lambda w, me: c.RoomSettings(by=me, changes=w.changes),
    "self.rename": _rename,
    "care.card": _card,
    "material.link": _show(MaterialKind.LINK, "url"),
    "material.text": _show(MaterialKind.TEXT, "text"),
    "material.upload": _upload,
    "media.offer": _media,
    "media.servers": _media,
    "media.take": _media,
}
"""Translations of commands whose fields differ."""

_COMMANDS: Mapping[str, Callable[[Any, str], c.Command]] = {
    rule.wire: _OTHERS.get(rule.wire) or _by_fields(rule) for rule in RULES
}
