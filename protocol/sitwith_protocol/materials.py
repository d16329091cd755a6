"""Materials on the wire: links, words, pictures and papers that all are shown (MT*)."""

from __future__ import annotations

from typing import Final

from .checks import LINES, one_of, written
from .command import Command
from .fields import REF
from .links import read_link
from .shapes import may, message, need

TEXT_MAX: Final = 2_000
TITLE_MAX: Final = 120


_TITLE = written(0, TITLE_MAX)


@message("material.link")
class MaterialLink(Command):
    """Shows a link to all."""

    url: str = need(read_link)
    title: str = may(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialLink(id={self.id})"


@message("material.text")
class MaterialText(Command):
    """Shows words to all."""

    text: str = need(written(1, TEXT_MAX, free=LINES))
    title: str = may(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialText(id={self.id})"


@message("material.upload")
class MaterialUpload(Command):
    """Asks for a ticket to bring a file with."""

    kind: str = need(one_of("picture", "pdf"))
    title: str = may(_TITLE, default="")

    def __repr__(self) -> str:
        return f"MaterialUpload(id={self.id})"


@message("material.open")
class MaterialOpen(Command):
    """Asks for a ticket to fetch a file with."""

    material: str = need(REF)


@message("material.hide")
class MaterialHide(Command):
    material: str = need(REF)
