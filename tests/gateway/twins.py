"""Two evenings that differ only in what one viewer may not see: each what is asked, and by whom.

`Twin` plays one of them, on one worker or with the viewer on another; `HIDDEN` are the things that
a kind of viewer may know nothing of, `OPEN` what happens in both evenings.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

import pytest

from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from sitwith_server.gateway.websocket.hub import Hub
from sitwith_server.gateway.websocket.missed import missed_while_inside
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.gateway.websocket.positions import PositionSealer
from sitwith_server.gateway.websocket.seat_connection import SeatConnection
from sitwith_server.log.base import CONTROL, Log
from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.model import Kind, Role, Settings
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.people import tokens
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.results import APPLIED

TIMES: Final = {"at", "now", "ends_at", "expires_at", "starts_at", "left"}
"""Fields in seconds of the log's clock."""
AUDIO: Final = frozenset((Kind.AUDIO,))
CARD: Final = Card("here", "0131", "twice")

Asked = c.Command | Callable[["Twin"], Any]
"""A command, or something at the door."""


class Wire:
    """Implements `gateway.websocket.outbox.PeerSocket`: keeps what is written."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.data.append(data)

    def more(self) -> bool:
        return False

    def unsent(self) -> int:
        return 0

    def seated(self) -> None:
        return

    def gone(self) -> bool:
        return False

    def end(self, code: int) -> None:
        self.data.append(b"end %d" % code)


class Viewer:
    """One person's eyes, over all their connections."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.wire = Wire()
        self.seen: dict[str, bytes] = {}
        self.resume = ""
        self.seqs: list[int] = []

    def frames(self, *, timeless: bool) -> list[bytes]:
        """What they got, but for chance: `pos` is as long as it is, `resume` is not there."""
        return [self._plain(data, timeless) for data in self.wire.data]

    def _plain(self, data: bytes, timeless: bool) -> bytes:
        frame = self.read(data)
        if frame is None:
            return data
        pos = frame.get("pos")
        if isinstance(pos, dict):
            frame["pos"] = {name: len(each) for name, each in pos.items()}
        elif isinstance(pos, bytes):
            frame["pos"] = len(pos)
        frame.pop("resume", None)
        return encode(cast("dict[str, object]", _timeless(frame)) if timeless else frame)

    @staticmethod
    def read(data: bytes) -> dict[str, Any] | None:
        if data.startswith(b"end "):
            return None
        return decode(data[{126: 4, 127: 10}.get(data[1], 2) :], SERVER_LIMITS)

    def learn(self) -> None:
        """As a client does: where each stream is."""
        self.seen, self.seqs = {}, []
        for data in self.wire.data:
            frame = self.read(data)
            if frame is None:
                continue
            pos = frame.get("pos")
            if isinstance(pos, dict):
                self.seen |= pos
            elif isinstance(pos, bytes):
                self.seen[frame.get("to", CONTROL)] = pos
            if frame["t"] == "room":
                self.seqs.append(frame["seq"])


