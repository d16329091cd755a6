"""Pictures: key frames, history, and what is asked of whom."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.packets.congestion import read
from tests.media.pictures import SLOT, asked, nacks, pair, wants
from tests.media.rig import (
    MID,
    TRANSPORT,
    VP8,
    Sender,
    Stage,
    camera,
    packet,
    session,
    signed,
    steps,
)

# ------------------------------------------------------------------------------------- key frames


def test_ME14_a_picture_begins_with_a_key_frame_and_one_is_asked_for() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 3)
    assert stage.receivers["m2"].count == 0
    assert asked(stage.receivers["m1"]) == 1
    stage.film(film, 3, key=True)
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.serial for each in got] == [7, 8, 9, 10, 11, 12]
    assert [each.ext for each in got] == list(range(500, 506))


def test_ME14_without_a_key_frame_it_is_asked_for_again_and_less_often() -> None:
    stage, film = pair(), camera(1)
    for _ in range(100):
        stage.film(film, 3)
        stage.tick()
    assert 6 <= asked(stage.receivers["m1"]) <= 9


def test_ME14_another_persons_picture_begins_with_a_key_frame_too() -> None:
    stage, first, second = pair(), camera(1), camera(3)
    stage.add(3, session(3, video=True, voices=0))
    stage.film(first, 3, key=True)
    stage.plan({}, {"m3": ["m2"]})
    stage.film(first, 3, key=True)
    stage.film(second, 3)
    stage.film(second, 3, key=True)
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.who for each in got] == ["m1"] * 6 + ["m3"] * 6
    assert got[6].picture.key
    assert [number for number, _ in steps(got)] == [1] * 11
    assert all(time >= 0 for _, time in steps(got))


def test_ME14_what_overtook_the_beginning_of_a_key_frame_is_sent_after_it() -> None:
    stage, film = pair(receivers=2), camera(1)
    stage.film(film, 2)
    key, rest, more = film.frame(key=True, parts=3)
    for each in (rest, key, more):
        stage.send("m1", each)
    for slot, member in ((2200, "m2"), (3200, "m3")):
        got = stage.receivers[member].slots[slot]
        assert [each.serial for each in got] == [5, 6, 7]
        assert [each.ext for each in got] == [500, 501, 502]


def test_ME8_what_comes_after_the_key_frame_that_it_was_before_is_dropped() -> None:
    stage, first, second = pair(), camera(1), camera(3)
    stage.add(3, session(3, video=True, voices=0))
    stage.film(first, 3, key=True)
    stage.plan({}, {"m3": ["m2"]})
    held = second.frame()
    stage.send("m3", held[0])
    stage.film(second, 2, key=True)
    stage.send("m3", held[1])
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.serial for each in got] == [1, 2, 3, 4, 5, 6, 3, 4, 5, 6]
    assert stage.refused("late") == 1


def test_ME13_a_format_that_was_not_agreed_on_is_waited_out() -> None:
    stage, film = pair(), camera(1)
    (spec,) = (each for each in stage.ports["m1"].session.sources if each.mid == "1")
    both = replace(spec, formats={VP8: "vp8", 98: "vp9"})
    stage.add(1, replace(session(1, voices=0), sources=(both,)))
    stage.film(film, 2, key=True)
    film.kind = 98
    key = bytes((0x08, 0, 0, 0))
    for _ in range(3):
        vp9 = packet(1002, film.number, film.time, key + film.tag(), kind=98)
        film.number += 1
        stage.send("m1", vp9)
    film.kind = VP8
    stage.film(film, 1)
    assert stage.receivers["m2"].count == 4
    stage.film(film, 1, key=True)
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.kind for each in got] == [100] * 6
    assert [number for number, _ in steps(got)] == [1] * 5


def test_ME15_picture_ids_go_on_by_one_where_pictures_change() -> None:
    stage, first, second = pair(), camera(1), camera(3)
    stage.add(3, session(3, video=True, voices=0))
    second.picture = 9
    stage.film(first, 4, key=True)
    stage.plan({}, {"m3": ["m2"]})
    stage.film(second, 4, key=True)
    got = stage.receivers["m2"].slots[SLOT]
    ids = [each.picture.id for each in got if each.raw[-1:] and each.picture.id_size == 2][::2]
    bases = [each.picture.base for each in got][::2]
    assert [b - a & 0x7FFF for a, b in pairwise(ids)] == [1] * 7
    assert [b - a & 0xFF for a, b in pairwise(bases)] == [1] * 7
    assert ids[0] == 32_766


# ----------------------------------------------------------------------------------- what is asked


def test_ME16_key_frames_that_keep_being_asked_are_passed_on_ever_less_often() -> None:
    stage, film = pair(receivers=3), camera(1)
    stage.film(film, 1, key=True)
    stage.wait(20)
    stage.receivers["m1"].reports.clear()
    times: list[float] = []
    for _ in range(3_000):
        for number in (2, 3, 4):
            before = asked(stage.receivers["m1"])
            wants(stage, f"m{number}", 1000 * number + 200)
            if asked(stage.receivers["m1"]) > before:
                times.append(stage.now)
        stage.wait(0.01)
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) >= 0.3 - 1e-6
    assert min(gaps[5:]) >= 1.9
    assert stage.refused("key_refused") > 1_000


def test_ME16_a_first_ask_is_passed_on_at_once() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 1, key=True)
    stage.wait(20)
    stage.receivers["m1"].reports.clear()
    wants(stage, "m2", SLOT)
    (report,) = stage.receivers["m1"].of(rtcp.KeyFrameWanted)
    assert isinstance(report, rtcp.KeyFrameWanted)
    assert report.media == (1002,)


def test_ME16_nobody_asks_for_a_picture_that_is_not_theirs() -> None:
    stage, film = pair(receivers=2), camera(1)
    stage.film(film, 1, key=True)
    stage.plan({}, {"m1": ["m2"]})
    stage.wait(20)
    stage.receivers["m1"].reports.clear()
    wants(stage, "m3", 3200)
    wants(stage, "m3", SLOT)
    assert asked(stage.receivers["m1"]) == 0


def test_ME17_lost_packets_are_sent_again_byte_for_byte() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 10, key=True)
    receiver = stage.receivers["m2"]
    before = receiver.slots[SLOT]
    wanted = [before[4], before[5], before[17]]
    stage.wait(0.1)
    nacks(stage, "m2", SLOT, *(each.ext for each in wanted))
    assert [each.raw for each in before[20:]] == [each.raw for each in wanted]


def test_ME17_ME1_nothing_of_a_route_that_was_closed_is_sent_again() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 5, key=True)
    stage.plan({})
    nacks(stage, "m2", SLOT, *range(500, 510))
    assert stage.receivers["m2"].count == 10
    stage.plan({}, {"m1": ["m2"]})
    nacks(stage, "m2", SLOT, *range(500, 510))
    stage.film(film, 1, key=True)
    nacks(stage, "m2", SLOT, *range(500, 510))
    assert stage.receivers["m2"].count == 12
    assert stage.refused("nack_refused") == 10


def test_ME17_how_much_is_sent_again_has_a_bound() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 100, key=True)
    for _ in range(50):
        nacks(stage, "m2", SLOT, *range(500, 700))
    assert stage.receivers["m2"].count == 200 + 100
    stage.tick()
    nacks(stage, "m2", SLOT, 600)
    assert stage.receivers["m2"].count == 301


def test_ME18_what_is_lost_on_the_way_in_is_asked_of_the_publisher_a_few_times() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 2, key=True)
    first, second = film.frame(), film.frame()
    stage.send("m1", second[0])
    stage.send("m1", second[1])
    for _ in range(20):
        stage.wait(0.1)
        stage.tick()
    asks = stage.receivers["m1"].of(rtcp.Nack)
    assert len(asks) == 4
    lost = tuple(film.number - 4 + i & 0xFFFF for i in range(2))
    assert all(isinstance(each, rtcp.Nack) and each.numbers == lost for each in asks)
    for each in first:
        stage.send("m1", each)
    got = stage.receivers["m2"].ordered(SLOT)
    assert [each.serial for each in got] == list(range(1, 9))


def test_ME18_what_came_in_the_end_is_not_asked_for_again() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 2, key=True)
    held = film.frame()
    stage.film(film, 1)
    for each in held:
        stage.send("m1", each)
    for _ in range(5):
        stage.wait(0.1)
        stage.tick()
    assert len(stage.receivers["m1"].of(rtcp.Nack)) == 1


def test_ME18_nothing_is_asked_for_while_nobody_sees_it() -> None:
    stage, film = pair(), camera(1)
    stage.plan({})
    stage.film(film, 1)
    film.frame()
    stage.film(film, 1)
    stage.tick()
    assert stage.receivers["m1"].of(rtcp.Nack) == []


def test_ME18_after_a_great_loss_a_key_frame_is_asked_for_instead() -> None:
    stage, film = pair(), camera(1)
    stage.film(film, 2, key=True)
    stage.wait(10)
    stage.receivers["m1"].reports.clear()
    film.number += 200
    stage.film(film, 1)
    assert stage.receivers["m1"].of(rtcp.Nack) == []
    assert asked(stage.receivers["m1"]) == 1


# --------------------------------------------------------------------------------- rates and time


def test_ME22_arrivals_are_told_to_a_publisher_that_numbers_its_packets() -> None:
    stage, film = pair(), camera(1)
    sent = {}
    for number in range(65_500, 65_580):
        film.extensions = {TRANSPORT: (number & 0xFFFF).to_bytes(2)}
        made = film.frame(number == 65_500, parts=1)[0]
        if number % 10 != 7:
            stage.send("m1", made)
            sent[number & 0xFFFF] = stage.now
        stage.wait(0.003 if number % 2 else 0.08)
        stage.tick()
    stage.wait(0.1)
    stage.tick()
    told: dict[int, float] = {}
    for report in stage.receivers["m1"].of(rtcp.Congestion):
        assert isinstance(report, rtcp.Congestion)
        assert report.media == 1002
        arrivals = read(report.body)
        assert arrivals is not None
        told.update(arrivals)
    assert told.keys() == sent.keys()
    assert all(abs(told[number] - at) < 0.001 for number, at in sent.items())


def test_ME22_a_publisher_that_does_not_is_given_the_ceiling() -> None:
    stage = Stage(ceiling=700_000)
    made = session(1, video=True, voices=0)
    audio, video = made.sources
    plain = type(video)(video.mid, video.medium, video.ssrcs, (), video.formats, audio.extensions)
    stage.add(1, type(made)((plain,), (), made.cname, made.ssrc))
    stage.film(camera(1), 1)
    stage.tick()
    (report,) = stage.receivers["m1"].of(rtcp.Estimate)
    assert isinstance(report, rtcp.Estimate)
    assert (report.ssrcs, abs(report.bitrate - 700_000) < 10) == ((1002,), True)


def test_ME12_pictures_carry_our_time_of_sending() -> None:
    stage, film = pair(), camera(1)
    film.extensions = {MID: b"1", TRANSPORT: b"\1\2"}
    stage.film(film, 2, key=True)
    times = []
    for got in stage.receivers["m2"].slots[SLOT]:
        assert rtp.extension(got.raw, got.raw[0], MID) is None
        stamp = rtp.extension(got.raw, got.raw[0], 2)
        assert stamp is not None
        times.append(int.from_bytes(stamp) / (1 << 18))
    assert abs(times[2] - times[0] - 1 / 30) < 0.001


def test_ME20_a_members_voice_and_picture_stay_in_step() -> None:
    stage = Stage()
    stage.add(1, session(1, video=True))
    stage.add(2, session(2, pictures=1))
    stage.all_hear_all()
    speaker, film = Sender("m1", 1001), camera(1)
    stage.film(film, 1, key=True)
    stage.say(speaker, 1)
    ntp = 1_000 << 32
    for ssrc, time, later in ((1001, 48_000, 0.0), (1002, 90_000, 0.4)):
        report = rtcp.SenderReport(ssrc, ntp + int(later * (1 << 32)), time, 1, 1)
        # The second report is a quarter of a second late, which must not matter.
        stage.wait(later * 1.625)
        stage.ports["m1"].on_rtcp(rtcp.sender_report(report), stage.now)
    stage.wait(1)
    stage.tick()
    reports = {
        each.ssrc: each
        for each in stage.receivers["m2"].of(rtcp.SenderReport)
        if isinstance(each, rtcp.SenderReport)
    }
    voice_slot, picture_slot = stage.ports["m2"].audio_slots[0], stage.ports["m2"].video_slots[0]
    heard = signed(reports[2100].time - voice_slot.shift - 48_000) / 48_000
    seen = signed(reports[2200].time - picture_slot.shift - 90_000) / 90_000
    assert reports[2100].ntp == reports[2200].ntp
    assert abs(heard - (seen + 0.4)) < 0.001
