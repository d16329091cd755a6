"""Voices for programs: a peer connection, and sound to send on it."""

from __future__ import annotations

from sitwith_client.voice.opus import Clip, Frame, read, tone
from sitwith_client.voice.peer import Peer, Received
from sitwith_client.voice.sdp import Section
from sitwith_client.voice.speech import Speaker, Synthesizer, Timbre
from sitwith_client.voice.voice import Voice

__all__ = [
    "Clip",
    "Frame",
    "Peer",
    "Received",
    "Section",
    "Speaker",
    "Synthesizer",
    "Timbre",
    "Voice",
    "read",
    "tone",
]
