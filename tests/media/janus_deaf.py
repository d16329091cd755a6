"""Stands for a Janus that answers its guard and ends no session, or that has another admin secret:
its admin API alone.

`python -m tests.media.janus_deaf PORT [forbids] -F FOLDER`
"""

from __future__ import annotations

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from sitwith_server.media.janus.connection import ADMIN


async def _answer(line: ServerConnection) -> None:
    async for text in line:
        asked = json.loads(text)
        if asked["janus"] != "destroy_session":
            said = {"janus": "success", "transaction": asked["transaction"]}
            if "forbids" in sys.argv:
                said |= {"janus": "error", "error": {"code": 403}}
            await line.send(json.dumps(said))


async def main(port: int) -> None:
    async with serve(_answer, "127.0.0.1", port, subprotocols=[Subprotocol(ADMIN)]) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
