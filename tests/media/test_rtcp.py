"""RTCP in and out."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.media.packets import rtcp
from sitwith_server.media.packets.congestion import Feedback, read

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
blocks = st.builds(rtcp.Block, u32, u8, st.integers(-0x800000, 0x7FFFFF), u32, u32, u32, u32)
many = st.lists(blocks, max_size=31).map(tuple)


@given(st.builds(rtcp.SenderReport, u32, st.integers(0, (1 << 64) - 1), u32, u32, u32, many))
def test_sender_reports_come_back(report: rtcp.SenderReport) -> None:
    assert rtcp.parse(rtcp.sender_report(report)) == [report]


@given(u32, many)
def test_receiver_reports_come_back(ssrc: int, found: tuple[rtcp.Block, ...]) -> None:
    assert rtcp.parse(rtcp.receiver_report(ssrc, found)) == [rtcp.ReceiverReport(ssrc, found)]


@given(u32, u32, u16, st.sets(st.integers(0, 300), min_size=1))
def test_lost_numbers_come_back(sender: int, media: int, first: int, lost: set[int]) -> None:
    numbers = [first + each & 0xFFFF for each in sorted(lost)]
    (report,) = rtcp.parse(rtcp.nack(sender, media, numbers)) or []
    assert report == rtcp.Nack(sender, media, tuple(numbers))


@given(u32, st.integers(0, 1 << 40), st.lists(u32, max_size=10))
def test_estimates_come_back_to_18_bits(sender: int, bitrate: int, ssrcs: list[int]) -> None:
    (report,) = rtcp.parse(rtcp.estimate(sender, bitrate, ssrcs)) or []
    assert isinstance(report, rtcp.Estimate)
    assert (report.sender, report.ssrcs) == (sender, tuple(ssrcs))
    assert 0 <= bitrate - report.bitrate <= bitrate >> 17


def test_key_frames_are_wanted_by_pli_and_by_fir() -> None:
    assert rtcp.parse(rtcp.pli(1, 2)) == [rtcp.KeyFrameWanted(1, (2,))]
    fir = bytes.fromhex("84ce0006 00000001 00000000 0000000a 07000000 0000000b 07000000")
    assert rtcp.parse(fir) == [rtcp.KeyFrameWanted(1, (10, 11))]


def test_a_compound_is_read_to_its_end() -> None:
    whole = (
        rtcp.receiver_report(7)
        + rtcp.descriptions([7, 8], "0123456789abcde")
        + rtcp.pli(7, 8)
        + rtcp.goodbye([7])
    )
    assert len(whole) % 4 == 0
    assert rtcp.parse(whole) == [
        rtcp.ReceiverReport(7),
        rtcp.KeyFrameWanted(7, (8,)),
        rtcp.Goodbye((7,)),
    ]


def test_a_description_is_of_whole_words_with_an_end() -> None:
    for length in range(1, 12):
        data = rtcp.descriptions([7], "n" * length)
        assert len(data) == 4 * (int.from_bytes(data[2:4]) + 1)
        assert data[8:10] == bytes((1, length))
        assert data[10 + length] == 0


def test_padding_is_of_the_last_packet() -> None:
    pli = bytearray(rtcp.pli(1, 2) + b"\0\0\0\4")
    pli[0] |= 0x20
    pli[3] += 1
    assert rtcp.parse(bytes(pli)) == [rtcp.KeyFrameWanted(1, (2,))]
    assert rtcp.parse(bytes(pli) + rtcp.pli(1, 2)) is None
    pli[-1] = 200
    assert rtcp.parse(bytes(pli)) is None


def test_ME11_malformed_is_nothing_as_a_whole() -> None:
    good = rtcp.pli(1, 2)
    for bad in (
        b"",
        b"\x80\xc8",
        good[:-1],
        good + b"\x80",
        b"\x00" + good[1:],
        b"\x81\xc9\x00\x01\x00\x00\x00\x01",  # a block that isn't there
        b"\x80\xc8\x00\x00",
        b"\x81\xcd\x00\x02" + bytes(8),  # a NACK of nothing
        b"\x84\xce\x00\x03" + bytes(12),  # half an entry
        b"\x8f\xce\x00\x04" + bytes(8) + b"REMB" + b"\x09\0\0\0",
        b"\x82\xcb\x00\x01" + bytes(4),
    ):
        assert rtcp.parse(bad) is None, bad


@given(st.binary(max_size=120), st.integers(0, 31), st.sampled_from(range(199, 208)))
def test_ME11_no_bytes_raise(data: bytes, count: int, kind: int) -> None:
    rtcp.parse(data)
    words = len(data) // 4
    head = bytes((0x80 | count, kind)) + words.to_bytes(2)
    rtcp.parse(head + data[: 4 * words])
    rtcp.parse(rtcp.receiver_report(1) + head + data[: 4 * words])
    read(data)


# ------------------------------------------------------------------------ transport-wide feedback


def told(feedback: Feedback, arrivals: Sequence[tuple[int, float]]) -> dict[int, float]:
    found: dict[int, float] = {}
    for body in feedback.bodies(arrivals):
        assert len(body) < 1_200
        parsed = read(body)
        assert parsed is not None
        assert not found.keys() & {number for number, _ in parsed}
        found.update(parsed)
    return found


@given(
    u16,
    st.lists(st.tuples(st.integers(1, 40), st.floats(-0.05, 12.0), st.booleans()), max_size=120),
)
def test_ME22_every_arrival_is_told_to_a_quarter_of_a_millisecond(
    first: int, steps: list[tuple[int, float, bool]]
) -> None:
    arrivals, number, now = [], first, 5_000.0
    for far, later, quick in steps:
        number += far
        now += later / 1_000 if quick else later
        arrivals.append((number & 0xFFFF, now))
    found = told(Feedback(), arrivals)
    assert found.keys() == {number for number, _ in arrivals}
    for number, at in dict(arrivals[::-1]).items():
        assert abs(found[number] - at) < 0.0005


def test_ME22_order_and_repeats_do_not_matter() -> None:
    arrivals = [(5, 10.0), (3, 10.1), (4, 10.2), (3, 11.0), (65_535, 10.3)]
    found = told(Feedback(), arrivals)
    assert {number: round(at, 3) for number, at in found.items()} == {
        5: 10.0, 3: 10.1, 4: 10.2, 65_535: 10.3,
    }  # fmt: skip


def test_ME22_messages_are_counted_and_numbers_unwrapped_over_many() -> None:
    feedback = Feedback()
    counts, number = [], 65_000
    for i in range(300):
        (body,) = feedback.bodies([(number + j & 0xFFFF, i + j / 100) for j in range(5)])
        counts.append(body[7])
        assert int.from_bytes(body[:2]) == number & 0xFFFF
        number += 5
    assert counts == [i & 0xFF for i in range(300)]
