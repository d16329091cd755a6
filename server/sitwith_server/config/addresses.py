"""How a server is reached: URLs and origins made of hosts and ports."""

from __future__ import annotations

from urllib.parse import urlsplit


def authority(host: str, port: int | None, scheme: str) -> str:
    """A URL's host and port, the port left out where it is the scheme's own (RFC 3986 §3.2)."""
    name = f"[{host}]" if ":" in host else host
    if port is None or port == {"http": 80, "https": 443}[scheme]:
        return name
    return f"{name}:{port}"


def http_url(host: str, port: int) -> str:
    """Where a server that listens there can be reached from its own machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://{authority(reachable, port, 'http')}"


def derived_origins(public_url: str) -> tuple[str, ...]:
    """The page's own origin; on a loopback address also its other usual names."""
    parts = urlsplit(public_url)
    loopback = ("localhost", "127.0.0.1", "::1")
    if parts.hostname not in loopback:
        return (public_url,)
    names = (parts.hostname, *(name for name in loopback[:2] if name != parts.hostname))
    return tuple(f"{parts.scheme}://{authority(name, parts.port, parts.scheme)}" for name in names)
