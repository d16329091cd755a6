"""What a process that looks into files can't do any more (MT15)."""

from __future__ import annotations

import ctypes
import errno
import json
import struct
import subprocess
import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from sitwith_server.materials.sandbox import LAYERS, program
from sitwith_server.materials.sanitizer import Sanitizer
from tests.materials import samples as s

# landlock_create_ruleset with LANDLOCK_CREATE_RULESET_VERSION tells the version, if there is one.
landlocked = pytest.mark.skipif(
    ctypes.CDLL(None).syscall(444, None, 0, 1) < 1, reason="this kernel has no Landlock"
)

PROBE = """
import ctypes, json, mmap, os, resource, signal, socket, sys, threading
from sitwith_server.materials import child, kinds, pdf

libc = ctypes.CDLL(None, use_errno=True)

def asked(call, *words):
    done = libc.syscall(call, *words)
    if done == -1:
        raise OSError(ctypes.get_errno(), "")

TRIED = {
    "read a file": lambda: open("/etc/hostname"),
    "write a file": lambda: open("/tmp/x", "w"),
    "look at a file": lambda: os.stat("/"),
    "list a folder": lambda: os.listdir("/"),
    "TCP": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "local sockets": lambda: socket.socket(socket.AF_UNIX),
    "a pair of sockets": lambda: socket.socketpair(),
    "a pipe": os.pipe,
    "io_uring": lambda: asked(425, 1, None),
    "a process": os.fork,
    "a program": lambda: os.execv(sys.executable, [sys.executable, "-c", "0"]),
    "a thread": lambda: threading.Thread(target=int).start(),
    "a signal": lambda: os.kill(os.getppid(), 0),
    "memory that runs": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "other limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    "namespaces": lambda: asked(272, 0x10000000),
    "memory of others": lambda: asked(310, os.getppid(), None, 0, None, 0, 0),
}

def probe(data):
    done = []
    for name, what in TRIED.items():
        try:
            what()
        except (OSError, RuntimeError, ValueError):
            continue
        done.append(name)
    return kinds.Clean("application/pdf", json.dumps([done, len(TRIED)]).encode())

pdf.clean = probe
sys.argv[1:] = ["pdf"]
sys.exit(child.main())
"""


@landlocked
def test_MT15_the_process_has_no_files_and_no_network() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROBE], input=b"x", capture_output=True, check=True
    )
    head, _, body = done.stdout.partition(b"\n")
    assert json.loads(head)["walls"] == list(LAYERS)
    assert json.loads(body) == [[], 18]


def test_MT15_the_probe_can_do_all_that_where_nothing_was_given_up() -> None:
    """Else what is above would show nothing."""
    free = PROBE.replace("pdf.clean = probe", "print(probe(b'').body.decode()); sys.exit()")
    # Without what would double or replace the probe itself.
    kept = [each for each in free.splitlines() if "os.fork" not in each and "os.execv" not in each]
    done = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(kept)], capture_output=True, check=True
    )
    could, _ = json.loads(done.stdout)
    assert {"read a file", "TCP", "UDP", "a pipe", "a thread", "a signal"} <= set(could)


# --------------------------------------------------------------------------------- the filter


def lines(code: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("<HBBI", code))


def ruled(code: bytes, machine: int, number: int, third: int = 0) -> int:
    """What the filter says of a call, as the kernel runs it."""
    data, word, at = {0: number, 4: machine, 32: third}, 0, 0
    for _ in range(1000):
        op, yes, no, value = lines(code)[at]
        at += 1
        if op == 0x20:
            word = data[value]
        elif op == 0x15:
            at += yes if word == value else no
        elif op == 0x45:
            at += yes if word & value else no
        else:
            return value
    raise AssertionError("it does not end")


ALLOWED, REFUSED, KILLED = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
MACHINES = {
    # machine, its name, (read, write, mmap, mprotect), (openat, socket, execve, clone, prctl)
    "x86_64": (0xC000003E, (0, 1, 9, 10), (257, 41, 59, 56, 157, 2, 42, 101, 317)),
    "aarch64": (0xC00000B7, (63, 64, 222, 226), (56, 198, 221, 220, 167, 203, 117, 277)),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_MT15_the_filter_lets_only_what_is_listed(machine: str) -> None:
    code = program(machine)
    assert code is not None and len(code) % 8 == 0 and len(code) // 8 < 4096
    name, kept, gone = MACHINES[machine]
    assert [ruled(code, name, each) for each in kept] == [ALLOWED] * 4
    assert [ruled(code, name, each, third=0x5) for each in kept[2:]] == [REFUSED] * 2
    assert [ruled(code, name, each) for each in gone] == [REFUSED] * len(gone)
    for other in (set(MACHINES) - {machine}).pop(), "i386":
        assert ruled(code, MACHINES.get(other, (0x40000003,))[0], kept[0]) == KILLED
    # x32: the same calls by numbers of their own
    assert ruled(code, name, 0x40000000 | kept[0]) == REFUSED
    assert sum(ruled(code, name, each) == ALLOWED for each in range(600)) < 45


def test_MT15_a_machine_without_a_list_has_no_filter() -> None:
    assert program("riscv64") is None


# --------------------------------------------------------------------------- without a layer

LESS = """
import asyncio, errno, sys
from tests.deploy.confined import Filter
filter = Filter()
for call in {calls!r}:
    filter.rule(call, errno.ENOSYS)
filter.load()
from sitwith_server.materials.sanitizer import Sanitizer
from tests.materials import samples

async def twice():
    sanitizer = Sanitizer()
    for _ in range(2):
        print((await sanitizer.sanitize("picture", samples.picture())).type)

asyncio.run(twice())
"""


def test_MT15_a_kernel_without_a_layer_is_named_once_and_sanitizes_all_the_same() -> None:
    source = LESS.format(calls=["landlock_create_ruleset"])
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, check=True, text=True, env=_path()
    )
    out = done.stdout.splitlines()
    assert [line for line in out if line == "image/jpeg"] == ["image/jpeg"] * 2
    told = [line for line in out if "sandbox_incomplete" in line]
    assert len(told) == 1 and "landlock" in told[0] and "seccomp" not in told[0]


@landlocked
async def test_MT15_a_whole_kernel_is_not_worth_a_line() -> None:
    with capture_logs() as logs:
        await Sanitizer().sanitize("picture", s.picture())
    assert logs == []


def _path() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(_folders())}


def _folders() -> Iterator[str]:
    yield from (each for each in sys.path if each)
