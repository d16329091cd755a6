"""Whatever breaks around a real Janus gateway, it forwards nothing a second later."""

from __future__ import annotations

import pytest

from .janus_faults import BOUND, MAX_FAULTS, PAIRS, Fault, node_stopped, rounds, staged
from .janus_net import PATIENT, why_not

_WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))
SHORT = ("node stopped", "no way at all", "Janus stopped and woken")


async def test_ME38_silence_within_a_second_of_a_fault_and_voices_again_after_it() -> None:
    took = {}
    async with staged() as stage:
        for name in SHORT:
            took[name] = await stage.silence(MAX_FAULTS[name], BOUND)
            await stage.mend()
    assert {name: each for name, each in took.items() if each > BOUND} == {}


@pytest.mark.soak
@pytest.mark.parametrize(
    "fault", [*MAX_FAULTS.values(), *PAIRS.values()], ids=[*MAX_FAULTS, *PAIRS]
)
async def test_ME38_again_and_again(fault: Fault) -> None:
    took = await rounds(fault, 15)
    assert max(took) <= BOUND, sorted(took)


@pytest.mark.soak
async def test_ME40_a_log_that_is_away_costs_no_connection() -> None:
    async with staged() as stage:
        await stage.silence(MAX_FAULTS["no log"])
        await stage.mend()
        await stage.hears(10)
        assert await stage.node.ask() == {}


@pytest.mark.soak
async def test_a_guard_that_waits_longer_would_be_seen() -> None:
    assert max(await rounds(node_stopped, 1, PATIENT)) > BOUND
