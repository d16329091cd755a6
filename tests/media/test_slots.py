"""What a decoder sees of a slot: no seam where one stream ends and another begins."""

from __future__ import annotations

from sitwith_server.media.packets import rtcp, rtp
from tests.media.rig import OPUS, RED, Sender, Stage, packet, session, steps, ticks, voice

SLOT = 2100  # m2's first audio slot


def pair() -> Stage:
    stage = Stage()
    stage.add(1, session(1))
    stage.add(2, session(2))
    stage.plan({"m1": ["m2"]})
    return stage


def test_ME5_a_slot_begins_where_its_session_says_and_with_a_marker() -> None:
    stage = pair()
    stage.say(voice(1), 3)
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.ext for each in got] == [65_530, 65_531, 65_532]
    assert got[0].time == 7
    assert [each.marker for each in got] == [True, False, False]
    assert steps(got) == [(1, 960), (1, 960)]


def test_ME5_at_every_opening_numbers_go_on_by_one_and_time_by_what_passed() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 10)
    stage.plan({})
    stage.say(speaker, 50)
    stage.plan({"m1": ["m2"]})
    stage.say(speaker, 10)
    got = stage.receivers["m2"].slots[SLOT]
    assert len(got) == 20
    jump = steps(got)[9]
    assert jump[0] == 1
    assert abs(jump[1] - 51 * 960) <= 1
    assert [i for i, each in enumerate(got) if each.marker] == [0, 10]
    assert all(step == (1, 960) for i, step in enumerate(steps(got)) if i != 9)


def test_ME5_another_speaker_goes_on_in_the_slot() -> None:
    stage = pair()
    stage.add(3, session(3))
    first, second = voice(1), voice(3)
    second.number, second.time = 4, 123_456
    stage.say(first, 5)
    stage.plan({"m3": ["m2"]})
    stage.say(second, 5)
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.who for each in got] == ["m1"] * 5 + ["m3"] * 5
    assert [number for number, _ in steps(got)] == [1] * 9
    assert all(time > 0 for _, time in steps(got))


def test_ME6_loss_order_silence_and_markers_are_those_of_the_source() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 2)
    lost, late, on_time = (speaker.voice() for _ in range(3))
    assert lost
    stage.send("m1", on_time)
    stage.send("m1", late)
    speaker.time += 20 * 960
    stage.send("m1", speaker.voice(marker=True))
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.serial for each in got] == [1, 2, 5, 4, 6]
    assert [each.ext - got[0].ext for each in got] == [0, 1, 4, 3, 5]
    assert [ticks(each, got[0]) for each in got] == [0, 960, 4 * 960, 3 * 960, 25 * 960]
    assert [each.marker for each in got] == [True, False, False, False, True]


def test_ME7_a_repeated_packet_is_dropped() -> None:
    stage, speaker = pair(), voice(1)
    made = [speaker.voice() for _ in range(4)]
    for each in [*made, made[3], made[1]]:
        stage.send("m1", each)
    assert len(stage.receivers["m2"].slots[SLOT]) == 4
    assert stage.refused("repeated") == 2


def test_ME7_a_number_that_is_used_for_another_packet_is_dropped() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 3)
    speaker.number -= 2
    stage.say(speaker, 1)
    assert [each.serial for each in stage.receivers["m2"].slots[SLOT]] == [1, 2, 3]


def test_ME8_what_is_late_from_before_an_opening_is_dropped() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 3)
    stage.plan({})
    held = [speaker.voice() for _ in range(3)]
    stage.send("m1", held[1])
    stage.plan({"m1": ["m2"]})
    stage.send("m1", held[0])
    stage.say(speaker, 2)
    stage.send("m1", held[2])
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.serial for each in got] == [1, 2, 3, 7, 8]
    assert [number for number, _ in steps(got)] == [1] * 4
    assert stage.refused("late") == 2


