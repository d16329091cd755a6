"""Runs a program under the limits that a systemd unit sets, where there is no systemd:

    python -m tests.deploy.confined deploy/systemd/sitwith-media.service PROGRAM ARGUMENTS…

Applied as systemd applies them are its filters of system calls (with libseccomp, too), what it
forbids of memory, address families and namespaces, capabilities, limits and variables. With
`--mounts`, which needs root, so is what `sandbox.py` does with namespaces of its own.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

SETS: Final = Path(__file__).with_name("syscalls.txt")

_ALLOW: Final = 0x7FFF_0000
_NOT_EQUAL, _EQUAL, _GREATER, _MASKED = 1, 4, 6, 7
_FORBIDDEN: Final = {
    "ProtectClock": ("clock_settime", "settimeofday", "adjtimex", "clock_adjtime"),
    "ProtectHostname": ("sethostname", "setdomainname"),
    "ProtectKernelLogs": ("syslog",),
    "ProtectKernelModules": ("init_module", "finit_module", "delete_module"),
}
_REALTIME: Final = (1, 2, 6)
"""SCHED_FIFO, SCHED_RR and SCHED_DEADLINE (sched(7))."""
_CAPABILITIES: Final = {"CAP_NET_BIND_SERVICE": 10}
_WRITE, _EXEC, _SHM_EXEC = 0x2, 0x4, 0o100000
_NAMESPACES: Final = (
    0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
_SET_NO_NEW_PRIVS, _CAPBSET_DROP, _SET_MDWE, _REFUSE_EXEC_GAIN = 38, 24, 65, 1
_FAMILIES: Final = 46

_libc = ctypes.CDLL(None, use_errno=True)
Unit = dict[str, list[str]]


class _Compare(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


class Filter:
    """One seccomp filter. `otherwise` is the error of what no rule names; 0 lets it be."""

    _library: ctypes.CDLL | None = None

    def __init__(self, otherwise: int = 0) -> None:
        if Filter._library is None:
            library = ctypes.CDLL("libseccomp.so.2")  # Debian: libseccomp2
            library.seccomp_init.restype = ctypes.c_void_p
            library.seccomp_init.argtypes = (ctypes.c_uint32,)
            library.seccomp_load.argtypes = (ctypes.c_void_p,)
            library.seccomp_release.argtypes = (ctypes.c_void_p,)
            library.seccomp_rule_add_array.argtypes = (
                ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p,
            )  # fmt: skip
            Filter._library = library
        self._seccomp = Filter._library
        self._context = self._seccomp.seccomp_init(_action(otherwise))
        assert self._context

    def rule(self, call: str, error: int, *compare: tuple[int, int, int, int]) -> None:
        """error 0 lets the call be. What this machine doesn't have is left out."""
        number = self._seccomp.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        compared = (_Compare * len(compare))(*(_Compare(*each) for each in compare))
        done = self._seccomp.seccomp_rule_add_array(
            self._context, _action(error), number, len(compare), compared
        )
        assert done == 0, (call, done)

    def load(self) -> None:
        done = self._seccomp.seccomp_load(self._context)
        assert done == 0, f"the kernel takes no filter: {done}"
        self._seccomp.seccomp_release(self._context)


def _action(error: int) -> int:
    return 0x0005_0000 | error if error else _ALLOW


# ---------------------------------------------------------------------------------- the unit


def read(unit: Path) -> Unit:
    """The lines of `[Service]`, each setting with all its values."""
    found: Unit = {}
    for line in unit.read_text(encoding="utf-8").partition("[Service]")[2].splitlines():
        if line.startswith("["):
            break
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def is_set(unit: Unit, name: str) -> bool:
    return unit.get(name, ["no"])[-1].lower() in ("yes", "true", "on", "1")


def sets() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in SETS.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            calls = found[line] = set()
        elif not line.startswith("#"):
            calls.update(line.split())
    return found


def allowed_calls(lines: Iterable[str]) -> set[str]:
    """Of SystemCallFilter's lines, of which the first must allow and those with `~` take away."""
    known, calls = sets(), set[str]()
    for line in lines:
        named = line.removeprefix("~").split()
        every = set[str]().union(*(known[each] if each[0] == "@" else {each} for each in named))
        calls = calls - every if line.startswith("~") else calls | every
    return calls


# ------------------------------------------------------------------------------- the confines


