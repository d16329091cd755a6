"""Whom a member's agent believes to be where."""

from __future__ import annotations

import asyncio
import time

import pytest
from aioice import stun

from sitwith_server.media.aiortc.credentials import Credentials
from sitwith_server.media.aiortc.datagrams import unpack_sockaddr
from sitwith_server.media.aiortc.ice import (
    AMPLIFICATION,
    CONSENT_INTERVAL,
    CONSENT_TIMEOUT,
    MAX_ADDRESSES,
)
from sitwith_server.media.aiortc.udp import UdpPort
from tests.media.stunning import AUDIO, THEIRS, VERSIONS, Client, Known, client, known, port

__all__ = ["client", "known", "port"]

# ------------------------------------------------------------------------------------ checks


@pytest.mark.parametrize("version", VERSIONS)
async def test_ME30_a_correct_check_is_answered_with_the_address_it_came_from(
    port: UdpPort, known: Known, version: int
) -> None:
    client = Client(port, version)
    client.send(client.check(known.local))
    [answer] = await client.receive()
    message = stun.parse_message(answer)
    assert message.message_class == stun.Class.RESPONSE
    assert message.check_message_integrity(known.local.password.encode())
    assert "FINGERPRINT" in message.attributes
    assert message.attributes["XOR-MAPPED-ADDRESS"] == client.sock.getsockname()[:2]
    assert known.selections == 1
    known.agent.send(b"\x16dtls")
    port.flush()
    assert await client.receive() == [b"\x16dtls"]
    client.sock.close()


async def test_ME30_what_is_not_signed_with_the_password_gets_no_answer(
    port: UdpPort, known: Known, client: Client
) -> None:
    good = client.check(known.local)
    no_fingerprint = stun.parse_message(good)
    del no_fingerprint.attributes["FINGERPRINT"]
    bad = [
        client.check(known.local, password="wrong"),
        client.check(known.local, sign=False),
        client.check(known.local, remote="others"),
        client.check(Credentials.make()),
        client.check(known.local, kind=stun.Class.INDICATION),
        client.check(known.local, kind=stun.Class.RESPONSE),
        good[:-1],
        good[:-1] + bytes((good[-1] ^ 1,)),
        good[:30] + bytes((good[30] ^ 1,)) + good[31:],
        good + b"\0\0\0\0",
        bytes(no_fingerprint),
        b"",
        b"\x00",
        b"\x00\x01" + bytes(18),
        b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x00\x06\xff\xff" + bytes(4),
    ]
    for datagram in bad:
        client.send(datagram)
    assert await client.receive() == []
    assert known.agent.selected is None
    assert port.counters.checks == 0
    assert port.counters.bad_checks + port.counters.odd == len(bad)
    assert port.counters.faults == 0


