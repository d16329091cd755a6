"""RTP headers, their extensions, and what video payloads say before their content."""

from __future__ import annotations

from struct import pack

from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.media.packets import pictures, rtp
from tests.media.rig import Stage, descriptor, packet, session


def test_a_header_is_read_field_by_field() -> None:
    data = packet(0xDEADBEEF, 65_535, 4_294_967_295, b"abc", kind=96, marker=True)
    parsed = rtp.parse(data)
    assert parsed == rtp.Packet(True, False, 96, 65_535, 4_294_967_295, 0xDEADBEEF, 0, 12, 12)


def test_sources_extensions_and_padding_are_stepped_over() -> None:
    head = pack("!BBHIIII", 0xB2, 96, 1, 2, 3, 8, 9)
    data = head + pack("!HH", 0xBEDE, 2) + b"\x12abc\x00\x20z\x00" + b"payload" + b"\0\0\3"
    parsed = rtp.parse(data)
    assert parsed is not None
    assert (parsed.padded, parsed.profile, parsed.begin, parsed.payload) == (True, 0xBEDE, 24, 32)
    assert rtp.extension(data, data[0], 1) == b"abc"
    assert rtp.extension(data, data[0], 2) == b"z"
    assert rtp.extension(data, data[0], 3) is None


def test_the_two_byte_form_is_read_too() -> None:
    head = pack("!BBHII", 0x90, 96, 1, 2, 3)
    data = head + pack("!HH", 0x1000, 2) + b"\x01\x03abc\x00\x02\x00" + b"payload"
    assert rtp.extension(data, data[0], 1) == b"abc"
    assert rtp.extension(data, data[0], 2) == b""


def test_ME11_lengths_beyond_the_end_are_malformed() -> None:
    head = pack("!BBHII", 0x90, 96, 1, 2, 3)
    for bad in (
        b"",
        b"\x80" * 11,
        head,
        head + pack("!HH", 0xBEDE, 1),
        head + pack("!HH", 0xBEDE, 0xFFFF) + bytes(100),
        pack("!BBHII", 0x8F, 96, 1, 2, 3) + bytes(20),
        pack("!BBHII", 0xA0, 96, 1, 2, 3) + b"ab\0",
        pack("!BBHII", 0xA0, 96, 1, 2, 3) + b"ab\4",
        pack("!BBHII", 0x40, 96, 1, 2, 3) + b"abc",
    ):
        assert rtp.parse(bad) is None, bad


def test_ME11_an_element_beyond_its_block_is_not_read() -> None:
    head = pack("!BBHII", 0x90, 96, 1, 2, 3)
    for block in (b"\x1fabc", b"\xf0abc", b"\x00\x00\x00\x11"):
        data = head + pack("!HH", 0xBEDE, 1) + block + b"secret content"
        assert rtp.extension(data, data[0], 1) is None


@given(st.binary(max_size=80), st.integers(1, 14))
def test_ME11_no_bytes_raise(data: bytes, wanted: int) -> None:
    parsed = rtp.parse(data)
    for flags in (0x80, 0x90, 0x91, 0x9F, 0xB0):
        forged = bytes((flags,)) + data[1:]
        if len(forged) >= 12 and rtp.body(forged, flags) >= 0:
            value = rtp.extension(forged, flags, wanted)
            assert value is None or value in forged
            rtp.text(value)
            assert -1 <= rtp.level(value) <= 127
    assert parsed is None or 12 <= parsed.begin <= parsed.payload <= len(data)
    rtp.primary(data)
    for read in pictures.READERS.values():
        picture = read(data)
        if picture.id_at or picture.base_at:
            changed = pictures.renumbered(data, picture, 12_345, 77)
            assert len(changed) == len(data)
            again = read(changed)
            assert (again.key, again.id_at, again.base_at) == (
                picture.key,
                picture.id_at,
                picture.base_at,
            )


@given(st.binary(max_size=60))
def test_ME11_no_bytes_disturb_a_port(data: bytes) -> None:
    stage = Stage()
    stage.add(1, session(1, video=True, rids=("q", "f")))
    sent: list[bytes] = []
    stage.forwarder.add(
        "m2", session(2, pictures=1), lambda data, is_rtcp: sent.append(data), stage.now
    )
    stage.plan({"m1": ["m2"]}, {"m1": ["m2"]})
    ours = pack("!BBHII", 0x90, 111, 5, 6, 1001)
    film = pack("!BBHII", 0x90, 96, 5, 6, 1002) + pack("!HH", 0xBEDE, 1)
    for forged in (data, film + data, ours + data):
        stage.ports["m1"].on_rtcp(forged, stage.now)
        stage.ports["m1"].on_rtp(forged, stage.now)
        stage.tick()
    # What is well-formed reaches its slot, and nothing else does.
    well = rtp.parse(ours + data)
    packets = [each for each in sent if not 200 <= each[1] <= 206]
    assert [each[12:] for each in packets] == ([(ours + data)[well.payload :]] if well else [])
    assert sum(stage.forwarder.dropped().values()) >= 3 - len(packets)


def test_the_newest_block_of_redundant_audio() -> None:
    old, new = b"older one", b"new"
    head = bytes((0x80 | 111,)) + (960 << 10 | len(old)).to_bytes(3)
    assert rtp.primary(head + head + bytes((111,)) + old + old + new) == new
    assert rtp.primary(bytes((111,)) + new) == new
    assert rtp.primary(head + bytes((111,)) + old) is None
    assert rtp.primary(head[:3]) is None


# --------------------------------------------------------------------------------------- pictures


def test_vp8_key_frames_and_numbers() -> None:
    key = pictures.vp8(descriptor(True, True, 0x1234, 0x56))
    assert key == pictures.Picture(True, 2, 2, 0x1234, 4, 0x56)
    assert not pictures.vp8(descriptor(False)).key
    assert not pictures.vp8(descriptor(True, start=False)).key
    assert pictures.vp8(b"\x10\x00").key
    assert not pictures.vp8(b"\x10\x01").key
    assert not pictures.vp8(b"\x11\x00").key  # a later partition
    assert pictures.vp8(b"\x90\xe0\x45\x09\xff\x00") == pictures.Picture(True, 2, 1, 0x45, 3, 9)


def test_vp9_key_frames_and_numbers() -> None:
    key = pictures.vp9(bytes((0x80 | 0x20 | 0x08, 0x92, 0x34, 0x00, 0x56, 0x82)))
    assert key == pictures.Picture(True, 1, 2, 0x1234, 4, 0x56)
    assert not pictures.vp9(bytes((0x80 | 0x40 | 0x08, 0x12, 0x00, 0x00))).key
    assert not pictures.vp9(bytes((0x20 | 0x08, 0x02, 0x00, 0x00))).key  # an upper layer
    assert not pictures.vp9(bytes((0x80, 0x12, 0x00, 0x00))).key  # not its beginning


def test_av1_key_frames() -> None:
    assert pictures.av1(b"\x18\x0a").key
    assert not pictures.av1(b"\x10\x0a").key
    assert not pictures.av1(b"").key


def test_numbers_are_moved_in_their_own_width() -> None:
    long = descriptor(True, True, 0x7FFF, 0xFF) + b"rest"
    moved = pictures.renumbered(long, pictures.vp8(long), 2, 2)
    assert moved == descriptor(True, True, 1, 1) + b"rest"
    short = b"\x90\x80\x7f\x00rest"
    assert pictures.renumbered(short, pictures.vp8(short), 1, 9) == b"\x90\x80\x00\x00rest"
