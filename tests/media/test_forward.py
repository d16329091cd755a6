"""Who is forwarded to whom: plans, leases, comings and goings."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.media import rtcp
from sitwith_server.media.engine import Plan, Take
from sitwith_server.room.routes import Routes
from tests.media.rig import (
    Receiver,
    Sender,
    Stage,
    camera,
    chance,
    packet,
    session,
    steps,
    voice,
)


def circle(count: int, voices: int = 3, pictures: int = 0, **settings_: int) -> Stage:
    stage = Stage(**settings_)
    for number in range(1, count + 1):
        stage.add(number, session(number, voices=voices, pictures=pictures, video=pictures > 0))
    return stage


def heard_by(stage: Stage, name: str) -> set[str]:
    """Whose voices have come to this member since the last question."""
    receiver = stage.receivers[name]
    found = {got.who for slots in receiver.slots.values() for got in slots}
    receiver.slots.clear()
    return found


def everyone_says(stage: Stage, senders: dict[str, Sender], count: int = 1) -> None:
    for _ in range(count):
        for name, sender in senders.items():
            stage.send(name, sender.voice())
        stage.wait(0.02)


# ------------------------------------------------------------------------------------ histories

NAMES = ("m1", "m2", "m3", "m4")
KINDS = (
    "plan", "plan", "voice", "voice", "frame", "frame", "late", "nack", "pli", "report",
    "add", "remove", "take", "tick", "silence", "lease", "jump",
)  # fmt: skip

#: What happens, to whom, and how: numbers alone, which are quickly drawn.
history = st.lists(
    st.tuples(
        st.integers(0, len(KINDS) - 1),
        st.integers(0, 3),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF),
    ),
    min_size=20,
    max_size=60,
)


def routes(bits: int) -> dict[str, frozenset[str]]:
    """By four bits for each of four people; nobody hears themselves."""
    return {
        who: frozenset(o for k, o in enumerate(NAMES) if bits >> 4 * i + k & 1 and o != who)
        for i, who in enumerate(NAMES)
    }


class World:
    """A forwarder, and what it may do by the plan: known from the plan and the lease alone."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.heard: dict[str, frozenset[str]] = {}
        self.seen: dict[str, frozenset[str]] = {}
        self.until = float("inf")
        self.senders: dict[tuple[str, int], Sender] = {}
        self.here: set[str] = set()
        self.sent = dict.fromkeys(("voice", "picture"), 0)
        for number in range(1, 5):
            self.add(number, simulcast=number % 2 == 0)

    def add(self, number: int, simulcast: bool) -> None:
        name = f"m{number}"
        self.here.add(name)
        rids = ("q", "f") if simulcast else ()
        self.stage.add(number, session(number, voices=2, pictures=2, video=True, rids=rids))
        receiver = self.stage.receivers[name]
        kept = receiver.send

        def checked(data: bytes, is_rtcp: bool) -> None:
            before = len(receiver.reports)
            kept(data, is_rtcp)
            assert self.stage.receivers[name] is receiver, "sent to a connection that was replaced"
            assert name in self.here, "sent to somebody who is gone"
            if is_rtcp:
                self.check_reports(name, receiver, before)
            else:
                self.check(name, receiver, data)

        self.stage.ports[name] = self.stage.forwarder.add(
            name,
            session(number, voices=2, pictures=2, video=True, rids=rids),
            checked,
            self.stage.now,
        )
        self.senders[name, 0] = voice(number)
        for layer in (0, 1):
            film = camera(number, layer)
            film.number += layer * 999
            if simulcast:
                film.extensions = {4: b"1", 10: (b"q", b"f")[layer]}
            self.senders[name, 1 + layer] = film

    def allowed(self, listener: str, speaker: str, medium: str) -> bool:
        if self.stage.now >= self.until or speaker not in self.here:
            return False
        routes_ = self.heard if medium == "voice" else self.seen
        return listener in routes_.get(speaker, ())

    def check(self, listener: str, receiver: Receiver, data: bytes) -> None:
        ssrc = int.from_bytes(data[8:12])
        got = receiver.slots[ssrc][-1]
        medium = "voice" if ssrc % 1000 < 200 else "picture"
        assert self.allowed(listener, got.who, medium), (listener, got.who, medium)
        self.sent[medium] += 1

    def check_reports(self, listener: str, receiver: Receiver, before: int) -> None:
        slots = {
            slot.ssrc: slot.member
            for port in [self.stage.ports[listener]]
            for slot in (*port.voices, *port.pictures)
        }
        for report in receiver.reports[before:]:
            if isinstance(report, rtcp.SenderReport):
                medium = "voice" if report.ssrc % 1000 < 200 else "picture"
                speaker = slots[report.ssrc]
                assert speaker is not None
                assert self.allowed(listener, speaker, medium)

    def do(self, what: str, place: int = 0, how: int = 0, more: int = 0) -> None:
        stage, now, who = self.stage, self.stage.now, NAMES[place]
        port, number, odd = stage.ports[who], place + 1, how % 2 == 1
        if what == "plan":
            self.heard, self.seen = routes(how), routes(more)
            assert stage.plan(self.heard, self.seen)
        elif what == "silence":
            self.heard = self.seen = {}
            stage.forwarder.silence()
        elif what == "lease":
            self.until = now + how % 40 / 10 - 1
            stage.forwarder.lease(self.until)
        elif what == "tick":
            stage.wait(how % 20 / 10)
            stage.tick()
        elif what == "voice":
            port.on_rtp(self.senders[who, 0].voice(20 if odd else 90), now)
        elif what == "frame":
            for part in self.senders[who, 1 + more % 2].frame(odd):
                port.on_rtp(part, now)
        elif what == "late":
            sender, back = self.senders[who, 0], how % 30
            data = packet(sender.ssrc, sender.number - back, sender.time, sender.tag())
            port.on_rtp(data, now)
        elif what == "nack":
            for slot in (200, 201):
                lost = list(range(490 + how % 100, 510 + how % 100))
                port.on_rtcp(rtcp.nack(1, 1000 * number + slot, lost), now)
        elif what == "pli":
            port.on_rtcp(rtcp.pli(1, 1000 * number + 200), now)
        elif what == "report":
            for key in (0, 1, 2):
                sender = self.senders[who, key]
                report = rtcp.SenderReport(sender.ssrc, int(now * (1 << 32)), sender.time, 1, 1)
                port.on_rtcp(rtcp.sender_report(report), now)
        elif what == "add":
            self.add(number, odd)
        elif what == "remove":
            stage.forwarder.remove(who, now)
            self.here.discard(who)
        elif what == "take":
            stage.forwarder.take(who, [*Take][how % 3], now)
        elif what == "jump":
            self.senders[who, 0].number += how


