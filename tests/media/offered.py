"""Offers of real browsers as files, and how tests read them."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from sitwith_server.media.engine import OfferRefused
from sitwith_server.media.sdp.answer import Local, negotiate
from sitwith_server.media.sdp.offer import Offer, parse
from sitwith_server.media.sdp.session import Session

NAMES = ("chromium_full", "chromium_simulcast", "chromium_listen", "firefox", "aiortc")
LOCAL = Local(
    "abcd",
    "p" * 24,
    ("sha-256", "AB:CD"),
    ("1 1 udp 2130706431 127.0.0.1 5000 typ host", "2 1 udp 2130706430 ::1 5000 typ host"),
)


def text(name: str) -> str:
    file = Path(__file__).parent / "offers" / f"{name}.sdp"
    return file.read_text(encoding="ascii").replace("\n", "\r\n")


def refused(offer: str) -> str:
    with pytest.raises(OfferRefused) as caught:
        parse(offer)
    assert str(caught.value) == f"the offer was refused: {caught.value.reason}"
    return caught.value.reason


def settled(offer: Offer, seed: int = 1) -> Session:
    return negotiate(offer, random.Random(seed).getrandbits)


def sections(sdp: str) -> list[str]:
    return re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)[1:]


def edit(name: str, old: str, new: str, count: int = -1) -> str:
    whole = text(name)
    assert re.search(old, whole, flags=re.MULTILINE), old
    return re.sub(old, new, whole, count=max(count, 0), flags=re.MULTILINE)
