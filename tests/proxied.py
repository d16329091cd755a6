"""A proxy on loopback that writes down what it is sent and carries none of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY", "NO_PROXY")


@dataclass
class Proxy:
    url: str
    got: list[bytes] = field(default_factory=list)


@contextmanager
def proxy() -> Iterator[Proxy]:
    """Answers whatever comes with 502."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Proxy("http://{}:{}".format(*listening.getsockname()))

        def serve() -> None:
            while True:
                try:
                    plug, _ = listening.accept()
                except OSError:
                    return
                with plug, suppress(OSError):
                    plug.settimeout(5)
                    made.got.append(plug.recv(65_536))
                    plug.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield made
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def forget_proxies(patch: pytest.MonkeyPatch) -> None:
    """The proxies of the machine that runs the tests are none of the tests'."""
    for name in VARIABLES:
        patch.delenv(name, raising=False)
        patch.delenv(name.lower(), raising=False)
