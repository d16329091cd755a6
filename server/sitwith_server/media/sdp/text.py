"""The text of an SDP: its lines, checked, as blocks of attributes (RFC 8866)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from sitwith_server.media.engine import OfferRefused
from sitwith_server.media.limits import MAX_SDP

MAX_LINES: Final = 4_000
MAX_LINE: Final = 2_000
MAX_SECTIONS: Final = 32

_LINE = re.compile(r"[a-z]=[^\x00\r\n]*")
_NUMBER = re.compile(r"[0-9]{1,10}")


@dataclass(slots=True)
class Block:
    """The lines of the session or of one m-section, attributes by name."""

    media: str = ""
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def all(self, name: str) -> list[str]:
        return self.attributes.get(name, [])

    def has(self, name: str) -> bool:
        return name in self.attributes

    def one(self, name: str) -> str | None:
        """The value of an attribute that may occur once. None: it does not occur."""
        values = self.attributes.get(name)
        if values is None:
            return None
        if len(values) > 1:
            refuse("malformed")
        return values[0]


def refuse(reason: str) -> NoReturn:
    """Raises `OfferRefused` with this reason."""
    raise OfferRefused(reason)


def split_lines(text: str) -> list[str]:
    """The checked lines of an SDP. Raises `OfferRefused`."""
    if len(text) > MAX_SDP:
        refuse("too_long")
    if not text.isascii():
        refuse("malformed")
    lines = text.split("\n")
    if lines.pop() != "" or len(lines) > MAX_LINES:
        refuse("malformed")
    lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    for line in lines:
        if len(line) > MAX_LINE or not _LINE.fullmatch(line):
            refuse("malformed")
    if lines[:1] != ["v=0"]:
        refuse("malformed")
    return lines


def split_blocks(lines: Iterable[str]) -> tuple[Block, list[Block]]:
    """The block of the session, and one for each m-section. Raises `OfferRefused`."""
    session = block = Block()
    sections: list[Block] = []
    for line in lines:
        kind, value = line[0], line[2:]
        if kind == "m":
            if len(sections) == MAX_SECTIONS:
                refuse("too_many_slots")
            block = Block(value)
            sections.append(block)
        elif kind == "a":
            name, _, rest = value.partition(":")
            block.attributes.setdefault(name, []).append(rest)
    return session, sections


def parse_number(text: str, below: int) -> int:
    """A decimal number below this bound. Raises `OfferRefused`."""
    if not _NUMBER.fullmatch(text) or int(text) >= below:
        refuse("malformed")
    return int(text)
