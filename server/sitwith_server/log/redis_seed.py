"""Entering an instance: as it was, or offering it what was lost."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from sitwith_server.log.redis_holdings import Holdings
from sitwith_server.log.redis_link import Link, Word
from sitwith_server.log.redis_packing import GATE, INCARNATION, ROOMS, SEED, TOMBS


class Seeder:
    """Remembers which incarnation of one instance this process has told all that it holds."""

    def __init__(self, holdings: Holdings, offer_seconds: float) -> None:
        self._holdings = holdings
        self._offer_seconds = offer_seconds

    async def enter(self, link: Link, run_id: str) -> bytes:
        """The incarnation's id, once commits may pass. Raises LogDown or Refused."""
        while True:
            window = int(self._offer_seconds * 1000)
            incarnation = await self._do(link, "arrive", run_id, os.urandom(16).hex(), window)
            if await self._opened(link, incarnation):
                return bytes(incarnation)

    async def _opened(self, link: Link, incarnation: bytes) -> bool:
        while wait := await self._do(link, "open", incarnation):
            if wait < 0:
                return False
            await asyncio.sleep(wait / 1000)
        return True

    async def _do(self, link: Link, operation: str, *words: Word) -> Any:
        keys = (4, GATE, INCARNATION, ROOMS, TOMBS)
        return await link.call("EVALSHA", SEED.sha, *keys, operation, *words)
