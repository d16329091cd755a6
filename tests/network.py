"""A network of its own for each process that runs tests.

A Chromium takes an interface that comes or goes for a change of its own network and drops its
connections; some tests make interfaces. In separate namespaces neither sees the other, and no two
tests want the same port.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess

_NEW_NET = 0x40000000
_ADDRESS = "192.0.2.2/24"
"""Of the interface that a browser finds and nobody answers behind (RFC 5737)."""


@functools.cache
def why_not() -> str | None:
    """Why there can be no network namespaces here, or None."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return "network namespaces need root and `ip`"
    words = "unshare --net ip link add one type veth peer name other"
    done = subprocess.run(words.split(), capture_output=True, check=False)
    return "network namespaces are not allowed here" if done.returncode else None


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


def leave() -> None:
    """Moves this thread, and all that it starts from here on, to a new network.

    It has the loopback and, as browsers look for one, an interface with a default route.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NET):
        raise OSError(ctypes.get_errno(), "unshare")
    ip("link", "set", "lo", "up")
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "beyond")
    ip("link", "set", "beyond", "up")
    ip("addr", "add", _ADDRESS, "dev", "eth0")
    ip("link", "set", "eth0", "up")
    ip("route", "add", "default", "dev", "eth0")
