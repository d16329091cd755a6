"""What the room tells a page, read off the page's own sockets."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page, WebSocket

from tests.blackbox.rawclient import Map, unpack
from tests.folding import folded


class Tap:
    """The view that a page was given, and who is on its slots; over all of its connections."""

    def __init__(self, page: Page) -> None:
        self.me = ""
        self.view: Map = {}
        self.slots: dict[str, str | None] = {}
        self.frames: list[Map] = []
        self.sockets = 0
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framereceived", self._take)

    def _take(self, raw: Any) -> None:
        if not isinstance(raw, bytes):
            return
        frame = unpack(raw)
        self.frames.append(frame)
        match frame["t"]:
            case "welcome":
                self.me = frame["me"]
                self.view = dict(frame["room"])
            case "entered":
                self.view = dict(frame["room"])
            case "room":
                self.view = folded(self.view, frame)
            case "media.map":
                self.slots = frame["slots"]

    def said(self, to: str | None = None) -> list[str]:
        """What was written where one reads it, in order; each once."""
        chats = [f for f in self.frames if f["t"] == "chat" and to in (None, f["to"])]
        return [f["body"] for f in chats]

    @property
    def welcomes(self) -> int:
        return sum(f["t"] == "welcome" for f in self.frames)