async def test_ME31_a_stranger_s_media_reaches_nobody(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(AUDIO)
    await client.receive()
    assert known.got == []
    client.send(client.check(known.local))
    await client.receive()
    client.send(AUDIO)
    await client.receive()
    assert known.got == [AUDIO]
    assert port.counters.strangers == 1


async def test_a_peer_that_takes_itself_for_controlled_is_told(
    known: Known, client: Client
) -> None:
    client.send(client.check(known.local, controlled=True))
    [answer] = await client.receive()
    assert stun.parse_message(answer).error_code == 487
    assert known.agent.selected is None


async def test_ME37_checks_above_the_rate_are_not_looked_at(
    port: UdpPort, known: Known, client: Client
) -> None:
    for _ in range(60):
        client.send(client.check(known.local, password="wrong"))
        await asyncio.sleep(0)
    await client.receive()
    assert port.counters.eager_checks > 0
    assert port.counters.bad_checks <= 52


# ------------------------------------------------------------------------------ addresses


async def test_ME31_the_nominated_address_is_sent_to_and_a_new_one_only_after_its_check(
    port: UdpPort, known: Known, client: Client
) -> None:
    other = Client(port)
    client.send(client.check(known.local))
    await client.receive()
    other.send(AUDIO)  # somebody who only claims to be the member elsewhere
    await other.receive()
    assert known.got == []
    other.send(other.check(known.local, nominate=False))
    await other.receive()
    assert unpack_sockaddr(known.agent.selected or b"") == client.sock.getsockname()
    other.send(AUDIO)
    await other.receive()
    assert known.got == [AUDIO]
    other.send(other.check(known.local, priority=200))
    await other.receive()
    assert unpack_sockaddr(known.agent.selected or b"") == other.sock.getsockname()
    assert known.selections == 2
    other.sock.close()


async def test_ME31_a_worse_nomination_waits_until_the_better_address_is_silent(
    port: UdpPort, known: Known, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Client(port)
    client.send(client.check(known.local, priority=200))
    await client.receive()
    other.send(other.check(known.local, priority=100))
    await other.receive()
    assert unpack_sockaddr(known.agent.selected or b"") == client.sock.getsockname()
    monkeypatch.setattr("sitwith_server.media.aiortc.ice.NOMINATED_FOR", 0.0)
    other.send(other.check(known.local, priority=100))
    await other.receive()
    assert unpack_sockaddr(known.agent.selected or b"") == other.sock.getsockname()
    other.sock.close()


async def test_ME32_old_credentials_hold_until_new_ones_are_used(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    unused, new = Credentials.make(), Credentials.make()
    known.agent.expect(unused, THEIRS)
    renewed = Credentials("renewed", "r" * 24)
    known.agent.expect(new, renewed)
    client.send(client.check(known.local))
    assert len(await client.receive()) == 1
    client.send(client.check(unused))
    assert await client.receive() == []
    moved = Client(port, answers=renewed)
    moved.send(moved.check(new, remote="renewed", priority=1))
    assert len(await moved.receive()) == 1
    assert unpack_sockaddr(known.agent.selected or b"") == moved.sock.getsockname()
    client.send(client.check(known.local))
    assert await client.receive() == []
    moved.sock.close()


async def test_ME37_tables_are_bounded_and_empty_at_the_end(port: UdpPort, known: Known) -> None:
    clients = [Client(port) for _ in range(MAX_ADDRESSES + 5)]
    for each in clients:
        each.send(each.check(known.local))
        await each.receive()
    assert len(known.agent.addresses) <= MAX_ADDRESSES
    assert len(port) <= MAX_ADDRESSES + 1
    silent = [Client(port, answers=None) for _ in range(MAX_ADDRESSES + 5)]
    for each in silent:
        each.send(each.check(known.local))
    await silent[-1].receive()
    assert len(port) <= 2 * MAX_ADDRESSES + 1
    known.agent.close()
    assert len(port) == 0
    checks = port.counters.bad_checks
    for each in clients + silent:
        each.send(each.check(known.local))
    await silent[-1].receive()
    assert port.counters.bad_checks == checks + len(clients + silent)
    for each in clients + silent:
        each.sock.close()


async def test_an_address_belongs_to_who_proved_it_last(
    port: UdpPort, known: Known, client: Client
) -> None:
    second = Known(port)
    for each in (known, second):
        client.send(client.check(each.local))
        await client.receive()
    client.send(AUDIO)
    await client.receive()
    assert (known.got, second.got) == ([], [AUDIO])
    known.agent.close()
    client.send(AUDIO)
    await client.receive()
    assert second.got == [AUDIO, AUDIO]


# ------------------------------------------------------------------------- who is not there


def at(known: Known) -> tuple[str, int]:
    return unpack_sockaddr(known.agent.selected or b"")


async def test_ME45_a_check_alone_moves_nothing_and_its_address_gets_three_times_its_bytes_at_most(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    victim = Client(port, answers=None)
    check = victim.check(known.local, priority=2**31)
    victim.send(check)
    for tenth in range(80):  # as long as a media plane would ask
        known.agent.send(b"\x80" + bytes(1_000))
        known.tick(tenth / 10)
        await victim.receive() if tenth < 3 else None
    await victim.receive()
    assert at(known) == client.sock.getsockname()
    assert known.selections == 1
    assert len(victim.asked) >= 2, "a lost check is not sent again"
    assert 0 < victim.got <= AMPLIFICATION * len(check)
    victim.send(AUDIO)
    await victim.receive()
    assert known.got == []
    await client.receive()
    # Nothing is kept of it: it would have to be asked anew.
    assert len(port) == 2
    victim.sock.close()


async def test_ME45_the_first_address_of_all_must_answer_too(port: UdpPort, known: Known) -> None:
    victim = Client(port, answers=None)
    check = victim.check(known.local)
    for _ in range(5):
        victim.send(check)
        await victim.receive()
        known.agent.send(b"\x16" + bytes(1_000))
        port.flush()
    victim.send(b"\x16" + bytes(100))
    await victim.receive()
    assert known.agent.selected is None
    assert known.got == []
    assert 0 < victim.got <= AMPLIFICATION * 5 * len(check)
    victim.sock.close()


async def test_ME45_only_its_own_signed_answer_proves_an_address(
    port: UdpPort, known: Known
) -> None:
    victim, other = Client(port, answers=None), Client(port, answers=None)
    victim.send(victim.check(known.local))
    await victim.receive()
    [asked] = victim.asked
    unasked = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    failed = stun.Message(
        stun.Method.BINDING, stun.Class.ERROR, transaction_id=asked.transaction_id
    )
    failed.attributes["ERROR-CODE"] = (487, "Role Conflict")
    failed.add_message_integrity(THEIRS.password.encode())
    right = victim.answer(asked)
    bad = [
        victim.answer(unasked),
        victim.answer(asked, b"w" * 24),
        victim.answer(asked, known.local.password.encode()),
        bytes(failed),
        right[:-1],
        right[:40] + bytes((right[40] ^ 1,)) + right[41:],
        bytes(asked),
    ]
    before = port.counters.bad_checks
    for each in bad:
        victim.send(each)
    other.send(right)  # by somebody who was told of it elsewhere
    await other.receive()
    assert known.agent.selected is None
    assert port.counters.bad_checks == before + len(bad) + 1
    assert port.counters.faults == 0
    victim.send(right)
    await victim.receive()
    assert at(known) == victim.sock.getsockname()
    # And only once.
    victim.send(right)
    await victim.receive()
    assert port.counters.bad_checks == before + len(bad) + 2
    for socket in (victim, other):
        socket.sock.close()


async def test_ME45_what_is_asked_names_both_and_is_signed_for_the_member(
    known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    [asked] = client.asked
    assert asked.attributes["USERNAME"] == f"{THEIRS.ufrag}:{known.local.ufrag}"
    assert asked.check_message_integrity(THEIRS.password.encode())
    assert {"FINGERPRINT", "PRIORITY", "ICE-CONTROLLED"} <= asked.attributes.keys()
    assert "USE-CANDIDATE" not in asked.attributes


async def test_ME45_another_s_address_is_not_taken_by_a_check_from_it(
    port: UdpPort, known: Known
) -> None:
    """Else one member's signed check would send what another says to nobody."""
    thief = Known(port)
    client = Client(port)
    client.send(client.check(known.local))
    await client.receive()
    client.answers = None
    client.send(client.check(thief.local))
    await client.receive()
    client.send(AUDIO)
    await client.receive()
    assert (known.got, thief.got) == ([AUDIO], [])
    client.sock.close()


async def test_ME45_an_address_that_has_answered_once_is_asked_again_before_media_moves_back(
    port: UdpPort, known: Known, client: Client
) -> None:
    other = Client(port)
    for each in (client, other):
        each.send(each.check(known.local))
        await each.receive()
    assert at(known) == other.sock.getsockname()
    client.answers = None  # somebody else has the address now
    client.send(client.check(known.local, priority=200))
    await client.receive()
    assert at(known) == other.sock.getsockname()
    client.answers = THEIRS
    known.tick(1.0)
    await client.receive()
    assert at(known) == client.sock.getsockname()
    other.sock.close()


async def test_ME46_whoever_is_sent_to_is_asked_again_and_left_after_30_s_without_an_answer(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    assert known.tick(0.7 * CONSENT_INTERVAL)
    await client.receive()
    assert len(client.asked) == 1
    client.answers = None
    patience = CONSENT_TIMEOUT - 5  # for the clock goes on meanwhile
    for tenth in range(int(10 * patience)):
        assert known.tick(tenth / 10)
    await client.receive()
    ids = {each.transaction_id for each in client.asked[1:]}
    assert (
        patience / (1.2 * CONSENT_INTERVAL) - 1
        <= len(ids)
        <= CONSENT_TIMEOUT / (0.8 * CONSENT_INTERVAL)
    )
    # Checks of its own are no consent: anybody on the way can send them again.
    client.send(client.check(known.local))
    await client.receive()
    assert not known.tick(CONSENT_TIMEOUT + 0.1)
    assert known.agent.selected is None
    got = client.got
    known.agent.send(AUDIO)
    port.flush()
    await client.receive()
    assert client.got == got


async def test_ME46_an_answer_is_good_for_30_s_more(known: Known, client: Client) -> None:
    client.send(client.check(known.local))
    await client.receive()
    client.answers = None
    later = time.monotonic() + CONSENT_TIMEOUT - 1
    assert known.tick(CONSENT_TIMEOUT - 1)
    await client.receive()
    asked = client.asked[-1]
    address = known.agent.selected or b""
    known.agent.answered(asked.transaction_id, client.answer(asked), address, later)
    assert known.agent.tick(later + CONSENT_TIMEOUT - 0.1)
    assert not known.agent.tick(later + CONSENT_TIMEOUT + 0.1)


async def test_ME46_after_a_restart_consent_is_asked_under_the_new_credentials(
    port: UdpPort, known: Known, client: Client
) -> None:
    client.send(client.check(known.local))
    await client.receive()
    renewed, new = Credentials("renewed", "r" * 24), Credentials.make()
    known.agent.expect(new, renewed)
    # On the same socket: a member whose agent keeps it.
    client.answers = renewed
    client.send(client.check(new, remote="renewed"))
    await client.receive()
    assert at(known) == client.sock.getsockname()
    assert known.selections == 1
    known.tick(1.3 * CONSENT_INTERVAL)
    await client.receive()
    assert client.asked[-1].attributes["USERNAME"] == f"renewed:{new.ufrag}"