@contextmanager
def _drawn(**values: object) -> Iterator[None]:
    """What chance gives meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(tokens, name, value if callable(value) else lambda value=value: value)
        yield


def _timeless(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {k: 0 if k in TIMES and v is not None else _timeless(v) for k, v in items}
    if isinstance(value, list):
        listed = [_timeless(each) for each in cast("list[object]", value)]
        # An entry of a patch: slice, key, value.
        if len(listed) == 3 and isinstance(listed[2], float) and listed[1] in TIMES:
            return [*listed[:2], 0]
        return listed
    return value


class Twin:
    """One of the two. eyes: the log through which the viewers' worker sees, if it is another."""

    def __init__(self, log: Log, eyes: Log | None = None, *, room: str = "evening") -> None:
        self._name = room
        self.host = Host(log, AuditTrail(log, 3600))
        self.other = Host(eyes, AuditTrail(eyes, 3600)) if eyes is not None else self.host
        self.viewers: dict[str, Viewer] = {}
        self.seated: dict[str, Seated] = {}
        self._ids = itertools.count(10)

    async def open(self) -> None:
        operator = Operator(self.host, room_ttl=3600)
        settings = Settings(cards=True, direct=True, guests_read=True)
        ids = (f"{n}" for n in itertools.count())
        fixed = {"new_room_id": self._name, "new_link_key": bytes(range(32))}
        with _drawn(new_id=lambda prefix="": f"{prefix}{next(ids)}", **fixed):
            self.made = await operator.create(RoomSpec("Evening", "Be kind.", 50, settings))
            guest = await operator.invite(self.made.room, Role.GUEST, None, None)
        assert guest is not None
        links = {"Fay": self.made.facilitator, "Cora": self.made.facilitator, "Gus": guest[1]}
        for name in ("Fay", "Cora", "Ada", "Ben", "Cleo", "Dan", "Gus"):
            await self.come(name, links.get(name, self.made.member))
        await self.ask(c.RoomSettings(by="fay", changes={"lobby": True}))
        await self.come("Lia", self.made.member)
        use = await self.other.use(self.made.room)
        assert use is not None
        self.room = use.room
        await self.follow()
        self.hub = Hub(self.room)

    async def close(self) -> None:
        self.hub.close()
        if self.other is not self.host:
            await self.other.close()
        await self.host.close()

    async def follow(self) -> None:
        if self.other is not self.host:
            await self.room.catch_up()

    # -- people ----------------------------------------------------------------------------------

    async def come(self, name: str, link: str, *, accepts: bool = True) -> None:
        with _drawn(new_seat_id=name.lower()):
            seated = await Seating(self.host).join(link, clean(name))
        if not isinstance(seated, Seated):
            return  # the door is locked
        self.seated[seated.seat] = seated
        if accepts:
            await self.ask(c.AgreementAccept(by=seated.seat, version=1))

    async def goes(self, who: str) -> None:
        await Seating(self.host).disconnect(self.seated[who])

    async def watch(self, who: str, *, seen: Mapping[str, bytes] | None = None) -> None:
        """Somebody connects to the viewers' worker, for the first time there or again."""
        viewer = self.viewers.get(who) or Viewer(who)
        viewer.learn()
        value = viewer.resume or self.seated[who].resume
        seated = await Seating(self.other).resume(value)
        if not isinstance(seated, Seated):
            return  # their place at the door is gone
        had = viewer.seen if seen is None else seen
        places = PositionSealer(seated.room.state.materials.key).seen(had, who)
        missed = await missed_while_inside(seated.room, who, places)
        link = SeatConnection(who, seated.connection, Outbox(viewer.wire, 1 << 24), missed)
        now = await self.other.log.now(self.made.room)
        await self.hub.attach(link, seated.resume, True, had, now)
        viewer.resume = seated.resume
        self.viewers[who] = viewer

    async def tick(self) -> None:
        """What is due happens, as by the timers of every worker."""
        while await self.seated["fay"].room.tick() is APPLIED:
            pass
        await self.follow()

    # -- what happens ----------------------------------------------------------------------------

    async def ask(self, command: c.Command) -> None:
        """Whatever comes of it."""
        room = self.seated["fay"].room
        await room.submit(command, (command.by, next(self._ids)), _WHY.get(type(command), "x"))

    async def does(self, asked: Asked) -> None:
        if isinstance(asked, c.Command):
            await self.ask(asked)
        else:
            await asked(self)
        await self.follow()
        for _ in range(3):  # reactions come soon after
            await asyncio.sleep(0)


_WHY: Final[Mapping[type, str]] = {
    c.CareFlag: "care.flag",
    c.CareWithdraw: "care.withdraw",
    c.CareWorry: "care.worry",
    c.CareTake: "care.take",
    c.CareDone: "care.done",
    c.CareCard: "care.card",
    c.StaffClaim: "staff.claim",
    c.StaffRelease: "staff.release",
}

_door_names = itertools.count()


def _at_door(twin: Twin) -> Any:
    """Somebody reads the agreement, and maybe goes on to the lobby."""
    number = next(_door_names)
    return twin.come(f"Door{number}", twin.made.member, accepts=number % 2 == 0)


def _apart(command: c.Command) -> Asked:
    """Something in a group, unless somebody who watches has been placed there."""

    async def act(twin: Twin) -> None:
        state = twin.room.state
        group = state.group_of(command.by)
        if all(group is None or state.group_of(who) != group for who in twin.viewers):
            await twin.ask(command)

    return act


def _lia(twin: Twin) -> Any:
    return twin.goes("lia2") if "lia2" in twin.seated else twin.come("Lia2", twin.made.member)


