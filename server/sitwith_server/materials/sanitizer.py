"""Sanitizes files, each in a child process of its own, a few at a time."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any, Final

import structlog

from sitwith_server.materials.kinds import REASONS, Clean, Unfit
from sitwith_server.materials.sandbox import LAYERS

AT_ONCE: Final = 2
WAITING: Final = 8
SECONDS: Final = 25.0
"""Longest time for one file: less than usual proxy timeouts, more than the child's CPU limit."""

_log = structlog.get_logger(__name__)


class Busy(Exception):
    """Too many files wait already."""


class Sanitizer:
    """Runs the child processes. This process decodes nothing of a file."""

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._waiting = 0
        self._warned = False

    async def sanitize(self, kind: str, data: bytes) -> Clean:
        """Returns the sanitized file. kind: `picture` or `pdf`.

        Raises:
            Unfit: the file is refused.
            Busy: too many files wait; try again later.
        """
        if self._waiting >= WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                return await self._sanitized(kind, data)
        finally:
            self._waiting -= 1

    async def _sanitized(self, kind: str, data: bytes) -> Clean:
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
        self._warn_of(set(LAYERS) - set(about["walls"]))
        return _made(about, body)

    def _warn_of(self, missing: set[str]) -> None:
        """Logs once that the kernel lacks a layer. Files are sanitized all the same."""
        if missing and not self._warned:
            self._warned = True
            _log.warning("sandbox_incomplete", missing=sorted(missing))


def _read(out: bytes, code: int | None) -> tuple[dict[str, Any], bytes]:
    line, _, body = out.partition(b"\n")
    try:
        about = json.loads(line) if code == 0 else None
    except ValueError:
        about = None
    if not isinstance(about, dict):
        # The limits or a decoder's crash ended the child.
        raise Unfit("too_complex")
    return about, body


def _made(about: dict[str, Any], body: bytes) -> Clean:
    if (reason := about.get("unfit")) is not None:
        raise Unfit(reason if reason in REASONS else "damaged")
    return Clean(about["type"], body, about["width"], about["height"], about["pages"])
