"""A house whose addresses are called in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .house import House, house


@pytest.fixture
async def h() -> AsyncIterator[House]:
    async with house() as made:
        yield made