def _filters(unit: Unit) -> Iterator[Filter]:
    if is_set(unit, "MemoryDenyWriteExecute"):
        both = _WRITE | _EXEC
        filter = Filter()
        filter.rule("mmap", errno.EPERM, (2, _MASKED, both, both))
        filter.rule("mprotect", errno.EPERM, (2, _MASKED, _EXEC, _EXEC))
        filter.rule("pkey_mprotect", errno.EPERM, (2, _MASKED, _EXEC, _EXEC))
        filter.rule("shmat", errno.EPERM, (2, _MASKED, _SHM_EXEC, _SHM_EXEC))
        yield filter
    if "RestrictAddressFamilies" in unit:
        wanted = {int(getattr(socket, each)) for each in unit["RestrictAddressFamilies"][0].split()}
        filter = Filter()
        for family in set(range(_FAMILIES)) - wanted:
            filter.rule("socket", errno.EAFNOSUPPORT, (0, _EQUAL, family, 0))
        filter.rule("socket", errno.EAFNOSUPPORT, (0, _GREATER, _FAMILIES - 1, 0))
        yield filter
    if is_set(unit, "RestrictNamespaces"):
        filter = Filter()
        filter.rule("setns", errno.EPERM)
        filter.rule("clone3", errno.ENOSYS)
        for flag in _NAMESPACES:
            filter.rule("clone", errno.EPERM, (0, _MASKED, flag, flag))
            filter.rule("unshare", errno.EPERM, (0, _MASKED, flag, flag))
        yield filter
    for name, calls in _FORBIDDEN.items():
        if is_set(unit, name):
            filter = Filter()
            for call in calls:
                filter.rule(call, errno.EPERM)
            yield filter
    if is_set(unit, "RestrictRealtime"):
        filter = Filter()
        for policy in _REALTIME:
            filter.rule("sched_setscheduler", errno.EPERM, (1, _EQUAL, policy, 0))
        yield filter
    if is_set(unit, "RestrictSUIDSGID"):
        filter = Filter()
        for bit in (0o4000, 0o2000):
            for call, at in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2)):
                filter.rule(call, errno.EPERM, (at, _MASKED, bit, bit))
        yield filter
    if is_set(unit, "LockPersonality"):
        filter = Filter()
        filter.rule("personality", errno.EPERM, (0, _NOT_EQUAL, 0, 0))
        yield filter
    if "SystemCallFilter" in unit:
        filter = Filter(getattr(errno, unit.get("SystemCallErrorNumber", ["EPERM"])[0]))
        for call in allowed_calls(unit["SystemCallFilter"]):
            filter.rule(call, 0)
        yield filter  # the last one: from now on no filter can be added


def _limit(number: int, value: str) -> None:
    """A number; where this machine itself allows less, that."""
    most = resource.getrlimit(number)[1]
    wanted = int(value) if most == resource.RLIM_INFINITY else min(int(value), most)
    resource.setrlimit(number, (wanted, wanted))


def confine(unit: Unit, look: Callable[[Unit], None] | None = None) -> None:
    """What this process starts from now on, and itself, has the unit's limits.

    look: gives it another view of the machine, once nothing more is read from a file.
    """
    filters = list(_filters(unit))
    if look is not None:
        look(unit)
    if "LimitNOFILE" in unit:
        _limit(resource.RLIMIT_NOFILE, unit["LimitNOFILE"][0])
    if "LimitCORE" in unit:
        _limit(resource.RLIMIT_CORE, unit["LimitCORE"][0])
    if "UMask" in unit:
        os.umask(int(unit["UMask"][0], 8))
    for line in unit.get("Environment", []):
        name, _, value = line.partition("=")
        os.environ[name] = value
    if "CapabilityBoundingSet" in unit and os.geteuid() == 0:
        kept = {_CAPABILITIES[each] for each in unit["CapabilityBoundingSet"][0].split()}
        for capability in set(range(64)) - kept:
            _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    if not (filters or is_set(unit, "NoNewPrivileges")):
        return
    if _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no new privileges")
    if is_set(unit, "MemoryDenyWriteExecute"):
        # Newer systemd asks the kernel, where that knows it (6.3), and has its filter beside.
        _libc.prctl(_SET_MDWE, _REFUSE_EXEC_GAIN, 0, 0, 0)
    for filter in filters:
        filter.load()


if __name__ == "__main__":
    words = sys.argv[1:]
    mounts = words[0] == "--mounts"
    unit_, *program = words[mounts:]
    found_ = read(Path(unit_))
    if mounts:
        sys.path.insert(0, str(SETS.parents[2]))
        from tests.deploy import sandbox

        confine(found_, sandbox.apply)
    else:
        confine(found_)
    os.execvp(program[0], program)
