"""What other readers find in a paper: qpdf, MuPDF and Poppler, none of which wrote it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.materials.generated import MARK

ACTIONS: Final = frozenset(
    ("/GoTo", "/GoToR", "/GoToE", "/GoToDp", "/Launch", "/Thread", "/URI", "/Sound", "/Movie",
     "/Hide", "/Named", "/SubmitForm", "/ResetForm", "/ImportData", "/JavaScript", "/SetOCGState",
     "/Rendition", "/Trans", "/GoTo3DView", "/RichMediaExecute")
)  # fmt: skip
WRONG: Final = frozenset(
    ("/AA", "/OpenAction", "/JS", "/AcroForm", "/XFA", "/EmbeddedFiles", "/EF", "/AF", "/FFilter",
     "/FS", "/OPI", "/Alternates", "/Metadata", "/PieceInfo", "/PA", "/SE", "/Collection", "/Names",
     "/Info", "/Encrypt", "/RichMediaContent", "/Requirements", "/Perms", "/DSS", "/Thumb", "/Ref")
)  # fmt: skip
"""Names that no dictionary of a written paper has."""


def found(paper: bytes, folder: Path) -> list[str]:
    """What qpdf finds of what should not be there."""
    place = folder / "read.pdf"
    place.write_bytes(paper)
    done = subprocess.run(
        ["qpdf", "--warning-exit-0", "--json=2", "--json-stream-data=inline", "--decode-level=none",
         "--json-key=qpdf", str(place)],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        return [f"unreadable: {done.stderr[-200:]!r}"]
    # A name may have bytes that are no characters, which qpdf writes as they are.
    objects = json.loads(done.stdout.decode("utf-8", "surrogateescape"))["qpdf"][1]
    wrong = [each for value in objects.values() for each in _in_value(value)]
    if MARK in paper:
        wrong.append("the mark among the bytes")
    if done.stderr:
        wrong.append(f"a warning: {done.stderr[-200:]!r}")
    return wrong


def objects(paper: bytes, folder: Path) -> str:
    """All that qpdf reads, as JSON, for a look at what is there."""
    place = folder / "read.pdf"
    place.write_bytes(paper)
    words = ["qpdf", "--json=2", "--json-key=qpdf", str(place)]
    return json.dumps(json.loads(subprocess.run(words, capture_output=True, check=True).stdout))


def _in_value(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _in_dictionary(value)
    elif isinstance(value, list):
        for each in value:
            yield from _in_value(each)
    elif isinstance(value, str) and _is_marked(value):
        yield f"the mark in {value[:40]}"


def _in_dictionary(value: dict[str, Any]) -> Iterator[str]:
    about = value.get("stream", {}).get("dict") if isinstance(value.get("stream"), dict) else None
    if about is not None:
        if {"/F", "/FFilter", "/FDecodeParms"} & set(about):
            yield "a stream of another file"
        data = base64.b64decode(value["stream"].get("data", ""))
        if MARK in _unpacked(data, about):
            yield f"the mark in a stream {about.get('/Subtype')}"
        if about.get("/Filter") == "/DCTDecode" and b"Exif" in data:
            yield "Exif"
        yield from _in_dictionary(about)
        return
    for wrong in WRONG & set(value):
        yield f"the name {wrong}"
    deed = value.get("/S")
    if deed in ACTIONS:
        if deed != "/URI" or not _is_web(value.get("/URI")):
            yield f"an action {deed}"
        if "/Next" in value:
            yield "an action behind an action"
    for key, each in value.items():
        if _is_marked(key):
            yield "the mark as a name"
        yield from _in_value(each)


def _is_web(address: Any) -> bool:
    if not isinstance(address, str) or not address.startswith("u:"):
        return False
    parts = urlsplit(address[2:])
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in address


def _is_marked(text: str) -> bool:
    raw = (
        bytes.fromhex(text[2:])
        if text.startswith("b:")
        else text.encode("utf-8", "surrogateescape")
    )
    return any(each in raw for each in (MARK, MARK.decode().encode("utf-16-be")))


def _unpacked(data: bytes, about: dict[str, Any]) -> bytes:
    """With what lies behind the end."""
    if about.get("/Filter") not in ("/FlateDecode", ["/FlateDecode"]):
        return data
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(data) + unpacker.unused_data
    except zlib.error:
        return data


# ------------------------------------------------------------------------------- second opinions

_DEED: Final = re.compile(
    rb"/S\s*/(?!URI\b)(%b)\b" % b"|".join(each[1:].encode() for each in sorted(ACTIONS))
)
_NAME: Final = re.compile(rb"(%b)\b" % b"|".join(each.encode() for each in sorted(WRONG)))


def found_by_mupdf(paper: bytes, folder: Path) -> list[str]:
    """What MuPDF shows of all objects."""
    place = folder / "read.pdf"
    place.write_bytes(paper)
    done = subprocess.run(
        ["mutool", "show", "-g", str(place), "grep"], capture_output=True, check=False
    )
    hits = [*_DEED.findall(done.stdout), *_NAME.findall(done.stdout)]
    wrong = [each.decode() for each in hits]
    if MARK in done.stdout:
        wrong.append("the mark")
    return wrong if done.returncode == 0 else [*wrong, "unreadable"]


def found_by_poppler(paper: bytes, folder: Path) -> list[str]:
    """Scripts, files, forms and what a paper says of itself, by Poppler."""
    place = folder / "read.pdf"
    place.write_bytes(paper)
    wrong = []
    for words in (["pdfinfo", "-js"], ["pdfinfo", "-meta"], ["pdfdetach", "-list"]):
        done = subprocess.run([*words, str(place)], capture_output=True, check=False)
        quiet = done.stdout.strip() in (b"", b"0 embedded files")
        if done.returncode != 0 or not quiet:
            wrong.append(f"{words[-1]}: {(done.stdout or done.stderr)[:80]!r}")
    done = subprocess.run(["pdfinfo", str(place)], capture_output=True, check=False)
    for line in done.stdout.splitlines():
        name, _, value = line.partition(b":")
        if name in (b"Author", b"Creator", b"Producer", b"Title", b"CreationDate"):
            wrong.append(line.decode("latin-1"))
        if name in (b"Form", b"JavaScript", b"Encrypted", b"Metadata Stream", b"Custom Metadata"):
            if value.strip() not in (b"no", b"none"):
                wrong.append(line.decode("latin-1"))
    return wrong


def drawn(paper: bytes, folder: Path, *, dots: int = 36, pages: int = 4) -> list[bytes]:
    """Each page as Poppler draws it: a PPM."""
    place = folder / "drawn.pdf"
    place.write_bytes(paper)
    for old in folder.glob("drawn-*.ppm"):
        old.unlink()
    subprocess.run(
        ["pdftoppm", "-r", str(dots), "-l", str(pages), str(place), str(folder / "drawn")],
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    return [each.read_bytes() for each in sorted(folder.glob("drawn-*.ppm"))]


def drawn_by_mupdf(paper: bytes, folder: Path, *, dots: int = 36, pages: int = 4) -> list[bytes]:
    """Each page as MuPDF draws it: a PPM."""
    place = folder / "drawn.pdf"
    place.write_bytes(paper)
    for old in folder.glob("drawn-*.ppm"):
        old.unlink()
    subprocess.run(
        ["mutool", "draw", "-q", "-r", str(dots), "-o", str(folder / "drawn-%03d.ppm"), str(place),
         f"1-{pages}"],
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    return [each.read_bytes() for each in sorted(folder.glob("drawn-*.ppm"))]
