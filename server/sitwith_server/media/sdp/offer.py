"""Parses the text of an offer into a checked `Offer` (RFC 8866, RFC 8829, RFC 9143).

`parse` checks what the server uses and ignores the rest, in time linear in the text. It refuses
with `OfferRefused`. Candidates of the offer are not read: members send to the server, and no member
learns another's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sitwith_server.media.limits import AUDIO_SLOTS, VIDEO_SLOTS
from sitwith_server.media.sdp.section import URIS, Section, parse_section
from sitwith_server.media.sdp.session import Medium
from sitwith_server.media.sdp.text import Block, refuse, split_blocks, split_lines

#: Hash functions of certificates and their bytes; the older ones of RFC 8122 are broken.
HASHES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}

_ICE = re.compile(r"[A-Za-z0-9+/]+")
_HEX = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2})*")


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer.

    ufrag, pwd: the offerer's ICE credentials (RFC 8839 §5.4).
    fingerprints: (hash function in lower case, upper-case hex with colons) (RFC 8122 §5).
    setup: `actpass`, `active` or `passive` (RFC 8842): the offerer's possible DTLS roles.
    """

    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    sections: tuple[Section, ...]


def parse(text: str) -> Offer:
    """Parses an offer.

    Raises `OfferRefused`: `too_long`, `malformed`, `no_bundle`, `data_channel`, `direction`,
    `too_many_sources`, `too_many_slots`, `too_many_layers`, `no_codec`, `no_ssrc`, `no_fingerprint`
    or `bad_ice`."""
    session, blocks = split_blocks(split_lines(text))
    groups = [value.split()[1:] for value in session.all("group") if value.startswith("BUNDLE")]
    if len(groups) != 1:
        refuse("no_bundle")
    sections = tuple(parse_section(block, session) for block in blocks)
    live = [
        (section, block)
        for section, block in zip(sections, blocks, strict=True)
        if section.direction != "rejected"
    ]
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids) or not live:
        refuse("malformed")
    bundled = set(groups[0])
    for section, block in live:
        if section.mid not in bundled or not block.has("rtcp-mux"):
            refuse("no_bundle")
    _check_counts(sections)
    _check_across(section for section, _ in live)
    transports = {_transport(block, session) for _, block in live}
    if len(transports) != 1:
        refuse("bad_ice")
    ufrag, pwd, fingerprints, setup = transports.pop()
    return Offer(ufrag, pwd, fingerprints, setup, sections)


def is_ice_restart(offer: Offer, before: Offer) -> bool:
    """Whether `offer` is an ICE restart of `before`: the same sections and fingerprints, and new
    credentials (RFC 8445 §9)."""
    return (
        offer.fingerprints == before.fingerprints
        and len(offer.sections) == len(before.sections)
        and all(map(_same_section, offer.sections, before.sections))
        and (offer.ufrag, offer.pwd) != (before.ufrag, before.pwd)
    )


def _same_section(now: Section, then: Section) -> bool:
    """Whether it is the same section. A browser repeats only those formats, extensions and feedback
    that were negotiated before."""
    kept = (now.mid, now.medium, now.direction, now.ssrcs, now.rids)
    return (
        kept == (then.mid, then.medium, then.direction, then.ssrcs, then.rids)
        and now.formats.items() <= then.formats.items()
        and now.feedback <= then.feedback
        and all(
            getattr(now.extensions, name) in (0, getattr(then.extensions, name)) for name in URIS
        )
    )


def _check_counts(sections: Iterable[Section]) -> None:
    counts = {(medium, way): 0 for medium in Medium for way in ("sendonly", "recvonly")}
    for section in sections:
        if (section.medium, section.direction) in counts:
            counts[section.medium, section.direction] += 1
    if not any(counts.values()):
        refuse("malformed")
    if counts[Medium.AUDIO, "sendonly"] > 1 or counts[Medium.VIDEO, "sendonly"] > 1:
        refuse("too_many_sources")
    if (
        counts[Medium.AUDIO, "recvonly"] > AUDIO_SLOTS
        or counts[Medium.VIDEO, "recvonly"] > VIDEO_SLOTS
    ):
        refuse("too_many_slots")


def _check_across(live: Iterable[Section]) -> None:
    """Checks that within the bundle each SSRC belongs to one section, and each id has one meaning
    (RFC 9143 §9)."""
    ssrcs: set[int] = set()
    meanings: dict[int, str] = {}
    for section in live:
        for ssrc in section.ssrcs:
            if ssrc in ssrcs:
                refuse("malformed")
            ssrcs.add(ssrc)
        for name in URIS:
            place = getattr(section.extensions, name)
            if place and meanings.setdefault(place, name) != name:
                refuse("malformed")


def _transport(block: Block, session: Block) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    ufrag = block.one("ice-ufrag") or session.one("ice-ufrag") or ""
    pwd = block.one("ice-pwd") or session.one("ice-pwd") or ""
    if not 4 <= len(ufrag) <= 256 or not 22 <= len(pwd) <= 256:
        refuse("bad_ice")
    if not _ICE.fullmatch(ufrag) or not _ICE.fullmatch(pwd):
        refuse("bad_ice")
    prints = []
    for value in block.all("fingerprint") or session.all("fingerprint"):
        name, _, digest = value.partition(" ")
        size = HASHES.get(name.lower())
        digest = digest.strip().upper()
        if size is not None:
            if len(digest) != 3 * size - 1 or not _HEX.fullmatch(digest):
                refuse("malformed")
            prints.append((name.lower(), digest))
    if not prints or len(prints) > 4:
        refuse("no_fingerprint")
    setup = block.one("setup") or session.one("setup") or ""
    if setup not in ("actpass", "active", "passive"):
        refuse("malformed")
    return ufrag, pwd, tuple(prints), setup
