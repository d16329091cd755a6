"""`sitwith serve` as it is, but for one thing: at SIGUSR2 it writes down how many tasks it has.

The file is named by COUNTED_FILE.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from sitwith_server import __main__ as program
from sitwith_server.config import Settings
from sitwith_server.wiring import worker
from sitwith_server.wiring.app import App


def main() -> int:
    run, file = worker.run, Path(os.environ["COUNTED_FILE"])

    def write() -> None:
        new = file.with_suffix(".new")
        new.write_text(str(len(asyncio.all_tasks())))
        new.rename(file)

    async def started(app: App) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, write)

    def counted(
        settings: Settings, *, on_started: Callable[[App], Awaitable[None]] | None = None
    ) -> int:
        return run(settings, on_started=on_started or started)

    worker.run = counted  # type: ignore[assignment]
    return program.main()


if __name__ == "__main__":
    sys.exit(main())