@settings(max_examples=100, deadline=None)
@given(history)
def test_ME1_ME2_ME4_who_has_no_route_is_not_heard_or_seen(
    happened: list[tuple[int, int, int, int]],
) -> None:
    world = World()
    for kind, place, how, more in happened:
        world.do(KINDS[kind], place, how, more)


USUAL = ("voice", "frame", "voice", "frame", "nack", "late", "pli", "report", "tick")


@pytest.mark.parametrize("seed", range(10))
def test_ME1_ME2_ME4_nor_in_a_long_history(seed: int) -> None:
    world, random = World(), chance(seed)
    for _ in range(3_000):
        # Mostly packets, so that there is something to be wrongly sent.
        what = random.choice(KINDS if random.random() < 0.05 else USUAL)
        world.do(what, random.randrange(4), random.getrandbits(16), random.getrandbits(16))
        if world.stage.now >= world.until + 1:
            world.until = world.stage.now + 5
            world.stage.forwarder.lease(world.until)
            for name in NAMES:
                world.add(int(name[1:]), random.random() < 0.5)
    assert world.sent["voice"] > 100
    assert world.sent["picture"] > 50


def test_ME1_the_history_test_does_hear_and_see() -> None:
    """So that the property above is not true of a forwarder that is dumb."""
    world = World()
    world.do("plan", 0, 0b0010, 0b0100)
    assert [*world.heard["m1"], *world.seen["m1"]] == ["m2", "m3"]
    world.do("voice", 0, 1)
    world.do("frame", 0, 1)
    world.do("report", 0)
    world.do("tick", 0, 1)
    world.do("nack", 2, 0)
    m2, m3 = (world.stage.receivers[name] for name in ("m2", "m3"))
    assert (m2.heard(2100), m3.heard(3200)) == (["m1"], ["m1"] * 4)
    assert all(each.of(rtcp.SenderReport) for each in (m2, m3))


# ----------------------------------------------------------------------------------------- plans


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


# ----------------------------------------------------------------------------------------- places


def test_ME23_the_map_is_told_whole_and_only_when_it_changes() -> None:
    told = defaultdict(list)
    stage = Stage()
    stage.forwarder._mapped = lambda member, slots: told[member].append(dict(slots))
    stage.add(1, session(1, voices=2))
    stage.add(2, session(2, voices=2))
    assert told["m2"] == [{"a0": None, "a1": None}]
    stage.plan({"m1": ["m2"]})
    stage.plan({"m1": ["m2"], "m2": []})
    stage.tick()
    assert told["m2"][1:] == [{"a0": "m1", "a1": None}]
    assert told["m1"] == [{"a0": None, "a1": None}]


