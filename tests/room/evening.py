"""An evening of the pure room: people by name, time as a number, every event kept.

A person's id is their name in lower case. Every step is decided, folded and, at `replay`, folded
again from the first event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sitwith_server.room import (
    Refusal,
    Verdict,
    begin,
    decide,
    fold,
    fold_all,
    forgets_at,
    next_deadline,
    plan_asked,
    routes,
    view,
)
from sitwith_server.room import commands as c
from sitwith_server.room.chat.access import may_receive, shown_as
from sitwith_server.room.chat.talk import Placed, Said, Unsaid, decide_talk, slowed
from sitwith_server.room.events import Event, RoomOpened
from sitwith_server.room.model import OPERATOR, Invite, Role, RoomState, Seat, Settings

START = 1_000_000.0
FACILITATOR = b"facilitator"
MEMBER = b"member"


@dataclass(slots=True)
class Message:
    stream: str
    n: int
    author: str
    body: str | bytes
    rights: int
    deleted: bool = False


@dataclass(slots=True)
class Book:
    """What has been said. Implements `room.talk.Talk`."""

    messages: list[Message] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)

    def count(self, stream: str) -> int:
        return sum(1 for m in self.messages if m.stream == stream)

    def find(self, stream: str, n: int) -> Message | None:
        return next((m for m in self.messages if (m.stream, m.n) == (stream, n)), None)

    def said(self, stream: str, n: int) -> tuple[str, int, bool] | None:
        found = self.find(stream, n)
        return None if found is None else (found.author, found.rights, found.deleted)

    def last_said_at(self, member: str) -> float | None:
        return self.last.get(member)


class Evening:
    """A room in which people do things. Nobody is inside yet; see `circle`."""

    def __init__(
        self,
        *,
        capacity: int = 50,
        expires_in: float = 86_400.0,
        forget_seconds: float = 900.0,
        door_seconds: float = 600.0,
        **settings: Any,
    ):
        self.now = START
        invites = (
            Invite("i-f", Role.FACILITATOR, FACILITATOR),
            Invite("i-m", Role.MEMBER, MEMBER),
        )
        opened = RoomOpened(
            room="room",
            title="Evening",
            agreement_version=1,
            agreement_text="Be kind.",
            settings=Settings(**settings),
            capacity=capacity,
            invites=invites,
            at=self.now,
            expires_at=self.now + expires_in,
            material_key=b"material key",
            forget_seconds=forget_seconds,
            door_seconds=door_seconds,
        )
        self.events: list[Event] = [opened]
        self.state: RoomState = begin(opened)
        self.book = Book()
        self.connections = 0
        self.told: Callable[[RoomState, Verdict, c.Command], None] | None = None
        """Told of the state before, and of what has happened."""

    # -- doing ---------------------------------------------------------------------------------

    def order(self, command: c.Command) -> Verdict | Refusal:
        """Decides; folds what has happened."""
        before = self.state
        verdict = decide(before, command, self.now)
        # A plan that was made ahead changes nothing.
        if (asked := plan_asked(before, command, self.now)) is not None:
            assert decide(before, command, self.now, asked.solved()) == verdict
        assert self.state is before
        if isinstance(verdict, Verdict):
            for event in verdict.events:
                self.events.append(event)
                self.state = fold(self.state, event)
            if verdict.events and self.told is not None:
                self.told(before, verdict, command)
        return verdict

    def ok(self, by: str, kind: type[c.Command], **fields: Any) -> Verdict:
        verdict = self.order(kind(by=by, **fields))
        assert isinstance(verdict, Verdict), verdict
        return verdict

    def no(self, by: str, kind: type[c.Command], **fields: Any) -> str:
        """The code with which it is refused."""
        verdict = self.order(kind(by=by, **fields))
        assert isinstance(verdict, Refusal), verdict
        return verdict.code

    def same(self, by: str, kind: type[c.Command], **fields: Any) -> None:
        """It is taken and changes nothing."""
        assert self.ok(by, kind, **fields).events == ()

    def do(self, command: c.Command) -> None:
        """Any command, of the control log or of words, taken or not."""
        if isinstance(command, c.Say | c.Unsay | c.React):
            self.talk(command)
        else:
            self.order(command)

    def tick(self) -> Verdict:
        return self.ok(OPERATOR, c.Tick)

    def advance(self, seconds: float) -> None:
        """Time passes; what falls due happens when it does."""
        until = self.now + seconds
        while (due := next_deadline(self.state)) is not None and due <= until:
            self.now = max(self.now, due)
            assert self.tick().events, "a deadline at which nothing happened"
            following = next_deadline(self.state)
            assert following is None or following > self.now, "time stands still"
        self.now = until

    def forget(self) -> None:
        """Everybody inside is gone for as long as the room remembers, and it forgets."""
        for seat in self.state.inside():
            if seat.connection is not None:
                self.lose(seat.id)
        due = forgets_at(self.state)
        assert due is not None
        self.advance(max(0.0, due - self.now))
        life = self.state.life
        self.ok(OPERATOR, c.Forget, **self.keys())
        assert self.state.life == life + 1
        self.book = Book()

    def keys(self) -> dict[str, bytes]:
        """Those of the next life."""
        life = self.state.life + 1
        return {"link_key": b"link key %d" % life, "material_key": b"material key %d" % life}

    def replay(self) -> RoomState:
        return fold_all(self.events)

    # -- coming and going ----------------------------------------------------------------------

    def hello(
        self, name: str, link: bytes = MEMBER, was: bytes = b"", address: bytes = b""
    ) -> Verdict | Refusal:
        self.connections += 1
        return self.order(
            c.TakeSeat(
                by=name.lower(),
                invite_digest=link,
                name=name,
                skeleton=name.lower(),
                connection=f"c{self.connections}",
                resume_digest=f"{name.lower()}-0".encode(),
                was_digest=was,
                address=address,
            )
        )

    def arrive(
        self, name: str, link: bytes = MEMBER, was: bytes = b"", address: bytes = b""
    ) -> str:
        """A seat at the agreement."""
        assert isinstance(self.hello(name, link, was, address), Verdict)
        return name.lower()

    def accept(self, who: str) -> None:
        self.ok(who, c.AgreementAccept, version=1)

    def come(self, name: str, link: bytes = MEMBER, was: bytes = b"") -> str:
        """Through the agreement: inside, or in the lobby where there is one."""
        who = self.arrive(name, link, was)
        self.accept(who)
        return who

    def lose(self, who: str) -> None:
        self.ok(who, c.LoseConnection, connection=self.state.seats[who].connection)

    def back(self, who: str, used: bytes | None = None) -> Verdict | Refusal:
        """Resumes with the newest value, or with `used`."""
        seat = self.state.seats.get(who)
        self.connections += 1
        return self.order(
            c.TakeBack(
                by=who,
                used_digest=used or (seat.resumes[-1] if seat else b"none"),
                connection=f"c{self.connections}",
                resume_digest=f"{who}-{self.connections}".encode(),
            )
        )

    def link(self, role: Role, uses: int | None = None, expires_in: float | None = None) -> bytes:
        """A new invitation's digest."""
        digest = f"link-{len(self.state.invites)}".encode()
        self.ok(
            OPERATOR,
            c.AddInvite,
            invite=digest.decode(),
            role=role,
            digest=digest,
            uses=uses,
            expires_at=None if expires_in is None else self.now + expires_in,
        )
        return digest

    # -- words ---------------------------------------------------------------------------------

    def talk(self, command: c.Say | c.Unsay | c.React) -> Placed | Refusal | None:
        placed = decide_talk(self.state, command, self.book, self.now)
        if isinstance(placed, Placed) and isinstance(placed.what, Said):
            what, stream = placed.what, placed.stream
            self.book.messages.append(
                Message(stream, what.n, what.author, what.body, self.state.rights)
            )
            if slowed(stream):
                self.book.last[what.author] = self.now
        if isinstance(placed, Placed) and isinstance(placed.what, Unsaid):
            found = self.book.find(placed.stream, placed.what.n)
            assert found is not None
            found.deleted = True
        return placed

    def say(self, by: str, to: str, body: str | bytes = "words", notice: bool = False) -> str:
        """The conversation as its author is told it, and the place: `circle 1`."""
        placed = self.talk(c.Say(by=by, to=to, body=body, notice=notice))
        assert isinstance(placed, Placed) and isinstance(placed.what, Said), placed
        return f"{shown_as(placed.stream, by)} {placed.what.n}"

    def say_no(self, by: str, to: str, body: str | bytes = "words", notice: bool = False) -> str:
        placed = self.talk(c.Say(by=by, to=to, body=body, notice=notice))
        assert isinstance(placed, Refusal), placed
        return placed.code

    def unsay(self, by: str, to: str, n: int) -> str | None:
        """The code of a refusal; None once it is deleted."""
        placed = self.talk(c.Unsay(by=by, to=to, n=n))
        return placed.code if isinstance(placed, Refusal) else None

    def react(self, by: str, to: str | None = None) -> str:
        """The stream that a reaction goes to, or the code of its refusal."""
        placed = self.talk(c.React(by=by, kind="heart", to=to))
        assert placed is not None
        return placed.code if isinstance(placed, Refusal) else placed.stream

    def got(self, who: str) -> list[str | bytes]:
        """Every body that is for this seat, by its spans as they are now."""
        seat = self.state.seats.get(who)
        if seat is None:
            return []
        return [m.body for m in self.book.messages if may_receive(seat, m.stream, m.rights)]

    # -- seeing --------------------------------------------------------------------------------

    def seat(self, who: str) -> Seat:
        return self.state.seats[who]

    def see(self, who: str) -> dict[str, Any]:
        return dict(view(self.state, who))

    @property
    def holder(self) -> Any:
        """Their id, or None (untyped, for a test looks at it before and after)."""
        return self.state.floor.holder

    @property
    def to_come(self) -> list[str]:
        floor = self.state.floor
        assert floor.round is not None
        return list(floor.round.to_come(floor.holder))

    @property
    def groups(self) -> list[list[str]]:
        pairs = self.state.pairs
        return [] if pairs is None else [list(people) for people in pairs.groups.values()]

    def hears(self, listener: str) -> str:
        """Those whose sound reaches `listener`, as words in order."""
        found = [s for s, to in routes(self.state).heard.items() if listener in to]
        return " ".join(sorted(found))

    def sees(self, watcher: str) -> str:
        found = [s for s, to in routes(self.state).seen.items() if watcher in to]
        return " ".join(sorted(found))

    def turns(self, seconds: float = 1.0) -> list[str]:
        """Everybody passes until nobody holds the stick: who held it, in order."""
        held: list[str] = []
        while self.holder is not None:
            held.append(self.holder)
            self.now += seconds
            self.ok(self.holder, c.FloorPass)
        return held


def circle(*members: str, **options: Any) -> Evening:
    """Fay the facilitator and these members, inside and connected, in this order."""
    evening = Evening(**options)
    evening.come("Fay", FACILITATOR)
    for name in members:
        evening.come(name)
        if evening.state.settings.lobby:
            evening.ok("fay", c.LobbyAdmit, person=name.lower())
    return evening


def pairs_of(evening: Evening, *groups: str, seconds: float | None = None) -> list[str]:
    """Opens groups, each given as words (`"ada ben"`); their ids."""
    listed = tuple(tuple(group.split()) for group in groups)
    evening.ok("fay", c.PairsOpen, groups=listed, seconds=seconds)
    assert evening.state.pairs is not None
    return list(evening.state.pairs.groups)
