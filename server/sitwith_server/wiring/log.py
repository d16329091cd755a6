"""The log that the settings name, its check, and the wait until it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from sitwith_server.config import Settings
from sitwith_server.log.base import Health, Log
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.log.redis.connection.check import Problem, check
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.service.rooms import store

REPORT_SECONDS: Final = 5.0
"""Seconds between two log lines of a process that waits for Redis."""

_log = structlog.get_logger(__name__)


def make_log(settings: Settings) -> Log:
    """A log in Redis, or in this process' memory where no Redis is set."""
    if settings.redis_url is None:
        return MemoryLog()
    return RedisLog(settings.redis_url, format=store.VERSION)


def check_log(redis_url: str) -> list[Problem]:
    """The reasons why rooms can't be kept in these instances."""
    return asyncio.run(check(redis_url, store.VERSION))


async def start_log(log: Log, stopped: Callable[[], bool]) -> bool:
    """Connects, and waits until at least one instance serves.

    Returns:
        False if `stopped` said so before.
    """
    if isinstance(log, RedisLog):
        log.start()
    loop = asyncio.get_running_loop()
    report = loop.time() + REPORT_SECONDS
    while Health.LIVE not in log.health().values():
        if stopped():
            return False
        if loop.time() >= report:
            report += REPORT_SECONDS
            states = sorted({health.value for health in log.health().values()})
            _log.warning("waiting_for_redis", states=states)
        await asyncio.sleep(0.02)
    return True
