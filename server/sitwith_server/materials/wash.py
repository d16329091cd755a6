"""Files made fit to be shown, each in a process of its own, a few at a time."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any, Final

import structlog

from sitwith_server.materials.confine import WALLS
from sitwith_server.materials.kinds import REASONS, Clean, Unfit

AT_ONCE: Final = 2
WAITING: Final = 8
SECONDS: Final = 25.0
"""Of waiting for one file: less than proxies wait, more than the process itself may take."""

_log = structlog.get_logger(__name__)


class Busy(Exception):
    """So many files are being looked into that one more would wait for long."""


class Washer:
    """Looks into files. Nothing of a file runs or is decoded in this process."""

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._waiting = 0
        self._told = False

    async def wash(self, kind: str, data: bytes) -> Clean:
        """What may be shown of a file. kind: `picture` or `pdf`.

        Raises:
            Unfit: it is not to be shown.
            Busy: later, perhaps.
        """
        if self._waiting >= WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                return await self._washed(kind, data)
        finally:
            self._waiting -= 1

    async def _washed(self, kind: str, data: bytes) -> Clean:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-m", "sitwith_server.materials.child", kind),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
        )
        try:
            async with asyncio.timeout(self._seconds):
                out, _ = await child.communicate(data)
        except TimeoutError:
            raise Unfit("too_complex") from None
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        about, body = _read(out, child.returncode)
        self._tell_of(set(WALLS) - set(about["walls"]))
        return _made(about, body)

    def _tell_of(self, missing: set[str]) -> None:
        """Once: files are washed all the same, with what limits there are."""
        if missing and not self._told:
            self._told = True
            _log.warning("sandbox_incomplete", missing=sorted(missing))


def _read(out: bytes, code: int | None) -> tuple[dict[str, Any], bytes]:
    line, _, body = out.partition(b"\n")
    try:
        about = json.loads(line) if code == 0 else None
    except ValueError:
        about = None
    if not isinstance(about, dict):
        # Killed by its own limits, or by a decoder that fell over.
        raise Unfit("too_complex")
    return about, body


def _made(about: dict[str, Any], body: bytes) -> Clean:
    if (reason := about.get("unfit")) is not None:
        raise Unfit(reason if reason in REASONS else "damaged")
    return Clean(about["type"], body, about["width"], about["height"], about["pages"])