HIDDEN: Final[Mapping[str, tuple[Asked, ...]]] = {
    # From a member, a guest and whoever is in the lobby.
    "others": (
        c.Say(by="ben", to="staff", body="help me"),
        c.Say(by="fay", to="staff:ben", body="I am here"),
        c.Say(by="fay", to="facilitators", body="look"),
        c.Unsay(by="ben", to="staff:ben", n=1),
        c.Say(by="ben", to="direct:cleo", body="hey"),
        c.Say(by="cleo", to="direct:ben", body="hey yourself"),
        c.CareFlag(by="ben", level=Level.URGENT),
        c.CareFlag(by="dan", level=Level.QUIET),
        c.CareWithdraw(by="ben"),
        c.CareWorry(by="ben", member="cleo", level=Level.QUIET),
        c.CareWorry(by="ben", member="ada", level=Level.QUIET),
        c.CareTake(by="fay", member="ben"),
        c.CareTake(by="cora", member="ada"),
        c.CareDone(by="fay", member="ben"),
        c.CareCard(by="ben", card=CARD),
        c.CareOpen(by="fay", member="ben"),
        c.StaffClaim(by="fay", member="ben"),
        c.StaffRelease(by="fay", member="ben"),
        c.TopicsSet(by="ben", tags=(b"grief", b"work")),
        c.TopicsSet(by="ben", tags=()),
        c.VoiceNudge(by="fay", member="ben"),
        c.VoiceDismiss(by="ben"),
        c.PairsPlan(by="fay", seed=3, how="random", size=2, avoid=(("fay", "cora"),)),
        c.PairsPlan(by="fay", seed=3, how="fresh", size=2, avoid=(("fay", "ben"),)),
        c.AddTalk(by="", node="n1", heard={"ben": 12.5, "fay": 3.0}),
        c.PinMedia(by="", node="n1", was=None),
        c.Mute(by="ben", member="cleo", kinds=AUDIO),
        c.HelpAsk(by="ben"),
        c.HelpDone(by="fay", member="ben"),
        _apart(c.Say(by="ben", to="pair", body="just us")),
        _apart(c.React(by="ben", kind="nod", to="pair")),
        _at_door,
        _lia,
    ),
    # From a facilitator as well.
    "staff": (
        c.Say(by="ben", to="direct:cleo", body="hey"),
        c.Say(by="cleo", to="direct:ben", body="hey yourself"),
        c.Unsay(by="ben", to="direct:cleo", n=1),
        c.CareCard(by="dan", card=CARD),
        c.CareCard(by="dan", card=None),
        c.TopicsSet(by="ben", tags=(b"grief", b"work")),
        c.TopicsSet(by="ben", tags=()),
        c.PairsPlan(by="fay", seed=3, how="random", size=2, avoid=(("fay", "cora"),)),
        c.PinMedia(by="", node="n1", was=None),
        c.Mute(by="ben", member="cleo", kinds=AUDIO),
        _apart(c.Say(by="ben", to="pair", body="just us")),
        _apart(c.React(by="ben", kind="nod", to="pair")),
    ),
}


OPEN: Final[tuple[Asked, ...]] = (
    c.Say(by="fay", to="circle", body="welcome"),
    c.Say(by="ben", to="circle", body="thank you"),
    c.Unsay(by="fay", to="circle", n=1),
    c.Say(by="ada", to="staff", body="a word"),
    c.Say(by="cora", to="staff:ada", body="yes?"),
    c.HandRaise(by="ben"),
    c.HandRaise(by="ada"),
    c.HandLower(by="fay", member="ben"),
    c.FloorStick(by="fay"),
    c.FloorRound(by="fay"),
    c.FloorPass(by="fay"),
    c.FloorOpen(by="fay"),
    c.Mute(by="fay", member="dan", kinds=AUDIO),
    c.MuteAll(by="fay", kinds=AUDIO),
    c.Unmute(by="fay", member="dan", kinds=AUDIO),
    c.PairsOpen(by="fay", groups=(("ben", "cleo"), ("ada", "dan"))),
    c.PairsOpen(by="fay", groups=(("ben", "cleo"),)),
    c.PairsClose(by="fay", grace=0),
    c.Say(by="dan", to="pair", body="we two"),
    c.MilestoneShare(by="ben", text="a year", seed=7),
    c.MilestoneShare(by="dan", text="a day", seed=8),
    c.MoodAsk(by="fay"),
    c.MoodAnswer(by="dan", value=3),
    c.MoodClose(by="fay"),
    c.RoomLock(by="fay"),
    c.RoomUnlock(by="fay"),
    c.GuestBring(by="fay"),
    c.GuestRest(by="fay"),
    c.SelfAway(by="cleo", away=True),
    c.SelfAway(by="cleo", away=False),
    c.SelfRename(by="dan", name="Daniel", skeleton="daniel"),
    c.LobbyAdmit(by="fay", person="lia"),
    c.LobbyReturn(by="fay", member="lia"),
    c.React(by="ben", kind="nod", to="circle"),
    c.BreatheStart(by="fay", pattern=(4.0, 4.0), seconds=60.0),
    c.BreatheStop(by="fay"),
    lambda twin: twin.watch("ada"),
    lambda twin: twin.watch("ada", seen={}),
    lambda twin: twin.watch("gus"),
    lambda twin: twin.watch("cora"),
    lambda twin: twin.watch("lia"),
)

VIEWERS: Final = {"ada": "others", "gus": "others", "lia": "others", "cora": "staff"}
