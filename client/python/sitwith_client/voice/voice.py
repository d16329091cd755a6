"""One member's voice: a media connection that is kept up, what is sent on it and what comes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from sitwith_protocol.errors import RefusalCode

from ..client import Client
from ..errors import Refused, RoomClosed
from ..events import Heard, Inside, MediaLost, MediaSlots
from .opus import FRAME, SECONDS, SILENCE, Clip, Frame, heard_level
from .peer import Peer, Received

PATIENCE: Final = 1.0
"""Seconds without any packet, while somebody else speaks, after which we offer again."""
LONGEST_PATIENCE: Final = 16.0
FIRST_RETRY: Final = 0.1
LONGEST_RETRY: Final = 4.0
"""Seconds between two offers that were refused or led to no connection."""
LOOK: Final = 0.25
TWO_TRANSPORTS: Final = "(two_transports)"
"""How a refusal ends where the server wants a connection for each direction (MW2)."""


class Voice:
    """The media connection of a seat::

        async with Client.join(link, "Ada") as me:
            await me.enter()
            async with Voice(me) as voice:
                await voice.up()
                await voice.play(tone(1.0))

    It offers by itself as long as one is inside: at first, after `media.lost`, when the line is
    gone, and when nothing comes while somebody speaks. What is played is sent whether the room
    lets it be heard or not: that is the server's business. Where the server wants a connection for
    each direction it makes both, and keeps them up as one.

    audio, video: receive slots.
    keep: the latest packets of each slot that are kept for `levels`.
    open_every: see `Peer`.
    """

    def __init__(
        self, me: Client, *, audio: int = 11, video: int = 0, keep: int = 0, open_every: int = 1
    ) -> None:
        self._me = me
        self._slots_wanted = (audio, video)
        self._keep, self._open_every = keep, open_every
        self._kept: dict[str, deque[bytes]] = {}
        self._peers: tuple[Peer, ...] = ()
        """The first one sends and the last one receives: one that does both, two, or none."""
        self._up, self._broken = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._playing = asyncio.Lock()
        self._sent_at = 0.0
        self._before = 0
        self.slots: Mapping[str, str | None] = {}
        """Who is on which receive slot (by mid) just now."""
        self.speakers: frozenset[str] = frozenset()
        """Whom we hear just now, ourselves included while others hear us."""
        self.heard: Counter[str] = Counter()
        """Packets by member, by the slots at their coming (only opened ones)."""
        self.offers = 0
        self.refused: Refused | None = None
        """The server's last word where it has answered no offer since."""

    # ---- its life

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._live())]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running = set(self._tasks)
        while running:
            # Again and again: before Python 3.12 `wait_for`, in the DTLS handshake, may swallow it.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=LOOK)

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    @property
    def off(self) -> bool:
        """Whether this server has no voices."""
        return self.refused is not None and self.refused.code == RefusalCode.NOT_ALLOWED

    async def up(self, timeout: float | None = None) -> None:
        """Waits until there is a connection.

        Raises TimeoutError, and Refused where the server has no voices at all.
        """
        waiting = asyncio.create_task(self._up.wait())
        try:
            async with asyncio.timeout(timeout):
                while not waiting.done():
                    await asyncio.wait({waiting, self._tasks[1]}, timeout=LOOK)
                    if self.refused is not None and self._tasks[1].done():
                        raise self.refused
        finally:
            waiting.cancel()

    # ---- what one sends

    def send(self, frame: Frame) -> None:
        """20 ms, now; nothing is sent while there is no connection."""
        now = time.monotonic()
        passed = round((now - self._sent_at) / SECONDS) if self._sent_at else 1
        # Pauses are part of the sound; what is only a late wake-up is none.
        step = 1 if passed < 3 else passed
        self._sent_at = now
        self._send(frame, step)

    async def play(self, clip: Clip) -> None:
        """Sends a clip in its own time; a second one waits for the end of the first."""
        async with self._playing:
            clock = asyncio.get_running_loop().time
            began = clock()
            skipped = 0
            for number, frame in enumerate(clip.frames):
                await asyncio.sleep(max(0.0, began + number * SECONDS - clock()))
                if frame is None:
                    skipped += 1
                elif number == 0 or self._sent_at == 0:
                    self.send(frame)
                else:
                    self._sent_at = time.monotonic()
                    self._send(frame, 1 + skipped)
                    skipped = 0
            await asyncio.sleep(max(0.0, began + clip.seconds - clock()))

    def _send(self, frame: Frame, step: int) -> None:
        if self._peers and self._up.is_set():
            self._peers[0].send(
                "audio",
                frame.payload,
                step * FRAME,
                level=frame.level,
                voice=frame.voice,
                marker=step > 1,
            )

    # ---- what comes

    @property
    def received(self) -> Mapping[str, Received]:
        """Counters by slot (mid) of the present connection."""
        return self._peers[-1].received if self._peers else {}

    @property
    def packets(self) -> int:
        """All that came, on all connections."""
        return self._before + sum(each.packets for each in self.received.values())

    def levels(self) -> dict[str, int]:
        """How loud the members on our slots were lately, in -dBov: decodes what was kept."""
        found: dict[str, int] = {}
        for mid, kept in self._kept.items():
            member = self.slots.get(mid)
            if member is not None and kept:
                found[member] = min(heard_level(kept), found.get(member, SILENCE))
        return found

    def _on_rtp(self, mid: str, packet: bytes) -> None:
        member = self.slots.get(mid)
        if member is not None:
            self.heard[member] += 1
        if self._keep:
            start = 12 + 4 * (packet[0] & 15)
            if packet[0] & 16:
                start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
            kept = self._kept.setdefault(mid, deque(maxlen=self._keep))
            kept.append(packet[start:])

    # ---- keeping it up

    async def _follow(self) -> None:
        async for event in self._me.events():
            match event:
                case MediaSlots(slots):
                    for mid in {m for m, who in self.slots.items() if slots.get(m) != who}:
                        self._kept.pop(mid, None)
                    self.slots = slots
                case Heard(members):
                    self.speakers = members
                case MediaLost() | Inside():
                    self._broken.set()
                case _:
                    pass

    async def _live(self) -> None:
        try:
            await self._keep_up()
        finally:
            self._up.clear()
            await self._part()

    async def _keep_up(self) -> None:
        delay, patience = FIRST_RETRY, PATIENCE
        while True:
            try:
                await self._me.until(lambda: self._me.phase == "inside" and self._me.connected)
                reached = await self._offer()
            except RoomClosed:
                return
            except Refused as refused:
                self.refused, reached = refused, False
                if self.off:
                    return
            if not reached:
                await asyncio.sleep(delay)
                delay = min(LONGEST_RETRY, 2 * delay)
                continue
            delay = FIRST_RETRY
            try:
                before = self.packets
                await self._until_broken(patience)
                patience = (
                    PATIENCE if self.packets > before else min(LONGEST_PATIENCE, 2 * patience)
                )
            finally:
                await self._part()

    async def _offer(self) -> bool:
        """Whether there is a connection now."""
        audio, video = self._slots_wanted
        both = (self._peer(("audio",), audio, video),)
        try:
            return await self._connect(both)
        except Refused as refused:
            if not refused.message.rstrip(".").endswith(TWO_TRANSPORTS):
                raise
        # Asked anew each time: the next node may want it otherwise.
        return await self._connect((self._peer(("audio",), 0, 0), self._peer((), audio, video)))

    def _peer(self, sends: Sequence[str], audio: int, video: int) -> Peer:
        return Peer(
            sends,
            audio=audio,
            video=video,
            open_every=self._open_every,
            on_rtp=self._on_rtp,
            on_lost=self._broken.set,
        )

    async def _connect(self, peers: tuple[Peer, ...]) -> bool:
        """Offers each of them by itself; whether all are connected now. Raises Refused."""
        self.slots, self.speakers = {}, frozenset()
        self._kept.clear()
        try:
            for peer in peers:
                self.offers += 1
                answer = await self._me.offer_media(peer.offer())
                self.refused = None
                if peer is peers[0]:
                    # What was said to be lost before this answer was an earlier connection.
                    self._broken.clear()
                await peer.connect(answer)
        except (ValueError, ConnectionError):
            await _close(peers)
            return False
        except BaseException:
            await _close(peers)
            raise
        # The new one has taken the old one's place: only now, so that its end isn't a loss.
        await self._part()
        self._peers = peers
        self._up.set()
        return True

    async def _until_broken(self, patience: float) -> None:
        """Until the connection is lost, or nothing comes though somebody speaks."""
        packets, since = -1, 0.0
        while not self._broken.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._broken.wait()
            now = time.monotonic()
            listening = self._slots_wanted[0] and self.speakers - {self._me.id}
            if not listening or self.packets != packets:
                packets, since = self.packets, now
            elif now - since > patience:
                return

    async def _part(self) -> None:
        peers, self._peers = self._peers, ()
        if peers:
            self._before += sum(each.packets for each in peers[-1].received.values())
        await _close(peers)


async def _close(peers: Sequence[Peer]) -> None:
    for peer in peers:
        await peer.close()
