"""Rows 35 to 37 of the table in README.md, as far as an offer alone shows them. What happens with
packets is in tests/media (rows 20, 21 and 34 too): README.md names the tests."""

from __future__ import annotations

import asyncio
import re
import socket
import time

from tests.blackbox.house import Server, circle
from tests.blackbox.voice import Voice

#: Documentation addresses (RFC 5737, RFC 3849): nobody has them.
OWN = ("192.0.2.77", "2001:db8::77", "198.51.100.77")
SPECIAL = (
    "127.0.0.1", "169.254.169.254", "10.0.0.1", "255.255.255.255", "224.0.0.1", "::1",
    "::ffff:127.0.0.1",
)  # fmt: skip


def with_candidates(offer: str, addresses: list[str], port: int, many: int = 1) -> str:
    """An offer that names these addresses wherever an offer can name one."""
    offer = re.sub(r"^a=(?:candidate|end-of-candidates).*\r\n", "", offer, flags=re.MULTILINE)
    first = addresses[0]
    offer = re.sub(r"^c=IN IP4 \S+", f"c=IN IP4 {first}", offer, flags=re.MULTILINE)
    of = re.compile(r"^o=(\S+ \S+ \S+) IN IP4 \S+", re.MULTILINE)
    offer = of.sub(rf"o=\1 IN IP4 {first}", offer)
    lines = [
        f"a=candidate:{n} 1 udp {2_130_706_431 - n} {address} {port} typ {kind}\r\n"
        for n in range(many)
        for address in addresses
        for kind in ("host", f"srflx raddr {first} rport {port}")
    ]
    return offer + "".join(lines)


async def test_row_35_addresses_in_an_offer_get_no_packet(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        voice = Voice(ada)
        offer = await voice.offer()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trap:
            trap.bind(("127.0.0.5", 0))
            trap.setblocking(False)
            port = trap.getsockname()[1]
            made = with_candidates(offer, ["127.0.0.5", *SPECIAL], port)
            answer = await ada.ok("media.offer", {"sdp": made})
            found = re.findall(r"^a=candidate:\S+ \d+ \S+ \d+ (\S+)", answer["sdp"], re.MULTILINE)
            assert set(found) == {"127.0.0.1"}, "the server's own address and no other"
            for address in ("127.0.0.5", *SPECIAL[1:6]):
                assert address not in answer["sdp"]
            await asyncio.sleep(0.4)
            try:
                data: bytes | None = trap.recv(2048)
            except BlockingIOError:
                data = None
            assert data is None, "a packet to an address of the client's choice"
        await voice.close()


async def test_row_36_no_member_is_told_where_another_is(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        voices = [Voice(ada), Voice(ben)]
        offers = [await voice.offer() for voice in voices]
        await ada.ok("media.offer", {"sdp": with_candidates(offers[0], list(OWN), 9)})
        await ben.ok("media.offer", {"sdp": offers[1]})
        back = await c.back(ben, seen={})
        await c.settle()
        metrics = (await server.http("GET", "/healthz", key=None)).text
        for address in OWN:
            for who in (ada, ben, back, c.f):
                assert address.encode() not in who.everything, who.label
            assert address not in server.log + metrics
        await asyncio.gather(*(voice.close() for voice in voices))


async def test_row_37_an_offer_of_everything_is_refused_and_costs_nothing(server: Server) -> None:
    section = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n"
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        voice = Voice(ada)
        offer = await voice.offer()
        honest = len((await ada.ok("media.offer", {"sdp": offer}))["sdp"])
        before = server.memory
        began = time.monotonic()
        for refused, made in (
            (True, offer + section * 400),
            (True, offer + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" * 20),
            (True, "v=0\r\n" * 6000),
            (True, "\r\n" * 15_000),
            (True, "a=" + "x" * 31_000),
            # What the server has no use for is neither kept nor answered.
            (False, offer + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 500),
            (False, offer + "a=ssrc:1 cname:x\r\n" * 1500),
            (False, offer + "a=rid:x send\r\n" * 1500),
            (False, offer + "a=extmap:1 urn:x\r\n" * 1500),
        ):
            answer = await ada.ask({"t": "media.offer", "id": next(ada.ids), "sdp": made})
            assert answer["t"] == "refused" or not refused, made[-60:]
            assert answer.get("code", "bad_request") in ("bad_request", "too_fast")
            assert len(answer.get("sdp", "")) < 1.2 * honest
        await ben.ok("chat.say", {"to": "circle", "body": "in between"})
        assert time.monotonic() - began < 25
        assert server.memory - before < 20 * 1024 * 1024
        # Again and again: a pace of its own, and one connection a seat.
        ids = [next(ada.ids) for _ in range(25)]
        for number in ids:
            await ada.send({"t": "media.offer", "id": number, "sdp": offer})
        await ada.until(lambda: all(n in ada.answers for n in ids), "the answers")
        said = [ada.answers[n][0].body for n in ids]
        assert "too_fast" in {b.get("code") for b in said if b["t"] == "refused"}
        assert not ada.over and not ben.over
        await voice.close()
