"""A server that writes down what the command line asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

KEY = "an-operators-key"


@dataclass
class Asked:
    method: str
    path: str
    key: str | None
    body: Any


@dataclass
class Operator:
    """Answers every call alike and remembers the calls."""

    url: str
    status: int = 200
    answer: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            key = self.headers.get("Authorization")
            made.asked.append(Asked(self.command, self.path, key, body))
            text = (
                made.answer if isinstance(made.answer, bytes) else json.dumps(made.answer).encode()
            )
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0" if made.answer is None else str(len(text)))
            self.end_headers()
            if made.answer is not None:
                self.wfile.write(text)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Operator(f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("SITWITH_OPERATOR_KEY", KEY)
        monkeypatch.setenv("SITWITH_PUBLIC_URL", made.url)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        server.shutdown()
