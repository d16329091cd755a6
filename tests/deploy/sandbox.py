"""What systemd does with namespaces and mounts, for `confined.py`: needs root.

Applied are the lines that give a program another view of the file system, of devices, of /proc and
of the host. `READ` names them all.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, MOVE, REC, PRIVATE = (
    1, 2, 4, 8, 32, 4096, 8192, 16384, 1 << 18,
)  # fmt: skip
NEWNS, NEWUTS, NEWUSER = 0x00020000, 0x04000000, 0x10000000
DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
TUNABLES: Final = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/sys")
READ: Final = frozenset(
    (
        *("ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectProc"),
        *("ProcSubset", "ProtectKernelTunables", "ProtectControlGroups", "ProtectHostname"),
        *("PrivateUsers", "RuntimeDirectory"),
    )
)

_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    words = [None if each is None else each.encode() for each in (source, target, kind)]
    if _libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _unshare(what: int) -> None:
    if _libc.unshare(what) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def _tmpfs(target: str, options: str, flags: int = NOSUID | NODEV) -> None:
    if Path(target).is_dir():
        _mount("tmpfs", target, "tmpfs", flags, options)


def _read_only(target: str) -> None:
    if Path(target).exists():
        _mount(target, target, None, BIND | REC)
        _mount(None, target, None, REMOUNT | BIND | RDONLY)


def apply(unit: Mapping[str, Sequence[str]]) -> None:
    """This process, and what it starts, sees what the unit lets it see."""

    def on(name: str) -> bool:
        return unit.get(name, ["no"])[-1] in ("yes", "strict")

    if not READ & unit.keys():
        return
    _unshare(NEWNS)
    _mount(None, "/", None, REC | PRIVATE)
    if on("ProtectHostname"):
        _unshare(NEWUTS)
    if on("PrivateDevices"):
        _devices()
    if {"ProtectProc", "ProcSubset"} & unit.keys():
        hide = "hidepid=invisible" if "ProtectProc" in unit else "hidepid=off"
        subset = ",subset=pid" if unit.get("ProcSubset") == ["pid"] else ""
        _mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC, hide + subset)
    writable = {"/dev", "/proc", "/sys"}
    for name in unit.get("RuntimeDirectory", []):
        Path(f"/run/{name}").mkdir(exist_ok=True)
        _tmpfs(f"/run/{name}", "mode=0700")
        writable.add(f"/run/{name}")
    if on("PrivateTmp"):
        for each in ("/tmp", "/var/tmp"):
            _tmpfs(each, "mode=1777")
            writable.add(each)
    if on("ProtectHome"):
        for each in ("/home", "/root", "/run/user"):
            _tmpfs(each, "mode=0000", RDONLY | NOSUID | NODEV | NOEXEC)
    if on("ProtectSystem"):
        _read_all_only(writable)
    if on("ProtectKernelTunables"):
        for each in TUNABLES:
            _read_only(each)
    if on("ProtectControlGroups"):
        _read_only("/sys/fs/cgroup")
    if on("PrivateUsers"):
        user = os.geteuid()
        _unshare(NEWUSER)
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")


def _read_all_only(writable: set[str]) -> None:
    """ProtectSystem=strict: all but what is no file system on a disk."""
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in dict.fromkeys(["/", *places]):
        if any(place == each or place.startswith(f"{each}/") for each in writable):
            continue
        _mount(None, place, None, REMOUNT | BIND | RDONLY | NOSUID)


def _devices() -> None:
    made = Path("/run/sitwith-devices")
    made.mkdir(exist_ok=True)
    _tmpfs(str(made), "mode=0755", NOSUID)
    for name in DEVICES:
        (made / name).touch()
        _mount(f"/dev/{name}", str(made / name), None, BIND)
    _mount(str(made), "/dev", None, MOVE)
    _mount(None, "/dev", None, REMOUNT | BIND | RDONLY | NOSUID | NOEXEC)
