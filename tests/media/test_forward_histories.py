"""Whatever happens, who has no route is neither heard nor seen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.media.engine import PictureChoice
from sitwith_server.media.packets import rtcp
from tests.media.rig import (
    Receiver,
    Sender,
    Stage,
    camera,
    chance,
    packet,
    session,
    voice,
)

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
            for slot in (*port.audio_slots, *port.video_slots)
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
            stage.forwarder.choose_pictures(who, [*PictureChoice][how % 3], now)
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
