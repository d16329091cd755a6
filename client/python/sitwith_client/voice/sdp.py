"""Writes the offer of a peer with fixed slots and parses the answer (RFC 8829, RFC 8839)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sitwith_client.voice.ice import Credentials

OPUS: Final = 111
VP8: Final = 96
LEVEL: Final = 1
"""Id of the audio level's header extension (RFC 6464)."""

_LEVEL_URI: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_FORMATS: Final = {
    "audio": (
        f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
        f"a=extmap:{LEVEL} {_LEVEL_URI}",
    ),
    "video": (
        f"a=rtpmap:{VP8} VP8/90000",
        f"a=rtcp-fb:{VP8} nack",
        f"a=rtcp-fb:{VP8} nack pli",
        f"a=rtcp-fb:{VP8} ccm fir",
        f"a=rtcp-fb:{VP8} goog-remb",
    ),
}


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section of the offer.

    medium: `audio` or `video`.
    ssrc: the SSRC that is sent; 0 for a receive slot.
    """

    mid: str
    medium: str
    ssrc: int = 0


@dataclass(slots=True)
class Answer:
    """The parts of an answer that the peer needs.

    setup: `active` if the server is the DTLS client, else `passive`.
    slots: the mid of each receive slot, by the server's SSRC on it.
    """

    ice: Credentials
    fingerprints: list[tuple[str, str]]
    setup: str
    candidates: list[tuple[str, int]] = field(default_factory=list)
    slots: dict[int, str] = field(default_factory=dict)


def offer(
    sections: Sequence[Section], ice: Credentials, fingerprint: tuple[str, str], version: int
) -> str:
    """The SDP of an offer. The caller raises `version` with each offer."""
    out = [
        "v=0",
        f"o=- 1 {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(section.mid for section in sections),
    ]
    for section in sections:
        payload = OPUS if section.medium == "audio" else VP8
        out += [
            f"m={section.medium} 9 UDP/TLS/RTP/SAVPF {payload}",
            "c=IN IP4 0.0.0.0",
            "a=rtcp-mux",
            f"a=mid:{section.mid}",
            f"a=ice-ufrag:{ice.ufrag}",
            f"a=ice-pwd:{ice.password}",
            "a=fingerprint:{} {}".format(*fingerprint),
            "a=setup:actpass",
            *_FORMATS[section.medium],
        ]
        if section.ssrc:
            out += [
                "a=sendonly",
                f"a=msid:- {section.mid}",
                f"a=ssrc:{section.ssrc} cname:{ice.ufrag}",
            ]
        else:
            out.append("a=recvonly")
    return "\r\n".join(out) + "\r\n"


def parse(text: str) -> Answer:
    """Parses an answer.

    Raises:
        ValueError: it has no usable transport.
    """
    ufrag = password = setup = mid = ""
    fingerprints: list[tuple[str, str]] = []
    candidates: list[tuple[str, int]] = []
    slots: dict[int, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        match name:
            case "a=ice-ufrag":
                ufrag = value
            case "a=ice-pwd":
                password = value
            case "a=setup":
                setup = value
            case "a=mid":
                mid = value
            case "a=ssrc":
                slots.setdefault(int(value.split(" ")[0]), mid)
            case "a=fingerprint":
                method, _, digest = value.partition(" ")
                if (method, digest) not in fingerprints:
                    fingerprints.append((method, digest))
            case "a=candidate":
                words = value.split(" ")
                if len(words) > 5 and words[1] == "1" and words[2].lower() == "udp":
                    if (each := (words[4], int(words[5]))) not in candidates:
                        candidates.append(each)
    if not (ufrag and password and fingerprints and setup in ("active", "passive")):
        raise ValueError("the answer has no transport")
    return Answer(Credentials(ufrag, password), fingerprints, setup, candidates, slots)
