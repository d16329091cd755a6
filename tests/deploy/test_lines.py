"""Each line of the units that takes something away is applied alone: what could be done without it
can't be done with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.cluster.cluster import HAPROXY_CFG
from tests.programs import Process, program
from tests.servers import USERS, free_port

from .confined import read

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "systemd"
UNITS = sorted(UNIT.glob("*.service"))
PYTHON = "/usr/bin/python3"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path(PYTHON).exists(), reason="needs root, as systemd does"
)

CALL = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); assert {} == 0, ctypes.get_errno()"
SOCKET = "import socket; socket.socket(socket.{}, socket.SOCK_RAW)"
LIMIT = "import resource as r; r.setrlimit(r.{0}, ({1}, {1}))"

CAN: Final[dict[str, str]] = {
    # Each does something that succeeds without the line.
    "NoNewPrivileges=yes": CALL.format("libc.prctl(39, 0, 0, 0, 0)"),
    "CapabilityBoundingSet=": "import os; os.chroot('/')",
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE": "import os; os.chroot('/')",
    "LimitCORE=0": LIMIT.format("RLIMIT_CORE", 1),
    "LimitNOFILE=65536": "import resource as r; assert r.getrlimit(r.RLIMIT_NOFILE)[0] == 1024",
    "LimitNOFILE=131072": "import resource as r; assert r.getrlimit(r.RLIMIT_NOFILE)[0] == 1024",
    "UMask=0077": "import os; assert os.umask(0) & 0o077 != 0o077",
    "ProtectSystem=strict": "open('/usr/canary', 'w').close(); import os; os.unlink('/usr/canary')",
    "ProtectHome=yes": "import os; assert os.listdir('/root')",
    "PrivateTmp=yes": "import os; assert os.path.exists('{canary}')",
    "PrivateDevices=yes": "import os; assert os.path.exists('/dev/ptmx')",
    "PrivateUsers=yes": "assert open('/proc/self/uid_map').read().split()[2] == '4294967295'",
    "ProtectProc=invisible": "assert 'hidepid=invisible' not in open('/proc/self/mounts').read()",
    "ProcSubset=pid": "import os; assert os.path.exists('/proc/meminfo')",
    "ProtectClock=yes": "import time; time.clock_settime(time.CLOCK_REALTIME, time.time())",
    "ProtectHostname=yes": "import socket; socket.sethostname(socket.gethostname())",
    "ProtectKernelLogs=yes": CALL.format("min(0, libc.klogctl(10, None, 0))"),
    "ProtectKernelModules=yes": (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True);"
        "libc.syscall(176, b'none', 0); assert ctypes.get_errno() != 1"
    ),
    "ProtectKernelTunables=yes": (
        "p = '/proc/sys/vm/swappiness'; x = open(p).read(); open(p, 'w').write(x)"
    ),
    "ProtectControlGroups=yes": (
        "import os; assert not os.statvfs('/sys/fs/cgroup').f_flag & os.ST_RDONLY"
    ),
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX": SOCKET.format("AF_NETLINK"),
    "RestrictNamespaces=yes": CALL.format("libc.unshare(0x10000000)"),
    "RestrictRealtime=yes": "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))",
    "RestrictSUIDSGID=yes": (
        "import os, tempfile as t; f, n = t.mkstemp(); os.unlink(n); os.fchmod(f, 0o4755)"
    ),
    "LockPersonality=yes": CALL.format("min(0, libc.personality(0x0040000))"),
    "MemoryDenyWriteExecute=yes": (
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)"
    ),
    "SystemCallFilter=@system-service": CALL.format("libc.mount(None, b'/', None, 1 << 18, None)"),
    "SystemCallFilter=~@privileged @resources": "import os; os.chroot('/')",
}
"""What a line takes away, as a program that fails under it."""

NOT_SHOWN: Final = {
    "AmbientCapabilities=": "says that nothing is added",
    "AmbientCapabilities=CAP_NET_BIND_SERVICE": "gives what is needed to listen on port 80",
    "SystemCallFilter=landlock_create_ruleset landlock_restrict_self": "gives, to take more away",
    "MemorySwapMax=0": "is a control group's",
    "RemoveIPC=yes": "is done by systemd when the service stops",
    "SystemCallArchitectures=native": "takes away calls of another architecture",
    "SystemCallErrorNumber=EPERM": "says how a call fails",
}
OURS: Final = ("Protect", "Private", "Restrict", "Limit", "Capab", "Ambient", "NoNew", "SystemCall")
MORE: Final = ("UMask", "LockPersonality", "MemoryDeny", "MemorySwap", "RemoveIPC", "ProcSubset")


def taking(unit: Path) -> list[str]:
    """The lines of a unit that take something away."""
    found = read(unit)
    return [
        f"{name}={value}"
        for name, values in found.items()
        for value in values
        if name.startswith((*OURS, *MORE))
    ]


@pytest.fixture(scope="module")
def canary() -> Iterator[str]:
    with tempfile.NamedTemporaryFile(dir="/tmp") as file:
        yield file.name


def ran(unit: Path, code: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-P", str(ROOT / "tests/deploy/confined.py"), "--mounts", str(unit)]
    done = subprocess.run(
        ["/bin/sh", "-c", 'umask 022; ulimit -Sn 1024; exec "$0" "$@"', *words, PYTHON, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "confined.py" not in done.stderr, done.stderr
    return done


def test_every_line_is_shown_or_said_why_not() -> None:
    lines = {line for unit in UNITS for line in taking(unit)}
    assert lines == set(CAN) | set(NOT_SHOWN)


@pytest.fixture(scope="module")
def free(canary: str, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What can be done without any line."""
    unit = tmp_path_factory.mktemp("units") / "without.service"
    unit.write_text("[Service]\n")
    codes = {line: code.replace("{canary}", canary) for line, code in CAN.items()}
    each = (
        "import os, sys\n"
        f"for line, code in {codes!r}.items():\n"
        "    if not (child := os.fork()):\n"
        "        exec(code, {}); os._exit(0)\n"
        "    if os.waitpid(child, 0)[1] == 0: print(line)\n"
    )
    return set(ran(unit, each).stdout.splitlines())


