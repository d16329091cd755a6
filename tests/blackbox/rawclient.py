"""A small client written from the published surface alone.

It keeps every payload that arrived (`frames`, raw bytes and time), folds the view by
assignment, and awaits answers by command id. It corrects nothing: what the server sends wrongly
stays wrong here.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.folding import folded

T = TypeVar("T")
Map = dict[str, Any]

#: Seconds before a wait is called lost. Generous: the machine may be busy.
WAIT = 25.0
#: Answers that are no outcomes and mean "send it again", whoever one is.
AGAIN = frozenset({"too_fast", "frozen"})


def pack(message: object) -> bytes:
    return msgpack.packb(message)


def unpack(raw: bytes) -> Map:
    found = msgpack.unpackb(raw)
    assert isinstance(found, dict), "a frame that is no map"
    assert all(isinstance(key, str) for key in found), "a frame with a key that is no string"
    return found


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came, and the view right after it was folded."""

    at: float
    raw: bytes
    body: Map
    view: Map


@dataclass(slots=True)
class Pace:
    """Keeps a seat under what it is promised: 5 commands a second, 20 in a burst."""

    left: float = 18.0
    at: float = field(default_factory=time.monotonic)

    async def wait(self) -> None:
        while True:
            now = time.monotonic()
            self.left = min(18.0, self.left + (now - self.at) * 4.8)
            self.at = now
            if self.left >= 1:
                self.left -= 1
                return
            await asyncio.sleep((1 - self.left) / 4.8)


