"""The shipped units' limits, applied, and what must work under them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.deploy.confined import allowed_calls, is_set, read
from tests.materials import samples
from tests.media.person import people
from tests.media.test_nodes import Site, all_hear
from tests.programs import Process
from tests.waiting import until

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
MEDIA, WORKER = UNITS / "sitwith-media.service", UNITS / "sitwith@.service"

PROBE = """
import ctypes, mmap, resource, socket
from tests.waiting import until
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    print("no memory that is written and run")
libc, plain = ctypes.CDLL(None, use_errno=True), mmap.mmap(-1, 4096)
start = ctypes.addressof(ctypes.c_char.from_buffer(plain))
if libc.mprotect(ctypes.c_void_p(start), 4096, mmap.PROT_READ | mmap.PROT_EXEC) == -1:
    print("no memory that is run later")
try:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
except OSError:
    print("no other families")
if libc.unshare(0x10000000) == -1:
    print("no namespaces")
try:
    import cffi
    cffi.FFI().callback("int(int)", abs)
except MemoryError:
    print("no callbacks of cffi's")
if libc.mount(None, None, None, 0, None) == -1 and ctypes.get_errno() == 1:
    print("no privileged calls")
print(resource.getrlimit(resource.RLIMIT_CORE)[1], "bytes of core")
"""


def confined(unit: Path, words: Sequence[str | Path]) -> list[str]:
    limits = [sys.executable, "-P", str(ROOT / "tests/deploy/confined.py"), str(unit)]
    return [*limits, *map(str, words)]


@pytest.mark.parametrize("unit", [MEDIA, WORKER], ids=["media", "worker"])
def test_the_limits_are_real(unit: Path) -> None:
    """Else what follows would show nothing. The callback is what aiortc makes by itself."""
    done = subprocess.run(
        confined(unit, [sys.executable, "-c", PROBE]), capture_output=True, check=False, text=True
    )
    assert done.stdout.splitlines() == [
        "no memory that is written and run",
        "no memory that is run later",
        "no other families",
        "no namespaces",
        "no callbacks of cffi's",
        "no privileged calls",
        "0 bytes of core",
    ], done.stderr


@pytest.mark.parametrize("unit", [MEDIA, WORKER], ids=["media", "worker"])
def test_the_units_keep_their_limits(unit: Path) -> None:
    found = read(unit)
    assert is_set(found, "MemoryDenyWriteExecute")
    assert is_set(found, "RestrictNamespaces")
    assert found["CapabilityBoundingSet"] == [""]
    calls = allowed_calls(found["SystemCallFilter"])
    assert {"sendmmsg", "recvmmsg", "prlimit64"} <= calls
    assert not {"mount", "ptrace", "setrlimit", "bpf", "chroot"} & calls


class Confined(Site):
    """Every process of ours under the limits of its unit."""

    def run(self, name: str, words: Sequence[str], environ: Mapping[str, str]) -> Process:
        return super().run(
            name, confined(MEDIA if name.startswith("node") else WORKER, words), environ
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confined]:
    made = Confined(tmp_path_factory.mktemp("confined"))
    with made:
        made.add_node()
        yield made


async def test_voices_and_pictures_pass_under_the_units_limits(site: Confined) -> None:
    await until(lambda: len(site.carriers()) == 1, lambda: "a node")
    await site.open()
    async with (
        people(await site.link("facilitator", 0), "Fay") as staff,
        people(await site.link("member", 1), "Ada", "Ben") as members,
    ):
        everybody = [*staff, *members]
        await all_hear(everybody)
        # A picture is made anew by a process of its own, with limits that it sets itself.
        fay, ada = staff[0].client, members[0].client
        material = await fay.show_file("picture", samples.located(), "A garden")
        await ada.until(lambda: ada.room.materials, 20)
        kind, _ = await ada.fetch_file(material)
        assert kind == "image/jpeg"
    for process in (*site.nodes, *site.workers):
        assert process is not None and process.code is None
        assert '"level": "error"' not in process.log.read_text()
