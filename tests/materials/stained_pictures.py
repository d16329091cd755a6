"""Pictures with all that may travel beside the pixels, and readers that find what is left of it."""

from __future__ import annotations

import io
import json
import random
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from tests.materials.generated import MARK, profile

FORMS: Final = ("JPEG", "PNG", "WEBP", "GIF")
TEXT: Final = MARK.decode()


def stained(seed: int) -> tuple[str, bytes]:
    """A picture's format and its bytes; every one has something beside the picture."""
    chance = random.Random(seed)
    form = chance.choice(FORMS)
    size = (chance.randint(1, 90), chance.randint(1, 90))
    data = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif}[form](
        chance, _drawn(chance, size)
    )
    return form, data + chance.choice((b"", MARK, b"%PDF-1.7 " + MARK, b"<script>" + MARK))


def _drawn(chance: random.Random, size: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGB", size, tuple(chance.randbytes(3)))
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        pen.line((0, y, x, 0), fill=tuple(chance.randbytes(3)), width=3)
    return picture


def _exif(chance: random.Random) -> bytes:
    made = Image.Exif()
    made[0x010E] = made[0x013B] = made[0x8298] = TEXT
    if chance.random() < 0.5:
        made[0x0112] = chance.randint(1, 8)
    place = made.get_ifd(0x8825)
    degrees = [TiffImagePlugin.IFDRational(each) for each in (54, 29, 0)]
    place[1], place[2], place[0x1D] = "N", degrees, TEXT
    made.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + MARK
    return made.tobytes()


def _xmp() -> bytes:
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>' + MARK + b"</a></x:xmpmeta>"


def _saved(picture: Image.Image, form: str, **how: Any) -> bytes:
    made = io.BytesIO()
    picture.save(made, form, **how)
    return made.getvalue()


def _jpeg(chance: random.Random, picture: Image.Image) -> bytes:
    if chance.random() < 0.15:
        second = Image.new("RGB", picture.size)
        made = io.BytesIO()
        picture.save(made, "MPO", save_all=True, append_images=[second], exif=_exif(chance))
        return made.getvalue().replace(b"\xff\xd9", b"\xff\xfe\x00\x0a" + MARK + b"\xff\xd9", 1)
    if chance.random() < 0.2:
        picture = picture.convert(chance.choice(("L", "CMYK")))
    data = _saved(
        picture, "JPEG", exif=_exif(chance), xmp=_xmp(), comment=MARK,
        icc_profile=profile(stained=True), progressive=chance.random() < 0.5,
    )  # fmt: skip
    for _ in range(chance.randint(0, 4)):
        # Photoshop's, IPTC's, another program's; once more the same; ours.
        mark = chance.choice((0xE1, 0xE2, 0xE3, 0xEA, 0xEC, 0xED, 0xEF, 0xFE))
        body = chance.choice((b"Photoshop 3.0\0", b"Ducky", b"MPF\0", b"Exif\0\0")) + MARK
        data = data[:2] + bytes((0xFF, mark)) + (len(body) + 2).to_bytes(2, "big") + body + data[2:]
    return data


def _png(chance: random.Random, picture: Image.Image) -> bytes:
    notes = PngInfo()
    notes.add_text("Author", TEXT, zip=chance.random() < 0.5)
    notes.add_itxt("Comment", TEXT, zip=chance.random() < 0.5)
    notes.add_itxt("XML:com.adobe.xmp", _xmp().decode())
    if chance.random() < 0.4:
        picture = picture.convert(chance.choice(("P", "L", "1", "I;16", "LA")))
    elif chance.random() < 0.6:
        picture = _with_hidden(chance, picture)
    data = _saved(
        picture, "PNG", pnginfo=notes, exif=_exif(chance), icc_profile=profile(stained=True)
    )
    for _ in range(chance.randint(0, 3)):
        kind = chance.choice((b"tEXt", b"prVW", b"ruSt", b"eXIf", b"tIME", b"sPLT", b"caBX"))
        data = data[:33] + _chunk(kind, b"Note\0" + MARK) + data[33:]
    return data


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


HIDDEN: Final = (11, 222, 33)
"""The colour of what was made unseen, and not removed."""


def _with_hidden(chance: random.Random, picture: Image.Image) -> Image.Image:
    made = picture.convert("RGBA")
    wide, high = max(1, made.width // 2), max(1, made.height // 2)
    made.paste((*HIDDEN, 0), (0, 0, wide, high))
    return made


def _webp(chance: random.Random, picture: Image.Image) -> bytes:
    if chance.random() < 0.5:
        picture = _with_hidden(chance, picture)
    return _saved(
        picture, "WEBP", exif=_exif(chance), xmp=_xmp(), icc_profile=profile(stained=True),
        lossless=chance.random() < 0.5, exact=True,
    )  # fmt: skip


def _gif(chance: random.Random, picture: Image.Image) -> bytes:
    data = _saved(picture, "GIF", comment=MARK)
    extra = b"\x21\xff\x0bXMP DataXMP" + bytes((len(MARK),)) + MARK + b"\0"
    at = data.index(b"\x21\xfe" + bytes((len(MARK),)) + MARK)
    return data[:at] + extra + data[at:]


# ------------------------------------------------------------------------------------- readers


def left(data: bytes) -> list[str]:
    """What a washed picture has beside the picture, by the parts of its file."""
    wrong = [f"the mark at {data.index(MARK)}"] if MARK in data else []
    parts: Callable[[bytes], list[str]] = _of_png if data[:4] == b"\x89PNG" else _of_jpeg
    return [*wrong, *parts(data)]


def _of_png(data: bytes) -> list[str]:
    at = 8
    wrong: list[str] = []
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            wrong.append(f"a part {kind!r}")
        at += size + 12
        if kind == b"IEND":
            break
    return wrong if at == len(data) else [*wrong, "bytes behind the end"]


def _of_jpeg(data: bytes) -> list[str]:
    at = 2
    wrong: list[str] = []
    if data[:2] != b"\xff\xd8":
        return ["no JPEG"]
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return [*wrong, "a part without a mark"]
        mark, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if mark == 0xE0 and (size != 16 or data[at + 4 : at + 9] != b"JFIF\0"):
            wrong.append("a thumbnail")
        elif mark not in (0xE0, 0xC0, 0xC2, 0xC4, 0xDB, 0xDD, 0xDA):
            wrong.append(f"a part {mark:x}")
        at += 2 + size
        if mark == 0xDA:
            while data[at] != 0xFF or data[at + 1] in (0, *range(0xD0, 0xD8)):
                at += 1
            if data[at + 1] == 0xD9:
                return wrong if at + 2 == len(data) else [*wrong, "bytes behind the end"]
    return [*wrong, "no end"]


PLAIN: Final = frozenset(
    ("SourceFile", "ExifTool", "File", "Composite", "JFIF:JFIFVersion", "JFIF:ResolutionUnit",
     "JFIF:XResolution", "JFIF:YResolution", "PNG:ImageWidth", "PNG:ImageHeight", "PNG:BitDepth",
     "PNG:ColorType", "PNG:Compression", "PNG:Filter", "PNG:Interlace", "PNG:Palette",
     "PNG:Transparency")
)  # fmt: skip


def told(folder: Path) -> dict[str, list[str]]:
    """What ExifTool is told by each file in a folder, beside what a picture is."""
    done = subprocess.run(
        ["exiftool", "-json", "-G", "-a", "-u", "-ee", "-q", str(folder)],
        capture_output=True, check=True,
    )  # fmt: skip
    return {
        Path(each["SourceFile"]).name: sorted(
            key for key in each if key not in PLAIN and key.partition(":")[0] not in PLAIN
        )
        for each in json.loads(done.stdout or b"[]")
    }


def is_hidden_left(data: bytes) -> bool:
    """Whether points that nobody sees have colours of their own."""
    picture = Image.open(io.BytesIO(data))
    if not picture.has_transparency_data:
        return False
    seen = picture.convert("RGBA")
    hidden = seen.getchannel("A").point([255] + [0] * 255)
    black = Image.new("RGB", seen.size)
    black.paste(seen.convert("RGB"), mask=hidden)
    return black.getbbox() is not None