class Gone(Exception):
    """The server closed the socket with `code`."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Client:
    """One socket of one seat."""

    def __init__(self, socket: ClientConnection, label: str = "") -> None:
        self.socket = socket
        self.label = label
        self.frames: list[Frame] = []
        self.text_frames = 0
        self.view: Map = {}
        self.chats: list[Map] = []
        self.deleted: list[tuple[str, int]] = []
        self.seen: dict[str, bytes] = {}
        self.answers: dict[int, list[Frame]] = {}
        self.me = ""
        self.role = ""
        self.phase = ""
        self.resume_value = ""
        self.code: int | None = None
        self.over = False
        self.ids = itertools.count(1)
        self.pace = Pace()
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls, url: str, *, label: str = "", origin: str | None = None, source: str | None = None
    ) -> Client:
        """source: the address of this machine that it comes from."""
        socket = await connect(
            url,
            local_addr=None if source is None else (source, 0),
            subprotocols=[Subprotocol("sitwith.v1")],
            origin=None if origin is None else Origin(origin),
            compression=None,
            max_size=None,
            open_timeout=WAIT,
            close_timeout=5,
            ping_interval=None,
            proxy=None,
        )
        return cls(socket, label)

    # -- what arrives

    async def _read(self) -> None:
        try:
            async for raw in self.socket:
                if isinstance(raw, str):
                    self.text_frames += 1
                else:
                    self._take(raw)
                self._news.set()
        except ConnectionClosed:
            pass
        finally:
            self.code = self.socket.close_code
            self.over = True
            self._news.set()

    def _take(self, raw: bytes) -> None:
        body = unpack(raw)
        match body["t"]:
            case "welcome":
                self.me, self.role, self.phase = body["me"], body["role"], body["phase"]
                self.resume_value = body["resume"]
                self._enter(body)
            case "lobby":
                self.phase = "lobby"
                self.view = {}
            case "entered":
                self.phase = "inside"
                self._enter(body)
            case "room":
                self.view = folded(self.view, body)
                self.seen["room"] = body["pos"]
                self.role = self.view.get("members", {}).get(self.me, {}).get("role", self.role)
            case "chat":
                self.chats.append(body)
                self.seen[body["to"]] = body["pos"]
            case "chat.deleted":
                self.deleted.append((body["to"], body["n"]))
                self.seen[body["to"]] = body["pos"]
        frame = Frame(time.time(), raw, body, self.view)
        self.frames.append(frame)
        if body["t"] in ("ok", "refused"):
            self.answers.setdefault(body["id"], []).append(frame)

    def _enter(self, body: Map) -> None:
        self.view = dict(body["room"])
        if isinstance(body.get("pos"), dict):
            self.seen.update(body["pos"])
        self.role = self.view.get("members", {}).get(self.me, {}).get("role", self.role)

    # -- waiting

    async def until(self, test: Callable[[], T | None], what: str, within: float = WAIT) -> T:
        """Wait until `test()` is true; its value. Fails by name when it can't come true."""
        try:
            async with asyncio.timeout(within):
                while True:
                    found = test()
                    if found:
                        return found
                    if self.over:
                        raise AssertionError(f"{self.label}: closed {self.code} before {what}")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.label}: never came: {what}") from None

    async def sees(self, test: Callable[[Map], T], what: str, since: int = 0) -> Frame:
        """The first frame from index `since` on whose folded view passes `test`."""
        at = since

        def found() -> Frame | None:
            nonlocal at
            while at < len(self.frames):
                frame = self.frames[at]
                at += 1
                if frame.view and test(frame.view):
                    return frame
            return None

        return await self.until(found, what)

    async def gets(self, test: Callable[[Map], bool], what: str, since: int = 0) -> Map:
        """The first frame from index `since` on that passes `test`."""
        at = since

        def found() -> Map | None:
            nonlocal at
            while at < len(self.frames):
                frame = self.frames[at]
                at += 1
                if test(frame.body):
                    return frame.body
            return None

        return await self.until(found, what)

    async def hears(self, words: str, *, to: str | None = None) -> Map:
        """The chat frame whose body is `words`."""

        def found() -> Map | None:
            return next(
                (c for c in self.chats if c["body"] == words and to in (None, c["to"])), None
            )

        return await self.until(found, f"chat {words!r} to {to}")

    async def closed(self, within: float = WAIT) -> int | None:
        """Wait for the end of the socket; its close code."""
        try:
            async with asyncio.timeout(within):
                await asyncio.shield(self._reader)
        except TimeoutError:
            raise AssertionError(f"{self.label}: the socket stayed open") from None
        return self.code

    # -- what is sent

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.send_raw(pack(dict(message)))

    async def send_raw(self, data: bytes | str | Iterable[bytes]) -> None:
        try:
            await self.socket.send(data)
        except ConnectionClosed:
            await self.closed()
            raise Gone(self.code) from None

    async def hello(self, token: str, name: str) -> Map:
        """The welcome; raises Gone."""
        return await self._open({"t": "hello", "token": token, "name": name})

    async def resume(self, resume: str, seen: Mapping[str, bytes]) -> Map:
        """The welcome to one's own seat; raises Gone."""
        return await self._open({"t": "hello", "resume": resume, "seen": dict(seen)})

    async def _open(self, message: Map) -> Map:
        await self.send(message)

        def welcome() -> Map | bool:
            return next((f.body for f in self.frames if f.body["t"] == "welcome"), self.over)

        found = await self.until(welcome, "welcome")
        if isinstance(found, dict):
            return found
        raise Gone(self.code)

    async def command(self, t: str, fields: Mapping[str, Any] | None = None, /) -> Map:
        """Send one command at the promised pace and give its answer, whatever that is.

        `too_fast` and `frozen` are no outcomes: the same id is sent again.
        """
        message: Map = {"t": t, "id": next(self.ids), **(fields or {})}
        for _ in range(40):
            answer = await self.ask(message)
            if answer.get("code") not in AGAIN:
                return answer
            await asyncio.sleep(0.25)
        raise AssertionError(f"{self.label}: {t} was refused again and again")

    async def ask(self, message: Mapping[str, Any]) -> Map:
        """Send `message` once, with the id it has; the answer to this sending; raises Gone."""
        number = message["id"]
        before = len(self.answers.get(number, []))
        await self.pace.wait()
        await self.send(message)

        def answered() -> bool:
            return len(self.answers.get(number, [])) > before or self.over

        await self.until(answered, f"answer to {message['t']}")
        found = self.answers.get(number, [])
        if len(found) > before:
            return found[before].body
        raise Gone(self.code)

    async def ok(self, t: str, fields: Mapping[str, Any] | None = None, /) -> Map:
        answer = await self.command(t, fields)
        assert answer["t"] == "ok", f"{self.label}: {t} {fields}: {answer}"
        return answer

    async def no(self, code: str | Iterable[str], t: str, fields: Map | None = None, /) -> Map:
        """The command must be refused with `code` (or one of them)."""
        allowed = {code} if isinstance(code, str) else set(code)
        answer = await self.command(t, fields)
        assert answer["t"] == "refused", f"{self.label}: {t} {fields}: {answer}"
        assert answer["code"] in allowed, f"{self.label}: {t} {fields}: {answer}"
        assert isinstance(answer["message"], str)
        return answer

    # -- the end

    def drop(self) -> None:
        """Cut the line without a word, as a lost network does."""
        self.socket.transport.abort()

    async def close(self) -> None:
        await self.socket.close()
        await self.closed()

    # -- reading

    @property
    def everything(self) -> bytes:
        """All payload bytes that ever reached this socket."""
        return b"\x00".join(frame.raw for frame in self.frames)

    def said(self, to: str) -> list[str]:
        """Bodies of one conversation in order of arrival."""
        return [c["body"] for c in self.chats if c["to"] == to]
