"""Decodes pictures and encodes them again, so that only the pixels are left of the file.

This removes Exif data such as the location, thumbnails, colour profiles, comments and any other
data in the file.
"""

from __future__ import annotations

import io
import warnings
from typing import Final

# Pillow imports these on demand; in the sandbox it could not.
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

from sitwith_server.materials.kinds import Clean, Unfit, markup_of

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
PIXELS: Final = 50_000_000
"""Most pixels of an uploaded picture; the largest phone cameras make as many."""
SIDE: Final = 2_560
"""Longer side of the result, in pixels."""
PNG_BYTES: Final = 3 * 2**20
"""A larger PNG is most likely a photograph and becomes a JPEG."""
QUALITY: Final = 86
WHITE: Final = (255, 255, 255)

_SEEN: Final = [0] + [255] * 255
"""A lookup table by alpha: 0 for invisible points, 255 for all others."""

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
    """Makes a JPEG or PNG of the picture in `data`.

    Raises:
        Unfit: the picture is refused.
    """
    if (other := markup_of(data)) is not None:
        raise Unfit(other)
    try:
        picture = _opened(data)
    except Unfit:
        raise
    except Exception:
        raise Unfit("not_a_picture") from None
    try:
        return _reencoded(picture)
    except MemoryError:
        raise Unfit("too_complex") from None
    except Exception:
        # A decoder may raise anything for a malformed file.
        raise Unfit("damaged") from None


def _opened(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        # The size is checked below, before anything is decoded.
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = picture.size
    if width * height > PIXELS:
        raise Unfit("too_many_pixels")
    if picture.format in ("PNG", "WEBP", "GIF") and getattr(picture, "is_animated", False):
        raise Unfit("animated")
    return picture


def _reencoded(picture: Image.Image) -> Clean:
    drawn = picture.format in ("PNG", "GIF")
    if picture.format == "JPEG":
        picture.draft("RGB", (SIDE, SIDE))  # decodes at a lower resolution
    turned = ImageOps.exif_transpose(picture)
    clear = turned.has_transparency_data
    plain = turned.convert("RGBA" if clear else "RGB")
    plain.thumbnail((SIDE, SIDE))
    # A new image, so that the decoder's metadata stays behind.
    bare = Image.new(plain.mode, plain.size)
    # Without the colours of invisible points, which may show what was cut out of the picture.
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
