"""Commands and frames about voices and pictures (SPEC, section "Voices and pictures").

The packets themselves go by WebRTC (RFC 8825).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..checks import list_of, map_of, nullable, one_of, text
from ..shapes import Message, message, required
from .base import Command

SDP_MAX = 2**15
"""Characters of an offer; browsers write ASCII, so also bytes."""
_WORD = text(1, 256)


@message("media.offer")
class MediaOffer(Command):
    """Offers a peer connection (RFC 8829); ``ok`` carries the answer's `sdp`."""

    sdp: str = required(text(1, SDP_MAX))


@message("media.servers")
class MediaServers(Command):
    """Asks for TURN servers to give to the peer connection.

    ``ok`` carries ``{servers: [{urls: [text], username, credential}], ttl, relay}``.
    """


@message("media.take")
class MediaTake(Command):
    """Says which pictures this connection wants from now on."""

    pictures: str = required(one_of("none", "low", "high"))


@message("media.map")
class MediaMap(Message):
    """Which member is on each receive slot just now: the whole map, by mid."""

    slots: Mapping[str, str | None] = required(map_of(nullable(_WORD)))


@message("media.lost")
class MediaLost(Message):
    """The media connection is lost; the client is to offer again."""


@message("speaking")
class Speaking(Message):
    """All whom this viewer hears just now; includes the viewer while others hear them."""

    members: tuple[str, ...] = required(list_of(_WORD))