@pytest.mark.parametrize("line", CAN)
def test_a_line_takes_away_what_it_says(
    line: str, free: set[str], canary: str, tmp_path: Path
) -> None:
    assert line in free
    alone = tmp_path / "alone.service"
    first = "SystemCallFilter=@system-service\n" if line.startswith("SystemCallFilter=~") else ""
    alone.write_text(f"[Service]\n{first}{line}\n")
    assert ran(alone, CAN[line].replace("{canary}", canary)).returncode != 0


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the units' services may read: theirs are below /etc."""
    made = Path(tempfile.mkdtemp(dir="/run", prefix="sitwith-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def test_redis_works_under_all_lines_of_its_unit(place: Path) -> None:
    port = free_port()
    shutil.copy(USERS, place / "users.acl")
    conf = (ROOT / "deploy/redis/redis.conf").read_text().splitlines()
    conf = [line for line in conf if not line.startswith(("aclfile", "port", "bind"))]
    conf += [f"aclfile {place}/users.acl", f"port {port}", "bind 127.0.0.1"]
    (place / "redis.conf").write_text("\n".join(conf) + "\n")
    words = [program("redis-server", "redis-server"), f"{place}/redis.conf", "--daemonize", "no"]
    with confined(UNIT / "sitwith-redis.service", [*words, "--dir", "/run/sitwith-redis"], place):
        assert answered(port, b"PING\r\n", b"NOAUTH")


def test_haproxy_works_under_all_lines_of_its_unit(place: Path) -> None:
    port = free_port()
    shutil.copy(HAPROXY_CFG, place / "haproxy.cfg")
    words = [program("haproxy", "haproxy"), "-W", "-db", "-f", f"{place}/haproxy.cfg"]
    said = {"SITWITH_HTTP": f"127.0.0.1:{port}", "SITWITH_WORKER_1": f"127.0.0.1:{free_port()}"}
    with confined(UNIT / "sitwith-haproxy.service", words, place, **said):
        assert answered(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 404")


@contextmanager
def confined(file: Path, words: list[str], place: Path, **environ: str) -> Iterator[None]:
    limits = [sys.executable, "-P", str(ROOT / "tests/deploy/confined.py"), "--mounts"]
    made = Process([*limits, str(file), *words], place / "log", {**os.environ, **environ})
    try:
        yield
        assert made.code is None, made.tail()
    finally:
        made.end()


def answered(port: int, asked: bytes, begins: bytes) -> bool:
    """Whether it is answered so, within a while."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as plug:
            plug.sendall(asked)
            if begins in plug.recv(1_000):
                return True
        time.sleep(0.05)
    return False


# ------------------------------------------------------------------------------------- Compose

COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
SAME: Final = {
    # What Compose writes, and the unit's line that does the same.
    "read_only: True": "ProtectSystem=strict",
    "cap_drop: ['ALL']": "CapabilityBoundingSet=",
    "security_opt: ['no-new-privileges:true']": "NoNewPrivileges=yes",
    "core: 0": "LimitCORE=0",
    "nofile: 65536": "LimitNOFILE=65536",
}
NOT_SHOWN_OF_COMPOSE: Final = {"mem_swappiness: 0", "pids_limit: 256"}
"""Control groups'."""


def taken(service: dict[str, object]) -> set[str]:
    names = ("read_only", "cap_drop", "security_opt", "mem_swappiness", "pids_limit")
    limits = service["ulimits"]
    assert isinstance(limits, dict)
    lines = [(name, service[name]) for name in names] + list(limits.items())
    return {f"{name}: {value}" for name, value in lines}


def test_containers_are_confined_by_lines_that_are_shown() -> None:
    for service in COMPOSE["services"].values():
        assert taken(service) == set(SAME) | NOT_SHOWN_OF_COMPOSE
    assert set(SAME.values()) <= set(CAN)


def test_a_worker_works_under_what_compose_takes_away(place: Path) -> None:
    (place / "compose.service").write_text("[Service]\n" + "\n".join(SAME.values()) + "\n")
    port, metrics = free_port(), free_port()
    words = [sys.executable, "-m", "sitwith_server", "serve", "--port", str(port), "--media", "off"]
    source = [str(ROOT / part) for part in ("protocol", "server", "client/python")]
    said = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(source)}
    said["SITWITH_METRICS"] = f"127.0.0.1:{metrics}"
    with confined(place / "compose.service", words, place, **said):
        assert answered(port, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200")
        get = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        assert answered(metrics, get, b"HTTP/1.1 200")
        assert answered(port, get, b"HTTP/1.1 404")
