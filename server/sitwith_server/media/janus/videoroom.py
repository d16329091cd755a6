"""A room of Janus' videoroom plugin on one gateway: the requests that we make of it.

All methods raise GatewayDown (what was asked may have happened or not) and GatewayRefused.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from sitwith_server.media.engine import EngineDown, OfferRefused
from sitwith_server.media.janus.connection import (
    Body,
    GatewayDown,
    GatewayRefused,
    Reply,
    number,
    text,
)
from sitwith_server.media.janus.gateway import EndingSession, Gateway, SessionOwner
from sitwith_server.media.janus.sdp import for_gateway, for_member, live, read, slots
from sitwith_server.media.janus.transports import Publisher, SubscribedSlot, Subscriber
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.media.sdp.session import Medium
from sitwith_server.room.model import MemberId

PREFIX: Final = "sitwith-"
VIDEO_BITS: Final = 1_500_000
"""The most bits/s of video that a member should send; sent in the answer and by REMB."""
LEVEL_PACKETS: Final = 10
"""Packets with a level (20 ms each) from which Janus decides whether somebody talks."""
LEVEL_TALKING: Final = 50
"""An average level below this many -dBov counts as talking (RFC 6464: 127 is silence)."""
_PLACE: Final = {Medium.AUDIO: "0", Medium.VIDEO: "1"}
"""Mids of the placeholder, which has one stream for each codec of the room."""


class VideoRoom:
    """A room at a Janus gateway; made by `VideoRoom.make`."""

    def __init__(self, gateway: Gateway, session: int, control: int, room: str) -> None:
        self.gateway = gateway
        self._session = session
        self._control = control
        self._room = room
        self._secret = _secret(gateway.secrets.room, room)
        self._placeholder = ""

    @classmethod
    async def make(cls, gateway: Gateway, owner: SessionOwner) -> VideoRoom:
        """A new room, without members. Raises EngineDown."""
        session = await gateway.create_session(owner)
        # A name of its own, so that the gateway's logs and lists don't show the room's id.
        room = f"{PREFIX}{int(time.time()):x}-{secrets.token_hex(12)}"
        try:
            video_room = cls(gateway, session, await gateway.attach(session), room)
            await video_room._create()
        except BaseException as error:
            gateway.end_session(session)
            if isinstance(error, GatewayDown | GatewayRefused):
                raise EngineDown("the gateway makes no room") from error
            raise
        return video_room

    async def _create(self) -> None:
        await self._request(
            self._control,
            request="create",
            admin_key=self.gateway.secrets.room,
            secret=self._secret,
            is_private=True,
            publishers=1_000,
            audiocodec="opus",
            videocodec="vp8",
            opus_fec=True,
            opus_dtx=True,
            bitrate=VIDEO_BITS,
            bitrate_cap=True,
            audiolevel_event=True,
            audio_active_packets=LEVEL_PACKETS,
            audio_level_average=LEVEL_TALKING,
            playoutdelay_ext=False,
            lock_record=True,
            notify_joining=False,
            dummy_publisher=True,
        )
        found = await self._request(self._control, request="listparticipants")
        people = found.data.get("participants")
        for each in people if isinstance(people, list) else ():
            if isinstance(each, dict) and each.get("dummy") is True:
                self._placeholder = text(each, "id")
        if not self._placeholder:
            raise GatewayRefused(0)

    # ------------------------------------------------------------------------------ transports

    async def publish(self, member: MemberId, offer: Offer) -> tuple[Publisher, str]:
        """Makes a publisher with closed gates. Returns it and the answer's SDP. Raises OfferRefused
        as well."""
        handle = await self.gateway.attach(self._session)
        try:
            feed = secrets.token_hex(8)
            reply = await self._request(
                handle,
                {"type": "offer", "sdp": for_gateway(offer), "rid_order": "lmh"},
                request="joinandconfigure",
                ptype="publisher",
                id=feed,
            )
            origin = secrets.randbits(48), 1
            sdp = _answer(offer, reply.sdp, origin)
            mids = {section.medium: section.mid for section in live(offer)}
            publisher = Publisher(
                member,
                handle,
                offer,
                origin,
                feed=feed,
                mids=mids,
                open=dict.fromkeys(mids, False),
                layered=any(section.rids for section in live(offer)),
            )
            # Nobody can have subscribed to it yet. Close its gates now.
            for medium in mids:
                await self.gate(publisher, medium, False)
        except BaseException:
            self.release(handle)
            raise
        return publisher, sdp

    async def subscribe(self, member: MemberId, offer: Offer) -> tuple[Subscriber, str]:
        """Makes a subscriber whose slots hold the placeholder. Returns it and the answer's SDP.
        Raises OfferRefused as well."""
        handle = await self.gateway.attach(self._session)
        try:
            row = [
                {"feed": self._placeholder, "mid": _PLACE[section.medium]}
                for section in live(offer)
            ]
            reply = await self._request(
                handle,
                request="join",
                ptype="subscriber",
                autoupdate=False,
                streams=row,
            )
            origin = secrets.randbits(48), 1
            sdp = _answer(offer, reply.sdp, origin)
            told = for_gateway(offer)
            await self._request(handle, {"type": "answer", "sdp": told}, request="start")
        except BaseException:
            self.release(handle)
            raise
        fixed = tuple(
            SubscribedSlot(mid, index, medium)
            for index, (mid, medium) in enumerate(slots(offer).items())
        )
        return Subscriber(member, handle, offer, origin, slots=fixed, answer=told), sdp

    async def restart_up(self, publisher: Publisher, offer: Offer) -> str:
        """The answer to an ICE restart of what a member sends."""
        jsep = {"type": "offer", "sdp": for_gateway(offer), "rid_order": "lmh"}
        reply = await self._request(publisher.handle, jsep, request="configure")
        publisher.offer, publisher.origin = offer, (publisher.origin[0], publisher.origin[1] + 1)
        return _answer(offer, reply.sdp, publisher.origin)

    async def restart_down(self, subscriber: Subscriber, offer: Offer) -> str:
        """The answer to an ICE restart of what a member receives."""
        reply = await self._request(subscriber.handle, request="configure", restart=True)
        subscriber.origin = subscriber.origin[0], subscriber.origin[1] + 1
        sdp = _answer(offer, reply.sdp, subscriber.origin)
        subscriber.offer, subscriber.answer = offer, for_gateway(offer)
        await self._answer_again(subscriber)
        return sdp

    async def detach(self, handle: int) -> None:
        await self.gateway.detach(self._session, handle)

    def release(self, handle: int) -> None:
        """Ends a handle without waiting."""
        self.gateway.release(self._session, handle)

    async def close(self) -> None:
        """Destroys the room and ends its session, if the gateway can be reached."""
        with suppress(GatewayDown, GatewayRefused):
            await self._destroy()
        await self.gateway.end_session_and_wait(self._session)

    def abandon(self) -> EndingSession:
        """Ends the session at once, and with it all that it forwards. The room stays at the
        gateway, empty, until `sweep`."""
        return self.gateway.end_session(self._session)

    def renew(self) -> None:
        """Vouches at once with the present terms. Never fails."""
        self.gateway.renew()

    async def _destroy(self) -> None:
        """Destroys the room once nobody is in it, because Janus 1.1 may crash if a room is
        destroyed while a publisher's handle is being detached."""
        for _ in range(20):
            found = await self._request(self._control, request="listparticipants")
            people = found.data.get("participants")
            if isinstance(people, list) and len(people) == 1:
                await self._request(self._control, request="destroy", secret=self._secret)
                return
            await asyncio.sleep(0.05)

    # ----------------------------------------------------------------------------------- routes

    async def gate(self, publisher: Publisher, medium: Medium, open_: bool) -> None:
        """Opens or closes a publisher's gate. Confirmed once it returns."""
        await self._request(
            self._control,
            request="moderate",
            secret=self._secret,
            id=publisher.feed,
            mid=publisher.mids[medium],
            mute=not open_,
        )

    async def switch(
        self, subscriber: Subscriber, feeds: Iterable[tuple[SubscribedSlot, Publisher | None]]
    ) -> None:
        """Switches slots to publishers, or to the placeholder. Confirmed once it returns."""
        streams = [
            {
                "feed": self._placeholder if publisher is None else publisher.feed,
                "mid": _PLACE[slot.medium] if publisher is None else publisher.mids[slot.medium],
                "sub_mid": str(slot.index),
            }
            for slot, publisher in feeds
        ]
        reply = await self._request(subscriber.handle, request="switch", streams=streams)
        if reply.sdp:
            # A slot was inactive because its publisher had vanished, so Janus wants another answer.
            # The sections have not changed, so the member need not know.
            await self._answer_again(subscriber)

    async def layer(self, subscriber: Subscriber, slot: SubscribedSlot, place: int) -> None:
        """Sets the layer that a slot forwards; 0 is the smallest."""
        streams: list[dict[str, Any]] = [{"mid": str(slot.index), "substream": place}]
        await self._request(subscriber.handle, request="configure", streams=streams)

    async def _answer_again(self, subscriber: Subscriber) -> None:
        jsep = {"type": "answer", "sdp": subscriber.answer}
        await self._request(subscriber.handle, jsep, request="start")

    async def _request(
        self, handle: int, jsep: dict[str, str] | None = None, /, **body: object
    ) -> Reply:
        return await self.gateway.send(self._session, handle, {**body, "room": self._room}, jsep)


