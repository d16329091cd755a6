"""A media node's engine on a Janus gateway as a process of its own, so that it can be stopped.

Standard input and output carry a JSON object a line. While it runs it renews the room's lease as a
node does that reads the room's log four times a second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any

from sitwith_server.media.engine import EngineDown
from sitwith_server.media.janus.engine import GatewayAddress, JanusEngine
from sitwith_server.media.plane.lease_reader import READ_EVERY
from sitwith_server.media.plane.route_planner import LEASE

from .janus_member import Watch, plan
from .janus_net import SECRETS


async def main(api: str, bound: float) -> None:
    engine = JanusEngine([GatewayAddress(api)], SECRETS, bound=bound)
    watch = Watch()
    room = await engine.open("room", watch)

    log = asyncio.Event()
    log.set()

    async def renew() -> None:
        while True:
            await log.wait()
            room.lease(time.monotonic() + LEASE)
            await asyncio.sleep(READ_EVERY)

    async def follow(asked: dict[str, Any]) -> object:
        match asked:
            case {"member": member, "sdp": sdp}:
                return await room.answer(member, sdp)
            case {"rev": rev, "heard": heard}:
                with suppress(EngineDown):
                    await room.apply(plan(rev, heard))
                    return True
                return False
            case {"log": is_there}:
                (log.set if is_there else log.clear)()
        return watch.losses

    renewing = asyncio.create_task(renew())
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            said = await follow(json.loads(line))
        except EngineDown:
            said = None
        print(json.dumps(said), flush=True)
    renewing.cancel()
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
