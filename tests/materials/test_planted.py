"""Faults planted in the lists: each is found by what generated papers leave behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from sitwith_server.materials import embedded, pdf
from sitwith_server.materials.pdf import destinations, rules, streams, values
from sitwith_server.materials.pdf.rules import SHAPES, Shape, Target, by, each
from tests.materials import generated, reading
from tests.materials.stains import STAINS

Patch = pytest.MonkeyPatch
SEEDS = 1_000


def anything(target: Target, value: Any, depth: int) -> bytes | None:
    """A rule that takes whatever comes."""
    found = values.resolved(value)
    if depth > 12:
        return None
    if isinstance(found, StreamObject):
        free = Shape("anything", dict.fromkeys(found, anything), streams.Unpacker.data)
        return rules.reference_to(target, value, free, depth)
    if isinstance(found, DictionaryObject):
        return each(anything)(target, value, depth)
    if isinstance(found, ArrayObject):
        return rules.array(anything)(target, value, depth)
    if isinstance(found, NameObject | BooleanObject | NumberObject | FloatObject):
        return rules.plain(target, value, depth)
    return rules.string(target, value, depth)


def caught(folder: Path, *only: str) -> int | None:
    """The first seed at which a reader finds something."""
    kinds = {name: STAINS[name] for name in only or STAINS}
    for seed in range(SEEDS):
        data = generated.written(generated.stained(seed, kinds, count=2), "plain")
        if reading.found(pdf.rewritten(data).body, folder):
            return seed
    return None


# ------------------------------------------------------------------------ a rule less, each time


def _takes(shape: str, key: str) -> Callable[[Patch], None]:
    return lambda patch: patch.setitem(SHAPES[shape].keys, key, anything)


def _addresses(patch: Patch) -> None:
    patch.setattr(destinations, "web", values.string)


def _schemes(patch: Patch) -> None:
    patch.setattr(destinations, "_SCHEMES", ("http", "https", "javascript", "ftp"))


def _other_files(patch: Patch) -> None:
    patch.setattr(streams, "_OF_OTHERS", ())
    patch.setitem(SHAPES["image"].keys, "/F", anything)


def _photographs(patch: Patch) -> None:
    patch.setattr(embedded, "jpeg", lambda data: data)


def _profiles(patch: Patch) -> None:
    patch.setattr(embedded, "icc", lambda data: data)


def _packing(patch: Patch) -> None:
    def as_it_came(unpacker: streams.Unpacker, stream: StreamObject) -> streams.Packed | None:
        kind = stream.get("/Filter")
        if kind != "/FlateDecode":
            return unpacker.data(stream)
        return streams.Packed(stream._data, kind, {})

    patch.setitem(SHAPES, "drawn", Shape("drawn", {}, as_it_came))


def _postscript(patch: Patch) -> None:
    takes = by("/Subtype", {"/Image": "image", "/Form": "form", "/PS": "drawn"})
    patch.setitem(SHAPES["resources"].keys, "/XObject", each(takes))


FAULTS: dict[str, tuple[Callable[[Patch], None], tuple[str, ...]]] = {
    "any address": (_addresses, ("an address",)),
    "more schemes": (_schemes, ("an address",)),
    "the bytes of other files": (_other_files, ("another file's bytes",)),
    "photographs as they are": (_photographs, ("a photograph",)),
    "profiles as they are": (_profiles, ("a profile",)),
    "packed as it came": (_packing, ("behind a stream",)),
    "PostScript": (_postscript, ("PostScript",)),
    "the opening": (_takes("paper", "/OpenAction"), ("at opening",)),
    "deeds of papers": (_takes("paper", "/AA"), ("deeds of the paper",)),
    "deeds of pages": (_takes("page", "/AA"), ("deeds of a page",)),
    "names": (_takes("paper", "/Names"), ("a tree of names",)),
    "forms": (_takes("paper", "/AcroForm"), ("a field",)),
    "any deed of a link": (_takes("link", "/A"), ("a link",)),
    "deeds of links": (_takes("link", "/AA"), ("a link",)),
    "deeds of an outline": (_takes("line", "/A"), ("a line of the outline",)),
    "elements of an outline": (_takes("line", "/SE"), ("a line of the outline",)),
    "words of a highlight": (_takes("highlight", "/Contents"), ("a note",)),
    "deeds of a highlight": (_takes("highlight", "/A"), ("a note",)),
    "referred pages": (_takes("form", "/Ref"), ("another file's page",)),
    "other versions of pages": (_takes("form", "/OPI"), ("another file's page",)),
}


@pytest.mark.parametrize(
    "fault", ["more schemes", "deeds of a highlight", "photographs as they are"]
)
def test_MT14_a_planted_fault_is_found(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, only = FAULTS[fault]
    plant(monkeypatch)
    assert caught(tmp_path, *only) is not None


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("fault", FAULTS)
def test_MT14_every_planted_fault_is_found_among_all(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a word where to look."""
    FAULTS[fault][0](monkeypatch)
    seed = caught(tmp_path)
    print(fault, seed)
    assert seed is not None


# What generated papers have an object of, and so can have too much in.
REACHED = (
    "exponential", "profile", "resources", "state", "group", "form", "image", "mask", "tiling",
    "shading", "font", "encoding", "drawn", "layer", "all_layers", "layers_shown", "page", "link",
    "paper", "marked", "label", "line", "element", "attributes", "structure",
)  # fmt: skip


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("shape", REACHED)
def test_MT14_a_shape_that_takes_any_name_is_found(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = Shape.entries

    def open_to_all(self: Shape, target: Target, value: DictionaryObject, depth: int) -> bytes:
        if self.name != shape:
            return entries(self, target, value, depth)
        more = {str(key): anything for key in value if key not in _SEEN_TO}
        return entries(Shape(self.name, {**more, **self.keys}), target, value, depth)

    monkeypatch.setattr(Shape, "entries", open_to_all)
    seed = caught(tmp_path, "anything anywhere", "something anywhere")
    print(shape, seed)
    assert seed is not None


_SEEN_TO = frozenset(("/Parent", "/Annots", "/Length", "/Filter", "/DecodeParms", "/First", "/Last",
                      "/Pages", "/Next", "/Prev"))  # fmt: skip
