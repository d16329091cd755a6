"""A supervisor with workers, as a program: `python -m` runs it, `Supervised` watches it.

`sitwith serve --workers N` needs Redis; the workers here keep their rooms for themselves, which is
all the same to who supervises them.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from sitwith_server.cli import supervisor
from sitwith_server.cli.worker import Inheritance
from sitwith_server.config import load
from sitwith_server.gateway.telemetry import logs

ROOT = Path(__file__).parents[2]
WAIT = 40.0
WORKERS = 3
ENDED = re.compile(r'"worker_(?:started|ended)".*"pid": (\d+)')


def main(drain_seconds: str, *worker: str) -> int:
    """Supervises workers of the command line `worker`, or of `sitwith serve`."""
    logs.configure(load({}, {}).settings)
    pause = os.environ.get("PAUSE")
    supervisor.PAUSES = tuple(float(pause or each) for each in supervisor.PAUSES)  # type: ignore[misc]
    supervisor.SILENT_FOR = 3  # type: ignore[misc]

    def command(place: int, inherited: Inheritance) -> list[str]:
        if worker:
            return [*worker, str(inherited)]
        serve = [sys.executable, "-P", "-m", "sitwith_server", "serve"]
        port, drain = str(made.port), drain_seconds
        return [*serve, "--port", port, "--drain-seconds", drain, "--supervised", str(inherited)]

    made = supervisor.Supervisor(
        WORKERS, command, "127.0.0.1", 0, drain_seconds=float(drain_seconds)
    )
    print(made.port, flush=True)
    return asyncio.run(made.run())


class Supervised:
    """The program, its port, its workers and its log."""

    def __init__(self, log: Path, *, drain: str = "1", worker: tuple[str, ...] = (), **env: str):
        self._log = log
        source = [str(ROOT), *(str(ROOT / p) for p in ("protocol", "server", "client/python"))]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.supervised", drain, *worker],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(source),
                    "SITWITH_INSPECTABLE": "true",
                    **env,
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
            )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def workers(self) -> list[int]:
        """The processes that the supervisor has just now."""
        with suppress(FileNotFoundError):
            task = Path(f"/proc/{self.process.pid}/task/")
            return [int(p) for each in task.glob("*/children") for p in each.read_text().split()]
        return []

    def connections(self, pid: int) -> int:
        """How many sockets of clients a worker holds."""
        inodes = set()
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                inodes.add(os.readlink(fd).removeprefix("socket:[").removesuffix("]"))
        here = f"0100007F:{self.port:04X}"
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        return sum(row[1] == here and row[3] == "01" and row[9] in inodes for row in rows)

    def until(self, test: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + WAIT
        while not test():
            assert time.monotonic() < end, f"never came: {what}\n{self.log[-4000:]}"
            time.sleep(0.02)

    def until_listening(self, workers: int = WORKERS) -> None:
        here = f"0100007F:{self.port:04X}"

        def listening() -> bool:
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            return sum(row[1] == here and row[3] == "0A" for row in rows) == workers

        self.until(listening, f"{workers} workers listening")

    def get(self, path: str = "/healthz") -> int:
        """The status of one request over a connection of its own."""
        return httpx.get(self.url + path, timeout=WAIT, trust_env=False).status_code

    def refuses(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self) -> int:
        return self.process.wait(WAIT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        # Whoever it left behind, known by the log: none but ours may be ended.
        for pid in {int(each) for each in ENDED.findall(self.log)}:
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"--supervised" in words:
                    os.kill(pid, signal.SIGKILL)


def asking(server: Supervised, going: Callable[[], bool]) -> Iterator[int]:
    """One request after another for as long as `going`; their statuses."""
    while going():
        yield server.get()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
