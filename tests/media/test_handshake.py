"""A transport's beginning: DTLS in either role, whose certificate is taken, what the log says."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL
from structlog.testing import capture_logs

from sitwith_client.voice import Peer
from sitwith_server.media.aiortc.engine import AiortcEngine
from tests.waiting import until

from .company import Recorder
from .test_aiortc_engine import LIMITS, gone, running


@pytest.fixture
async def engine() -> AsyncIterator[AiortcEngine]:
    async with running() as engine:
        yield engine


@pytest.mark.parametrize("setup", ["actpass", "passive"])
async def test_ME33_a_certificate_that_the_offer_does_not_name_is_refused(
    engine: AiortcEngine, setup: str
) -> None:
    watcher = Recorder()
    room = await engine.open("room", watcher)
    peer = Peer(audio=1)
    other = Peer(audio=1, certificate=RTCCertificate.generateCertificate())
    offer = peer.offer().replace(peer._fingerprint[1], other._fingerprint[1])
    offer = offer.replace("a=setup:actpass", f"a=setup:{setup}")
    with capture_logs() as logged:
        # The peer may see its handshake done before the server has looked at the certificate.
        with contextlib.suppress(ConnectionError):
            await peer.connect(await room.answer("a", offer), timeout=5)
        await gone(watcher, ["a"])
    assert watcher.up == []
    assert engine.counters.failed == 1
    assert logged == [{"event": "transport_failed", "log_level": "warning", "stage": "dtls"}]


@pytest.mark.parametrize("setup", ["actpass", "passive", "active"])
async def test_ME33_the_certificate_that_the_offer_names_is_taken_in_either_role(
    engine: AiortcEngine, setup: str
) -> None:
    watcher = Recorder()
    room = await engine.open("room", watcher)
    peer = Peer(audio=1)
    offer = peer.offer().replace("a=setup:actpass", f"a=setup:{setup}")
    answer = await room.answer("a", offer)
    assert f"a=setup:{'active' if setup == 'passive' else 'passive'}" in answer
    await peer.connect(answer)
    await until(lambda: watcher.up == ["a"], lambda: "it is up")
    await peer.close()


def handshake(certificate: RTCCertificate, *, shown: bool) -> None:
    """One with the engine's context, in memory, by a client that shows its certificate or none."""
    theirs = SSL.Context(SSL.DTLS_METHOD)
    theirs.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
    if shown:
        other = RTCCertificate.generateCertificate()
        theirs.use_certificate(other._cert)
        theirs.use_privatekey(other._key)
    server = SSL.Connection(certificate._create_ssl_context(list(SRTP_PROFILES)))
    client = SSL.Connection(theirs)
    server.set_accept_state()
    client.set_connect_state()
    ends = [(client, server), (server, client)]
    for _ in range(20):
        for end, other_end in ends:
            with contextlib.suppress(SSL.WantReadError):
                end.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other_end.bio_write(end.bio_read(65_536))
    assert server.get_peer_certificate(as_cryptography=True) is not None


def test_ME33_who_shows_no_certificate_gets_nowhere(engine: AiortcEngine) -> None:
    handshake(engine.certificate, shown=True)
    with pytest.raises(SSL.Error, match="peer did not return a certificate"):
        handshake(engine.certificate, shown=False)


async def test_a_handshake_that_can_not_begin_leaves_a_line_and_its_member_is_lost(
    engine: AiortcEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no memory for it, say, as under a unit's limits."""

    def broken(self: object, srtp_profiles: object) -> None:
        raise MemoryError("a secret of somebody's")

    monkeypatch.setattr(type(engine.certificate), "_create_ssl_context", broken)
    watcher = Recorder()
    room = await engine.open("room", watcher)
    peer = Peer(audio=1)
    with capture_logs() as logged, pytest.raises(ConnectionError):
        await peer.connect(await room.answer("a", peer.offer()), timeout=2)
    await gone(watcher, ["a"])
    (line,) = logged
    assert (line["event"], line["fault"]) == ("media_fault", "MemoryError")
    assert set(line) == {"event", "log_level", "fault", "where"}
    assert (engine.counters.faults, engine.counters.failed) == (1, 1)
    engine.counters.faults = 0


async def test_who_never_comes_leaves_a_line_that_says_how_far_it_got() -> None:
    async with running(replace(LIMITS, connect=0.3)) as engine:
        watcher = Recorder()
        room = await engine.open("room", watcher)
        with capture_logs() as logged:
            await room.answer("a", Peer(audio=1).offer())
            await gone(watcher, ["a"])
        assert logged == [{"event": "transport_unfinished", "log_level": "info", "stage": "ice"}]
