"""The counters of an engine, none of which is about a single member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Counts since the engine's start. The names of the fields are the metrics' labels."""

    received: int = 0
    """RTP packets that were received and authentic."""
    sent: int = 0
    """Datagrams that were sent, STUN and DTLS included."""

    checks: int = 0
    """Valid connectivity checks (RFC 8445)."""
    answers: int = 0
    """Valid answers to our checks: the address is confirmed, or still consents (RFC 7675)."""
    bad_checks: int = 0
    """STUN messages that are malformed, not for us, or not signed with the password."""
    eager_checks: int = 0
    """Checks above the rate limit of one ICE agent."""
    strangers: int = 0
    """Datagrams from addresses that have not been confirmed."""
    odd: int = 0
    """Datagrams that are neither STUN nor DTLS nor RTP."""
    unsealed: int = 0
    """RTP and RTCP that SRTP refused: not authentic, repeated or too old."""
    late: int = 0
    """RTP that waited in the socket for too long, because the event loop lagged."""
    floods: int = 0
    """RTP and RTCP of members above their limit of packets or of SSRCs."""
    crowded: int = 0
    """DTLS datagrams above the queue's limit."""
    unsent: int = 0
    """Packets that the kernel did not take at once, or that were too long to forward."""
    faults: int = 0
    """Packets whose processing raised, because of a defect of the server."""

    offers: int = 0
    busy: int = 0
    """Offers refused because there were too many."""
    connected: int = 0
    restarted: int = 0
    """ICE restarts."""
    unfinished: int = 0
    """Transports dropped because ICE or DTLS did not finish in time."""
    failed: int = 0
    """Transports dropped because DTLS failed, the wrong certificate included."""
    silent: int = 0
    """Transports dropped because no authentic packet came for too long."""
    refusing: int = 0
    """Transports dropped because the address did not consent for too long (RFC 7675)."""
    ended: int = 0
    """Transports that the member closed."""

    def read(self) -> Mapping[str, int]:
        return asdict(self)
