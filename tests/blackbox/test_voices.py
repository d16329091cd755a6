"""Who hears whom, with a peer connection that is not ours; and offers that are none (MW*, VO*)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiortc import RTCBundlePolicy

from .house import Circle, Server, circle
from .rawclient import Client, Map
from .voice import Voice, expect

POLICIES = (RTCBundlePolicy.MAX_BUNDLE, RTCBundlePolicy.BALANCED, RTCBundlePolicy.MAX_COMPAT)
FRIDA, ADA, BEN, CLEO = range(1, 5)
ALL = {FRIDA, ADA, BEN, CLEO}


def but_self(speakers: set[int], listeners: set[int] = ALL) -> dict[int, set[int]]:
    return {place: speakers - {place} for place in listeners}


@asynccontextmanager
async def talking(server: Server) -> AsyncIterator[tuple[Circle, list[Voice]]]:
    async with circle(server, ("Ada", "Ben", "Cleo")) as c:
        voices = [Voice(each, POLICIES[n % 3]) for n, each in enumerate(c.all)]
        try:
            await asyncio.gather(*(voice.start() for voice in voices))
            await expect(voices, but_self(ALL), "the open floor")
            yield c, voices
        finally:
            await asyncio.gather(*(voice.close() for voice in voices))


def media(client: Client, since: int, kind: str) -> list[Map]:
    return [f.body for f in client.frames[since:] if f.body["t"] == kind]


async def test_MW1_MW5_MW6_VO1_who_is_heard_follows_from_the_room(server: Server) -> None:
    async with talking(server) as (c, voices):
        f, (ada, ben, cleo) = c.f, c.members
        for voice in voices:
            # The map says who is on which section, and the sound agrees.
            slots = media(voice.client, 0, "media.map")[-1]["slots"]
            seats = {m: each["seat"] for m, each in f.view["members"].items()}
            assert {seats[m]: mid for mid, m in slots.items() if m} == voice.mids
        await f.ok("mute", {"member": ada.me, "kinds": ["audio"]})
        await expect(voices, but_self(ALL - {ADA}), "Ada muted")
        await ada.no("muted", "unmute", {"member": ada.me, "kinds": ["audio"]})
        await f.ok("floor.stick", {"to": ben.me})
        await expect(voices, but_self({FRIDA, BEN}), "Ben's stick")
        await f.ok("unmute", {"member": ada.me, "kinds": ["audio"]})
        await f.ok("room.settings", {"facilitators_wait": True})
        await ben.ok("floor.pass", {"to": cleo.me})
        await expect(voices, but_self({CLEO}), "Cleo's stick")
        await f.ok("pairs.open", {"groups": [[ada.me, ben.me]]})
        in_pairs = {ADA: {BEN}, BEN: {ADA}, FRIDA: {CLEO}}
        await expect(voices, in_pairs, "a pair and the circle")
        (group,) = f.view["pairs"]["groups"]
        await f.ok("pairs.visit", {"group": group})
        visited = {ADA: {FRIDA, BEN}, BEN: {FRIDA, ADA}, FRIDA: {ADA, BEN}}
        await expect(voices, visited, "the visit")
        await f.ok("pairs.close", {"grace": 0})
        await f.ok("floor.open")
        await expect(voices, but_self(ALL), "all together again")


async def test_MW4_MW7_VO3_a_connection_goes_with_its_seat(server: Server) -> None:
    async with talking(server) as (c, voices):
        ada, ben, cleo = c.members
        ben.drop()
        await expect(voices, but_self(ALL - {BEN}, ALL - {BEN}), "Ben is away")
        voices[2].client = ben = await c.back(ben)
        await expect(voices, but_self(ALL), "Ben is back, without another offer")
        found = media(ben, 0, "media.map")[-1]["slots"].values()
        assert {ada.me, cleo.me} <= {*found}
        # Another offer replaces the connection; what becomes of the old one is no loss.
        before = len(ben.frames)
        voices.append(Voice(ben))
        await voices[-1].start()
        old = voices.pop(2)
        await expect(voices, but_self(ALL), "Ben's other connection")
        await expect([old], {}, "Ben's old one")
        await old.close()
        assert media(ben, before, "media.lost") == []
        # Who hangs up is told that nothing of them is here, and may offer again.
        before = len(cleo.frames)
        await voices[2].close()
        await cleo.gets(lambda b: b["t"] == "media.lost", "media.lost", since=before)
        voices[2] = Voice(cleo)
        await voices[2].start()
        await expect(voices, but_self(ALL), "Cleo's other connection")
        await c.f.ok("member.remove", {"member": ben.me})
        await expect(voices, but_self(ALL - {BEN}, ALL - {BEN}), "Ben was removed")
        await c.f.ok("lobby.return", {"member": ada.me})
        await expect(voices, but_self({FRIDA, CLEO}, {FRIDA, CLEO}), "Ada is in the lobby")
        await ada.no("not_inside", "media.offer", {"sdp": "v=0"})


def less(pattern: str, new: str = "") -> Callable[[str], str]:
    def made(offer: str) -> str:
        found, count = re.subn(pattern, new, offer, flags=re.MULTILINE)
        assert count, pattern
        return found

    return made


BAD: list[tuple[str, Callable[[str], str]]] = [
    ("malformed", lambda s: "canary"),
    ("malformed", lambda s: s + "a=" + "x" * 9_000 + "\r\n"),
    ("malformed", lambda s: s.replace("v=0", "v=0\x00")),
    ("too_many_slots", lambda s: s + "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n" * 90),
    ("too_many_sources", lambda s: s.replace("a=recvonly", "a=sendonly", 1)),
    ("direction", lambda s: s.replace("a=sendonly", "a=sendrecv")),
    ("no_codec", lambda s: s.replace("opus", "canary")),
    ("no_bundle", less(r"^a=group:BUNDLE.*\n")),
    ("no_bundle", less(r"^a=rtcp-mux\r\n")),
    ("no_fingerprint", less(r"^a=fingerprint:.*\n")),
    ("no_ssrc", lambda s: less(r"^a=extmap:.*\n")(less(r"^a=ssrc:.*\n")(s))),
    ("bad_ice", less(r"^a=ice-pwd:.*\n")),
    ("malformed", less(r"^a=ssrc:\d+", "a=ssrc:99999999999")),
]
SPECIAL = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "255.255.255.255", "224.0.0.1", "::1")


async def test_MW2_offers_that_cant_be_answered_are_refused_by_a_word(server: Server) -> None:
    async with circle(server, ("Ada",)) as c:
        (ada,) = c.members
        voice = Voice(ada)
        offer = await voice.offer()
        for word, change in BAD:
            answer = await ada.no("bad_request", "media.offer", {"sdp": change(offer)})
            assert answer["message"].endswith(f"({word})."), (word, answer)
            assert "canary" not in answer["message"]
        bad: list[Any] = [None, 7, b"v=0", ["v=0"], {}, ""]
        for each in bad:
            await ada.no("bad_request", "media.offer", {"sdp": each})
        await ada.no("bad_request", "media.offer", {"sdp": offer, "more": 1})
        # Whatever addresses an offer names, they are nothing to the server, and not in its answer.
        named = "".join(f"a=candidate:9 1 udp 1 {a} 9 typ host\r\n" for a in SPECIAL)
        made = less(r"^a=end-of-candidates\r\n", named)(less(r"^a=candidate:.*\n")(offer))
        answer = await ada.ok("media.offer", {"sdp": made})
        lines = answer["sdp"].splitlines()
        assert all(line.split()[4] == "127.0.0.1" for line in lines if "a=candidate" in line)
        assert len([line for line in lines if line.startswith("a=ssrc:")]) == 3
        assert "canary" not in server.log
        await voice.close()


async def test_MW3_LI4_a_flood_of_offers_harms_nobody_else(
    own_server: Callable[..., Server],
) -> None:
    server = own_server()
    async with circle(server, ("Ada", "Ben")) as c:
        ada, ben = c.members
        offer = await Voice(ben).offer()
        before = len(ada.frames)
        for number in range(1_000):
            try:
                await ada.send({"t": "media.offer", "id": 10_000 + number, "sdp": offer})
            except Exception:
                break
        began = time.monotonic()
        voice = Voice(ben)
        await voice.start()
        assert time.monotonic() - began < 25
        assert await ada.closed() == 4429
        codes = {f.body.get("code") for f in ada.frames[before:] if f.body["t"] == "refused"}
        assert codes <= {"too_fast", "frozen"}, codes
        await voice.close()


async def test_MW3_a_server_without_voices_says_so(own_server: Callable[..., Server]) -> None:
    async with circle(own_server(SITWITH_MEDIA="off"), ("Ada",)) as c:
        (ada,) = c.members
        await ada.no("not_allowed", "media.offer", {"sdp": "v=0"})
        await ada.no("not_allowed", "media.servers")
        await ada.no("not_allowed", "media.take", {"pictures": "low"})
