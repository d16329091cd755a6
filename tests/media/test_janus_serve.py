"""`sitwith serve` with voices on a real Janus gateway, heard by the Python client."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sitwith_client import Client, Refused
from sitwith_client.voice import Voice, tone
from sitwith_client.voice.peer import Peer
from sitwith_server.media.janus.lease import BOUND
from tests.blackbox.house import Server
from tests.media.janus_net import SECRETS, janus, why_not
from tests.waiting import until

_WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))


async def test_MW2_who_is_refused_with_two_transports_is_heard_by_two(tmp_path: Path) -> None:
    with janus(tmp_path / "one", bound=BOUND) as one:
        server = Server(
            {
                "SITWITH_MEDIA": "janus",
                "SITWITH_JANUS_URLS": one.address.api,
                "SITWITH_JANUS_SECRET": SECRETS.api,
                "SITWITH_JANUS_ROOM_KEY": SECRETS.room,
            }
        )
        try:
            await _evening(server)
            assert "fault" not in server.log
        finally:
            server.stop()


async def _evening(server: Server) -> None:
    made = (await server.http("POST", "/api/rooms", {"lobby": False})).json()
    async with AsyncExitStack() as stack:
        people: list[Client] = []
        for role, name in (("facilitator", "Fay"), ("member", "Ada"), ("member", "Ben")):
            me = await stack.enter_async_context(Client.join(made["links"][role], name))
            await me.enter(30)
            people.append(me)
        fay, ada, ben = people
        with pytest.raises(Refused) as caught:
            await ada.offer_media(Peer(("audio",), audio=2).offer())
        assert caught.value.code == "bad_request"
        assert caught.value.message.endswith("(two_transports).")
        hers, his = [await stack.enter_async_context(Voice(me, audio=3)) for me in (ada, ben)]
        for voice in (hers, his):
            await voice.wait_connected(60)
        talking = [
            asyncio.create_task(hers.play(tone(120, 250, 20))),
            asyncio.create_task(his.play(tone(120, 350, 20))),
        ]
        try:
            await until(lambda: his.heard[ada.id] > 20 and hers.heard[ben.id] > 20, "each other")
            # The slots are those of the connection that receives, which has no other sections.
            assert set(hers.slots) == set(his.slots) == set(his.received) == {"0", "1", "2"}
            await until(lambda: ada.id in his.speakers, "that she speaks")
            await fay.mute(ada.id, "audio")
            await asyncio.sleep(0.3)
            before, heard = his.packets, hers.heard[ben.id]
            await until(lambda: hers.heard[ben.id] > heard + 30, "he is still heard")
            assert his.packets == before, "she is muted"
            await fay.unmute(ada.id, "audio")
            await until(lambda: his.packets > before + 20, "her again")
            # One of the two goes: both are made anew.
            offers = hers.offers
            await hers._peers[0].close()
            await until(lambda: hers.offers >= offers + 3 and hers.connected, "another two", 40)
            before, heard = his.packets, hers.heard[ben.id]
            await until(
                lambda: his.packets > before + 20 and hers.heard[ben.id] > heard + 20,
                "both ways again",
                40,
            )
        finally:
            for each in talking:
                each.cancel()
