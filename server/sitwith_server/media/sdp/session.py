"""What an answered offer settled: the streams a member sends and the slots it receives on.

Values without behaviour, made by `answer.negotiate` and read by the forwarder. Formats are named by
their lower-case encoding names, so that one member's payload type 96 and another's 120 are both
`vp8`.
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
"""Every format that is forwarded, and the ticks of its RTP clock in a second."""


@dataclass(frozen=True, slots=True)
class Extensions:
    """The ids of RTP header extensions (RFC 8285) of one section; 0 where it was not agreed on."""

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

    ssrcs: those the offer announced, one a layer; empty where mid (and rid) will name them.
    rids: names of the simulcast layers from the smallest to the largest; empty without simulcast.
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
    """One section that the member receives on: a stream of ours with room for any member's.

    formats: format to payload type.
    number, time: where its sequence numbers and RTP timestamps begin.
    stream: the msid's stream; the k-th audio and the k-th video slot share one (lip sync).
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
    """cname: ours, of all slots (RFC 3550 §6.5.1): they share one clock."""

    sources: tuple[SourceSpec, ...]
    slots: tuple[SlotSpec, ...]
    cname: str
    ssrc: int
    """Ours, for feedback that is from no slot."""
