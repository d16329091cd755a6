"""Voices of members that are no browsers: a peer connection without codecs."""

from __future__ import annotations

from sitwith_client.voice.peer import Peer, Received
from sitwith_client.voice.sdp import Line

__all__ = ["Line", "Peer", "Received"]