def test_ME9_a_source_that_begins_anew_goes_on_without_a_gap() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 5)
    speaker.number += 20_000
    speaker.time += 1_000_000_000
    stage.say(speaker, 5)
    got = stage.receivers["m2"].slots[SLOT]
    # The first of the new numbers is believed with the second.
    assert [each.serial for each in got] == [1, 2, 3, 4, 5, 7, 8, 9, 10]
    assert [number for number, _ in steps(got)] == [1] * 8
    assert all(0 < time <= 3 * 960 for _, time in steps(got))
    assert stage.refused("far_number") == 1


def test_ME9_one_strange_number_changes_nothing() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 5)
    stage.send("m1", packet(1001, speaker.number + 9_000, speaker.time, speaker.tag()))
    stage.say(speaker, 5)
    got = stage.receivers["m2"].slots[SLOT]
    assert [each.serial for each in got] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
    assert [number for number, _ in steps(got)] == [1] * 9


def test_ME10_foreign_ssrcs_and_payload_types_are_dropped_and_counted() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker)
    stage.send("m1", packet(77, speaker.number, speaker.time, speaker.tag()))
    stage.send("m1", packet(2001, speaker.number, speaker.time, speaker.tag()))
    stage.send("m1", packet(1001, speaker.number, speaker.time, speaker.tag(), kind=0))
    stage.say(speaker)
    assert [each.serial for each in stage.receivers["m2"].slots[SLOT]] == [1, 5]
    assert stage.refused("unknown_ssrc") == 2
    assert stage.refused("unknown_type") == 1


def test_ME10_a_mid_names_the_ssrc_of_a_section_without_one_once() -> None:
    stage = Stage()
    stage.add(1, session(1, named=False))
    stage.add(2, session(2))
    stage.plan({"m1": ["m2"]})
    mid = {4: b"0"}
    named, unnamed, other = (Sender("m1", ssrc) for ssrc in (70, 71, 72))
    stage.say(unnamed)
    other.extensions = {4: b"9"}
    stage.say(other)
    named.extensions = mid
    stage.say(named)
    named.extensions = {}
    stage.say(named)
    late = Sender("m1", 73, extensions=mid)
    stage.say(late)
    assert stage.receivers["m2"].heard(SLOT) == ["m1", "m1"]
    assert stage.refused("unknown_ssrc") == 3


def test_ME12_the_senders_header_extensions_go_no_further() -> None:
    stage, speaker = pair(), voice(1)
    speaker.extensions = {4: b"0", 2: b"abc"}
    stage.say(speaker, 2)
    for got in stage.receivers["m2"].slots[SLOT]:
        parsed = rtp.parse(got.raw)
        assert parsed is not None
        assert (parsed.profile, parsed.payload) == (0, 12)


def test_ME13_red_reaches_as_it_is_who_has_it_and_as_opus_who_has_not() -> None:
    stage = Stage()
    stage.add(1, session(1))
    stage.add(2, session(2))
    stage.add(3, session(3, red=False))
    stage.plan({"m1": ["m2", "m3"]})
    plain, redundant = voice(1), voice(1)
    stage.say(plain, 2)
    older = b"|m1|1|old-"
    redundant.kind, redundant.number, redundant.time = RED, plain.number, plain.time
    head = bytes((0x80 | OPUS,)) + (960 << 10 | len(older)).to_bytes(3) + bytes((OPUS,))
    block = b"|m1|3|new"
    stage.send("m1", packet(1001, plain.number, plain.time, head + older + block, kind=RED))
    whole, bare = (stage.receivers[name].slots for name in ("m2", "m3"))
    assert [each.kind for each in whole[2100]] == [OPUS, OPUS, RED]
    assert whole[2100][2].raw[12:] == head + older + block
    assert [each.kind for each in bare[3100]] == [OPUS, OPUS, OPUS]
    assert bare[3100][2].raw[12:] == block
    assert steps(bare[3100]) == [(1, 960), (1, 960)]
    short = bytes((0x80 | OPUS, 0, 3, 255, OPUS)) + b"|m1|4|"
    stage.send("m1", packet(1001, plain.number + 1, 0, short, kind=RED))
    assert len(bare[3100]) == 3


