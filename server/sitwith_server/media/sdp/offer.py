"""An offer's text to a checked `Offer` (RFC 8866, RFC 8829, RFC 9143); `answer.py` answers it.

`parse` is strict about what matters and blind to the rest, takes time linear in the text, and
refuses by `OfferRefused` with a fixed word. Candidates of the offer are never read: members come to
us, and none learns another's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from sitwith_server.media.engine import AUDIO_SLOTS, MAX_SDP, VIDEO_SLOTS, OfferRefused
from sitwith_server.media.sdp.session import CLOCKS, Extensions, Medium

MAX_LINES: Final = 4_000
MAX_LINE: Final = 2_000
MAX_SECTIONS: Final = 32
MAX_LAYERS: Final = 3

#: Header extensions that are agreed on, by the names of `Extensions`.
URIS: Final[Mapping[str, str]] = {
    "level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
    "rid": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "sent": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "transport": ("http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
}
_NAMES: Final = {uri: name for name, uri in URIS.items()}

#: Hash functions of certificates and their bytes; the older ones of RFC 8122 are broken.
HASHES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}

_LINE = re.compile(r"[a-z]=[^\x00\r\n]*")
_ICE = re.compile(r"[A-Za-z0-9+/]+")
_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,16}")
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_HEX = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2})*")
_NUMBER = re.compile(r"[0-9]{1,10}")
_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section.

    direction: the offerer's: `sendonly`, `recvonly`, `inactive`, or `rejected` (its port is 0).
    formats: payload type to format, in the offerer's order; of each format the first.
    first: the payload type that stands first, whatever it is.
    ssrcs: of the media itself, without those of repair; one, or one a layer.
    rids: simulcast layers as offered, which is from the smallest to the largest.
    feedback: what `a=rtcp-fb` says of the formats.
    """

    mid: str
    medium: Medium
    direction: str
    formats: Mapping[int, str]
    first: int
    extensions: Extensions
    ssrcs: tuple[int, ...]
    rids: tuple[str, ...]
    feedback: frozenset[str]
    reduced: bool
    """Whether RTCP may be of reduced size (RFC 5506)."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer.

    ufrag, pwd: the offerer's ICE credentials (RFC 8839 §5.4).
    fingerprints: (hash function in lower case, upper-case hex with colons) (RFC 8122 §5).
    setup: `actpass`, `active` or `passive` (RFC 8842): what the offerer can be in DTLS.
    """

    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    sections: tuple[Section, ...]


def parse(text: str) -> Offer:
    """Raises `OfferRefused`: `too_long`, `malformed`, `no_bundle`, `data_channel`, `direction`,
    `too_many_sources`, `too_many_slots`, `too_many_layers`, `no_codec`, `no_ssrc`, `no_fingerprint`
    or `bad_ice`."""
    session, blocks = _blocks(_lines(text))
    groups = [value.split()[1:] for value in session.all("group") if value.startswith("BUNDLE")]
    if len(groups) != 1:
        _refuse("no_bundle")
    sections = tuple(_section(block, session) for block in blocks)
    live = [
        (section, block)
        for section, block in zip(sections, blocks, strict=True)
        if section.direction != "rejected"
    ]
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids) or not live:
        _refuse("malformed")
    bundled = set(groups[0])
    for section, block in live:
        if section.mid not in bundled or not block.has("rtcp-mux"):
            _refuse("no_bundle")
    _check_counts(sections)
    _check_across(section for section, _ in live)
    transports = {_transport(block, session) for _, block in live}
    if len(transports) != 1:
        _refuse("bad_ice")
    ufrag, pwd, fingerprints, setup = transports.pop()
    return Offer(ufrag, pwd, fingerprints, setup, sections)


def restarts(offer: Offer, before: Offer) -> bool:
    """Whether it is an ICE restart of that: same sections and fingerprint, new credentials."""
    return (
        offer.fingerprints == before.fingerprints
        and len(offer.sections) == len(before.sections)
        and all(map(_goes_on, offer.sections, before.sections))
        and (offer.ufrag, offer.pwd) != (before.ufrag, before.pwd)
    )


def _goes_on(now: Section, then: Section) -> bool:
    """The same section; of what was offered once, a browser names only what was agreed on again."""
    kept = (now.mid, now.medium, now.direction, now.ssrcs, now.rids)
    return (
        kept == (then.mid, then.medium, then.direction, then.ssrcs, then.rids)
        and now.formats.items() <= then.formats.items()
        and now.feedback <= then.feedback
        and all(
            getattr(now.extensions, name) in (0, getattr(then.extensions, name)) for name in URIS
        )
    )


# ----------------------------------------------------------------------------------------- lines


@dataclass(slots=True)
class _Block:
    """The lines of the session or of one m-section, attributes by name."""

    media: str = ""
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def all(self, name: str) -> list[str]:
        return self.attributes.get(name, [])

    def has(self, name: str) -> bool:
        return name in self.attributes

    def one(self, name: str) -> str | None:
        """The value of an attribute that may stand once."""
        values = self.attributes.get(name)
        if values is None:
            return None
        if len(values) > 1:
            _refuse("malformed")
        return values[0]


