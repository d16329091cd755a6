"""The answer to an offer: the server's side of the session, negotiated once for each connection.

The server is ICE-lite (RFC 8445 §2.5), accepts what a member sends, and gives each receive slot one
SSRC. VP8 comes first among the video formats, so that a room has one format unless a member chooses
another; VP9 and AV1 are visible only to members who support them. RED stays where the offerer has
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sitwith_server.media.sdp.offer import Offer
from sitwith_server.media.sdp.section import URIS, Section
from sitwith_server.media.sdp.session import (
    CLOCKS,
    Extensions,
    Medium,
    Session,
    SlotSpec,
    SourceSpec,
)

_NAMES = {"opus": "opus/48000/2", "red": "red/48000/2", "vp8": "VP8", "vp9": "VP9", "av1": "AV1"}
_ANSWERS = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_FEEDBACK = ("nack", "nack pli", "ccm fir")


@dataclass(frozen=True, slots=True)
class Local:
    """The server's side of the transport.

    fingerprint: (hash function, hex with colons) of our certificate.
    candidates: values of `a=candidate:` lines, in order of preference.
    setup: `active` (we are the DTLS client) or `passive`.
    origin, version: of the o= line; the version rises at an ICE restart.
    video: the most bits/s of video that a member should send; 0: no limit is given.
    """

    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    candidates: tuple[str, ...]
    setup: str = "active"
    origin: int = 1
    version: int = 1
    video: int = 1_500_000


def negotiate(offer: Offer, random_bits: Callable[[int], int]) -> Session:
    """The streams of a new connection. `random_bits(bits)`: a random number below 2**bits."""
    taken = {ssrc for section in offer.sections for ssrc in section.ssrcs}

    def fresh() -> int:
        while (ssrc := random_bits(32)) in taken or ssrc == 0:
            pass
        taken.add(ssrc)
        return ssrc

    sources, slots = [], []
    places = dict.fromkeys(Medium, 0)
    for section in offer.sections:
        agreed = _agreed(section)
        if section.direction == "sendonly":
            sources.append(
                SourceSpec(
                    section.mid,
                    section.medium,
                    section.ssrcs,
                    section.rids,
                    section.formats,
                    agreed,
                )
            )
        elif section.direction == "recvonly":
            place = places[section.medium]
            places[section.medium] += 1
            slots.append(
                SlotSpec(
                    section.mid,
                    section.medium,
                    fresh(),
                    {name: number for number, name in section.formats.items()},
                    agreed,
                    random_bits(15),
                    random_bits(31),
                    f"s{place}",
                )
            )
    return Session(tuple(sources), tuple(slots), f"{random_bits(60):015x}", fresh())


def answer(offer: Offer, session: Session, local: Local) -> str:
    """The text of the answer, with CRLF. At an ICE restart `session` is the running one."""
    live = [section for section in offer.sections if section.direction != "rejected"]
    lines = [
        "v=0",
        f"o=- {local.origin} {local.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(section.mid for section in live),
        "a=msid-semantic: WMS *",
        "a=ice-lite",
    ]
    slots = {slot.mid: slot for slot in session.slots}
    for section in offer.sections:
        if section.direction == "rejected":
            # A rejected section keeps its place, without its attributes (RFC 8829 §5.3.1).
            lines += [
                f"m={section.medium.value} 0 UDP/TLS/RTP/SAVPF {section.first}",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{section.mid}",
                "a=inactive",
            ]
            continue
        lines += _section(section, local)
        if (slot := slots.get(section.mid)) is not None:
            lines += [
                f"a=msid:{slot.stream} t{slot.mid}",
                f"a=ssrc:{slot.ssrc} cname:{session.cname}",
            ]
        # BUNDLE needs candidates in one section only (RFC 9143 §7.1.3), but aiortc's own clients
        # with `max-bundle` read those of the last section.
        lines += [f"a=candidate:{each}" for each in local.candidates]
        lines.append("a=end-of-candidates")
    return "\r\n".join(lines) + "\r\n"


def _agreed(section: Section) -> Extensions:
    """The offered extensions that the server uses. Others would only make packets longer."""
    offered = section.extensions
    if section.direction == "sendonly":
        if section.medium is Medium.AUDIO:
            return Extensions(level=offered.level, mid=offered.mid)
        transport = offered.transport if "transport-cc" in section.feedback else 0
        rid = offered.rid if section.rids else 0
        return Extensions(mid=offered.mid, rid=rid, transport=transport)
    if section.direction == "recvonly" and section.medium is Medium.VIDEO:
        return Extensions(sent=offered.sent)
    return Extensions()


def _section(section: Section, local: Local) -> Iterator[str]:
    formats = dict(section.formats)
    if section.medium is Medium.VIDEO:
        formats = dict(sorted(formats.items(), key=lambda each: each[1] != "vp8"))
    if section.direction == "inactive":
        formats = dict(list(formats.items())[:1])
    types = " ".join(map(str, formats)) or str(section.first)
    yield f"m={section.medium.value} 9 UDP/TLS/RTP/SAVPF {types}"
    yield "c=IN IP4 0.0.0.0"
    if section.medium is Medium.VIDEO and section.direction == "sendonly" and local.video:
        yield f"b=AS:{local.video // 1000}"
    yield f"a=mid:{section.mid}"
    yield f"a={_ANSWERS[section.direction]}"
    yield "a=rtcp-mux"
    if section.reduced:
        yield "a=rtcp-rsize"
    yield f"a=ice-ufrag:{local.ufrag}"
    yield f"a=ice-pwd:{local.pwd}"
    yield f"a=fingerprint:{local.fingerprint[0]} {local.fingerprint[1]}"
    yield f"a=setup:{local.setup}"
    agreed = _agreed(section)
    for name, uri in URIS.items():
        if number := getattr(agreed, name):
            yield f"a=extmap:{number} {uri}"
    opus = next((number for number, name in formats.items() if name == "opus"), 0)
    for number, name in formats.items():
        yield from _format(number, name, opus, _feedback(section, agreed))
    if section.rids:
        yield from (f"a=rid:{rid} recv" for rid in section.rids)
        yield "a=simulcast:recv " + ";".join(section.rids)


def _format(number: int, name: str, opus: int, feedback: Iterable[str]) -> Iterator[str]:
    if name in ("opus", "red"):
        yield f"a=rtpmap:{number} {_NAMES[name]}"
        if name == "opus":
            yield f"a=fmtp:{number} minptime=10;useinbandfec=1;usedtx=1"
        else:
            yield f"a=fmtp:{number} {opus}/{opus}"
        return
    yield f"a=rtpmap:{number} {_NAMES[name]}/{CLOCKS[name]}"
    yield from (f"a=rtcp-fb:{number} {each}" for each in feedback)


def _feedback(section: Section, agreed: Extensions) -> list[str]:
    if section.medium is Medium.AUDIO:
        return []
    found = [each for each in _FEEDBACK if each in section.feedback]
    if agreed.transport:
        found.append("transport-cc")
    elif "goog-remb" in section.feedback:
        found.append("goog-remb")
    return found
