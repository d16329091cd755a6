"""The result of a negotiation: the streams that a member sends, and its receive slots.

Values, made by `answer.negotiate` and read by the forwarder. Formats have their encoding names in
lower case, so that one member's payload type 96 and another's 120 are both `vp8`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Medium(Enum):
    AUDIO = "audio"
    VIDEO = "video"


CLOCKS: Final[Mapping[str, int]] = {
    "opus": 48_000,
    "red": 48_000,
    "vp8": 90_000,
    "vp9": 90_000,
    "av1": 90_000,
}
"""The formats that are forwarded, and the ticks per second of their RTP clocks."""


@dataclass(frozen=True, slots=True)
class Extensions:
    """The ids of a section's RTP header extensions (RFC 8285); 0: not negotiated."""

    level: int = 0
    mid: int = 0
    rid: int = 0
    sent: int = 0
    """abs-send-time."""
    transport: int = 0
    """Transport-wide sequence numbers."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One section that the member sends.

    ssrcs: those of the offer, one for each layer; empty if packets will carry mid (and rid).
    rids: the simulcast layers from the smallest to the largest; empty without simulcast.
    formats: payload type to format.
    """

    mid: str
    medium: Medium
    ssrcs: tuple[int, ...]
    rids: tuple[str, ...]
    formats: Mapping[int, str]
    extensions: Extensions


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """One section that the member receives on: a stream of the server's for any member's source.

    formats: format to payload type.
    number, time: its first sequence number and RTP timestamp.
    stream: the msid's stream. The k-th audio and the k-th video slot share one, for lip sync.
    """

    mid: str
    medium: Medium
    ssrc: int
    formats: Mapping[str, int]
    extensions: Extensions
    number: int
    time: int
    stream: str


@dataclass(frozen=True, slots=True)
class Session:
    """cname: of all the server's slots, because they share one clock (RFC 3550 §6.5.1)."""

    sources: tuple[SourceSpec, ...]
    slots: tuple[SlotSpec, ...]
    cname: str
    ssrc: int
    """The server's SSRC for feedback that comes from no slot."""