def test_ME20_sender_reports_carry_the_slots_time_in_our_clock() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 5)
    theirs = rtcp.SenderReport(1001, 3_900_000_000 << 32, speaker.time, 5, 300)
    stage.ports["m1"].on_rtcp(rtcp.sender_report(theirs), stage.now)
    stage.wait(0.5)
    stage.tick()
    (report,) = stage.receivers["m2"].of(rtcp.SenderReport)
    assert isinstance(report, rtcp.SenderReport)
    last = stage.receivers["m2"].slots[SLOT][-1]
    assert report.ssrc == SLOT
    assert report.ntp >> 32 == int(stage.now)
    assert abs((report.time - last.time) - (960 + 24_000)) < 48
    assert (report.packets, report.octets) == (5, 300)


def test_ME1_no_report_of_a_closed_slot() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 5)
    stage.plan({})
    stage.wait(2)
    stage.tick()
    assert stage.receivers["m2"].of(rtcp.SenderReport) == []


def test_ME21_receiver_reports_tell_publishers_of_loss_jitter_and_delay() -> None:
    stage, speaker = pair(), voice(1)
    for i in range(100):
        made = speaker.voice()
        if i % 4 != 2:
            stage.send("m1", made)
        stage.wait(0.02 if i % 2 else 0.03)
    ntp = 0x1234_5678_9ABC_DEF0
    report = rtcp.SenderReport(1001, ntp, speaker.time, 100, 6_000)
    stage.ports["m1"].on_rtcp(rtcp.sender_report(report), stage.now)
    stage.wait(0.25)
    stage.tick()
    (got,) = stage.receivers["m1"].of(rtcp.ReceiverReport)
    assert isinstance(got, rtcp.ReceiverReport)
    (block,) = got.blocks
    assert block.ssrc == 1001
    assert (block.lost, block.fraction) == (25, 25 * 256 // 100)
    assert block.highest & 0xFFFF == speaker.number - 1 & 0xFFFF
    assert 200 < block.jitter < 500
    assert block.last == 0x5678_9ABC
    assert abs(block.delay - 0.25 * 65_536) < 10


def test_ME21_a_source_without_packets_is_not_reported() -> None:
    stage = pair()
    stage.tick()
    assert stage.receivers["m1"].reports == []


def test_ME11_malformed_packets_are_counted_and_change_nothing() -> None:
    stage, speaker = pair(), voice(1)
    good = speaker.voice()
    for bad in (b"", good[:11], b"\x00" + good[1:], b"\xbf" + good[1:], b"\x9f" + good[1:20]):
        stage.send("m1", bad)
    stage.ports["m1"].on_rtcp(b"\x80\xc8\x00\xff", stage.now)
    assert stage.refused("malformed") == 5
    assert stage.refused("malformed_rtcp") == 1
    stage.send("m1", good)
    assert len(stage.receivers["m2"].slots[SLOT]) == 1


def test_ME11_an_empty_block_of_extensions_has_no_level() -> None:
    stage = Stage()
    port = stage.add(1, session(1))
    for payload in (b"", b"\x10\x8a", bytes((0x10, 0)) * 5):
        head = voice(1).voice()[:12]
        number = (1 + len(payload)).to_bytes(2)
        port.on_rtp(head[:2] + number + head[4:] + b"\xbe\xde\0\0" + payload, stage.now)
    assert stage.refused("no_route") == 3
    assert port.audio is not None
    assert port.audio.loudness == 0


def test_ME11_a_goodbye_and_reports_of_strangers_change_nothing() -> None:
    stage, speaker = pair(), voice(1)
    stage.say(speaker, 2)
    port = stage.ports["m1"]
    port.on_rtcp(rtcp.receiver_report(1001) + rtcp.goodbye([1001, 2100]), stage.now)
    port.on_rtcp(rtcp.sender_report(rtcp.SenderReport(2001, 1 << 32, 5, 1, 1)), stage.now)
    stage.ports["m2"].on_rtcp(rtcp.goodbye([SLOT]) + rtcp.nack(1, SLOT, [65_530]), stage.now)
    stage.say(speaker, 2)
    assert [each.serial for each in stage.receivers["m2"].slots[SLOT]] == [1, 2, 3, 4]
    assert stage.refused("unknown_ssrc") == 1
