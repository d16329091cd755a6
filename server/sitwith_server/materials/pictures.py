"""Pictures: decoded and encoded again, so that nothing but the picture itself is left of the file.

Where it was taken (Exif), thumbnails, colour profiles, comments, and whatever else a file can be
at the same time, are gone.
"""

from __future__ import annotations

import io
import warnings
from typing import Final

# Pillow would read these when it needs them, and then the process may read nothing any more.
from PIL import (
    GifImagePlugin,
    Image,
    ImageOps,
    ImagePalette,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from sitwith_server.materials.kinds import Clean, Unfit, guise

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
PIXELS: Final = 50_000_000
"""Of a picture that is decoded at all; the largest cameras of telephones take as many."""
SIDE: Final = 2_560
"""Pixels of the longer side of what is shown."""
PNG_BYTES: Final = 3 * 2**20
"""Above this a drawing is a photograph, and JPEG does it better."""
QUALITY: Final = 86
WHITE: Final = (255, 255, 255)

_SEEN: Final = [0] + [255] * 255
"""By how opaque a point is, whether anything of it is seen."""

Image.preinit()
_READ: Final = (
    GifImagePlugin,
    ImagePalette,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)


def clean(data: bytes) -> Clean:
    """A JPEG or PNG of the picture in `data`.

    Raises:
        Unfit: it is none that is shown.
    """
    if (other := guise(data)) is not None:
        raise Unfit(other)
    try:
        picture = _opened(data)
    except Unfit:
        raise
    except Exception:
        raise Unfit("not_a_picture") from None
    try:
        return _made_anew(picture)
    except MemoryError:
        raise Unfit("too_complex") from None
    except Exception:
        # Whatever a decoder stumbles over, the file is not what it should be.
        raise Unfit("damaged") from None


def _opened(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        # The size is looked at below, before anything is decoded.
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = picture.size
    if width * height > PIXELS:
        raise Unfit("too_many_pixels")
    if picture.format in ("PNG", "WEBP", "GIF") and getattr(picture, "is_animated", False):
        raise Unfit("animated")
    return picture


def _made_anew(picture: Image.Image) -> Clean:
    drawn = picture.format in ("PNG", "GIF")
    if picture.format == "JPEG":
        picture.draft("RGB", (SIDE, SIDE))  # decodes no more than is needed
    turned = ImageOps.exif_transpose(picture)
    clear = turned.has_transparency_data
    plain = turned.convert("RGBA" if clear else "RGB")
    plain.thumbnail((SIDE, SIDE))
    # A new image: what the decoder has noted beside the pixels stays behind.
    bare = Image.new(plain.mode, plain.size)
    # Nor what colours the unseen parts have: what was cut out of a picture may still be there.
    bare.paste(plain, mask=plain.getchannel("A").point(_SEEN) if clear else None)
    if drawn or clear:
        body = _encoded(bare, "PNG", optimize=True)
        if len(body) <= PNG_BYTES:
            return Clean("image/png", body, *bare.size)
    if clear:
        ground = Image.new("RGB", bare.size, WHITE)
        ground.paste(bare, mask=bare.getchannel("A"))
        bare = ground
    body = _encoded(bare, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return Clean("image/jpeg", body, *bare.size)


def _encoded(picture: Image.Image, form: str, **how: object) -> bytes:
    made = io.BytesIO()
    picture.save(made, form, **how)
    return made.getvalue()
