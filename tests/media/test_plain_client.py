"""A client that somebody else wrote with aiortc's own peer connection is answered and heard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack

from sitwith_server.media.aiortc.engine import AiortcEngine
from sitwith_server.media.engine import Plan
from sitwith_server.room.media.routes import Routes

POLICIES = [RTCBundlePolicy.BALANCED, RTCBundlePolicy.MAX_BUNDLE, RTCBundlePolicy.MAX_COMPAT]
WITHIN = 30.0


class Nobody:
    """Takes what an engine tells."""

    def slots_changed(self, member: str, slots: Mapping[str, str | None]) -> None:
        pass

    def connected(self, member: str) -> None:
        pass

    def lost(self, member: str) -> None:
        pass


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.value)
async def test_a_plain_peer_connection_speaks_and_hears(policy: RTCBundlePolicy) -> None:
    engine = AiortcEngine("127.0.0.1", 0)
    await engine.start()
    room = await engine.open("room", Nobody())
    heard = asyncio.Event()
    listening: list[asyncio.Task[None]] = []

    async def listen(track: MediaStreamTrack) -> None:
        try:
            await track.recv()
        except MediaStreamError:
            return
        heard.set()

    peers: dict[str, RTCPeerConnection] = {}
    try:
        for name in "ab":
            configuration = RTCConfiguration(iceServers=[], bundlePolicy=policy)
            peer = peers[name] = RTCPeerConnection(configuration)
            peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
            for _ in range(2):
                peer.addTransceiver("audio", direction="recvonly")
            if name == "b":
                peer.on(
                    "track", lambda track: listening.append(asyncio.ensure_future(listen(track)))
                )
            await peer.setLocalDescription(await peer.createOffer())
            answer = await room.answer(name, peer.localDescription.sdp)
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(WITHIN):
            while any(peer.connectionState != "connected" for peer in peers.values()):
                await asyncio.sleep(0.05)
            await room.apply(Plan(1, Routes(1, {"a": frozenset("b")}, {})))
            assert engine.counters.answers >= 2
            room.lease(asyncio.get_running_loop().time() + WITHIN)
            await heard.wait()
    finally:
        for peer in peers.values():
            await peer.close()
        for task in listening:
            task.cancel()
        await room.close()
        await engine.close()
