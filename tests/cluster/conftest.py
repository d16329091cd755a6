"""Clusters for tests that may break them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, opened
from tests.cluster.population import Circle

MakeCircle = Callable[..., Awaitable[Circle]]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("cluster")
    with Cluster(folder) as made:
        yield made


@pytest.fixture
async def cluster(deployment: Cluster) -> AsyncIterator[Cluster]:
    """Three workers, HAProxy and Redis; at the end their logs are read for what is private.

    One deployment for a file: the next test finds it whole, whatever this one breaks.
    """
    await deployment.mend()
    yield deployment
    deployment.assert_discreet()


@pytest.fixture
async def circle(cluster: Cluster) -> AsyncIterator[MakeCircle]:
    """Makes circles whose people go when the test ends."""
    made: list[Circle] = []

    async def make(people: int, *, spread: bool = False, **body: Any) -> Circle:
        one = Circle(cluster, await opened(cluster, cluster, **body))
        made.append(one)
        await one.join(people, cluster.doors if spread else None)
        return one

    yield make
    for one in made:
        await one.leave()
