"""Voices of members that are no browsers: a peer connection, and what to send on it."""

from __future__ import annotations

from sitwith_client.voice.opus import Clip, Frame, read, tone
from sitwith_client.voice.peer import Peer, Received
from sitwith_client.voice.sdp import Line
from sitwith_client.voice.speech import Studio, Timbre, Tongue
from sitwith_client.voice.voice import Voice

__all__ = [
    "Clip",
    "Frame",
    "Line",
    "Peer",
    "Received",
    "Studio",
    "Timbre",
    "Tongue",
    "Voice",
    "read",
    "tone",
]
