"""One room's connections on this worker: shows each member what has happened, as they may see it.

A frame is encoded once for all who get the same, and written to each without waiting for anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from sitwith_protocol import messages as m
from sitwith_protocol.codec import encode
from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.rates import TokenBucket
from sitwith_server.gateway.sockets.queues import WorkQueue
from sitwith_server.gateway.websocket.missed import (
    NOTHING_MISSED,
    GapRange,
    Missed,
    entries_after,
    is_for,
)
from sitwith_server.gateway.websocket.numbers import Numbers, Places, Rest
from sitwith_server.gateway.websocket.outbox import Outbox, framed
from sitwith_server.gateway.websocket.translate import words_payload
from sitwith_server.log.base import CONTROL, Position
from sitwith_server.room.care.watch import Cause, Told
from sitwith_server.room.changes import Changes, Key, Sees, merged, sees
from sitwith_server.room.chat.access import (
    CIRCLE,
    FACILITATORS,
    PAIR,
    STAFF,
    may_receive,
    shown_as,
    stream_from,
    stream_of,
)
from sitwith_server.room.entry.events import Turned
from sitwith_server.room.events import Event, PlaceYielded, SeatLeft
from sitwith_server.room.model import Phase, RoomState, Seat
from sitwith_server.room.slices import Value
from sitwith_server.room.view import FREEZING, SLICES, slices, view, with_freeze
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.observing import Change
from sitwith_server.service.rooms.room import HostedRoom

DARK_SECONDS: Final = 10.0
"""How long members of a frozen room stay: longer than a restart of Redis, shorter than patience."""

MISSED_AT_ONCE: Final = 12
"""Messages of a replay that one member gets before others have their turn."""


class Link:
    """A live connection of a seat.

    `held` collects words while the missed ones are still being read; None once it is live.
    `given` is how far its owner has each stream, by this connection or one before: another worker
    may have shown them what this one has yet to read. `gaps` are to be said of an earlier
    time inside, once they are inside again. `numbers` are those of the frames that it is sent.
    """

    def __init__(
        self, seat: str, connection: str, outbox: Outbox, missed: Missed = NOTHING_MISSED
    ) -> None:
        self.seat = seat
        self.connection = connection
        self.outbox = outbox
        self.numbers = Numbers()
        self.held: list[ChatEntry] | None = []
        self.given = dict(missed.given)
        self.gaps = missed.gaps
        self.asking = False
        self.ending: CloseCode | None = None
        self.sees: Sees | None = None
        """Its audiences in the latest state that it was shown; None: to be found."""

    def lacks(self, words: ChatEntry) -> bool:
        """Whether its owner has not been given this entry; from now on they have."""
        stream, seq = words.entry.stream, words.entry.position.seq
        if seq <= self.given.get(stream, 0):
            return False
        self.given[stream] = seq
        return True

    def finish(self, code: CloseCode, *, own: bool) -> None:
        """Says why and closes; after its own command's answer where that was the cause."""
        if own and self.asking:
            self.ending = code
            return
        if code is not CloseCode.BYE:
            self.outbox.send(m.Closed(int(code)).to_map())
        self.outbox.end(code)

    def answered(self) -> None:
        """The command in hand has its answer: an ending that waited for it comes now."""
        self.asking = False
        if self.ending is not None:
            self.finish(self.ending, own=False)


