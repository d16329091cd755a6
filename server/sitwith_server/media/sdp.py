"""An offer's text to a checked `Offer`, and the answer's text (RFC 8866, RFC 8829, RFC 9143).

`parse` is strict about what matters and blind to the rest, takes time linear in the text, and
refuses by `OfferRefused` with a fixed word. Candidates of the offer are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sitwith_server.media.session import Extensions, Medium, Session


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section. `direction` is the offerer's: `sendonly`, `recvonly` or `inactive`."""

    mid: str
    medium: Medium
    direction: str
    formats: Mapping[int, str]
    extensions: Extensions
    ssrcs: tuple[int, ...]
    rids: tuple[str, ...]


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


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of an answer.

    fingerprint: (hash function, hex with colons) of our certificate.
    candidates: values of `a=candidate:` lines, in order of preference.
    setup: `active` (we are the DTLS client) or `passive`.
    version: of the o= line; raise it at an ICE restart.
    """

    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    candidates: tuple[str, ...]
    setup: str = "active"
    origin: int = 1
    version: int = 1


def parse(text: str) -> Offer:
    """Raises `OfferRefused`."""
    raise NotImplementedError


def settle(offer: Offer, chance: Callable[[int], int]) -> Session:
    """The streams of a new connection. `chance(bits)` gives a number below 2**bits."""
    raise NotImplementedError


def restarts(offer: Offer, before: Offer) -> bool:
    """Whether this is an ICE restart of that: the same sections and fingerprint, new credentials."""
    raise NotImplementedError


def answer(offer: Offer, session: Session, local: Local) -> str:
    """The answer: lines end in CRLF. At an ICE restart `session` is the one that goes on."""
    raise NotImplementedError
