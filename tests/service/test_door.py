"""Ids of seats: short, and never one that the room knows (EN12)."""

from __future__ import annotations

import itertools
import time

import pytest
from structlog.testing import capture_logs

from sitwith_protocol.errors import CloseCode
from sitwith_server.log.base import CONTROL, Commit
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.door.places import DOOR_MINIMUM
from sitwith_server.room.model import Role, Settings
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.people import tokens
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.peers import address_hash
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.audit import AuditTrail


async def test_EN12_the_door_draws_until_the_id_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["mAAAAAAA", "mAAAAAAA", "mBBBBBBB", "mBBBBBBB", "mAAAAAAA", "mCCCCCCC"])
    monkeypatch.setattr(tokens, "new_seat_id", lambda: next(drawn))
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 3600))
    made = await Operator(host, room_ttl=3600).create(RoomSpec("", "Be kind.", 50, Settings()))
    door = Seating(host)

    async def come(link: str) -> Seated:
        seated = await door.join(link, clean("Somebody"))
        assert isinstance(seated, Seated)
        await seated.room.submit(
            c.AgreementAccept(by=seated.seat, version=1), (seated.seat, 1), "x"
        )
        assert tokens.read_resume(seated.resume).seat == seated.seat  # type: ignore[union-attr]
        return seated

    fay, ada = await come(made.facilitator), await come(made.member)
    assert (fay.seat, ada.seat) == ("mAAAAAAA", "mBBBBBBB")
    await fay.room.submit(c.MemberRemove(by=fay.seat, member=ada.seat), (fay.seat, 2), "x")
    assert (await come(made.member)).seat == "mCCCCCCC", "nor that of one who was removed"
    assert next(drawn, None) is None
    await host.close()
    await log.close()


async def test_NA2_only_who_leads_by_a_link_may_be_called_what_it_makes_them() -> None:
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 3600))
    made = await Operator(host, room_ttl=3600).create(RoomSpec("", "Be kind.", 50, Settings()))
    door, name = Seating(host), clean("Facilitator 2")
    assert await door.join(made.member, name) is CloseCode.BAD_FRAME
    seated = await door.join(made.facilitator, name)
    assert isinstance(seated, Seated)
    assert seated.room.state.seats[seated.seat].name == "Facilitator 2"
    # By a link that is none, and where there is no room, it is as with any other name.
    for room in (made.room, "nowhere"):
        token, _ = tokens.mint_token(room)
        for each in (name, clean("Kim")):
            assert await door.join(token, each) is CloseCode.NOWHERE
    await host.close()
    await log.close()


async def test_a_room_that_can_not_be_read_is_named_by_no_more_than_that() -> None:
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 3600))
    assert await log.create("r1", b"", time.time() + 3600)
    await log.commit(Commit("r1", CONTROL, (b"canary of another version",), 0))
    token, _ = tokens.mint_token("r1")
    with capture_logs() as lines:
        assert await Seating(host).join(token, clean("Somebody")) is CloseCode.FAULT
    assert lines == [{"event": "room_unreadable", "log_level": "error"}]
    await host.close()
    await log.close()


async def test_HT7_who_comes_and_goes_pushes_nothing_out_of_the_trail() -> None:
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 3600))
    made = await Operator(host, room_ttl=3600).create(RoomSpec("", "Be kind.", 50, Settings()))
    door = Seating(host)
    for _ in range(250):
        seated = await door.join(made.member, clean("Somebody"), address="192.0.2.7")
        assert isinstance(seated, Seated)
        await door.disconnect(seated)
    entries = await host.trail.read(made.room)
    assert [entry["action"] for entry in entries] == ["room.create", *["hello"] * 100]
    await host.close()
    await log.close()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_DO8_an_address_is_known_again_by_a_short_hash(one: str, other: str, same: bool) -> None:
    first, second = (address_hash(b"a room's key", each) for each in (one, other))
    assert (first == second) is same
    assert len(first) == len(second) == 3
    assert first != address_hash(b"another room's key", one)


@pytest.mark.parametrize("nowhere", [None, "", "testclient", "unix:", "300.1.1.1"])
def test_DO8_what_is_no_address_is_nobodys(nowhere: str | None) -> None:
    assert address_hash(b"key", nowhere) == b""


def test_EN12_an_id_has_eight_characters_of_letters_and_digits() -> None:
    ids = [tokens.new_seat_id() for _ in range(200)]
    assert all(len(i) == 8 and i.isascii() and i.isalnum() and i[0] == "m" for i in ids)
    assert len(set(ids)) == 200
    letters = set(itertools.chain.from_iterable(i[1:] for i in ids))
    assert len(letters) > 50, "no letter is left out"


async def test_LI22_at_a_crowded_door_shared_links_take_turns_and_no_others() -> None:
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 3600))
    operator = Operator(host, room_ttl=3600)
    made = await operator.create(RoomSpec("", "Be kind.", 10, Settings()))
    invited = await operator.invite(made.room, Role.MEMBER, 1, None)
    assert invited is not None
    door, turns = Seating(host), list[str]()

    async def turn(place: str) -> None:
        turns.append(place)

    door.crowd_turn = turn
    for number in range(half_of_a_small_door()):
        assert isinstance(await door.join(made.member, clean("Guest"), address="10.0.0.1"), Seated)
        assert turns == [], number
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        await door.join(made.member, clean("Guest"), address=address)
    assert len(turns) == 3 and turns[0] == turns[2] != turns[1]
    assert "10.0.0" not in "".join(turns)
    for link in (made.facilitator, invited[1]):
        assert isinstance(await door.join(link, clean("Ada"), address="10.0.0.1"), Seated)
    assert len(turns) == 3
    await host.close()
    await log.close()


def half_of_a_small_door() -> int:
    return DOOR_MINIMUM // 2
