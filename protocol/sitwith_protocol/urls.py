"""The check of a URL that a room shows to everybody."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from .checks import Invalid

URL_MAX: Final = 2_000
_HOST = re.compile(r"(?:[^\W_]|[.-])+|\[[0-9A-Fa-f:.]+\]")


def web_url(value: object) -> str:
    """An `http` or `https` URL with a host and without a user (RFC 3986).

    Refuses what browsers could read otherwise: white space, control characters and backslashes
    anywhere, and hosts with other characters than letters, digits, `.` and `-`.

    Raises:
        Invalid: it does not fit.
    """
    if type(value) is not str or not 1 <= len(value) <= URL_MAX:
        raise Invalid(f"must be a link of at most {URL_MAX:,} characters")
    if "\\" in value or any(c.isspace() or unicodedata.category(c)[0] in "CZ" for c in value):
        raise Invalid("must be a link without spaces, backslashes and control characters")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise Invalid("must be a link with a host") from None
    if parts.scheme not in ("http", "https") or not value[len(parts.scheme) :].startswith("://"):
        raise Invalid("must be a link that begins with http:// or https://")
    if "@" in parts.netloc:
        raise Invalid("must be a link without a user or password")
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    if not _HOST.fullmatch(host.removesuffix(":")):
        raise Invalid("must be a link with a host")
    return value
