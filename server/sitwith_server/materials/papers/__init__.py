"""Papers: a PDF is read whole, refused for whatever it would do by itself, and written anew.

`refusing` names what is hostile, so that whoever brought the file knows. What keeps members safe is
`anew`: nothing is written that the lists in `shapes` do not name, whatever the reader made of the
bytes, and whether or not something was refused before. What is left is pages with their text,
pictures and links to the web and within, the structure that screen readers go by, and an outline.
"""

from __future__ import annotations

import io
import logging
from typing import Final

from pypdf import PdfReader

from sitwith_server.materials.kinds import Clean, Unfit, guise
from sitwith_server.materials.papers import anew, refusing

TYPE: Final = "application/pdf"
PAGES: Final = anew.PAGES

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def clean(data: bytes) -> Clean:
    """The paper in `data`, written anew.

    Raises:
        Unfit: it is none that is shown.
    """
    return _rewritten(data, refuse=True)


def rewritten(data: bytes) -> Clean:
    """As `clean`, with nothing refused for what it would do: the lists alone.

    Raises:
        Unfit: it can't be read.
    """
    return _rewritten(data, refuse=False)


def _rewritten(data: bytes, *, refuse: bool) -> Clean:
    if (other := guise(data)) is not None:
        raise Unfit(other)
    if not data.startswith(b"%PDF-"):
        raise Unfit("not_a_pdf")
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise Unfit("encrypted")
        if refuse:
            refusing.inspect(reader)
        body, pages = anew.written(reader)
    except Unfit:
        raise
    except (MemoryError, RecursionError):
        raise Unfit("too_complex") from None
    except Exception:
        # Whatever the reader stumbles over, the file is not what it should be.
        raise Unfit("damaged") from None
    return Clean(TYPE, body, pages=pages)
