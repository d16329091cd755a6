"""Kinds of files, results of sanitizing, and reasons for a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PICTURE: Final = "picture"
PAPER: Final = "pdf"

REASONS: Final = {
    "empty": "The file is empty.",
    "too_large": "The file is too large.",
    "svg": "SVG may carry scripts. A JPEG, PNG, WebP or GIF can be shown.",
    "html": "This is a web page, not a picture or a PDF.",
    "not_a_picture": "This is no JPEG, PNG, WebP or GIF, whatever its name says.",
    "animated": "Moving pictures are not shown: they hold the eye while others speak.",
    "too_many_pixels": "The picture has too many pixels.",
    "not_a_pdf": "This is no PDF, whatever its name says.",
    "encrypted": "The PDF is encrypted.",
    "scripts": "The PDF carries scripts.",
    "actions": "The PDF would do something by itself, or start something.",
    "attachments": "The PDF carries other files, sound or film.",
    "forms": "The PDF is an XFA form.",
    "too_many_pages": "The PDF has too many pages.",
    "too_complex": "The file takes too long, or too much memory, to look into.",
    "damaged": "The file is damaged.",
}
"""Texts by reason."""


class Unfit(Exception):
    """The file is refused. The exception's text is the reason, a key of `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Clean:
    """A sanitized file. Pictures have width and height in pixels; PDFs have a number of pages."""

    type: str
    body: bytes = field(repr=False)
    width: int = 0
    height: int = 0
    pages: int = 0


def markup_of(data: bytes) -> str | None:
    """`svg` or `html` if the file begins like one of them, else None."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head.startswith(b"<"):
        return None
    if b"<svg" in head:
        return "svg"
    marks = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<iframe", b"<!--")
    return "html" if any(mark in head for mark in marks) else None
