"""A random evening in which everybody sends all the time: nothing goes where the state says no."""

from __future__ import annotations

import pytest

from tests.blackbox.conftest import server
from tests.blackbox.house import Server
from tests.media.evening import Evening
from tests.media.hostile import crowd

__all__ = ["server"]

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Egon")
LONG = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 22)]


@pytest.mark.parametrize("seed", [1, *LONG])
async def test_VO1_VO3_a_random_evening_of_people_who_never_stop_sending(
    server: Server, seed: int
) -> None:
    async with crowd(server, *NAMES) as c:
        evening = Evening(c, seed)
        await evening.go_on(30)
        assert evening.strays() == []
        # It would mean nothing if there had been nothing to hear, or nothing to keep back.
        assert any(window.routes for window in evening.windows)
        everybody = len(c.people) * (len(c.people) - 1)
        assert any(len(window.routes) < everybody / 2 for window in evening.windows)
