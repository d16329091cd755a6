"""What an engine counts: whole numbers by fixed words, never of anybody in particular."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Since the engine's start. The drops are datagrams that were not taken, by their reason."""

    received: int = 0
    """RTP packets that were taken in."""
    sent: int = 0
    """Datagrams that left, checks and handshakes included."""

    checks: int = 0
    """Correct connectivity checks."""
    answers: int = 0
    """Correct answers to checks of ours: an address that has proven itself, or still consents."""
    bad_checks: int = 0
    """STUN that is malformed, no request of ours, no answer to one, or not signed with the
    password."""
    eager_checks: int = 0
    """Checks above the rate that one agent is granted."""
    strangers: int = 0
    """Datagrams from addresses that have not proven themselves."""
    odd: int = 0
    """Datagrams that are neither STUN nor DTLS nor RTP."""
    unsealed: int = 0
    """RTP and RTCP that SRTP refused: not authentic, repeated or too old."""
    late: int = 0
    """RTP that had waited here for too long: the loop lagged."""
    floods: int = 0
    """RTP and RTCP of members who send more packets, or more streams, than anybody needs."""
    crowded: int = 0
    """DTLS above what one handshake needs."""
    unsent: int = 0
    """Packets that the kernel would not take at once."""
    faults: int = 0
    """Packets that met a defect of ours."""

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
    """Transports dropped because nothing was heard of them any more."""
    refusing: int = 0
    """Transports dropped because the address they were sent to did not consent any more."""
    ended: int = 0
    """Transports that the member's side closed."""

    def read(self) -> Mapping[str, int]:
        return asdict(self)
