"""One m-section of an offer, parsed and checked (RFC 8866, RFC 8829)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sitwith_server.media.sdp.session import CLOCKS, Extensions, Medium
from sitwith_server.media.sdp.text import Block, parse_number, refuse

MAX_LAYERS: Final = 3

#: The header extensions that the server supports, by the names of `Extensions`.
URIS: Final[Mapping[str, str]] = {
    "level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
    "rid": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "sent": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "transport": ("http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
}
_NAMES: Final = {uri: name for name, uri in URIS.items()}

_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,16}")
_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section.

    direction: the offerer's: `sendonly`, `recvonly`, `inactive`, or `rejected` (its port is 0).
    formats: payload type to format, in the offerer's order; the first payload type of each format.
    first: the first payload type, whether supported or not.
    ssrcs: of the media itself, without repair streams; one, or one for each layer.
    rids: simulcast layers in the offered order, from the smallest to the largest.
    feedback: values of `a=rtcp-fb` for the formats.
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
    """Whether reduced-size RTCP is offered (RFC 5506)."""


def parse_section(block: Block, session: Block) -> Section:
    parts = block.media.split()
    if len(parts) < 4 or parts[0] not in ("audio", "video"):
        refuse("data_channel" if parts[:1] == ["application"] else "malformed")
    if parts[2] not in _PROTOCOLS:
        refuse("malformed")
    types = [parse_number(each, 128) for each in parts[3:]]
    mid = block.one("mid")
    if mid is None or not _TOKEN.fullmatch(mid) or len(set(types)) != len(types):
        refuse("malformed")
    medium = Medium(parts[0])
    rejected = parse_number(parts[1], 65_536) == 0 and not block.has("bundle-only")
    direction = "rejected" if rejected else _direction(block, session)
    formats = _formats(block, medium, types)
    if direction in ("sendonly", "recvonly"):
        needed = "opus" if medium is Medium.AUDIO else "vp8"
        if needed not in formats.values():
            refuse("no_codec")
    extensions = _extensions(block, session, direction)
    ssrcs: tuple[int, ...] = ()
    rids: tuple[str, ...] = ()
    if direction == "sendonly":
        rids = _rids(block) if medium is Medium.VIDEO else ()
        ssrcs = () if rids else _ssrcs(block)
        if (rids and not (extensions.mid and extensions.rid)) or not (ssrcs or extensions.mid):
            refuse("no_ssrc")
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


def _direction(block: Block, session: Block) -> str:
    for each in (block, session):
        said = [name for name in _DIRECTIONS if each.has(name)]
        if len(said) > 1:
            refuse("malformed")
        if said and said[0] != "sendrecv":
            return said[0]
        if said:
            break
    refuse("direction")


def _formats(block: Block, medium: Medium, types: list[int]) -> dict[int, str]:
    """The supported formats of an offer, each with its first payload type."""
    names = {}
    for value in block.all("rtpmap"):
        head, _, encoding = value.partition(" ")
        number = parse_number(head, 128)
        if number in names:
            refuse("malformed")
        names[number] = encoding.strip().lower()
    parameters: dict[int, str] = {}
    for value in block.all("fmtp"):
        head, _, rest = value.partition(" ")
        parameters[parse_number(head, 128)] = rest.replace(" ", "").lower()
    found: dict[int, str] = {}
    for number in types:
        name = _format(names.get(number, ""), parameters.get(number, ""), medium)
        if name and name not in found.values():
            # With rtcp-mux such packets would look like RTCP (RFC 5761 §4).
            if 64 <= number < 96:
                refuse("malformed")
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


def _extensions(block: Block, session: Block, direction: str) -> Extensions:
    ours = (("", "sendrecv"), ("sendonly",), ("recvonly",))
    wanted = {*ours[0], *(ours[1] if direction == "sendonly" else ours[2])}
    ids: dict[int, str] = {}
    for value in [*session.all("extmap"), *block.all("extmap")]:
        head, _, rest = value.partition(" ")
        number, _, way = head.partition("/")
        uri = rest.partition(" ")[0]
        place = parse_number(number, 65_536)
        if place == 0 or not uri or ids.get(place, uri) != uri:
            refuse("malformed")
        if way in wanted:
            ids[place] = uri
    # Not supported: ids above 14, which need the two-byte form in every packet (RFC 8285 §4.3).
    found = {_NAMES[uri]: place for place, uri in ids.items() if uri in _NAMES and place < 15}
    return Extensions(**found)


def _ssrcs(block: Block) -> tuple[int, ...]:
    said: dict[int, None] = {}
    for value in block.all("ssrc"):
        said[parse_number(value.partition(" ")[0], 1 << 32)] = None
    layers: tuple[int, ...] = ()
    for value in block.all("ssrc-group"):
        kind, _, members = value.partition(" ")
        numbers = [parse_number(each, 1 << 32) for each in members.split()]
        if kind == "SIM":
            layers = tuple(dict.fromkeys(numbers))
        elif kind in ("FID", "FEC-FR", "FEC"):
            for each in numbers[1:]:
                said.pop(each, None)
    if len(layers) > MAX_LAYERS:
        refuse("too_many_layers")
    return tuple(each for each in layers if each in said) or tuple(said)[:1]


def _rids(block: Block) -> tuple[str, ...]:
    simulcast = block.one("simulcast")
    if simulcast is None:
        return ()
    words = simulcast.split()
    if len(words) % 2 or len(words) > 4:
        refuse("malformed")
    layers = dict(zip(words[::2], words[1::2], strict=True)).get("send")
    if layers is None:
        return ()
    said = (each.split() for each in block.all("rid"))
    named = {parts[0] for parts in said if parts[1:2] == ["send"]}
    rids = tuple(each.split(",")[0].lstrip("~") for each in layers.split(";"))
    if len(rids) > MAX_LAYERS:
        refuse("too_many_layers")
    if len(set(rids)) != len(rids) or not all(_RID.fullmatch(r) and r in named for r in rids):
        refuse("malformed")
    return rids


def _feedback(block: Block, formats: Mapping[int, str]) -> frozenset[str]:
    of_ours = {"*", *map(str, formats)}
    said = (value.partition(" ") for value in block.all("rtcp-fb"))
    return frozenset(what for number, _, what in said if number in of_ours)
