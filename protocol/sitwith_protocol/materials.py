"""Materials on the wire: links, words, pictures and papers that all are shown (MT*)."""

from __future__ import annotations

import unicodedata
from typing import Final

from .fields import ID, REF
from .links import NoLink, read_link
from .shapes import Message, WrongShape, may, message, need, one_of, text

TEXT_MAX: Final = 2_000
TITLE_MAX: Final = 120


def read_words(value: object) -> str:
    """Words to be shown, of several lines where need be. Raises ``WrongShape``."""
    words = text(1, TEXT_MAX)(value).replace("\r\n", "\n").strip()
    if not words or any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in words):
        raise WrongShape("expected text that is not empty, without control characters")
    return words


def _link(value: object) -> str:
    try:
        return read_link(value)
    except NoLink as bad:
        raise WrongShape(str(bad)) from None


def _title(value: object) -> str:
    words = text(0, TITLE_MAX)(value).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in words):
        raise WrongShape("expected one line without control characters")
    return words


@message("material.link")
class MaterialLink(Message):
    """Shows a link to all."""

    id: int = need(ID)
    url: str = need(_link)
    title: str = may(_title, default="")

    def __repr__(self) -> str:
        return f"MaterialLink(id={self.id})"


@message("material.text")
class MaterialText(Message):
    """Shows words to all."""

    id: int = need(ID)
    text: str = need(read_words)
    title: str = may(_title, default="")

    def __repr__(self) -> str:
        return f"MaterialText(id={self.id})"


@message("material.upload")
class MaterialUpload(Message):
    """Asks for a ticket to bring a file with."""

    id: int = need(ID)
    kind: str = need(one_of("picture", "pdf"))
    title: str = may(_title, default="")

    def __repr__(self) -> str:
        return f"MaterialUpload(id={self.id})"


@message("material.open")
class MaterialOpen(Message):
    """Asks for a ticket to fetch a file with."""

    id: int = need(ID)
    material: str = need(REF)


@message("material.hide")
class MaterialHide(Message):
    id: int = need(ID)
    material: str = need(REF)