class Hub:
    """Implements `service.rooms.observing.Observer` for the links of one room.

    replays: whose turn it is to be given more of what was missed, in all rooms of this worker.
    """

    def __init__(self, room: HostedRoom, replays: WorkQueue | None = None) -> None:
        self.room = room
        self._replays = WorkQueue() if replays is None else replays
        self.links: dict[str, Link] = {}
        self._unobserve = room.observe(self)
        self._places = Places(room.state.materials.key)
        self._state = room.state
        """The latest state that has been shown."""
        self._kinds: dict[Sees, Sees] = {}
        self._reacting: dict[str, TokenBucket] = {}
        self._leaving: asyncio.TimerHandle | None = None

    def close(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._unobserve()

    # -- links -----------------------------------------------------------------------------------

    async def attach(
        self, link: Link, resume: str, resumed: bool, seen: Mapping[str, bytes], now: float
    ) -> None:
        """Welcomes a link, gives it what it has missed, and makes it live."""
        state = self.room.state
        seat = state.seats.get(link.seat)
        if (code := _barred(state, link, seat)) is not None:
            link.finish(code, own=False)
            return
        assert seat is not None
        self.links[link.seat] = link
        link.numbers = Numbers(seat, seen)
        inside = seat.is_inside
        welcome = m.Welcome(
            me=seat.id,
            role=str(seat.role),
            phase=str(seat.phase),
            resume=resume,
            room=self._shown(seat),
            resumed=resumed,
            pos=self._positions(link, seat) if inside else None,
            now=now,
        )
        link.outbox.send(welcome.to_map())
        if inside and resumed:
            await self._replay(link, seat, self._sealing.seen(seen, seat.id))
        held, link.held = link.held or [], None
        for words in held:
            self._give(link, words)

    def detach(self, link: Link) -> None:
        if self.links.get(link.seat) is link:
            del self.links[link.seat]

    # -- Observer --------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """Each viewer's changed slices; doors that opened and closed.

        Most viewers have the seat that they had, and see what others of their kind see: for them
        it is found out once.
        """
        before, after = change.before, change.after
        changes = Changes(before, after)
        follows, self._state = self._state is before, after
        shown = _Shown(change, changes)
        for link in tuple(self.links.values()):
            was, now = before.seats.get(link.seat), after.seats.get(link.seat)
            if was is not now or after.ended or now is None:
                own = change.by == link.seat
                code = _ending(change, link, now)
                if code is not None or now is None:
                    self.detach(link)
                    link.finish(code or CloseCode.BYE, own=own)
                    continue
                if was is None or was.phase is not now.phase:
                    link.sees = None
                    self._moved(link, now)
                    continue
            if was is None or not now.is_inside:
                continue
            old = link.sees if follows and link.sees is not None else self._kind(before, was)
            new = old if was is now and not changes.regroups else self._kind(after, now)
            link.sees = new
            rest = shown.rest(old, new, now)
            if rest is not None:
                link.outbox.put(link.numbers.frame(rest))
        if len(self._kinds) > 2 * len(self.links) + 16:
            self._kinds = {kind: kind for link in self.links.values() if (kind := link.sees)}
        if len(self._reacting) > len(after.seats):
            self._reacting = {m: b for m, b in self._reacting.items() if m in after.seats}

    def _kind(self, state: RoomState, seat: Seat) -> Sees:
        """One object for all viewers of the same audiences."""
        kind = sees(state, seat)
        return self._kinds.setdefault(kind, kind)

    def said(self, words: ChatEntry) -> None:
        """Words, to those of that audience at that moment, and to their author."""
        state, entry = self.room.state, words.entry
        frames: dict[str, bytes] = {}
        for link in tuple(self.links.values()):
            seat = state.seats.get(link.seat)
            if seat is None or not is_for(seat, words):
                continue
            if link.held is not None:
                link.held.append(words)
                continue
            if not link.lacks(words):
                continue
            to = shown_as(entry.stream, seat.id)
            if to not in frames:
                frames[to] = framed(words_payload(words, seat.id, self._sealing))
            link.outbox.put(frames[to])

    def reacted(self, stream: str, by: str, kind: str) -> None:
        # Each worker paces only what comes through it: here all that come of one seat are counted.
        now = asyncio.get_running_loop().time()
        if not self._reacting.setdefault(by, TokenBucket(now)).take(now):
            return
        state = self.room.state
        frame = framed(encode(m.Reaction(by, kind).to_map()))
        for link in tuple(self.links.values()):
            seat = state.seats.get(link.seat)
            if seat is not None and may_receive(seat, stream, state.seq):
                link.outbox.put(frame)

    def froze(self, frozen: bool) -> None:
        """While nothing can be committed everybody inside is told so, and the clock stands still;
        it is no event, since there is nowhere to keep it."""
        if self._leaving is not None:
            self._leaving.cancel()
        loop = asyncio.get_running_loop()
        self._leaving = loop.call_later(DARK_SECONDS, self.send_away) if frozen else None
        state = self.room.state
        why = "freeze" if frozen else "thaw"
        rests: dict[object, Rest] = {}
        for link in tuple(self.links.values()):
            seat = state.at(link.seat)
            if seat is None:
                continue
            kind = tuple([SLICES[name].audience(state, seat) for name in FREEZING])
            if kind not in rests:
                shown = slices(state, seat, FREEZING)
                shown = with_freeze(shown) if frozen else shown
                rests[kind] = Rest({"why": why, "set": shown})
            link.outbox.put(link.numbers.frame(rests[kind]))

    def send_away(self) -> None:
        """To come again, to any worker. Frozen for long it may be this one alone that is cut off:
        others may serve."""
        for link in tuple(self.links.values()):
            self.detach(link)
            link.outbox.end(CloseCode.LOST)

    def lost(self, streams: frozenset[str]) -> None:
        """Something of these conversations is gone: said to those who may get them."""
        state = self.room.state
        for link in tuple(self.links.values()):
            seat = state.seats.get(link.seat)
            for stream in streams - {CONTROL}:
                if seat is not None and may_receive(seat, stream, state.seq):
                    link.outbox.send(m.Gap(shown_as(stream, seat.id), None).to_map())

    # -- parts -----------------------------------------------------------------------------------

    def _moved(self, link: Link, seat: Seat) -> None:
        if seat.phase is Phase.LOBBY:
            link.outbox.send(m.Lobby().to_map())
        elif seat.is_inside:
            # First the gaps: who hears of the entry and nothing more takes what it says for all.
            for stream, gap in link.gaps.items():
                link.outbox.send(_gap_frame(shown_as(stream, seat.id), gap))
            link.gaps = {}
            link.outbox.send(m.Entered(self._shown(seat), self._positions(link, seat)).to_map())

    @property
    def _sealing(self) -> Places:
        key = self.room.state.materials.key
        if self._places.key != key:
            self._places = Places(key)
        return self._places

    def _positions(self, link: Link, seat: Seat) -> dict[str, bytes]:
        """Where every stream stands that this seat gets; what comes later comes as a frame."""
        start = Position.START
        # By name whether something was said there or not: it may have been before one came.
        own = [CIRCLE, stream_of(STAFF, seat.id)]
        own += [stream_of(PAIR, group) for group, span in seat.groups if span.until is None]
        own += [FACILITATORS] if seat.facilitates else []
        found = dict.fromkeys(own, start)
        for stream, position in self.room.conversations.positions.items():
            if may_receive(seat, stream, self.room.state.seq):
                found[stream] = position
        sealed = ((s, self._sealing.seal(s, position)) for s, position in found.items())
        conversations = {shown_as(stream, seat.id): pos for stream, pos in sealed}
        return {CONTROL: link.numbers.pos, **conversations}

    def _shown(self, seat: Seat) -> dict[str, Value]:
        """The whole view of a seat, as it is just now."""
        shown = view(self.room.state, seat.id)
        return with_freeze(shown) if self.room.frozen and seat.is_inside else shown

    def _give(self, link: Link, words: ChatEntry) -> None:
        if link.lacks(words):
            link.outbox.put(framed(words_payload(words, link.seat, self._sealing)))

    async def _replay(self, link: Link, seat: Seat, seen: Mapping[str, Position]) -> None:
        """Sends what was missed, in order.

        Only what this worker has folded: who may have a later entry is not known here yet. It
        comes live once it is.
        """
        missed: list[ChatEntry] = []
        now = self.room.state.seq
        # Not by the names that are shown: other people's direct lines have them too.
        had = {stream_from(shown, seat.id): last for shown, last in seen.items()}
        known = {stream for stream in had if may_receive(seat, stream, now)}
        for stream in sorted(known | {*self.room.conversations.positions}):
            shown = shown_as(stream, seat.id)
            last = had.get(stream)
            found, gap = await entries_after(self.room, stream, last)
            if last is not None and gap is None:
                link.given[stream] = last.seq
            own = [words for words in found if is_for(seat, words)]
            if gap is not None and (own or last is not None):
                link.outbox.send(_gap_frame(shown, gap))
            folded = self.room.conversations.index.head(stream)
            missed += [words for words in own if words.entry.position.seq <= folded]
        missed.sort(key=lambda w: (w.entry.at, w.entry.stream, w.entry.position.seq))
        for number, words in enumerate(missed):
            if number and number % MISSED_AT_ONCE == 0:
                await self._replays.turn()
                if link.outbox.ended is not None:
                    return
            # What was deleted while others had their turn is not sent any more (EV5).
            self._give(link, self.room.conversations.current(words))


def _gap_frame(shown: str, gap: GapRange) -> Mapping[str, object]:
    return m.Gap(shown, gap if gap[1] >= gap[0] else None).to_map()


class _Shown:
    """The frames of one change, but for each viewer's numbers: each made once for all who get the
    same."""

    def __init__(self, change: Change, changes: Changes) -> None:
        self._changes = changes
        self._why = Cause(change.before, change.after, change.why, change.by)
        self._rests: dict[tuple[Key, Told], Rest] = {}
        self._kind: tuple[Sees, Sees] | None = None
        self._key: Key = ()

    def rest(self, old: Sees, new: Sees, seat: Seat) -> Rest | None:
        """What a viewer gets who was of the audiences `old` and is of `new`; None: nothing."""
        # Most viewers are of the same kind as the one before.
        if self._kind is None or self._kind[0] is not old or self._kind[1] is not new:
            self._kind, self._key = (old, new), self._changes.told(old, new)
        if not self._key:
            return None
        told = self._why.told(seat)
        rest = self._rests.get((self._key, told))
        if rest is None:
            rest = self._rests[self._key, told] = Rest(self._made(told))
        return rest

    def _made(self, told: Told) -> Mapping[str, object]:
        why, by = told
        news = merged(self._key)
        may = {"by": by, "set": news.set, "patch": news.patch}
        return {"why": why, **{name: each for name, each in may.items() if each}}


def _barred(state: RoomState, link: Link, seat: Seat | None) -> CloseCode | None:
    """Why a link that comes is not welcome any more: much may have happened since its hello."""
    if state.ended:
        return CloseCode.NOWHERE
    if seat is None:
        return CloseCode.REMOVED if link.seat in state.removed else CloseCode.LOST
    if seat.connection == link.connection:
        return None
    return CloseCode.LOST if seat.connection is None else CloseCode.ELSEWHERE


def _ending(change: Change, link: Link, seat: Seat | None) -> CloseCode | None:
    """Why this link ends by this change, if it does."""
    if seat is None:
        if link.seat in change.after.removed:
            return CloseCode.REMOVED
        own = (_left(event, link.seat) for event in change.events)
        return next((code for code in own if code is not None), CloseCode.BYE)
    if change.after.ended:
        return CloseCode.NOWHERE
    if seat.connection == link.connection:
        return None
    if seat.connection is not None:
        return CloseCode.ELSEWHERE
    gave = any(isinstance(e, PlaceYielded) and e.member == link.seat for e in change.events)
    return CloseCode.PLACE_GIVEN if gave else CloseCode.LOST


_TURNED: Final[Mapping[Turned | None, CloseCode]] = {
    Turned.LOCKED: CloseCode.DOOR_CLOSED,
    Turned.REVOKED: CloseCode.NOWHERE,
}


def _left(event: Event, seat: str) -> CloseCode | None:
    """Why a seat is gone, where it did not leave by itself."""
    if not isinstance(event, SeatLeft) or event.member != seat:
        return None
    return CloseCode.DECLINED if event.declined else _TURNED.get(event.turned)
