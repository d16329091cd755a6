"""TURN servers for a member's peer connection, with short-lived credentials.

coturn's REST form (draft-uberti-behave-turn-rest-00, §2.2): the username is the time of expiry, a
colon and a name; the password is the HMAC-SHA1 of the username under a secret that the TURN server
shares. The name is a pseudonym of the seat, so that the TURN server's quota counts for one person
and its log names nobody. Username and password are never logged here.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from sitwith_server.room.model import MemberId


@dataclass(frozen=True, slots=True)
class Turn:
    """urls: `turn:` and `turns:` URIs (RFC 7065). ttl: seconds that the credentials are valid.
    relay_only: whether browsers should use only relayed candidates."""

    urls: Sequence[str]
    secret: str = field(repr=False)
    ttl: int
    relay_only: bool = False

    def servers(self, room: str, member: MemberId, now: float) -> dict[str, object]:
        """The fields of the answer to `media.servers`. now: unix seconds."""
        found: list[object] = []
        if self.urls:
            username = f"{math.floor(now) + self.ttl}:{self._pseudonym(room, member)}"
            password = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
            found.append(
                {
                    "urls": list(self.urls),
                    "username": username,
                    "credential": b64encode(password).decode(),
                }
            )
        return {"servers": found, "ttl": self.ttl, "relay": self.relay_only}

    def _pseudonym(self, room: str, member: MemberId) -> str:
        # No username is this text, so no password is this key.
        key = hmac.digest(self.secret.encode(), b"pseudonym", hashlib.sha256)
        return hmac.digest(key, f"{room}\0{member}".encode(), hashlib.sha256).hex()[:24]
