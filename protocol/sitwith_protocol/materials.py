"""Materials on the wire: links, words, pictures and papers that all are shown (MT*)."""

from __future__ import annotations

from typing import Final

from .checks import LINES, one_of, written
from .fields import ID, REF
from .links import read_link
from .shapes import Message, may, message, need

TEXT_MAX: Final = 2_000
TITLE_MAX: Final = 120


_TITLE = written(0, TITLE_MAX)


@message("material.link")
class MaterialLink(Message):
    """Shows a link to all."""

    id: int = need(ID)
    url: str = need(read_link)
    title: str = may(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialLink(id={self.id})"


@message("material.text")
class MaterialText(Message):
    """Shows words to all."""

    id: int = need(ID)
    text: str = need(written(1, TEXT_MAX, free=LINES))
    title: str = may(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialText(id={self.id})"


@message("material.upload")
class MaterialUpload(Message):
    """Asks for a ticket to bring a file with."""

    id: int = need(ID)
    kind: str = need(one_of("picture", "pdf"))
    title: str = may(_TITLE, default="")

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