def _refuse(reason: str) -> NoReturn:
    raise OfferRefused(reason)


def _lines(text: str) -> list[str]:
    if len(text) > MAX_SDP:
        _refuse("too_long")
    if not text.isascii():
        _refuse("malformed")
    lines = text.split("\n")
    if lines.pop() != "" or len(lines) > MAX_LINES:
        _refuse("malformed")
    lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    for line in lines:
        if len(line) > MAX_LINE or not _LINE.fullmatch(line):
            _refuse("malformed")
    if lines[:1] != ["v=0"]:
        _refuse("malformed")
    return lines


def _blocks(lines: Iterable[str]) -> tuple[_Block, list[_Block]]:
    session = block = _Block()
    sections: list[_Block] = []
    for line in lines:
        kind, value = line[0], line[2:]
        if kind == "m":
            if len(sections) == MAX_SECTIONS:
                _refuse("too_many_slots")
            block = _Block(value)
            sections.append(block)
        elif kind == "a":
            name, _, rest = value.partition(":")
            block.attributes.setdefault(name, []).append(rest)
    return session, sections


def _number(text: str, below: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) >= below:
        _refuse("malformed")
    return int(text)


# -------------------------------------------------------------------------------------- sections


def _section(block: _Block, session: _Block) -> Section:
    parts = block.media.split()
    if len(parts) < 4 or parts[0] not in ("audio", "video"):
        _refuse("data_channel" if parts[:1] == ["application"] else "malformed")
    if parts[2] not in _PROTOCOLS:
        _refuse("malformed")
    types = [_number(each, 128) for each in parts[3:]]
    mid = block.one("mid")
    if mid is None or not _TOKEN.fullmatch(mid) or len(set(types)) != len(types):
        _refuse("malformed")
    medium = Medium(parts[0])
    rejected = _number(parts[1], 65_536) == 0 and not block.has("bundle-only")
    direction = "rejected" if rejected else _direction(block, session)
    formats = _formats(block, medium, types)
    if direction in ("sendonly", "recvonly"):
        needed = "opus" if medium is Medium.AUDIO else "vp8"
        if needed not in formats.values():
            _refuse("no_codec")
    extensions = _extensions(block, session, direction)
    ssrcs: tuple[int, ...] = ()
    rids: tuple[str, ...] = ()
    if direction == "sendonly":
        rids = _rids(block) if medium is Medium.VIDEO else ()
        ssrcs = () if rids else _ssrcs(block)
        if (rids and not (extensions.mid and extensions.rid)) or not (ssrcs or extensions.mid):
            _refuse("no_ssrc")
    return Section(
        mid,
        medium,
        direction,
        formats,
        types[0],
        extensions,
        ssrcs,
        rids,
        _feedback(block, formats),
        block.has("rtcp-rsize"),
    )


def _direction(block: _Block, session: _Block) -> str:
    for each in (block, session):
        said = [name for name in _DIRECTIONS if each.has(name)]
        if len(said) > 1:
            _refuse("malformed")
        if said and said[0] != "sendrecv":
            return said[0]
        if said:
            break
    _refuse("direction")


def _formats(block: _Block, medium: Medium, types: list[int]) -> dict[int, str]:
    """What we can forward of what is offered; of each format the first payload type."""
    names = {}
    for value in block.all("rtpmap"):
        head, _, encoding = value.partition(" ")
        number = _number(head, 128)
        if number in names:
            _refuse("malformed")
        names[number] = encoding.strip().lower()
    parameters: dict[int, str] = {}
    for value in block.all("fmtp"):
        head, _, rest = value.partition(" ")
        parameters[_number(head, 128)] = rest.replace(" ", "").lower()
    found: dict[int, str] = {}
    for number in types:
        name = _format(names.get(number, ""), parameters.get(number, ""), medium)
        if name and name not in found.values():
            # With rtcp-mux these would be taken for RTCP (RFC 5761 §4).
            if 64 <= number < 96:
                _refuse("malformed")
            found[number] = name
    opus = next((number for number, name in found.items() if name == "opus"), None)
    return {
        number: name
        for number, name in found.items()
        if name != "red" or parameters.get(number, "").split("/")[0] == str(opus)
    }


def _format(encoding: str, parameters: str, medium: Medium) -> str | None:
    name, _, rest = encoding.partition("/")
    if name not in CLOCKS:
        return None
    if medium is Medium.AUDIO:
        return name if name in ("opus", "red") and rest == "48000/2" else None
    if name in ("opus", "red") or rest != "90000":
        return None
    said = dict(each.partition("=")[::2] for each in parameters.split(";"))
    profile = {"vp9": "profile-id", "av1": "profile"}.get(name)
    return name if profile is None or said.get(profile, "0") == "0" else None


