"""One member's voice: keeps a media connection up, sends on it and counts what comes."""

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
"""Seconds without a packet, while somebody else speaks, until a new offer."""
LONGEST_PATIENCE: Final = 16.0
FIRST_RETRY: Final = 0.1
LONGEST_RETRY: Final = 4.0
"""Longest wait in seconds between offers that were refused or failed."""
LOOK: Final = 0.25
TWO_TRANSPORTS: Final = "(two_transports)"
"""The end of a refusal by a server that wants a connection for each direction (MW2)."""


class Voice:
    """The media connection of a seat::

        async with Client.join(link, "Ada") as me:
            await me.enter()
            async with Voice(me) as voice:
                await voice.wait_connected()
                await voice.play(tone(1.0))

    While we are inside it offers by itself: at first, after `media.lost`, when the connection is
    lost, and when nothing comes while somebody speaks. It sends whatever is played; the server
    decides who hears it. If the server wants a connection for each direction, it makes two and
    treats them as one.

    audio, video: receive slots.
    keep: how many of the latest packets of each slot are kept for `levels`.
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
        """None, one that sends and receives, or one that sends and one that receives."""
        self._up, self._broken = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._playing = asyncio.Lock()
        self._sent_at = 0.0
        self._before = 0
        self.slots: Mapping[str, str | None] = {}
        """The member on each receive slot (mid) just now."""
        self.speakers: frozenset[str] = frozenset()
        """Whom we hear just now; includes us while others hear us."""
        self.heard: Counter[str] = Counter()
        """Decrypted packets by member, who was on the slot when they came."""
        self.offers = 0
        self.refused: Refused | None = None
        """The latest refusal, until an offer is answered."""

    # ---- start and end

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
            # Repeated: before Python 3.12 `wait_for` in the DTLS handshake may swallow a cancel.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=LOOK)

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    @property
    def off(self) -> bool:
        """Whether this server has no media plane."""
        return self.refused is not None and self.refused.code == RefusalCode.NOT_ALLOWED

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Waits until there is a connection.

        Raises TimeoutError after `timeout` seconds, and Refused if the server has no media plane.
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

    # ---- sending

    def send(self, frame: Frame) -> None:
        """Sends 20 ms now; does nothing while there is no connection."""
        now = time.monotonic()
        passed = round((now - self._sent_at) / SECONDS) if self._sent_at else 1
        # A gap of 60 ms or more is a pause in the sound; a shorter one is only a late wake-up.
        step = 1 if passed < 3 else passed
        self._sent_at = now
        self._send(frame, step)

    async def play(self, clip: Clip) -> None:
        """Sends a clip in real time; waits for the end of an earlier one."""
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

    # ---- receiving

    @property
    def received(self) -> Mapping[str, Received]:
        """Counters of the present connection by slot (mid)."""
        return self._peers[-1].received if self._peers else {}

    @property
    def packets(self) -> int:
        """Packets that came on all connections so far."""
        return self._before + sum(each.packets for each in self.received.values())

    def levels(self) -> dict[str, int]:
        """The level of each member on our slots in -dBov, from the packets that were kept."""
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
        """Makes a connection; whether there is one now. Raises Refused."""
        audio, video = self._slots_wanted
        both = (self._peer(("audio",), audio, video),)
        try:
            return await self._connect(both)
        except Refused as refused:
            if not refused.message.rstrip(".").endswith(TWO_TRANSPORTS):
                raise
        # Tried again with each new connection: the next node may want one for both.
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
        """Offers each peer; whether all are connected now. Raises Refused."""
        self.slots, self.speakers = {}, frozenset()
        self._kept.clear()
        try:
            for peer in peers:
                self.offers += 1
                answer = await self._me.offer_media(peer.offer())
                self.refused = None
                if peer is peers[0]:
                    # A loss before this answer was that of an earlier connection.
                    self._broken.clear()
                await peer.connect(answer)
        except (ValueError, ConnectionError):
            await _close(peers)
            return False
        except BaseException:
            await _close(peers)
            raise
        # Closed only now, so that the end of the old connection doesn't count as a loss.
        await self._part()
        self._peers = peers
        self._up.set()
        return True

    async def _until_broken(self, patience: float) -> None:
        """Waits until the connection is lost, or nothing comes although somebody speaks."""
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
