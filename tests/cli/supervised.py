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
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx

from sitwith_server.cli import supervisor
from sitwith_server.cli.worker import Inheritance
from sitwith_server.config import load
from sitwith_server.gateway.telemetry import logs
from tests.programs import PLAIN, Process, environ
from tests.servers import ROOT
from tests.waiting import wait_until

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


class Supervised(Process):
    """The program, its port and its workers."""

    def __init__(self, log: Path, *, drain: str = "1", worker: tuple[str, ...] = (), **env: str):
        out = log.with_suffix(".port")
        words = [sys.executable, "-m", "tests.cli.supervised", drain, *worker]
        env = environ({"SITWITH_INSPECTABLE": "true", **env}, str(ROOT))
        super().__init__(words, log, env, out=out)
        self.until(lambda: "\n" in out.read_text(), "a port")
        self.port = int(out.read_text())
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[int]:
        """The processes that the supervisor has just now."""
        with suppress(FileNotFoundError):
            task = Path(f"/proc/{self.pid}/task/")
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

    def until_listening(self, workers: int = WORKERS) -> None:
        here = f"0100007F:{self.port:04X}"

        def listening() -> bool:
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            return sum(row[1] == here and row[3] == "0A" for row in rows) == workers

        self.until(listening, f"{workers} workers listening")

    def get(self, path: str = "/healthz") -> int:
        """The status of one request over a connection of its own."""
        return httpx.get(self.url + path, timeout=WAIT, **PLAIN).status_code

    def refuses(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0

    def exit_code(self) -> int:
        wait_until(lambda: self.code is not None, self.tail)
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        self.end()
        # Whoever it left behind, known by the log: none but ours may be ended.
        for pid in {int(each) for each in ENDED.findall(self.text())}:
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
