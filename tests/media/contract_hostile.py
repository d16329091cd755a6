"""Clients that send what they should not: nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from itertools import pairwise
from struct import pack

import pytest

from sitwith_client.voice import Peer

from .company import MAGIC, Company

Gather = Callable[..., Awaitable[Company]]


def garbage(chance: random.Random, size: int) -> bytes:
    return chance.randbytes(size)


def broken_rtp(chance: random.Random, ssrc: int) -> bytes:
    """RTP whose lengths lie: contributing sources, extensions and padding that are not there."""
    head = chance.choice([0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0x40, 0xC0])
    body = chance.randbytes(chance.randrange(0, 60))
    return pack("!BBHII", head, 111, chance.getrandbits(16), chance.getrandbits(32), ssrc) + body


def broken_rtcp(chance: random.Random, ssrc: int) -> bytes:
    kind = chance.choice([192, 200, 201, 202, 203, 204, 205, 206, 207, 223])
    words = chance.choice([0, 1, 2, 6, 6, 200, 65_535])
    body = chance.randbytes(chance.randrange(0, 80))
    return pack("!BBHI", 0x80 | chance.randrange(32), kind, words, ssrc) + body


class HostileContract:
    async def test_ME1_a_client_that_ignores_everything_reaches_nobody(
        self, gather: Gather
    ) -> None:
        """No route, whatever it sends and however often it comes back."""
        company = await gather("abh")
        heard = {"a": "bh", "b": "ah"}
        async with company.talking():
            await company.expect(heard, await company.apply(heard))
            hostile = company.members["h"]
            hostile.again()
            await hostile.join()
            await company.expect(heard, company.counts())
        for name in "ab":
            assert company.members[name].heard_of("h") == []

    async def test_ME10_foreign_streams_and_formats_go_nowhere(self, gather: Gather) -> None:
        company = await gather("ab")
        async with company.talking():
            await company.expect(company.everybody(), await company.apply(company.everybody()))
            sender = company.members["a"].sender
            before = company.members["b"].receiver.unmatched
            speech = MAGIC + b"x".ljust(8, b"\0") + bytes(60)
            audio = sender.sent["audio"]
            ssrc, other = audio.ssrc, company.members["b"].sender.sent["audio"].ssrc
            foreign = [(111, ssrc ^ 1), (111, other)]
            if company.harness.types:
                foreign += [(0, ssrc), (126, ssrc)]
            for _ in range(50):
                audio.number = number = (audio.number + 1) & 0xFFFF
                for kind, stream in foreign:
                    sender.send_packet(pack("!BBHII", 0x80, kind, number, 960, stream) + speech)
            await company.expect(company.everybody(), company.counts())
            assert company.members["b"].heard_of("x", -1) == []
            assert company.members["b"].receiver.unmatched == before

    @pytest.mark.parametrize("seed", [1, 2, 3])
    async def test_ME11_ME37_noise_of_one_member_is_not_heard_by_the_others(
        self, gather: Gather, seed: int
    ) -> None:
        """Unsealed and sealed: STUN, DTLS, RTP and RTCP that are wrong in all ways."""
        company = await gather("abh")
        chance = random.Random(seed)
        hostile: Peer = company.members["h"].sender
        ssrc = hostile.sent["audio"].ssrc
        async with company.talking():
            await company.expect(company.everybody(), await company.apply(company.everybody()))
            company.members["h"].muted = True
            for turn in range(300):
                first = chance.choice([0, 1, 20, 22, 23, 63, 64, 127, 128, 144, 191, 192, 255])
                hostile.send_datagram(bytes((first,)) + garbage(chance, chance.randrange(0, 1_400)))
                with contextlib.suppress(ValueError):
                    hostile.send_packet(broken_rtp(chance, chance.choice([ssrc, 0, 1 << 31])))
                rtcp = b"".join(broken_rtcp(chance, ssrc) for _ in range(chance.randrange(1, 4)))
                with contextlib.suppress(ValueError):
                    hostile.send_packet(rtcp, rtcp=True)
                if turn % 20 == 0:
                    await asyncio.sleep(0.01)
            await company.expect({"a": "bh", "b": "ah"}, company.counts())
            numbers = [h.number for h in company.members["b"].heard if h.speaker == "a"]
            steps = {(y - x) % 0x10000 for x, y in pairwise(numbers)}
            assert steps == {1}
            company.members["h"].muted = False
