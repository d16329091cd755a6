"""Somebody in a room, without a socket: bytes in, bytes out, everything recorded.

Written from the contract, for simulated and for real connections alike: folds slices, resumes
with what it has seen, says again what has no answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

from sitwith_protocol.codec import encode
from tests.chaos.history import Frame, History, Op
from tests.folding import folded

NO_OUTCOME: Final = ("frozen", "too_fast", "bad_request", "not_inside")
ELSEWHERE: Final = 4409
LATE_HELLO: Final = 30.0
"""Seconds in which a hello of a connection that was given up may still take the seat: a 4409 then
may be one's own doing, and is no reason to stay away."""
AGAIN_SECONDS: Final = 1.5
"""After so long without an answer a command is sent again on the same connection."""


def new_canary(chance: random.Random) -> str:
    return f"canary-{chance.getrandbits(48):012x}"


class Person:
    """`client` names it in the history; `token` and `name` are for the first hello."""

    def __init__(self, history: History, client: str, token: str, name: str) -> None:
        self.history = history
        self.client = client
        self.name = name
        self._hello: dict[str, Any] = {"t": "hello", "token": token, "name": name}
        self._seen: dict[str, bytes] = {}
        self._waiting: dict[int, tuple[Op, asyncio.Future[Frame]]] = {}
        self._sent_at: dict[int, float] = {}
        self._settled: dict[int, Op] = {}
        self._next = 0
        self.me = ""
        self.role = ""
        self.phase = ""
        self.connection = 0
        self._given_up_at = float("-inf")
        self.view: dict[str, Any] = {}
        self.fresh: dict[str, Any] = {}
        """The slices of the last welcome, as they came."""
        self.over: int | None = None
        """The code that said not to come back."""
        self.entered = asyncio.Event()
        self.welcomed = asyncio.Event()
        self.resumed_at: list[float] = []
        self.send: Callable[[bytes], None] = lambda _: None

    # -- connections -----------------------------------------------------------------------------

    def dialled(self) -> int:
        """A new connection is open: says hello on it, and returns its number."""
        self.connection += 1
        self.welcomed.clear()
        self.history.link(self.client, self.me, self.connection)
        self.send(encode(self._hello))
        return self.connection

    def hung_up(self, connection: int, code: int) -> None:
        """It has ended; `code` 0 without a close frame."""
        self.history.link(self.client, self.me, connection, code or -1)
        if connection != self.connection:
            return
        self.send = lambda _: None
        if not self.welcomed.is_set():
            self._given_up_at = self.history.now()
        self.welcomed.clear()
        late = self.history.now() - self._given_up_at < LATE_HELLO
        if code == 1000 or (code >= 4400 and not (code == ELSEWHERE and late)):
            self.over = code

    # -- doing -----------------------------------------------------------------------------------

    def ask(self, kind: str, **fields: Any) -> asyncio.Future[Frame]:
        """Sends a command; its answer comes even if the connection breaks meanwhile."""
        self._next += 1
        op = self.history.invoke(self.client, self.me, self._next, kind, fields)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[op.id] = (op, answer)
        self._say(op)
        return answer

    def doubt(self) -> None:
        """Says again all that has had no answer for a while, on whatever connection there is."""
        now = self.history.now()
        for op, _ in list(self._waiting.values()):
            if now - self._sent_at.get(op.id, 0.0) > AGAIN_SECONDS and self.welcomed.is_set():
                self._say(op)

    def unanswered(self) -> int:
        return len(self._waiting)

    def oldest(self) -> float:
        """Since when (seconds) something has been waiting for its answer; now, if nothing is."""
        return min((op.invoked for op, _ in self._waiting.values()), default=self.history.now())

    def _say(self, op: Op) -> None:
        self._sent_at[op.id] = self.history.now()
        self.send(encode({"t": op.kind, "id": op.id, **op.fields}))

    # -- hearing ---------------------------------------------------------------------------------

    def take(self, connection: int, raw: bytes) -> None:
        frame = self.history.receive(self.client, self.me, connection, raw)
        if connection != self.connection:
            return  # recorded; but this is not the connection that counts any more
        handler = getattr(self, "_" + str(frame["t"]).replace(".", "_"), None)
        if handler is not None:
            handler(frame)

    def _welcome(self, frame: Frame) -> None:
        self.me, self.role, self.phase = frame["me"], frame["role"], frame["phase"]
        self.history.names[self.me] = self.name
        self.history.own(self.client, self.connection, self.me)
        self._hello = {"t": "hello", "resume": frame["resume"], "seen": self._seen}
        self.view, self.fresh = dict(frame["room"]), dict(frame["room"])
        self.welcomed.set()
        self.resumed_at.append(self.history.now())
        if self.phase == "inside":
            self.entered.set()
        for op, _ in list(self._waiting.values()):
            self._say(op)
        if self.phase == "agreement" and not self._waiting:
            self.ask("agreement.accept", version=frame["room"]["agreement"]["version"])

    def _lobby(self, frame: Frame) -> None:
        self.phase = "lobby"

    def _entered(self, frame: Frame) -> None:
        self.phase, self.view = "inside", dict(frame["room"])
        self.entered.set()

    def _room(self, frame: Frame) -> None:
        self.view = folded(self.view, frame)

    def _chat(self, frame: Frame) -> None:
        self._seen[frame["to"]] = frame["pos"]

    def _chat_deleted(self, frame: Frame) -> None:
        self._seen[frame["to"]] = frame["pos"]

    def _ok(self, frame: Frame) -> None:
        self._answered(frame)

    def _refused(self, frame: Frame) -> None:
        if frame["code"] not in NO_OUTCOME:
            self._answered(frame)

    def _answered(self, frame: Frame) -> None:
        number = frame["id"]
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            self._settled[number] = waiting[0]
            if not waiting[1].done():
                waiting[1].set_result(frame)
        if number in self._settled:
            self.history.answered(self._settled[number], frame)