def _extensions(block: _Block, session: _Block, direction: str) -> Extensions:
    ours = (("", "sendrecv"), ("sendonly",), ("recvonly",))
    wanted = {*ours[0], *(ours[1] if direction == "sendonly" else ours[2])}
    ids: dict[int, str] = {}
    for value in [*session.all("extmap"), *block.all("extmap")]:
        head, _, rest = value.partition(" ")
        number, _, way = head.partition("/")
        uri = rest.partition(" ")[0]
        place = _number(number, 65_536)
        if place == 0 or not uri or ids.get(place, uri) != uri:
            _refuse("malformed")
        if way in wanted:
            ids[place] = uri
    # Ids above 14 need the two-byte form in every packet (RFC 8285 §4.3): not agreed on.
    found = {_NAMES[uri]: place for place, uri in ids.items() if uri in _NAMES and place < 15}
    return Extensions(**found)


def _ssrcs(block: _Block) -> tuple[int, ...]:
    said: dict[int, None] = {}
    for value in block.all("ssrc"):
        said[_number(value.partition(" ")[0], 1 << 32)] = None
    layers: tuple[int, ...] = ()
    for value in block.all("ssrc-group"):
        kind, _, members = value.partition(" ")
        numbers = [_number(each, 1 << 32) for each in members.split()]
        if kind == "SIM":
            layers = tuple(dict.fromkeys(numbers))
        elif kind in ("FID", "FEC-FR", "FEC"):
            for each in numbers[1:]:
                said.pop(each, None)
    if len(layers) > MAX_LAYERS:
        _refuse("too_many_layers")
    return tuple(each for each in layers if each in said) or tuple(said)[:1]


def _rids(block: _Block) -> tuple[str, ...]:
    simulcast = block.one("simulcast")
    if simulcast is None:
        return ()
    words = simulcast.split()
    if len(words) % 2 or len(words) > 4:
        _refuse("malformed")
    layers = dict(zip(words[::2], words[1::2], strict=True)).get("send")
    if layers is None:
        return ()
    said = (each.split() for each in block.all("rid"))
    named = {parts[0] for parts in said if parts[1:2] == ["send"]}
    rids = tuple(each.split(",")[0].lstrip("~") for each in layers.split(";"))
    if len(rids) > MAX_LAYERS:
        _refuse("too_many_layers")
    if len(set(rids)) != len(rids) or not all(_RID.fullmatch(r) and r in named for r in rids):
        _refuse("malformed")
    return rids


def _feedback(block: _Block, formats: Mapping[int, str]) -> frozenset[str]:
    of_ours = {"*", *map(str, formats)}
    said = (value.partition(" ") for value in block.all("rtcp-fb"))
    return frozenset(what for number, _, what in said if number in of_ours)


# ------------------------------------------------------------------------------------ the whole


def _check_counts(sections: Iterable[Section]) -> None:
    counts = {(medium, way): 0 for medium in Medium for way in ("sendonly", "recvonly")}
    for section in sections:
        if (section.medium, section.direction) in counts:
            counts[section.medium, section.direction] += 1
    if not any(counts.values()):
        _refuse("malformed")
    if counts[Medium.AUDIO, "sendonly"] > 1 or counts[Medium.VIDEO, "sendonly"] > 1:
        _refuse("too_many_sources")
    if (
        counts[Medium.AUDIO, "recvonly"] > AUDIO_SLOTS
        or counts[Medium.VIDEO, "recvonly"] > VIDEO_SLOTS
    ):
        _refuse("too_many_slots")


def _check_across(live: Iterable[Section]) -> None:
    """In one bundle an SSRC belongs to one section and an id means one thing (RFC 9143 §9)."""
    ssrcs: set[int] = set()
    meanings: dict[int, str] = {}
    for section in live:
        for ssrc in section.ssrcs:
            if ssrc in ssrcs:
                _refuse("malformed")
            ssrcs.add(ssrc)
        for name in URIS:
            place = getattr(section.extensions, name)
            if place and meanings.setdefault(place, name) != name:
                _refuse("malformed")


def _transport(block: _Block, session: _Block) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    ufrag = block.one("ice-ufrag") or session.one("ice-ufrag") or ""
    pwd = block.one("ice-pwd") or session.one("ice-pwd") or ""
    if not 4 <= len(ufrag) <= 256 or not 22 <= len(pwd) <= 256:
        _refuse("bad_ice")
    if not _ICE.fullmatch(ufrag) or not _ICE.fullmatch(pwd):
        _refuse("bad_ice")
    prints = []
    for value in block.all("fingerprint") or session.all("fingerprint"):
        name, _, digest = value.partition(" ")
        size = HASHES.get(name.lower())
        digest = digest.strip().upper()
        if size is not None:
            if len(digest) != 3 * size - 1 or not _HEX.fullmatch(digest):
                _refuse("malformed")
            prints.append((name.lower(), digest))
    if not prints or len(prints) > 4:
        _refuse("no_fingerprint")
    setup = block.one("setup") or session.one("setup") or ""
    if setup not in ("actpass", "active", "passive"):
        _refuse("malformed")
    return ufrag, pwd, tuple(prints), setup
