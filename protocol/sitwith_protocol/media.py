"""Voices and pictures on the wire: what a client asks, and what it is told of who is on which slot.

The packets themselves go by WebRTC (RFC 8825); SPEC, section "Voices and pictures".
"""

from __future__ import annotations

from collections.abc import Mapping

from .checks import many, mapping, nullable, one_of, text
from .command import Command
from .shapes import Message, message, need

SDP_MAX = 2**15
"""Characters of an offer, and bytes: what a browser writes is ASCII."""
_WORD = text(1, 256)


@message("media.offer")
class MediaOffer(Command):
    """Offers a peer connection (RFC 8829); the answer's `sdp` is in its ``ok``."""

    sdp: str = need(text(1, SDP_MAX))


@message("media.servers")
class MediaServers(Command):
    """Asks which TURN servers to give to the peer connection.

    ``ok`` carries ``{servers: [{urls: [text], username, credential}], ttl, relay}``.
    """


@message("media.take")
class MediaTake(Command):
    """What pictures this connection takes from now on."""

    pictures: str = need(one_of("none", "low", "high"))


@message("media.map")
class MediaMap(Message):
    """Who is on which receive slot just now: the whole map, by the section's mid."""

    slots: Mapping[str, str | None] = need(mapping(nullable(_WORD)))


@message("media.lost")
class MediaLost(Message):
    """The media connection is gone; offer again."""


@message("speaking")
class Speaking(Message):
    """Who is being heard by this viewer just now, the viewer included; the whole list."""

    members: tuple[str, ...] = need(many(_WORD))
