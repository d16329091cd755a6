"""Sanitizes PDFs: reads a PDF whole, refuses active content, and writes a new PDF.

`inspection` names hostile content, so that the uploader learns why the file is refused. `rewrite`
keeps members safe: it writes only what `allowed` lists, whatever pypdf read and whether or not
`inspection` found anything. What is left: pages with text and pictures, links to the web and
inside the PDF, the structure for screen readers, and the outline.
"""

from __future__ import annotations

import io
import logging
from typing import Final

from pypdf import PdfReader

from sitwith_server.materials.kinds import Clean, Unfit, markup_of
from sitwith_server.materials.pdf import inspection, rewrite

TYPE: Final = "application/pdf"
PAGES: Final = rewrite.PAGES

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def clean(data: bytes) -> Clean:
    """Rewrites the PDF in `data`.

    Raises:
        Unfit: the PDF is refused.
    """
    return _rewritten(data, refuse=True)


def rewritten(data: bytes) -> Clean:
    """Like `clean`, without refusing active content: the lists alone remove it.

    Raises:
        Unfit: the PDF can't be read.
    """
    return _rewritten(data, refuse=False)


def _rewritten(data: bytes, *, refuse: bool) -> Clean:
    if (other := markup_of(data)) is not None:
        raise Unfit(other)
    if not data.startswith(b"%PDF-"):
        raise Unfit("not_a_pdf")
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise Unfit("encrypted")
        if refuse:
            inspection.inspect(reader)
        body, pages = rewrite.rewrite(reader)
    except Unfit:
        raise
    except (MemoryError, RecursionError):
        raise Unfit("too_complex") from None
    except Exception:
        # pypdf may raise anything for a malformed file.
        raise Unfit("damaged") from None
    return Clean(TYPE, body, pages=pages)
