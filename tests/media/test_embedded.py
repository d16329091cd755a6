"""Voices with everything in one process: real sockets, real SRTP, the Python client."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sitwith_client import Refused
from sitwith_client.voice.peer import Peer
from tests.blackbox.house import Server
from tests.media.person import Person, people, quiet
from tests.waiting import until

Step = Callable[[], Awaitable[None]]

SECRET = "a-secret-shared-with-the-turn-server"
GRACE = 0.05
"""Seconds that a packet may be under way on a machine that has other work."""


@asynccontextmanager
async def circle(server: Server, *names: str, **spec: Any) -> AsyncIterator[list[Person]]:
    """A room with Fay the facilitator and these members, all of whom talk and hear."""
    made = (await server.http("POST", "/api/rooms", spec)).json()
    async with (
        people(made["links"]["facilitator"], "Fay") as staff,
        people(made["links"]["member"], *names) as members,
    ):
        everybody = [*staff, *members]
        for each in everybody:
            await each.hears(*(other.name for other in everybody if other is not each))
        yield everybody


async def test_MW1_MW6_an_offer_is_answered_and_the_map_says_who_is_where(server: Server) -> None:
    async with circle(server, "Ada", "Ben") as (fay, ada, ben):
        assert "a=candidate:" in ada.answer and "a=end-of-candidates" in ada.answer
        assert ada.answer.count("m=audio") == 5
        await until(
            lambda: sorted(filter(None, ada.slots.values())) == sorted((fay.id, ben.id)),
            lambda: f"{ada.slots}",
        )
        assert len(ada.slots) == 4
        offered = ada.offered
        await fay.client.open_pairs([[ada.id], [ben.id]])
        await until(lambda: set(ada.slots.values()) == {None}, lambda: f"{ada.slots}")
        await fay.client.close_pairs(0)
        await ada.hears("Ben", "Fay")
        assert (ada.offered, ada.lost) == (offered, 0)


async def test_MW2_a_bad_offer_is_refused_and_the_connection_stays(server: Server) -> None:
    async with circle(server, "Ada") as (fay, ada):
        for bad in ("v=0", "nonsense", ada.peer.offer().replace("a=group:BUNDLE", "a=x-group:")):
            with pytest.raises(Refused) as caught:
                await ada.client.offer_media(bad)
            assert caught.value.code == "bad_request"
            words = str(caught.value)
            assert words.rstrip(".").endswith(")") and "(" in words
            assert "nonsense" not in words
        await fay.hears("Ada")
        assert (ada.lost, ada.offered) == (0, 1)


async def test_MW4_a_resume_keeps_the_connection_and_a_new_offer_replaces_it(
    server: Server,
) -> None:
    async with circle(server, "Ada", "Ben") as (_, ada, ben):
        gone = time.monotonic()
        await ada.client.reconnect(rudely=True)
        await until(lambda: ada.client.connections == 2, lambda: "back")
        await ada.hears("Ben")
        await ben.hears("Ada", since=gone + 0.5)
        assert (ada.offered, ada.lost) == (1, 0)
        await ada.connect()
        await ada.hears("Ben")
        await ben.hears("Ada")


async def test_MW4_the_connection_ends_with_the_seat(server: Server) -> None:
    async with circle(server, "Ada", "Ben", lobby=False) as (fay, ada, ben):
        ada.keep = False
        await fay.client.remove(ada.id)
        ok = time.monotonic()
        await quiet(ben, "Ada", ok, slack=GRACE)
        await until(lambda: ada.peer.state == "closed", lambda: "her transport ends")


async def test_MW7_who_closes_the_connection_is_told_too_and_nobody_else_is(
    server: Server,
) -> None:
    async with circle(server, "Ada", "Ben") as (_, ada, ben):
        ada.keep = False
        await ada.peer.close()
        await until(lambda: ada.lost == 1, lambda: f"{ada.lost}")
        await until(lambda: ada.id not in ben.slots.values(), lambda: f"{ben.slots}")
        await ada.connect()
        await ada.hears("Ben")
        await ben.hears("Ada")
        assert (ada.lost, ben.lost) == (1, 0)


async def test_MW5_what_is_taken_away_is_silent_with_the_ok(server: Server) -> None:
    async with circle(server, "Ada", "Ben") as (fay, ada, ben):
        me = fay.client
        takes: tuple[tuple[Step, Step], ...] = (
            (lambda: me.mute(ada.id, "audio"), lambda: me.unmute(ada.id, "audio")),
            (lambda: ada.client.mute(ada.id, "audio"), lambda: ada.client.unmute(ada.id, "audio")),
            (lambda: me.mute_all("audio", except_=[ben.id]), lambda: me.unmute(ada.id, "audio")),
            (me.quiet_floor, me.open_floor),
            (lambda: me.open_pairs([[ada.id], [ben.id]]), lambda: me.close_pairs(0)),
        )
        for take, give in takes:
            await take()
            await quiet(ben, "Ada", time.monotonic(), slack=GRACE)
            await give()
            await ben.hears("Ada")


async def test_MW5_with_the_stick_the_holder_alone_is_heard(server: Server) -> None:
    async with circle(server, "Ada", "Ben", "Cleo") as (fay, ada, ben, cleo):
        await fay.client.change_settings(facilitators_wait=True)
        await fay.client.start_stick(ada.id)
        began = time.monotonic()
        await cleo.hears("Ada")
        await asyncio.gather(*(quiet(cleo, each, began, slack=GRACE) for each in ("Ben", "Fay")))
        await ada.client.pass_stick(ben.id)
        passed = time.monotonic()
        await cleo.hears("Ben")
        await quiet(cleo, "Ada", passed, slack=GRACE)


async def test_MW8_speaking_names_whom_one_hears_and_oneself(server: Server) -> None:
    async with circle(server, "Ada", "Ben", "Cleo") as (fay, ada, ben, cleo):
        everybody = {fay.id, ada.id, ben.id, cleo.id}
        await until(lambda: ada.speakers == everybody, lambda: f"{ada.speakers}")
        await fay.client.open_pairs([[ada.id, ben.id]])
        await until(lambda: ada.speakers == {ada.id, ben.id}, lambda: f"{ada.speakers}")
        await until(lambda: cleo.speakers == {fay.id, cleo.id}, lambda: f"{cleo.speakers}")
        ada.ever_speakers.clear()
        cleo.ever_speakers.clear()
        await asyncio.sleep(0.6)
        assert ada.ever_speakers <= {ada.id, ben.id}
        await fay.client.mute(ada.id, "audio")
        await until(lambda: ada.speakers == {ben.id}, lambda: f"{ada.speakers}")


async def test_VO4_facilitators_see_who_was_heard_for_how_long(server: Server) -> None:
    async with circle(server, "Ada", "Ben") as (fay, ada, ben):
        await fay.client.mute(ben.id, "audio")
        await fay.client.start_stick(ada.id)
        await until(lambda: ada.id in fay.client.room.talk, lambda: f"{fay.client.room.talk}")
        seconds = fay.client.room.talk[ada.id]
        assert 0 < seconds < 60
        assert ada.client.room.talk == {}
        await asyncio.sleep(1)
        await fay.client.pass_stick(ben.id)
        await until(lambda: fay.client.room.talk[ada.id] > seconds, lambda: "more of it")


async def test_MW10_pictures_are_taken_as_asked(server: Server) -> None:
    async with circle(server, "Ada") as (_, ada):
        for pictures in ("none", "low", "high"):
            await ada.client.take_pictures(pictures)


async def test_MW3_without_voices_an_offer_is_not_allowed(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(
        SITWITH_MEDIA="off", SITWITH_TURN_URLS="turn:turn.example.org", SITWITH_TURN_SECRET=SECRET
    )
    made = (await server.http("POST", "/api/rooms", {})).json()
    from sitwith_client import Client

    async with Client.join(made["links"]["member"], "Ada") as ada:
        await ada.enter(20)
        with pytest.raises(Refused) as caught:
            await ada.offer_media(Peer().offer())
        assert caught.value.code == "not_allowed"


async def test_MW9_turn_servers_come_with_credentials_of_the_seat(
    own_server: Callable[..., Server],
) -> None:
    urls = "turn:turn.example.org:3478?transport=udp,turns:turn.example.org:5349"
    server = own_server(
        SITWITH_TURN_URLS=urls,
        SITWITH_TURN_SECRET=SECRET,
        SITWITH_TURN_TTL="120",
        SITWITH_TURN_RELAY_ONLY="true",
        SITWITH_LOG_LEVEL="debug",
    )
    async with circle(server, "Ada") as (fay, ada):
        answers = [await each.client.media_servers() for each in (fay, ada, ada)]
        names = []
        for answer in answers:
            assert (answer["ttl"], answer["relay"]) == (120, True)
            (only,) = answer["servers"]
            assert only["urls"] == urls.split(",")
            expiry, _, name = only["username"].partition(":")
            assert 100 < int(expiry) - time.time() < 140
            digest = hmac.digest(SECRET.encode(), only["username"].encode(), hashlib.sha1)
            assert base64.b64decode(only["credential"]) == digest
            names.append(name)
            assert only["credential"] not in server.log
        assert names[0] != names[1] == names[2]
        assert all(fay.id not in name and ada.id not in name for name in names)
        assert SECRET not in server.log
