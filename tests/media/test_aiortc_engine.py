"""The engine of this process keeps the contract, and its own bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sitwith_server.media.aiortc_engine import AiortcEngine
from sitwith_server.media.aiortc_room import Limits

from .company import Harness
from .contract import EngineContract

LIMITS = Limits(offers=100, offers_burst=100)


@pytest.fixture
async def engine() -> AsyncIterator[AiortcEngine]:
    engine = AiortcEngine("127.0.0.1", 0, limits=LIMITS)
    await engine.start()
    yield engine
    await engine.close()
    assert len(engine.port) == 0, "an ended member is still known at the port"
    assert engine.counters.faults == 0


class TestAiortcEngine(EngineContract):
    @pytest.fixture
    async def harness(self, engine: AiortcEngine) -> Harness:
        return Harness(engine)
