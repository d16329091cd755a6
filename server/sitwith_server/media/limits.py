"""The limits of an offer: its size and its receive slots."""

from __future__ import annotations

from typing import Final

MAX_SDP: Final = 32_768
"""Bytes of an offer."""

AUDIO_SLOTS: Final = 11
VIDEO_SLOTS: Final = 6
"""The most receive slots of one connection. If more people speak, the loudest are forwarded."""
