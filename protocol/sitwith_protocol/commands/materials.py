"""Commands about materials: links, texts, pictures and PDFs shown to everybody (rules MT*)."""

from __future__ import annotations

from typing import Final

from ..checks import LINES, clean_text, one_of
from ..fields import REF
from ..shapes import message, optional, required
from ..urls import web_url
from .base import Command

TEXT_MAX: Final = 2_000
TITLE_MAX: Final = 120


_TITLE = clean_text(0, TITLE_MAX)


@message("material.link")
class MaterialLink(Command):
    """Shows a link to everybody."""

    url: str = required(web_url)
    title: str = optional(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialLink(id={self.id})"


@message("material.text")
class MaterialText(Command):
    """Shows a text to everybody."""

    text: str = required(clean_text(1, TEXT_MAX, free=LINES))
    title: str = optional(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialText(id={self.id})"


@message("material.upload")
class MaterialUpload(Command):
    """Asks for a ticket to upload a file."""

    kind: str = required(one_of("picture", "pdf"))
    title: str = optional(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialUpload(id={self.id})"


@message("material.open")
class MaterialOpen(Command):
    """Asks for a ticket to download a file."""

    material: str = required(REF)


@message("material.hide")
class MaterialHide(Command):
    material: str = required(REF)
