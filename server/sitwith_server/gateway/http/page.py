"""Serves the built page, and adds security headers to every answer.

The page is one `index.html` and files with hashes in their names. The server holds them in memory
and finds them by exact name, so that no path of a request reaches the file system. Every room's
address gets the same bytes, so that nobody learns which rooms exist.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sitwith_server.config import Settings
from sitwith_server.gateway.http.problems import not_found
from sitwith_server.gateway.http.routing import Call, route

BUILT: Final = Path(__file__).resolve().parents[2] / "web"
"""The folder of the built page; part of the wheel."""

NO_STORE: Final = "no-store"
POLICY: Final = "content-security-policy"
FOR_EVER: Final = "public, max-age=31536000, immutable"
"""For files with the hash of their content in their name (RFC 8246)."""

HSTS: Final = "max-age=63072000"

TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Files of other kinds are not served."""

_PACKED: Final = frozenset((".css", ".html", ".js", ".svg", ".txt"))
NOT_BUILT: Final = "The page is not built. Run: make setup"

_FRONT: Final = Path(__file__).with_name("front.html").read_bytes()
_LINKS: Final = b"<!-- links -->"
_LINK = re.compile(rb"<link [^>]*>")
_OWN = re.compile(rb'(?:src|href)="/(assets/[^"/]+)"')

# Browser features that the page doesn't use. It does use microphone and camera.
_OFF: Final = (
    "accelerometer",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "xr-spatial-tracking",
)


# ------------------------------------------------------------------------------------ headers


def content_security_policy(settings: Settings) -> str:
    """Allows only the page's own files and WebSocket, and no text that becomes markup or script
    (CSP 3, Trusted Types)."""
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        # Materials are fetched with a ticket and shown from memory.
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": " ".join(("'self'", *_socket_origins(settings.public_url))),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def security_headers(settings: Settings) -> dict[str, str]:
    """Headers of every answer. With HSTS (RFC 6797) if the public URL is https."""
    off = ", ".join(f"{feature}=()" for feature in _OFF)
    headers = {
        "content-security-policy": content_security_policy(settings),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex, nofollow",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": f"microphone=(self), camera=(self), {off}",
    }
    if settings.public_url.startswith("https://"):
        headers["strict-transport-security"] = HSTS
    return headers


def _socket_origins(public_url: str) -> tuple[str, ...]:
    """The origin of the WebSocket, which not every browser includes in 'self'. None for an IPv6
    address, which a policy can't name (CSP 3 §2.3.1)."""
    parts = urlsplit(public_url)
    if ":" in (parts.hostname or ""):
        return ()
    return (f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}",)


class SecurityHeaders:
    """Adds the headers to every answer, refused upgrades too; `no-store` unless the answer says
    otherwise."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                own = headers.get(POLICY)
                headers.update(self._headers)
                if own is not None:
                    headers[POLICY] = own
                headers.setdefault("cache-control", NO_STORE)
            await send(message)

        await self._app(scope, receive, sending)


# --------------------------------------------------------------------------------------- page


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page. packed: its gzip form; None if that is not smaller."""

    body: bytes
    type: str
    packed: bytes | None


class Page:
    """The built page in `folder`; read again when its `index.html` changes."""

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder
        self._made: int | None = None
        self._files: Mapping[str, File] = {}

    def file(self, name: str) -> File | None:
        """Finds `index.html`, `front.html` or `assets/<name>` by its exact name, or None."""
        try:
            made = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            made = None
        if made != self._made:
            self._files = {} if made is None else _read(self._folder)
            self._made = made
        return self._files.get(name)

    @property
    def built(self) -> bool:
        """Whether the page is there with all files that its `index.html` names."""
        index = self.file("index.html")
        if index is None:
            return False
        return all(name.decode() in self._files for name in _OWN.findall(index.body))


def _read(folder: Path) -> dict[str, File]:
    names = ["index.html", *(f"assets/{each.name}" for each in (folder / "assets").glob("*"))]
    bodies = {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}
    # The front page has no script. It uses the page's own style sheets.
    links = b"".join(_LINK.findall(bodies["index.html"]))
    bodies["front.html"] = _FRONT.replace(_LINKS, links)
    return {
        name: _file(body, Path(name).suffix)
        for name, body in bodies.items()
        if Path(name).suffix in TYPES
    }


def _file(body: bytes, suffix: str) -> File:
    packed = gzip.compress(body, 9, mtime=0) if suffix in _PACKED else body
    return File(body, TYPES[suffix], packed if len(packed) < len(body) else None)


# ------------------------------------------------------------------------------------- routes


def routes(page: Page | None = None) -> list[BaseRoute]:
    """`GET /` (front page), `GET /r/{room}` (the page) and `GET /assets/{name}`."""
    found = Page() if page is None else page

    def shown(name: str) -> Call:
        async def show(request: Request) -> Response:
            file = found.file(name)
            if file is None:
                return Response(NOT_BUILT + "\n", 503, media_type="text/plain")
            return _answer(request, file, NO_STORE)

        return show

    async def asset(request: Request) -> Response:
        file = found.file(f"assets/{request.path_params['name']}")
        if file is None:
            raise not_found()
        return _answer(request, file, FOR_EVER)

    return [
        route("/", GET=shown("front.html")),
        route("/r/{room}", GET=shown("index.html")),
        route("/assets/{name}", GET=asset),
    ]


def _answer(request: Request, file: File, keep: str) -> Response:
    body, headers = file.body, {"cache-control": keep, "content-type": file.type}
    if file.packed is not None:
        headers["vary"] = "accept-encoding"
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body = file.packed
            headers["content-encoding"] = "gzip"
    return Response(body, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` names gzip without refusing it (RFC 9110 §12.5.3)."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
