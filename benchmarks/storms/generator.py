"""The storms' generator: built from `storm.c` when first needed, and run as a process."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "storm.c"
FLAGS: Final = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")


class NoCompiler(RuntimeError):
    """There is no C compiler here (on Debian: apt-get install gcc libc6-dev)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a storm says at its end.

    frames: all that it sent: WebSocket frames, HTTP heads or pieces of one, and new connections.
    ended: connections that the server ended. late: answers that did not come in time.
    blocked: how often the server took no more for a while. open: connections at the end.
    """

    frames: int
    seconds: float
    connects: int
    refused: int
    ended: int
    late: int
    blocked: int
    open: int
    bytes_out: int
    bytes_in: int


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a storm: `frames` over `seconds`."""

    frames: int
    seconds: float


def built() -> Path:
    """The program, built once for each source and kept among this machine's temporary files.

    Raises:
        NoCompiler: nothing here can build it.
    """
    mark = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    program = Path(tempfile.gettempdir()) / f"sitwith-storm-{mark}"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("storms need a C compiler (on Debian: apt-get install gcc libc6-dev)")
    with tempfile.TemporaryDirectory(prefix="sitwith-") as folder:
        made = Path(folder) / "storm"
        subprocess.run([compiler, *FLAGS, "-o", made, SOURCE], check=True)
        shutil.move(made, program)
    return program


def started(
    port: int, program: str, connections: int, addresses: int, size: Size, *, sink: bool = False
) -> subprocess.Popen[str]:
    """A storm against a port of this machine; `told` awaits its end."""
    words: Sequence[object] = ("127.0.0.1", port, connections, addresses, size.frames, size.seconds)
    process = subprocess.Popen(
        [built(), *map(str, words), *(["sink"] if sink else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(program)
    process.stdin.close()
    return process


def told(process: subprocess.Popen[str]) -> Told:
    """Waits for a storm's end.

    Raises:
        RuntimeError: it failed.
    """
    assert process.stdout is not None
    said = process.stdout.read()
    if process.wait():
        raise RuntimeError(f"the storm ended with {process.returncode}")
    return Told(**json.loads(said))


@contextmanager
def drain() -> Iterator[int]:
    """The port of a sink: it takes whatever comes, and does nothing with it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    process = subprocess.Popen([built(), "drain", str(port)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the sink did not start")
        yield port
    finally:
        process.terminate()
        process.wait()