def test_ME23_who_is_on_a_slot_stays_there() -> None:
    stage = circle(4)
    stage.plan({"m3": ["m1"]})
    stage.plan({"m2": ["m1"], "m3": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"] == {"a0": "m3", "a1": "m2", "a2": "m4"}
    stage.plan({"m2": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"] == {"a0": None, "a1": "m2", "a2": "m4"}


def test_ME23_voice_and_picture_are_on_slots_of_one_place() -> None:
    stage = circle(4, pictures=3)
    stage.plan({"m3": ["m1"], "m2": ["m1"]})
    stage.plan({"m3": ["m1"], "m2": ["m1"]}, {"m3": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"] == {
        "a0": "m2", "a1": "m3", "a2": None, "v0": None, "v1": "m3", "v2": "m4",
    }  # fmt: skip
    stage.plan({"m4": ["m1"], "m3": ["m1"], "m2": ["m1"]}, {"m3": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"]["a2"] == "m4"


def test_ME24_with_more_voices_than_places_who_speaks_is_heard() -> None:
    stage = circle(5, most=2)
    stage.all_hear_all()
    senders = {name: voice(int(name[1:])) for name in stage.ports}
    for _ in range(150):
        for name, sender in senders.items():
            stage.send(name, sender.voice(20 if name in ("m4", "m5") else 90))
        stage.wait(0.02)
        stage.tick()
    stage.receivers["m1"].slots.clear()
    for name, sender in senders.items():
        stage.send(name, sender.voice(90))
    assert heard_by(stage, "m1") == {"m4", "m5"}
    # Who begins to speak is heard from the first packet on, since the others fell silent.
    stage.wait(2.1)
    stage.send("m2", senders["m2"].voice(20))
    assert heard_by(stage, "m1") == {"m2"}


def test_ME24_the_slots_are_the_places_unless_there_are_fewer() -> None:
    stage = circle(4, voices=2)
    stage.all_hear_all()
    senders = {name: voice(int(name[1:])) for name in stage.ports}
    everyone_says(stage, senders, 20)
    assert len(heard_by(stage, "m1")) == 2


def test_ME25_a_camera_that_sends_nothing_comes_last() -> None:
    stage = circle(3, pictures=1)
    stage.all_hear_all()
    assert stage.maps["m1"]["v0"] == "m2"
    film, speaker = camera(3), voice(2)
    for _ in range(30):
        stage.say(speaker)
        stage.film(film, 3, key=True)
        stage.tick()
    assert stage.maps["m1"]["v0"] == "m3"


def test_ME25_who_spoke_last_is_seen() -> None:
    stage = circle(3, pictures=1)
    stage.all_hear_all()
    films, speaker = [camera(2), camera(3)], voice(3)
    for second in range(120):
        for film in films:
            stage.film(film, 1, key=True)
        if second > 90:
            stage.say(speaker, 2)
        stage.tick()
        if second == 90:
            assert stage.maps["m1"]["v0"] == "m2"
    assert stage.maps["m1"]["v0"] == "m3"


# ----------------------------------------------------------------------------------------- talk


def test_ME26_only_speech_that_went_to_somebody_counts() -> None:
    stage = circle(3)
    first, second = voice(1), voice(2)
    stage.plan({"m1": ["m3"]})
    stage.say(first, 100, level=30)
    stage.say(first, 100, level=80)
    stage.say(second, 100, level=30)
    voices = stage.forwarder.voices(stage.now)
    assert voices.keys() == {"m1"}
    assert abs(voices["m1"].seconds - 2.0) < 0.05
    assert not voices["m1"].speaking
    stage.say(first, 1, level=30)
    assert stage.forwarder.voices(stage.now)["m1"].speaking
    stage.forwarder.remove("m1", stage.now)
    assert stage.forwarder.voices(stage.now)["m1"].seconds >= 2.0


def test_ME26_without_a_level_the_size_tells() -> None:
    stage = circle(2)
    stage.all_hear_all()
    stage.say(voice(1), 50, level=None)
    small = Sender("m1", 1001, number=65_000 + 50, time=4_294_960_000 + 50 * 960)
    small.tag = lambda: b"|m1|9|"  # type: ignore[method-assign]
    stage.say(small, 50, level=None)
    assert abs(stage.forwarder.voices(stage.now)["m1"].seconds - 1.0) < 0.03
