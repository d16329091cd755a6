"""Memory goes back to the system once a crowd has gone, and not at each goodbye."""

from __future__ import annotations

import asyncio

from sitwith_server.gateway.sockets.memory import CHECK_EVERY, MANY, malloc_trim, trim_after_crowds
from sitwith_server.gateway.sockets.table import OpenSocket, SocketTable
from tests.simulation.virtual import run


def come_and_go(sockets: SocketTable, many: int) -> None:
    for _ in range(many):
        held = sockets.enter("a", lambda _: None)
        assert isinstance(held, OpenSocket)
        held.leave()
        held.leave()


def test_memory_is_given_back_after_many_have_gone() -> None:
    async def main() -> None:
        sockets, given = SocketTable(100, 200), list[float]()
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(trim_after_crowds(sockets, lambda: given.append(loop.time())))
        await asyncio.sleep(0)
        for many, expected in ((MANY - 1, 0), (1, 1), (0, 1), (10 * MANY, 2)):
            come_and_go(sockets, many)
            await asyncio.sleep(2 * CHECK_EVERY)
            assert len(given) == expected
        task.cancel()

    run(main())


def test_this_systems_way_can_be_called() -> None:
    give = malloc_trim()
    if give is not None:
        give()
