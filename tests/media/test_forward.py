"""Who is forwarded to whom: plans, leases, comings and goings."""

from __future__ import annotations

from sitwith_server.media.engine import Plan
from sitwith_server.media.packets import rtcp
from sitwith_server.room.media.routes import Routes
from tests.media.circles import circle
from tests.media.rig import (
    camera,
    session,
    steps,
    voice,
)


def test_ME1_from_the_return_of_apply_the_next_packet_is_dropped() -> None:
    stage, speaker = circle(3), voice(1)
    stage.all_hear_all()
    stage.say(speaker, 5)
    assert stage.receivers["m2"].count == stage.receivers["m3"].count == 5
    stage.plan({"m1": ["m3"]})
    stage.say(speaker, 5)
    assert stage.receivers["m2"].count == 5
    assert stage.receivers["m3"].count == 10


def test_ME1_hearing_is_not_seeing() -> None:
    stage = circle(3, pictures=1)
    stage.plan({"m1": ["m2"]}, {"m1": ["m3"]})
    stage.say(voice(1), 2)
    stage.film(camera(1), 2, key=True)
    assert [*stage.receivers["m2"].slots] == [2100]
    assert [*stage.receivers["m3"].slots] == [3200]


def test_ME2_before_the_first_plan_and_after_a_silence_nothing_is_forwarded() -> None:
    stage, speaker = circle(2), voice(1)
    stage.say(speaker, 3)
    assert stage.receivers["m2"].count == 0
    stage.all_hear_all()
    stage.say(speaker, 3)
    stage.forwarder.silence()
    assert set(stage.maps["m2"].values()) == {None}
    stage.say(speaker, 3)
    stage.tick()
    assert stage.receivers["m2"].count == 3
    stage.all_hear_all()
    stage.say(speaker, 3)
    assert stage.receivers["m2"].count == 6
    assert {number for number, _ in steps(stage.receivers["m2"].slots[2100])} == {1}


def test_ME2_the_lease_is_looked_at_before_each_packet() -> None:
    stage, speaker = circle(2, pictures=1), voice(1)
    stage.all_hear_all()
    stage.forwarder.lease(stage.now + 0.05)
    stage.say(speaker, 10)
    assert stage.receivers["m2"].count == 3
    assert set(stage.maps["m2"].values()) == {None}
    stage.all_hear_all()
    stage.say(speaker, 3)
    assert stage.receivers["m2"].count == 3
    stage.forwarder.lease(stage.now + 5)
    stage.tick()
    stage.say(speaker, 3)
    assert stage.receivers["m2"].count == 6


def test_ME2_nothing_is_sent_again_or_reported_after_the_lease() -> None:
    stage, film = circle(2, pictures=1), camera(1)
    stage.all_hear_all()
    stage.film(film, 5, key=True)
    stage.forwarder.lease(stage.now + 0.5)
    stage.wait(1)
    stage.ports["m2"].on_rtcp(rtcp.nack(1, 2200, [500, 501]), stage.now)
    stage.tick()
    assert stage.receivers["m2"].count == 10
    assert stage.receivers["m2"].of(rtcp.SenderReport) == []


def test_ME3_old_plans_and_old_turns_are_ignored() -> None:
    stage, speaker = circle(2), voice(1)
    open_ = Routes(3, {"m1": frozenset({"m2"})}, {})
    shut = Routes(5, {}, {})
    forwarder, now = stage.forwarder, stage.now
    assert forwarder.apply(Plan(4, open_), now)
    assert forwarder.apply(Plan(5, shut), now)
    assert not forwarder.apply(Plan(5, Routes(5, open_.heard, {})), now)
    assert not forwarder.apply(Plan(4, Routes(5, open_.heard, {})), now)
    assert not forwarder.apply(Plan(6, open_), now)
    forwarder.silence()
    assert not forwarder.apply(Plan(5, Routes(5, open_.heard, {})), now)
    stage.say(speaker, 3)
    assert stage.receivers["m2"].count == 0
    assert forwarder.apply(Plan(6, Routes(5, open_.heard, {})), now)
    stage.say(speaker, 3)
    assert stage.receivers["m2"].count == 3


def test_ME4_a_new_connection_takes_over_and_the_old_one_is_dead() -> None:
    stage, speaker = circle(2), voice(1)
    stage.all_hear_all()
    stage.say(speaker, 3)
    old_port, old_receiver = stage.ports["m1"], stage.receivers["m2"]
    stage.add(2, session(2))
    stage.say(speaker, 3)
    assert (old_receiver.count, stage.receivers["m2"].count) == (3, 3)
    stage.add(1, session(1))
    old_port.on_rtp(speaker.voice(), stage.now)
    assert stage.receivers["m2"].count == 3
    stage.say(speaker, 3)
    assert stage.receivers["m2"].count == 6
    assert {number for number, _ in steps(stage.receivers["m2"].slots[2100])} == {1}


def test_ME4_who_is_gone_is_on_nobodys_slot() -> None:
    stage, speaker = circle(3), voice(1)
    stage.all_hear_all()
    stage.forwarder.remove("m1", stage.now)
    stage.forwarder.remove("nobody", stage.now)
    stage.say(speaker, 3)
    assert stage.maps["m2"] == {"a0": None, "a1": "m3", "a2": None}
    assert stage.receivers["m2"].count == 0
