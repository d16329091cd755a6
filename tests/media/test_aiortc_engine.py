"""The engine of this process keeps the contract, and its own bounds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from struct import pack

import pytest

from sitwith_client.voice import Peer
from sitwith_client.voice.sdp import parse
from sitwith_server.media.aiortc.engine import AiortcEngine
from sitwith_server.media.aiortc.room import Limits
from sitwith_server.media.aiortc.transport import MAX_SSRCS, PACKETS_PER_TICK
from sitwith_server.media.aiortc.udp import MAX_FAILED_READS
from sitwith_server.media.engine import EngineDown, OfferRefused
from sitwith_server.media.limits import AUDIO_SLOTS

from .company import Company, Harness, Recorder
from .contract import EngineContract

LIMITS = Limits(offers=100, offers_burst=100)
BUSY = "busy"


@contextlib.asynccontextmanager
async def running(
    limits: Limits = LIMITS, voices: int = AUDIO_SLOTS
) -> AsyncIterator[AiortcEngine]:
    engine = AiortcEngine("127.0.0.1", 0, limits=limits, voices=voices)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()
    assert len(engine.port) == 0, "an ended member is still known at the port"
    assert engine.counters.faults == 0


@pytest.fixture
async def engine() -> AsyncIterator[AiortcEngine]:
    async with running() as engine:
        yield engine


class TestAiortcEngine(EngineContract):
    @pytest.fixture
    async def harness(self, engine: AiortcEngine) -> Harness:
        return Harness(engine)


async def gone(watcher: Recorder, members: list[str]) -> None:
    for _ in range(1_000):
        if sorted(watcher.gone) == members:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"lost are {watcher.gone}, not {members}")


async def test_ME37_coming_and_going_leaves_nothing_behind(engine: AiortcEngine) -> None:
    room = await engine.open("room", Recorder())
    before = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
    for turn in range(15):
        peers = [Peer(audio=2) for _ in range(2)]
        for name, peer in zip("ab", peers, strict=True):
            await peer.connect(await room.answer(name, peer.offer()))
        if turn % 3 == 0:
            await room.drop("a")
        for peer in peers:
            await peer.close()
        for name in "ab":
            await room.drop(name)
    await asyncio.sleep(0.2)
    assert len(engine.port) == 0
    assert (len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))) <= before


# --------------------------------------------------------------------------- half-open members


async def test_ME34_who_never_finishes_ice_or_dtls_is_dropped() -> None:
    async with running(Limits(connect=0.3)) as engine:
        watcher = Recorder()
        room = await engine.open("room", watcher)
        idle, half = Peer(audio=1), Peer(audio=1)
        await room.answer("idle", idle.offer())
        answer = await room.answer("half", half.offer())
        # ICE alone, and never a word of DTLS.
        half._dtls.handshake = asyncio.Event().wait  # type: ignore[assignment]
        task = asyncio.create_task(half.connect(answer))
        await gone(watcher, ["half", "idle"])
        assert watcher.up == []
        assert engine.counters.unfinished == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await idle.close()
        await half.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_ME37_a_handshake_of_noise_ends_alone(seed: int) -> None:
    """Records that look like DTLS and are none, in the place of a handshake."""
    chance = random.Random(seed)
    async with running(Limits(connect=0.5)) as engine:
        company = await Company.gather(Harness(engine), "ab")
        noise = Peer(audio=1)
        remote = parse(await company.room.answer("h", noise.offer()))
        await noise._ice.connect(remote.ice, remote.candidates, 5)
        async with company.talking():
            await company.apply(company.everybody())
            for turn in range(200):
                body = chance.randbytes(chance.randrange(0, 300))
                head = pack(
                    "!BHHIHB", chance.randrange(20, 26), 0xFEFD, 0, 0, turn, len(body) & 255
                )
                noise.send_datagram(chance.choice([head, head[:1], b"\x16"]) + body)
                if turn % 20 == 0:
                    await asyncio.sleep(0.005)
            await gone(company.watcher, ["h"])
            await company.expect(company.everybody("ab"), company.counts())
        assert engine.counters.unfinished + engine.counters.failed == 1
        await noise.close()
        await company.close()


async def test_ME34_unfinished_members_are_bounded_per_room_and_in_all() -> None:
    async with running(Limits(half_open_room=3, half_open=5)) as engine:
        one, other = await engine.open("1", Recorder()), await engine.open("2", Recorder())
        for place in range(3):
            await one.answer(f"m{place}", Peer(audio=1).offer())
        with pytest.raises(OfferRefused, match=BUSY):
            await one.answer("m3", Peer(audio=1).offer())
        # Who is among them may try anew.
        await one.answer("m0", Peer(audio=1).offer())
        for place in range(2):
            await other.answer(f"m{place}", Peer(audio=1).offer())
        with pytest.raises(OfferRefused, match=BUSY):
            await other.answer("m3", Peer(audio=1).offer())
        await one.drop("m0")
        await one.answer("m3", Peer(audio=1).offer())


async def test_ME34_offers_of_one_member_are_bounded_and_hurt_nobody() -> None:
    async with running(Limits(offers=1, offers_burst=5)) as engine:
        company = await Company.gather(Harness(engine), "ab")
        async with company.talking():
            await company.expect(company.everybody(), await company.apply(company.everybody()))
            offer = Peer(audio=11, video=6).offer()
            refused = 0
            for turn in range(1_000):
                try:
                    await company.room.answer("h", offer)
                except OfferRefused as error:
                    assert error.reason == BUSY
                    refused += 1
                if turn % 50 == 0:
                    await asyncio.sleep(0)
            assert refused >= 990
            await company.expect(company.everybody("ab"), company.counts())
            numbers = [slot.missing for m in company.members.values()
                       for slot in m.receiver.received.values()]  # fmt: skip
            assert sum(numbers) == 0
        await company.close()


async def test_ME34_as_many_offers_as_a_seat_may_send_at_once_are_read() -> None:
    async with running(Limits()) as engine:
        room = await engine.open("room", Recorder())
        for _ in range(19):
            with pytest.raises(OfferRefused, match="malformed"):
                await room.answer("a", "v=0")
        await room.answer("a", Peer(audio=1).offer())


async def test_ME32_an_offer_that_comes_twice_has_one_answer(engine: AiortcEngine) -> None:
    room = await engine.open("room", Recorder())
    peer = Peer(audio=1)
    offer = peer.offer()
    first = await room.answer("a", offer)
    assert await room.answer("a", offer) == first
    await peer.connect(first)
    assert await room.answer("a", offer) == first
    await peer.close()


async def test_without_a_port_nothing_is_answered() -> None:
    engine = AiortcEngine("127.0.0.1", 0)
    with pytest.raises(EngineDown):
        await engine.open("room", Recorder())
    await engine.start()
    room = await engine.open("room", Recorder())
    await engine.close()
    with pytest.raises(EngineDown):
        await room.answer("a", Peer(audio=1).offer())


async def test_ME37_more_than_anybody_needs_is_not_looked_at(engine: AiortcEngine) -> None:
    company = await Company.gather(Harness(engine), "abh")
    async with company.talking():
        heard = {"a": "bh", "b": "ah"}
        await company.expect(heard, await company.apply(heard))
        flood = company.members["h"].sender
        received, floods = engine.counters.received, engine.counters.floods
        for turn in range(2 * PACKETS_PER_TICK):
            flood.speak(bytes(60))
            if turn % 50 == 0:
                await asyncio.sleep(0)
        await company.until(lambda: engine.counters.floods > floods, "a refusal")
        assert engine.counters.received - received < 2 * PACKETS_PER_TICK
        await company.rounds(40)
        # Streams that SRTP would keep a state for, each of them.
        received, floods = engine.counters.received, engine.counters.floods
        for ssrc in range(2 * MAX_SSRCS):
            flood.send_packet(pack("!BBHII", 0x80, 111, 1, 960, ssrc + 1) + bytes(60))
        await company.until(lambda: engine.counters.floods >= floods + MAX_SSRCS, "a refusal")
        await company.expect(heard, company.counts())
    for name, other in ("ab", "ba"):
        numbers = [h.number for h in company.members[name].heard if h.speaker == other]
        assert {(y - x) % 0x10000 for x, y in pairwise(numbers)} == {1}
    await company.close()


# ------------------------------------------------------------------------------ who is who


@pytest.mark.parametrize(
    ("offered", "taken"),
    [(None, "SRTP_AEAD_AES_128_GCM"), ("SRTP_AES128_CM_SHA1_80",) * 2],
)
async def test_ME33_the_cheapest_protection_that_both_have_is_taken(
    engine: AiortcEngine, offered: str | None, taken: str
) -> None:
    room = await engine.open("room", Recorder())
    peer = Peer(audio=1, profile=offered)
    await peer.connect(await room.answer("a", peer.offer()))
    tls = peer._dtls._ssl
    assert tls is not None
    assert tls.get_selected_srtp_profile().decode() == taken
    await peer.close()


async def test_ME30_candidates_of_an_offer_cause_no_packet(engine: AiortcEngine) -> None:
    room = await engine.open("room", Recorder())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bystander:
        bystander.bind(("127.0.0.1", 0))
        bystander.setblocking(False)
        port = bystander.getsockname()[1]
        peer = Peer(audio=1)
        lines = "".join(
            f"a=candidate:{n} 1 udp 2130706431 {host} {port} typ host\r\n"
            for n, host in enumerate(
                ["127.0.0.1", "10.0.0.1", "169.254.169.254", "255.255.255.255", "::1"]
            )
        )
        await peer.connect(await room.answer("a", peer.offer() + lines))
        for _ in range(10):
            peer.speak(bytes(60))
            await asyncio.sleep(0.02)
        with pytest.raises(BlockingIOError):
            bystander.recv(100)
        await peer.close()


async def test_ME35_who_falls_silent_is_lost() -> None:
    async with running(Limits(silence=0.5)) as engine:
        company = await Company.gather(Harness(engine), "ab")
        async with company.talking():
            # The network is gone, and with it any good-bye.
            company.members["b"].muted = True
            company.members["b"].sender._ice.close()
            await gone(company.watcher, ["b"])
            assert engine.counters.silent == 1
            assert set(company.watcher.maps["a"].values()) == {None}
        await company.close()


# -------------------------------------------------------------------------------- the rest


async def test_ME2_a_process_that_stood_still_forwards_nothing_that_its_lease_has_left(
    engine: AiortcEngine,
) -> None:
    company = await Company.gather(Harness(engine), "ab")
    async with company.talking():
        await company.expect({"a": "b"}, await company.apply({"a": "b"}))
        company.room.lease(time.monotonic() + 0.03)
        # Packets come in meanwhile; the lease ends before they are looked at.
        for _ in range(5):
            company.members["a"].speak()
        after = company.counts()["a"] - 5
        time.sleep(0.08)
        await company.rounds(10)
        assert engine.counters.late == 0
        assert company.members["b"].heard_of("a", after) == []
    await company.close()


async def test_ME24_of_more_voices_than_places_the_loudest_are_heard() -> None:
    async with running(voices=2) as engine:
        company = await Company.gather(Harness(engine), "abcd")
        for name, level in zip("abc", (50, 20, 10), strict=True):
            company.members[name].level = level
        company.members["d"].muted = True
        async with company.talking():
            await company.rounds(40)
            after = await company.apply(company.everybody())
            await company.until(
                lambda: set(company.watcher.maps["d"].values()) - {None} == {"b", "c"}
            )
            await company.rounds(10)
            assert len(company.members["d"].heard_of("a", after["a"] + 30)) == 0
        await company.close()


async def test_counts_are_of_fixed_words(engine: AiortcEngine) -> None:
    company = await Company.gather(Harness(engine), "ab")
    async with company.talking():
        await company.rounds(5)
    counted = dict(engine.counts())
    assert counted["connected"] == counted["offers"] == 2
    assert counted["received"] > 0
    assert counted["refused_no_route"] == counted["received"]
    await company.close()
    assert engine.counts()["refused_no_route"] >= counted["refused_no_route"]
    assert all(isinstance(value, int) for value in engine.counts().values())


async def test_load_is_a_share(engine: AiortcEngine) -> None:
    assert 0 <= engine.load() <= 1
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    await asyncio.sleep(0.25)
    assert 0 < engine.load() <= 1


async def test_ME42_a_port_that_can_not_be_read_is_not_well_and_raises_nothing(
    engine: AiortcEngine,
) -> None:
    company = await Company.gather(Harness(engine), "ab")
    heard = {"a": "b", "b": "a"}
    async with company.talking():
        await company.expect(heard, await company.apply(heard))
        (end,) = engine.port._sockets
        read = end.inbox.read
        fails = MAX_FAILED_READS // 2

        def some() -> list[tuple[bytes, bytes]]:
            nonlocal fails
            if fails:
                fails -= 1
                raise OSError("a defect")
            return read()

        end.inbox.read = some  # type: ignore[method-assign]
        await company.until(lambda: fails == 0)
        await company.expect(heard, company.counts())
        assert engine.is_healthy() and engine.counters.faults == MAX_FAILED_READS // 2
        fails = 10**9
        await company.until(lambda: not engine.is_healthy(), "it is found out")
        fails = 0
        await company.expect(heard, company.counts())
        assert engine.is_healthy()
    engine.counters.faults = 0
    await company.close()


async def test_ME42_an_engine_whose_loop_has_ended_is_not_well(engine: AiortcEngine) -> None:
    assert engine.is_healthy()
    next(t for t in asyncio.all_tasks() if t.get_name() == "sitwith-engine").cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not engine.is_healthy()


async def test_no_address_and_no_credential_is_logged(
    engine: AiortcEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    company = await Company.gather(Harness(engine), "ab")
    await company.members["b"].restart()
    with pytest.raises(OfferRefused) as refused:
        await company.room.answer("b", "v=0\r\na=candidate:secret\r\n")
    await company.close()
    assert "127.0.0.1" not in caplog.text
    assert "ufrag" not in caplog.text
    assert "secret" not in str(refused.value)
