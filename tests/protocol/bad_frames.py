"""Frames that are no messages, and frames written longer than need be."""

from __future__ import annotations

import struct


def text(value: str) -> bytes:
    """A MessagePack fixstr."""
    raw = value.encode()
    return bytes([0xA0 | len(raw)]) + raw


LEAVE = text("t") + text("leave") + text("id")  # lacks only the id's value


def frame(entries: int, body: bytes) -> bytes:
    """A fixmap of so many entries."""
    return bytes([0x80 | entries]) + body


def nested(levels: int) -> bytes:
    """A ``leave`` with an array of arrays, ``levels`` deep in all, the map counted."""
    return frame(2, text("t") + text("leave") + text("x") + b"\x91" * (levels - 2) + b"\x90")


LENIENT: list[tuple[str, bytes]] = [
    ("id as int64", frame(2, LEAVE + b"\xd3" + struct.pack(">q", 5))),
    ("id as uint64", frame(2, LEAVE + b"\xcf" + struct.pack(">Q", 5))),
    ("id as uint16", frame(2, LEAVE + b"\xcd\x00\x05")),
    ("keys as str8", frame(2, b"\xd9\x01t" + text("leave") + b"\xda\x00\x02id\x05")),
    ("type as str32", frame(2, b"\xa1t\xdb\x00\x00\x00\x05leave" + text("id") + b"\x05")),
    ("map16", b"\xde\x00\x02" + LEAVE + b"\x05"),
    ("map32", b"\xdf\x00\x00\x00\x02" + LEAVE + b"\x05"),
    ("float32 seconds", frame(3, text("t") + text("floor.extend") + text("id") + b"\x05"
     + text("seconds") + b"\xca" + struct.pack(">f", 2.5))),
    ("array32 and bin32", frame(2, text("t") + text("x") + text("l")
     + b"\xdd\x00\x00\x00\x01\xc6\x00\x00\x00\x02\x01\x02")),
    ("eight levels", nested(8)),
]  # fmt: skip


def _float(raw: bytes) -> bytes:
    return frame(3, text("t") + text("floor.extend") + text("id") + b"\x05" + text("seconds") + raw)


BAD_BYTES: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "CodecError"),
    ("never used byte", b"\xc1", "CodecError"),
    ("cut in the map", frame(2, LEAVE), "CodecError"),
    ("cut in a text", frame(1, text("t") + b"\xa5lea"), "CodecError"),
    ("trailing byte", frame(2, LEAVE + b"\x05") + b"\x00", "CodecError"),
    ("two maps", frame(2, LEAVE + b"\x05") * 2, "CodecError"),
    ("top level array", b"\x92" + text("t") + text("leave"), "CodecError"),
    ("top level nil", b"\xc0", "CodecError"),
    ("top level text", text("leave"), "CodecError"),
    ("empty map", b"\x80", "CodecError"),
    ("no t", frame(1, text("id") + b"\x05"), "CodecError"),
    ("t an integer", frame(2, text("t") + b"\x05" + text("id") + b"\x05"), "CodecError"),
    ("t bytes", frame(2, text("t") + b"\xc4\x05leave" + text("id") + b"\x05"), "CodecError"),
    ("duplicate key", frame(3, LEAVE + b"\x05" + text("id") + b"\x06"), "CodecError"),
    ("duplicate key, longer form", frame(3, LEAVE + b"\x05\xd9\x02id\x06"), "CodecError"),
    ("duplicate key deep inside",
     frame(2, text("t") + text("x") + text("m") + b"\x82\xa1a\x01\xa1a\x01"), "CodecError"),
    ("integer key", frame(3, LEAVE + b"\x05\x01\x02"), "CodecError"),
    ("bytes key", frame(3, LEAVE + b"\x05\xc4\x01a\x02"), "CodecError"),
    ("nil key", frame(3, LEAVE + b"\x05\xc0\x02"), "CodecError"),
    ("array key", frame(3, LEAVE + b"\x05\x90\x02"), "CodecError"),
    ("integer key deep inside", frame(2, text("t") + text("x") + text("m") + b"\x81\x01\x02"),
     "CodecError"),
    ("extension", frame(2, LEAVE + b"\xd4\x05\x00"), "CodecError"),
    ("empty extension", frame(2, LEAVE + b"\xc7\x00\x05"), "CodecError"),
    ("timestamp 32", frame(2, LEAVE + b"\xd6\xff\x00\x00\x00\x01"), "CodecError"),
    ("timestamp 64", frame(2, LEAVE + b"\xd7\xff" + bytes(8)), "CodecError"),
    ("timestamp 96", frame(2, LEAVE + b"\xc7\x0c\xff" + bytes(12)), "CodecError"),
    ("float NaN", _float(b"\xcb" + struct.pack(">d", float("nan"))), "CodecError"),
    ("float32 NaN", _float(b"\xca" + struct.pack(">f", float("nan"))), "CodecError"),
    ("infinity", _float(b"\xcb" + struct.pack(">d", float("inf"))), "CodecError"),
    ("minus infinity", _float(b"\xcb" + struct.pack(">d", float("-inf"))), "CodecError"),
    ("no UTF-8", frame(1, text("t") + b"\xa2\xc3\x28"), "CodecError"),
    ("UTF-8 surrogate", frame(1, text("t") + b"\xa3\xed\xa0\x80"), "CodecError"),
    ("overlong UTF-8", frame(1, text("t") + b"\xa2\xc0\xaf"), "CodecError"),
    ("nine levels", nested(9), "CodecError"),
    ("a thousand levels", nested(1000), "CodecError"),
    ("nine maps", frame(2, text("t") + text("x") + text("m") + b"\x81\xa1m" * 7 + b"\x80"),
     "CodecError"),
    ("array that promises 4 G items", frame(2, text("t") + text("x") + text("l")
     + b"\xdd\xff\xff\xff\xff"), "CodecError"),
    ("map that promises 4 G items", b"\xdf\xff\xff\xff\xff" + text("t") + text("x"), "CodecError"),
    ("text that promises 4 GB", frame(1, text("t") + b"\xdb\xff\xff\xff\xffx"), "CodecError"),
    ("bytes that promise 4 GB", frame(2, LEAVE + b"\xc6\xff\xff\xff\xff"), "CodecError"),
    ("JSON", b'{"t":"leave","id":1}', "CodecError"),
]  # fmt: skip

SERVER_ONLY_BYTES: list[tuple[str, bytes, str]] = [
    ("one byte too large",
     frame(2, text("t") + text("x") + text("b") + b"\xc5" + struct.pack(">H", 32759))
     + bytes(32759), "FrameTooLarge"),
    ("array of 1,025", frame(2, text("t") + text("x") + text("l") + b"\xdc\x04\x01")
     + b"\xc0" * 1025, "CodecError"),
]  # fmt: skip
