"""Programs that tests and benchmarks start on this machine, and the doors that they open."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.blackbox.rawclient import WAIT, Client
from tests.servers import ROOT, free_port
from tests.waiting import until, wait_until

KEY: Final = "operator-key-of-the-outside-checks"
STARTS_WITHIN: Final = 60.0
ENDS_WITHIN: Final = 30.0
SOURCE: Final = [str(ROOT / part) for part in ("protocol", "server", "client/python")]
PLAIN: Final[Mapping[str, Any]] = {"verify": False, "trust_env": False}
"""For httpx, which else reads every certificate of the machine for each client."""


def program(name: str, package: str) -> str:
    """The path of a program of the system; without it a test fails, never skips."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        pytest.fail(f"no {name} found (on Debian: apt-get install {package})", pytrace=False)
    return path


def environ(more: Mapping[str, str], *places: str) -> dict[str, str]:
    """This machine's environment, with no settings of Sitwith but `more`.

    places: where Python finds modules besides ours.
    """
    plain = {k: v for k, v in os.environ.items() if not k.startswith("SITWITH_")}
    return {**plain, "PYTHONPATH": os.pathsep.join([*SOURCE, *places]), **more}


class Process:
    """One program with a log of its own; dies with the tests, however they end.

    out: where its standard output goes, if not to the log as well. tied: to the thread that starts
        it; a program that is to outlive that thread is not.
    """

    def __init__(
        self,
        words: Sequence[str],
        log: Path,
        env: Mapping[str, str],
        *,
        out: Path | None = None,
        tied: bool = True,
    ) -> None:
        self.log = log
        leash = shutil.which("setpriv") if tied else None
        leashed = [leash, "--pdeathsig", "KILL", "--", *words] if leash else list(words)
        with log.open("ab") as err, (out or log).open("ab") as stdout:
            self._process = subprocess.Popen(
                leashed,
                cwd=log.parent,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def text(self) -> str:
        """All that it wrote so far."""
        return self.log.read_text(errors="replace")

    def tail(self) -> str:
        return self.text()[-4000:]

    def until(self, true: Any, what: str, within: float = STARTS_WITHIN) -> None:
        """Waits while it runs; fails with what it wrote."""

        def so() -> Any:
            found = true()
            assert found or self.code is None, f"it ended ({self.code}):\n{self.tail()}"
            return found

        wait_until(so, lambda: f"{what}:\n{self.tail()}", within)

    async def ended(self, within: float = ENDS_WITHIN) -> int:
        """The exit code of who is about to end."""
        await until(lambda: self.code is not None, lambda: f"its end:\n{self.tail()}", within)
        assert self.code is not None
        return self.code

    def end(self) -> None:
        """Kills it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    # -- what it takes ---------------------------------------------------------------------------

    @property
    def files(self) -> int:
        """Descriptors that it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def seconds(self) -> float:
        """Of processor time that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def delayed(self) -> float:
        """Seconds that its main thread was ready to run while others had its core."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    @property
    def resident(self) -> int:
        """Bytes of memory that it holds just now, without those of what it started."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Door:
    """A place where clients come in: a worker's own, or that of a proxy before some."""

    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    """Of a worker's own door."""
    host: str = "127.0.0.1"

    @property
    def place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    @property
    def ws(self) -> str:
        return f"ws://{self.place}/ws"

    async def http(
        self, method: str, path: str, body: object = None, *, key: str | None = KEY
    ) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(**PLAIN, timeout=WAIT) as http:
            return await http.request(method, f"{self.url}{path}", headers=headers, json=body)

    async def connect(self, label: str = "", *, origin: str | None = None) -> Client:
        return await Client.connect(self.ws, label=label, origin=origin)

    async def status(self, path: str) -> int | None:
        """The status of a GET; None when nobody answers."""
        try:
            async with httpx.AsyncClient(**PLAIN, timeout=2) as http:
                return (await http.get(f"{self.url}{path}")).status_code
        except httpx.HTTPError:
            return None

    async def metrics(self) -> httpx.Response:
        """What Prometheus is told (for a worker's own door)."""
        async with httpx.AsyncClient(**PLAIN, timeout=WAIT) as http:
            answer = await http.get(f"http://127.0.0.1:{self.metrics_port}/metrics")
        assert answer.status_code == httpx.codes.OK
        return answer

    async def connections(self) -> int:
        """How many WebSockets a worker says it has (for a worker's own door)."""
        for line in (await self.metrics()).text.splitlines():
            if line.startswith("sitwith_connections "):
                return int(float(line.split()[1]))
        raise AssertionError("no such metric")

    def until_ready(self, process: Process) -> None:
        """Waits until `process`, or who is behind it, can serve here."""

        def ready() -> bool:
            try:
                return http.get(f"{self.url}/readyz").status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False

        with httpx.Client(**PLAIN, timeout=2) as http:
            process.until(ready, f"anybody ready at {self.url}")