def _answer(offer: Offer, sdp: str, origin: tuple[int, int]) -> str:
    said = read(sdp)
    if said is None or len(said.ssrcs) != len(live(offer)):
        raise OfferRefused("no_codec")
    return for_member(offer, said, origin, VIDEO_BITS, secrets.randbits)


def _secret(key: str, room: str) -> str:
    """A room's secret, derived so that any of our nodes can destroy an old room."""
    return hmac.new(key.encode(), room.encode(), hashlib.sha256).hexdigest()


async def sweep(gateway: Gateway, older: float) -> int:
    """Destroys our rooms that have no publisher and are older than `older` seconds: those that a
    killed node or a lost connection left behind. Returns how many.
    """
    swept = 0

    session = await gateway.create_session(_Nobody())
    try:
        handle = await gateway.attach(session)
        body: dict[str, object] = {"request": "list", "admin_key": gateway.secrets.room}
        found = (await gateway.send(session, handle, body)).data.get("list")
        for each in found if isinstance(found, list) else ():
            room = text(each, "room")
            made = room.removeprefix(PREFIX).partition("-")[0]
            if not room.startswith(PREFIX) or not _is_hex(made):
                continue
            if number(each, "num_participants") > 1 or time.time() - int(made, 16) < older:
                continue
            secret = _secret(gateway.secrets.room, room)
            body = {"request": "destroy", "room": room, "secret": secret}
            await gateway.send(session, handle, body)
            swept += 1
    except GatewayRefused:
        pass
    finally:
        gateway.end_session(session)
    return swept


class _Nobody:
    def on_event(self, handle: int, message: Body) -> None: ...

    def session_ended(self, ending: EndingSession | None) -> None: ...

    def allowed_until(self) -> float:
        return math.inf


def _is_hex(word: str) -> bool:
    return 0 < len(word) <= 12 and all(each in "0123456789abcdef" for each in word)
