"""A server of its own for a benchmark or a soak test, as a program on a free port."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    key: str
    pid: int

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One call of the operator's API; its JSON."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False) as api:
            answer = api.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def open_room(self, **spec: object) -> dict[str, str]:
        """A new room's `room`, `facilitator` link and `member` link."""
        made = self.call("POST", "/api/rooms", spec)
        return {"room": made["room"], **made["links"]}

    @property
    def files(self) -> int:
        """Descriptors that it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def seconds(self) -> float:
        """Of processor time that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def delayed(self) -> float:
        """Seconds that its main thread was ready to run while others had its core."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    @property
    def resident(self) -> int:
        """Bytes of memory that the server holds just now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(
    module: str = "sitwith_server", *, log: IO[bytes] | None = None, **settings: str
) -> Iterator[Server]:
    """Runs `sitwith serve`, or a module that does, and ends it. log: where its lines go."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    key = secrets.token_urlsafe(24)
    own = {"port": str(port), "operator_key": key, "log_level": "error", "inspectable": "true"}
    own |= settings
    environment = {f"SITWITH_{name.upper()}": value for name, value in own.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", module, "serve"], env={**os.environ, **environment}, stderr=log
    )
    try:
        server = Server(f"http://127.0.0.1:{port}", key, process.pid)
        _wait_until_ready(server.url, process)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server did not become ready")
