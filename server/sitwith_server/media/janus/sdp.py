"""Translates SDP between a member and a Janus gateway. Pure.

A gateway gets no line that a member wrote. What `offer.parse` has checked is written again, without
candidates: the gateway learns the member's address from the member's checks (RFC 8445 §7.3.1.3).

Janus' subscriptions are offered by Janus (RFC 3264), while our members offer. Both are descriptions
of one end of one transport, so each side is given an answer that is made from the other's offer.
Each role is set so that both fit: Janus is ICE-lite and so controlled (RFC 8445 §6.1.1), it is the
DTLS client (RFC 8842 §5.3), and an offer with other payload types than Janus' is refused
(`no_codec`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from sitwith_server.media.engine import OfferRefused
from sitwith_server.media.sdp.answer import Local, answer, negotiate
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.media.sdp.section import URIS, Section
from sitwith_server.media.sdp.session import Extensions, Medium

OPUS: Final = 111
VP8: Final = 96
"""The payload types that Janus sends to all subscribers, whatever was negotiated."""

_FORMAT: Final = {Medium.AUDIO: "opus", Medium.VIDEO: "vp8"}
_TYPE: Final = {Medium.AUDIO: OPUS, Medium.VIDEO: VP8}
_MAP: Final = {Medium.AUDIO: "opus/48000/2", Medium.VIDEO: "VP8/90000"}
_OTHER: Final = {"active": "passive", "passive": "active"}
_FEEDBACK: Final = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")


class Way(Enum):
    """The direction of one of a member's two transports. UP: the member sends."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class GatewayDescription:
    """What a gateway's SDP says about its end.

    candidates: values of its `a=candidate` lines.
    ssrcs: the first SSRC of each m-section, in order; 0 if it has none.
    """

    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    setup: str
    candidates: tuple[str, ...]
    ssrcs: tuple[int, ...]


def narrow(offer: Offer) -> tuple[Way, Offer]:
    """The direction of an offer, and the offer reduced to what a Janus gateway supports: Opus, VP8.

    Raises:
        OfferRefused: `two_transports` if it both sends and receives; `no_codec`; `no_fingerprint`
            if there is none by SHA-256, the only one that Janus compares.
    """
    ways = {section.direction for section in offer.sections if _is_live(section)}
    if len(ways) != 1:
        raise OfferRefused("two_transports" if ways else "malformed")
    way = Way.UP if ways == {"sendonly"} else Way.DOWN
    prints = tuple(each for each in offer.fingerprints if each[0] == "sha-256")[:1]
    if not prints:
        raise OfferRefused("no_fingerprint")
    sections = tuple(_narrowed(section, way) for section in offer.sections)
    return way, replace(offer, fingerprints=prints, sections=sections)


def _is_live(section: Section) -> bool:
    return section.direction in ("sendonly", "recvonly")


def _narrowed(section: Section, way: Way) -> Section:
    if not _is_live(section):
        # The answer rejects an unused section, which Janus would not have as an m-line.
        return replace(section, direction="rejected")
    wanted = _FORMAT[section.medium]
    formats = {number: name for number, name in section.formats.items() if name == wanted}
    if not formats or (way is Way.DOWN and list(formats) != [_TYPE[section.medium]]):
        raise OfferRefused("no_codec")
    if len(section.rids) > 3 or len(section.ssrcs) > 1:
        raise OfferRefused("too_many_layers")
    offered = section.extensions
    # Janus chooses the ids of a down connection itself, so none is negotiated.
    extensions = Extensions() if way is Way.DOWN else offered
    feedback = section.feedback if way is Way.UP else section.feedback - {"transport-cc"}
    return replace(section, formats=formats, extensions=extensions, feedback=feedback)


def live(offer: Offer) -> tuple[Section, ...]:
    """The sections that the gateway gets, in the order of its own m-sections."""
    return tuple(section for section in offer.sections if _is_live(section))


