"""The engine on a real Janus gateway keeps the contract that all engines keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from sitwith_server.media.janus.engine import JanusEngine

from .company import Harness
from .contract import EngineContract
from .janus_net import PATIENT, SECRETS, Janus, janus, why_not

_WHY_NOT = why_not()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Janus]:
    with janus(tmp_path_factory.mktemp("janus") / "one") as one:
        yield one


@pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))
class TestJanusEngine(EngineContract):
    @pytest.fixture
    async def harness(self, gateway: Janus) -> AsyncIterator[Harness]:
        engine = JanusEngine([gateway.address], SECRETS, patience=5.0, bound=PATIENT)
        # A gate opens when Janus has opened it: a few packets of 10 ms may come before that.
        # It numbers a slot from 1, and what the first packet has overtaken below that: 65535 …
        yield Harness(engine, slack=30, types=False, early=False)
        await engine.close()
