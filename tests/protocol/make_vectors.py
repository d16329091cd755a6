"""Makes the golden frames in ``protocol/vectors/``: ``python tests/protocol/make_vectors.py``.

``{"good": [...], "lenient": [...], "bad": [...]}`` with entries

- good ``{name, from, hex, map}``: decodes to ``map`` and encodes to exactly ``hex``; ``from`` is
  who sends it, ``client`` or ``server``. Bytes are written ``{"$bin": hex}``.
- lenient ``{name, hex, map}``: decodes to ``map`` though its writer took a longer form.
- bad ``{name, hex, why, reader}``: ``why`` is the class of error, ``CodecError``, ``FrameTooLarge``
  or ``BadMessage``; ``reader`` is ``both`` where every decoder refuses it and ``server`` where
  only the server's limits or shapes do.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from sitwith_protocol import frames as f
from sitwith_protocol import messages as m
from sitwith_protocol.codec import encode
from sitwith_protocol.shapes import Message

FOLDER = Path(__file__).resolve().parents[2] / "protocol" / "vectors"

BIN = bytes(range(0, 256, 17))
POS = b"\x01\x00\x00\x00\x2a\xfe"
MEMBER = "m7Qk2"
OTHER = "m9Zb4"

VIEW: dict[str, object] = {
    "room": "r4Kd",
    "title": "Tuesday circle",
    "agreement": {"version": 1, "text": "What is said here stays here."},
    "members": {
        MEMBER: {
            "name": "Ada",
            "role": "facilitator",
            "seat": 0,
            "here": "here",
            "muted": [],
            "held": [],
            "hand": None,
        },
        OTHER: {
            "name": "Zoë 🌿",
            "role": "member",
            "seat": 1,
            "here": "reconnecting",
            "muted": ["audio", "chat"],
            "held": ["chat"],
            "hand": 1,
        },
    },
    "floor": {
        "mode": "stick",
        "holder": OTHER,
        "turn": 3,
        "ends_at": 1790000000.5,
        "left": None,
        "paused": False,
        "why_paused": [],
        "queue": [OTHER],
        "round": {"order": [MEMBER, OTHER], "done": [MEMBER], "seconds": 90},
    },
    "pairs": None,
    "talk": {OTHER: 12.5},
    "link_key": BIN,
    "concerns": ["Sleep", "Trauer"],
    "topics": [BIN],
    "locked": False,
    "settings": {
        "chat": "all",
        "direct": False,
        "slow_seconds": 0,
        "grace_seconds": 30,
        "lobby": True,
        "facilitators_wait": False,
        "sealed": False,
    },
}

TURN = {
    "urls": ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:5349"],
    "username": "1790000600:u3Fk",
    "credential": "c2lnbmF0dXJl",
}

CLIENT: list[Message] = [
    m.HelloJoin("r4Kd.s3cret", "Zoë"),
    m.HelloResume("opaque", {}),
    m.HelloResume("opaque", {"room": POS, "staff:m7Qk2": b""}),
    m.AgreementAccept(1, 1),
    m.AgreementAccept(1, "2024-05"),
    m.ChatSay(2, "circle", "Good evening — schön, dass ihr da seid 🌙"),
    m.ChatSay(127, "pair:g1", BIN),
    m.ChatSay(128, "direct:" + OTHER, "x" * 300),
    m.ChatDelete(3, "staff:" + MEMBER, 70000),
    m.React(4, "heart_1"),
    m.React(5, "nod", "circle"),
    m.HandRaise(-1),
    m.HandLower(2**53 - 1),
    m.HandLower(6, OTHER),
    m.FloorOpen(7),
    m.FloorQuiet(8),
    m.FloorRound(9),
    m.FloorRound(10, (MEMBER, OTHER), 45, OTHER),
    m.FloorStick(11),
    m.FloorStick(12, MEMBER, 0.5 + 60),
    m.FloorPass(13),
    m.FloorPass(14, OTHER),
    m.FloorLater(15),
    m.FloorLater(16, True),
    m.FloorExtend(17, 7200),
    m.FloorPause(18),
    m.FloorResume(19),
    m.Mute(20, OTHER, ("audio", "video", "chat")),
    m.Unmute(21, OTHER, ("audio",)),
    m.MuteAll(22, ("audio",)),
    m.MuteAll(23, ("chat",), (MEMBER,), False),
    m.PairsPlan(24, "random"),
    m.PairsPlan(25, "fresh", 3, ((MEMBER, OTHER),), True),
    m.PairsPlan(25, "linked", 2, (), False, ((MEMBER, OTHER),)),
    m.PairsOpen(26, ((MEMBER, OTHER), ("m1", "m2", "m3")), 240),
    m.PairsMove(27, OTHER, "g1"),
    m.PairsMove(28, OTHER, None),
    m.PairsExtend(29, 60),
    m.PairsSay(30, "Two more minutes"),
    m.PairsClose(31),
    m.PairsClose(32, 0),
    m.PairsVisit(33, "g1"),
    m.PairsReturn(34),
    m.HelpAsk(35),
    m.HelpDone(36, OTHER),
    m.LobbyAdmit(37, "p5"),
    m.LobbyAdmitAll(38),
    m.LobbyDecline(39, "p5"),
    m.LobbyReturn(40, OTHER),
    m.RoomLock(41),
    m.RoomUnlock(42),
    m.RoomEnd(43),
    m.RoomSettings(44, chat="staff", direct=False, slow_seconds=10, grace_seconds=60),
    m.RoomSettings(45, lobby=True, facilitators_wait=True, sealed=True),
    m.MemberRemove(46, OTHER),
    m.RoleGive(47, OTHER, "facilitator"),
    m.SelfRename(48, "Zoë B"),
    m.SelfAway(49, True),
    m.Leave(50),
    m.CareFlag(51, "quiet"),
    m.CareWithdraw(71),
    m.CareWorry(72, OTHER, "urgent"),
    m.CareWorry(73, OTHER, None),
    m.CareAside(74, OTHER),
    m.CareBack(75, OTHER),
    m.CareCard(76, "3 Elm Row, Leith", "+44 131 496 0000", "Ring twice\n🌙"),
    m.CareCard(77),
    m.CareOpen(78, OTHER),
    m.StaffClaim(79, OTHER),
    m.StaffRelease(80, OTHER),
    m.CareTake(52, OTHER),
    m.CareDone(53, OTHER),
    m.AgendaStart(54),
    m.AgendaNext(55),
    m.AgendaBack(56),
    m.AgendaExtend(57, 120),
    m.AgendaNext(55, 0),
    m.AgendaEdit(56, ({"kind": "open", "seconds": 600},)),
    m.AgendaEdit(
        57,
        (
            {"kind": "breath", "seconds": 90, "auto": True, "breathe": {"pattern": (4, 6)}},
            {"kind": "round", "seconds": 600.5, "floor": "round", "rounds": ({"prompt": "Now?"},)},
            {"kind": "pairs", "seconds": 300, "pairs": {"size": 2, "how": "fresh"}},
        ),
        1,
    ),
    m.MoodAsk(58),
    m.MoodAnswer(59, 4),
    m.MoodClose(60),
    m.MilestoneShare(81, "Ein Jahr 🌱"),
    m.MilestoneShare(82, BIN),
    m.MilestoneClear(83, 70),
    m.VoiceNudge(84, OTHER),
    m.VoiceDismiss(85),
    m.RoomSettings(86, queue_order="least_heard"),
    m.BreatheStart(61, (4, 7, 8), 90),
    m.BreatheStop(62),
    m.TopicsSet(63, (BIN, b"\x00")),
    m.ConcernsOffer(64, ("Sleep", "Schlaf 🌙")),
    m.MediaOffer(65536, "v=0\r\n"),
    m.MediaServers(65537),
    m.MediaTake(65538, "low"),
    m.Ping(65539),
]

SERVER: list[Message | f.Ok] = [
    f.Welcome(MEMBER, "member", "agreement", "opaque", {"title": "Tuesday circle"}, False),
    f.Welcome(
        MEMBER,
        "facilitator",
        "inside",
        "opaque",
        VIEW,
        True,
        {"room": POS, "circle": POS},
        1790000000.5,
    ),
    f.Lobby(),
    f.Entered(VIEW, {"room": POS}),
    f.RoomFrame(12, POS, "floor", {"floor": VIEW["floor"]}, MEMBER),
    f.RoomFrame(13, POS, "tick", {"notice": "no_facilitator", "lobby": []}),
    f.Chat("circle", 1, POS, OTHER, 1790000000.25, "hello"),
    f.Chat("circle", 2, POS, MEMBER, 1790000001.25, BIN, notice=True),
    f.Chat("pair:g1", 3, POS, MEMBER, 1790000002.25, "", deleted=True),
    f.ChatDeleted("pair:g1", 3, POS),
    f.Ok(1, {}),
    f.Ok(2, {"to": "circle", "n": 4}),
    f.Ok(3, {"groups": [[MEMBER, OTHER]]}),
    f.Ok(4, {"sdp": "v=0\r\n"}),
    f.Ok(5, {"servers": [TURN], "ttl": 600, "relay": False}),
    f.Refused(4, "not_allowed", "You may not do that here."),
    f.Reaction(OTHER, "heart_1"),
    m.MediaMap({"0": OTHER, "1": None}),
    m.MediaLost(),
    m.Speaking(()),
    m.Speaking((OTHER, MEMBER)),
    f.Pong(65539),
    f.Reconnect(1500),
    f.Gap("circle", (3, 5)),
    f.Gap("room", None),
    f.Closed(4403),
]


def text(value: str) -> bytes:
    """A MessagePack fixstr."""
    raw = value.encode()
    return bytes([0xA0 | len(raw)]) + raw


LEAVE = text("t") + text("leave") + text("id")  # lacks only the id's value


def frame(entries: int, body: bytes) -> bytes:
    """A fixmap of so many entries."""
    return bytes([0x80 | entries]) + body


def nested(levels: int) -> bytes:
    """A ``leave`` with an array of arrays, ``levels`` deep in all, the map counted."""
    return frame(2, text("t") + text("leave") + text("x") + b"\x91" * (levels - 2) + b"\x90")


LENIENT: list[tuple[str, bytes]] = [
    ("id as int64", frame(2, LEAVE + b"\xd3" + struct.pack(">q", 5))),
    ("id as uint64", frame(2, LEAVE + b"\xcf" + struct.pack(">Q", 5))),
    ("id as uint16", frame(2, LEAVE + b"\xcd\x00\x05")),
    ("keys as str8", frame(2, b"\xd9\x01t" + text("leave") + b"\xda\x00\x02id\x05")),
    ("type as str32", frame(2, b"\xa1t\xdb\x00\x00\x00\x05leave" + text("id") + b"\x05")),
    ("map16", b"\xde\x00\x02" + LEAVE + b"\x05"),
    ("map32", b"\xdf\x00\x00\x00\x02" + LEAVE + b"\x05"),
    ("float32 seconds", frame(3, text("t") + text("floor.extend") + text("id") + b"\x05"
     + text("seconds") + b"\xca" + struct.pack(">f", 2.5))),
    ("array32 and bin32", frame(2, text("t") + text("x") + text("l")
     + b"\xdd\x00\x00\x00\x01\xc6\x00\x00\x00\x02\x01\x02")),
    ("eight levels", nested(8)),
]  # fmt: skip


def _float(raw: bytes) -> bytes:
    return frame(3, text("t") + text("floor.extend") + text("id") + b"\x05" + text("seconds") + raw)


BAD_BYTES: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "CodecError"),
    ("never used byte", b"\xc1", "CodecError"),
    ("cut in the map", frame(2, LEAVE), "CodecError"),
    ("cut in a text", frame(1, text("t") + b"\xa5lea"), "CodecError"),
    ("trailing byte", frame(2, LEAVE + b"\x05") + b"\x00", "CodecError"),
    ("two maps", frame(2, LEAVE + b"\x05") * 2, "CodecError"),
    ("top level array", b"\x92" + text("t") + text("leave"), "CodecError"),
    ("top level nil", b"\xc0", "CodecError"),
    ("top level text", text("leave"), "CodecError"),
    ("empty map", b"\x80", "CodecError"),
    ("no t", frame(1, text("id") + b"\x05"), "CodecError"),
    ("t an integer", frame(2, text("t") + b"\x05" + text("id") + b"\x05"), "CodecError"),
    ("t bytes", frame(2, text("t") + b"\xc4\x05leave" + text("id") + b"\x05"), "CodecError"),
    ("duplicate key", frame(3, LEAVE + b"\x05" + text("id") + b"\x06"), "CodecError"),
    ("duplicate key, longer form", frame(3, LEAVE + b"\x05\xd9\x02id\x06"), "CodecError"),
    ("duplicate key deep inside",
     frame(2, text("t") + text("x") + text("m") + b"\x82\xa1a\x01\xa1a\x01"), "CodecError"),
    ("integer key", frame(3, LEAVE + b"\x05\x01\x02"), "CodecError"),
    ("bytes key", frame(3, LEAVE + b"\x05\xc4\x01a\x02"), "CodecError"),
    ("nil key", frame(3, LEAVE + b"\x05\xc0\x02"), "CodecError"),
    ("array key", frame(3, LEAVE + b"\x05\x90\x02"), "CodecError"),
    ("integer key deep inside", frame(2, text("t") + text("x") + text("m") + b"\x81\x01\x02"),
     "CodecError"),
    ("extension", frame(2, LEAVE + b"\xd4\x05\x00"), "CodecError"),
    ("empty extension", frame(2, LEAVE + b"\xc7\x00\x05"), "CodecError"),
    ("timestamp 32", frame(2, LEAVE + b"\xd6\xff\x00\x00\x00\x01"), "CodecError"),
    ("timestamp 64", frame(2, LEAVE + b"\xd7\xff" + bytes(8)), "CodecError"),
    ("timestamp 96", frame(2, LEAVE + b"\xc7\x0c\xff" + bytes(12)), "CodecError"),
    ("float NaN", _float(b"\xcb" + struct.pack(">d", float("nan"))), "CodecError"),
    ("float32 NaN", _float(b"\xca" + struct.pack(">f", float("nan"))), "CodecError"),
    ("infinity", _float(b"\xcb" + struct.pack(">d", float("inf"))), "CodecError"),
    ("minus infinity", _float(b"\xcb" + struct.pack(">d", float("-inf"))), "CodecError"),
    ("no UTF-8", frame(1, text("t") + b"\xa2\xc3\x28"), "CodecError"),
    ("UTF-8 surrogate", frame(1, text("t") + b"\xa3\xed\xa0\x80"), "CodecError"),
    ("overlong UTF-8", frame(1, text("t") + b"\xa2\xc0\xaf"), "CodecError"),
    ("nine levels", nested(9), "CodecError"),
    ("a thousand levels", nested(1000), "CodecError"),
    ("nine maps", frame(2, text("t") + text("x") + text("m") + b"\x81\xa1m" * 7 + b"\x80"),
     "CodecError"),
    ("array that promises 4 G items", frame(2, text("t") + text("x") + text("l")
     + b"\xdd\xff\xff\xff\xff"), "CodecError"),
    ("map that promises 4 G items", b"\xdf\xff\xff\xff\xff" + text("t") + text("x"), "CodecError"),
    ("text that promises 4 GB", frame(1, text("t") + b"\xdb\xff\xff\xff\xffx"), "CodecError"),
    ("bytes that promise 4 GB", frame(2, LEAVE + b"\xc6\xff\xff\xff\xff"), "CodecError"),
    ("JSON", b'{"t":"leave","id":1}', "CodecError"),
]  # fmt: skip

SERVER_ONLY_BYTES: list[tuple[str, bytes, str]] = [
    ("one byte too large",
     frame(2, text("t") + text("x") + text("b") + b"\xc5" + struct.pack(">H", 32759))
     + bytes(32759), "FrameTooLarge"),
    ("array of 1,025", frame(2, text("t") + text("x") + text("l") + b"\xdc\x04\x01")
     + b"\xc0" * 1025, "CodecError"),
]  # fmt: skip


def say(**changes: object) -> dict[str, object]:
    """A good ``chat.say`` with some fields changed; ``...`` takes one away."""
    made = {"t": "chat.say", "id": 1, "to": "circle", "body": "hello", **changes}
    return {key: value for key, value in made.items() if value is not ...}


BAD_MESSAGES: list[tuple[str, dict[str, object]]] = [
    ("unknown type", {"t": "chat.shout", "id": 1}),
    ("a server's type", {"t": "ok", "id": 1}),
    ("no id", say(id=...)),
    ("id null", say(id=None)),
    ("id boolean", say(id=True)),
    ("id float", say(id=1.5)),
    ("id text", say(id="1")),
    ("unknown field", say(extra=1)),
    ("unknown field null", say(extra=None)),
    ("no body", say(body=...)),
    ("body empty", say(body="")),
    ("body a number", say(body=5)),
    ("to unknown", say(to="everyone")),
    ("to empty group", say(to="pair:")),
    ("to longer word", say(to="circles")),
    ("to a list", say(to=["circle"])),
    ("hello without name", {"t": "hello", "token": "r.s"}),
    ("hello with both", {"t": "hello", "token": "r.s", "name": "A", "resume": "x", "seen": {}}),
    ("hello name blank", {"t": "hello", "token": "r.s", "name": "  "}),
    ("hello name of 41", {"t": "hello", "token": "r.s", "name": "x" * 41}),
    ("hello name bytes", {"t": "hello", "token": "r.s", "name": b"Ada"}),
    ("hello with id", {"t": "hello", "id": 1, "token": "r.s", "name": "Ada"}),
    ("resume without seen", {"t": "hello", "resume": "x"}),
    ("resume seen list", {"t": "hello", "resume": "x", "seen": []}),
    ("resume seen text", {"t": "hello", "resume": "x", "seen": {"room": "1"}}),
    ("react kind with space", {"t": "react", "id": 1, "kind": "two words"}),
    ("react kind of 25", {"t": "react", "id": 1, "kind": "x" * 25}),
    ("react kind not ascii", {"t": "react", "id": 1, "kind": "herzä"}),
    ("react to staff", {"t": "react", "id": 1, "kind": "nod", "to": "staff"}),
    ("kinds empty", {"t": "mute", "id": 1, "member": "m", "kinds": []}),
    ("kinds unknown", {"t": "mute", "id": 1, "member": "m", "kinds": ["screen"]}),
    ("kinds twice", {"t": "mute", "id": 1, "member": "m", "kinds": ["audio", "audio"]}),
    ("kinds text", {"t": "mute", "id": 1, "member": "m", "kinds": "audio"}),
    ("member empty", {"t": "mute", "id": 1, "member": "", "kinds": ["audio"]}),
    ("member too long", {"t": "member.remove", "id": 1, "member": "x" * 129}),
    ("hold integer", {"t": "mute.all", "id": 1, "kinds": ["audio"], "hold": 1}),
    ("except_ with underscore", {"t": "mute.all", "id": 1, "kinds": ["audio"], "except_": []}),
    ("seconds zero", {"t": "floor.extend", "id": 1, "seconds": 0}),
    ("seconds 7,201", {"t": "floor.extend", "id": 1, "seconds": 7201}),
    ("seconds negative", {"t": "floor.round", "id": 1, "seconds": -5}),
    ("seconds boolean", {"t": "floor.extend", "id": 1, "seconds": True}),
    ("seconds text", {"t": "floor.extend", "id": 1, "seconds": "60"}),
    ("grace negative", {"t": "pairs.close", "id": 1, "grace": -1}),
    ("order twice", {"t": "floor.round", "id": 1, "order": ["m", "m"]}),
    ("order empty", {"t": "floor.round", "id": 1, "order": []}),
    ("groups empty", {"t": "pairs.open", "id": 1, "groups": []}),
    ("group empty", {"t": "pairs.open", "id": 1, "groups": [["m"], []]}),
    ("somebody in two groups", {"t": "pairs.open", "id": 1, "groups": [["m", "n"], ["m"]]}),
    ("plan without how", {"t": "pairs.plan", "id": 1}),
    ("plan how unknown", {"t": "pairs.plan", "id": 1, "how": "best"}),
    ("plan size one", {"t": "pairs.plan", "id": 1, "how": "random", "size": 1}),
    ("avoid oneself", {"t": "pairs.plan", "id": 1, "how": "random", "avoid": [["m", "m"]]}),
    ("avoid three", {"t": "pairs.plan", "id": 1, "how": "random", "avoid": [["a", "b", "c"]]}),
    ("move without group", {"t": "pairs.move", "id": 1, "member": "m"}),
    ("role unknown", {"t": "role.give", "id": 1, "member": "m", "role": "admin"}),
    ("settings empty", {"t": "room.settings", "id": 1}),
    ("settings all null", {"t": "room.settings", "id": 1, "chat": None}),
    ("settings unknown", {"t": "room.settings", "id": 1, "colour": "red"}),
    ("settings chat unknown", {"t": "room.settings", "id": 1, "chat": "some"}),
    ("settings direct integer", {"t": "room.settings", "id": 1, "direct": 1}),
    ("rename blank", {"t": "self.rename", "id": 1, "name": " "}),
    ("away missing", {"t": "self.away", "id": 1}),
    ("delete n zero", {"t": "chat.delete", "id": 1, "to": "circle", "n": 0}),
    ("mood six", {"t": "mood.answer", "id": 1, "value": 6}),
    ("mood float", {"t": "mood.answer", "id": 1, "value": 3.5}),
    ("care level unknown", {"t": "care.flag", "id": 1, "level": "loud"}),
    ("breathe without time", {"t": "breathe.start", "id": 1, "pattern": [0, 0], "seconds": 60}),
    ("milestone empty", {"t": "milestone.share", "id": 1, "text": " "}),
    ("milestone of two lines", {"t": "milestone.share", "id": 1, "text": "a\nb"}),
    ("nudge without member", {"t": "voice.nudge", "id": 1}),
    ("queue order unknown", {"t": "room.settings", "id": 1, "queue_order": "loudest"}),
    ("milestone zero", {"t": "milestone.clear", "id": 1, "n": 0}),
    ("breathe pattern empty", {"t": "breathe.start", "id": 1, "pattern": [], "seconds": 60}),
    ("worry without level", {"t": "care.worry", "id": 1, "member": "m1"}),
    ("card too long", {"t": "care.card", "id": 1, "location": "x" * 201}),
    ("card with a line", {"t": "care.card", "id": 1, "phone": "1\n2"}),
    ("card empty", {"t": "care.card", "id": 1, "note": " "}),
    ("topics text", {"t": "topics.set", "id": 1, "tags": ["grief"]}),
    ("topics by the dozen", {"t": "topics.set", "id": 1, "tags": [bytes((n,)) for n in range(21)]}),
    ("topic twice", {"t": "topics.set", "id": 1, "tags": [b"x", b"x"]}),
    ("topic too long", {"t": "topics.set", "id": 1, "tags": [bytes(65)]}),
    ("topic empty", {"t": "topics.set", "id": 1, "tags": [b""]}),
    ("concerns empty", {"t": "concerns.offer", "id": 1, "concerns": [" "]}),
    ("concerns alike", {"t": "concerns.offer", "id": 1, "concerns": ["Sleep", "sleep "]}),
    ("concerns with a line", {"t": "concerns.offer", "id": 1, "concerns": ["a\nb"]}),
    ("pin oneself", {"t": "pairs.plan", "id": 1, "how": "linked", "pins": [["m", "m"]]}),
    ("sdp bytes", {"t": "media.offer", "id": 1, "sdp": b"v=0"}),
    ("sdp empty", {"t": "media.offer", "id": 1, "sdp": ""}),
    ("pictures unknown", {"t": "media.take", "id": 1, "pictures": "all"}),
    ("pictures missing", {"t": "media.take", "id": 1}),
    ("servers with a field", {"t": "media.servers", "id": 1, "of": "x"}),
]


def to_json(value: Any) -> Any:
    """A decoded value in JSON, bytes as ``{"$bin": hex}``."""
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def from_json(value: Any) -> Any:
    """The other way."""
    if isinstance(value, dict):
        if list(value) == ["$bin"]:
            return bytes.fromhex(value["$bin"])
        return {key: from_json(item) for key, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def _good(sender: str, messages: list[Any]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for each in messages:
        as_map = each.to_map()
        number = 1 + sum(entry["name"].startswith(f"{each.t} ") for entry in made)
        made.append(
            {
                "name": f"{each.t} {number}",
                "from": sender,
                "hex": encode(as_map).hex(),
                "map": to_json(as_map),
            }
        )
    return made


def make() -> dict[str, Any]:
    """All files' contents by name."""
    import msgpack  # an independent reading of the lenient frames

    lenient = [
        {"name": name, "hex": raw.hex(), "map": to_json(msgpack.unpackb(raw))}
        for name, raw in LENIENT
    ]
    bad = [
        {"name": name, "hex": raw.hex(), "why": why, "reader": reader}
        for reader, listed in (("both", BAD_BYTES), ("server", SERVER_ONLY_BYTES))
        for name, raw, why in listed
    ] + [
        {"name": name, "hex": encode(each).hex(), "why": "BadMessage", "reader": "server"}
        for name, each in BAD_MESSAGES
    ]
    return {
        "client.json": {"good": _good("client", list(CLIENT)), "lenient": lenient, "bad": bad},
        "server.json": {"good": _good("server", list(SERVER)), "lenient": [], "bad": []},
    }


def written(content: Any) -> str:
    """The text of one file: one entry a line, so that a change is seen as one."""
    parts = []
    for key, entries in content.items():
        lines = ",\n".join(
            "  " + json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries
        )
        parts.append(f'"{key}": [\n{lines}\n]' if entries else f'"{key}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, content in make().items():
        (FOLDER / file).write_text(written(content), encoding="utf-8")