def for_gateway(offer: Offer) -> str:
    """A narrowed offer for Janus: as an offer (up), or as the answer to Janus' own offer (down)."""
    down = live(offer)[0].direction == "recvonly"
    mids = [str(i) if down else section.mid for i, section in enumerate(live(offer))]
    setup = _OTHER[_setup(offer)] if down else offer.setup
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE " + " ".join(mids)]
    for mid, section in zip(mids, live(offer), strict=True):
        lines += _section(section, mid, offer, setup)
    return "\r\n".join(lines) + "\r\n"


def _setup(offer: Offer) -> str:
    """The gateway's DTLS role on a down connection: the client, if the member allows it."""
    return "passive" if offer.setup == "active" else "active"


def _section(section: Section, mid: str, offer: Offer, setup: str) -> Iterator[str]:
    (number,) = section.formats
    yield f"m={section.medium.value} 9 UDP/TLS/RTP/SAVPF {number}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{mid}"
    yield f"a={section.direction}"
    yield "a=rtcp-mux"
    yield f"a=ice-ufrag:{offer.ufrag}"
    yield f"a=ice-pwd:{offer.pwd}"
    yield "a=ice-options:trickle"
    yield f"a=fingerprint:{offer.fingerprints[0][0]} {offer.fingerprints[0][1]}"
    yield f"a=setup:{setup}"
    yield f"a=rtpmap:{number} {_MAP[section.medium]}"
    if section.medium is Medium.AUDIO:
        yield f"a=fmtp:{number} useinbandfec=1;usedtx=1"
    else:
        said = [each for each in _FEEDBACK if each in section.feedback]
        yield from (f"a=rtcp-fb:{number} {each}" for each in said)
    for name, uri in URIS.items():
        if place := getattr(section.extensions, name):
            yield f"a=extmap:{place} {uri}"
    if section.direction == "sendonly":
        yield f"a=msid:m t{mid}"
        yield from (f"a=ssrc:{ssrc} cname:m" for ssrc in section.ssrcs)
    if section.rids:
        yield from (f"a=rid:{rid} send" for rid in section.rids)
        yield "a=simulcast:send " + ";".join(section.rids)


def read(text: str) -> GatewayDescription | None:
    """Reads a gateway's offer or answer. None: it is not in the form that Janus writes."""
    found: dict[str, str] = {}
    candidates: dict[str, None] = {}
    ssrcs: list[int] = []
    for line in text.splitlines():
        name, _, value = line[2:].partition(":")
        if line.startswith("m="):
            ssrcs.append(0)
        elif not line.startswith("a="):
            continue
        elif name == "candidate":
            candidates[value] = None
        elif name == "ssrc" and ssrcs and ssrcs[-1] == 0:
            first = value.partition(" ")[0]
            ssrcs[-1] = int(first) if first.isdecimal() else 0
        else:
            found.setdefault(name, value)
    hash_name, _, digest = found.get("fingerprint", "").partition(" ")
    ufrag, pwd, setup = (found.get(each, "") for each in ("ice-ufrag", "ice-pwd", "setup"))
    if not (ufrag and pwd and digest and setup and candidates and "ice-lite" in found):
        return None
    return GatewayDescription(
        ufrag, pwd, (hash_name, digest), setup, tuple(candidates), tuple(ssrcs)
    )


def for_member(
    offer: Offer,
    said: GatewayDescription,
    origin: tuple[int, int],
    video: int,
    random_bits: Callable[[int], int],
) -> str:
    """The answer to a narrowed offer, from what the gateway's SDP said.

    origin: id and version of the o= line; the version rises at an ICE restart.
    """
    session = negotiate(offer, random_bits)
    way = live(offer)[0].direction
    if way == "recvonly":
        slots = zip(session.slots, said.ssrcs, strict=True)
        session = replace(session, slots=tuple(replace(slot, ssrc=ssrc) for slot, ssrc in slots))
        setup = _setup(offer)
    else:
        setup = said.setup
    local = Local(
        said.ufrag,
        said.pwd,
        said.fingerprint,
        said.candidates,
        setup=setup,
        origin=origin[0],
        version=origin[1],
        video=video,
    )
    return answer(offer, session, local)


def slots(offer: Offer) -> Mapping[str, Medium]:
    """The medium of each mid of a narrowed offer that receives, in order."""
    return {section.mid: section.medium for section in live(offer)}
