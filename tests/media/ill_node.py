"""`sitwith media` with an engine whose loop hangs after a while."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from sitwith_server.cli import main
from sitwith_server.media.aiortc.engine import AiortcEngine

TICKS = 10
_tick = AiortcEngine._tick
_ticks = count()


async def ill(engine: AiortcEngine) -> None:
    if next(_ticks) >= TICKS:
        await asyncio.Event().wait()
    await _tick(engine)


if __name__ == "__main__":
    AiortcEngine._tick = ill  # type: ignore[assignment,method-assign]
    sys.exit(main(["media"]))
