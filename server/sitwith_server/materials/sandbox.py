"""The sandbox of the child process: rights that it gives up for good before it reads a file.

Each of three layers alone stops what an attacker would want of a compromised child:

- `RLIMIT_NOFILE` 0: it can open neither files nor sockets (any system);
- `landlock`: no file, no TCP, no signal to other processes (Linux 5.13 and later);
- `seccomp`: only system calls for memory, time and open descriptors, and no executable memory
  (Linux on x86-64 and arm64).
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import sys
from typing import Final

LANDLOCK: Final = "landlock"
SECCOMP: Final = "seccomp"
LAYERS: Final = (LANDLOCK, SECCOMP)

_libc = ctypes.CDLL(None, use_errno=True)
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2


def enter_sandbox() -> tuple[str, ...]:
    """Gives up the rights. Returns those of `LAYERS` that this kernel has applied."""
    no_more = _libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    layers = [LANDLOCK] if no_more and _landlock() else []
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    # Last: after it no other layer can be applied.
    if no_more and _seccomp():
        layers.append(SECCOMP)
    return tuple(layers)


# ------------------------------------------------------------------------------------- landlock

_CREATE, _RESTRICT = 444, 446
"""Numbers of Landlock's system calls, the same on every architecture."""
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Number of file rights by ABI version; each right is a bit (landlock(7))."""


def _landlock() -> bool:
    """Handles every right and adds no rule, so that all are denied."""
    version = _libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    named = [(1 << _RIGHTS[min(version, 5)]) - 1]
    if version >= 4:
        named.append(0b11)  # TCP bind and connect
    if version >= 6:
        named.append(0b11)  # abstract sockets and signals
    rights = (ctypes.c_uint64 * len(named))(*named)
    size = ctypes.c_size_t(ctypes.sizeof(rights))
    made = _libc.syscall(_CREATE, ctypes.byref(rights), size, ctypes.c_uint32(0))
    if made < 0:
        return False
    done = _libc.syscall(_RESTRICT, ctypes.c_int(made), ctypes.c_uint32(0)) == 0
    os.close(made)
    return bool(done)


# -------------------------------------------------------------------------------------- seccomp

_CALLS: Final = {
    # AUDIT_ARCH_X86_64
    "x86_64": (0xC000_003E, {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "munmap": 11, "brk": 12,
        "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "readv": 19, "writev": 20,
        "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60,
        "gettimeofday": 96, "getrusage": 98, "times": 100, "getuid": 102, "getgid": 104,
        "geteuid": 107, "getegid": 108, "sigaltstack": 131, "gettid": 186, "time": 201,
        "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228,
        "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "set_robust_list": 273,
        "getrandom": 318, "membarrier": 324, "rseq": 334,
    }, {"mmap": 9, "mprotect": 10}),
    # AUDIT_ARCH_AARCH64
    "aarch64": (0xC000_00B7, {
        "close": 57, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "fstat": 80,
        "exit": 93, "exit_group": 94, "futex": 98, "set_robust_list": 99, "nanosleep": 101,
        "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123,
        "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
        "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "getrusage": 165,
        "gettimeofday": 169, "getpid": 172, "getuid": 174, "geteuid": 175, "getgid": 176,
        "getegid": 177, "gettid": 178, "brk": 214, "munmap": 215, "mremap": 216, "madvise": 233,
        "getrandom": 278, "membarrier": 283, "rseq": 293,
    }, {"mmap": 222, "mprotect": 226}),
}  # fmt: skip
"""By machine: its audit architecture, the allowed calls, and those allowed without PROT_EXEC."""

_LOAD, _IS, _HAS_BITS, _RETURN = 0x20, 0x15, 0x45, 0x06
"""Classic BPF: load a word of the call's data, jump if equal, jump if bits are set, return."""
_NUMBER, _MACHINE, _THIRD = 0, 4, 32
"""Offsets in `struct seccomp_data`: call, architecture, low half of the third argument."""
_ALLOWED, _REFUSED, _KILLED = 0x7FFF_0000, 0x0005_0000 | errno.EPERM, 0x8000_0000
_PROT_EXEC: Final = 0x4


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))


def program(machine: str) -> bytes | None:
    """The BPF filter; None for a machine without a list of calls."""
    if machine not in _CALLS:
        return None
    name, calls, without_exec = _CALLS[machine]
    lines = [
        _line(_LOAD, _MACHINE),
        _line(_IS, name, 1, 0),
        _line(_RETURN, _KILLED),
        _line(_LOAD, _NUMBER),
    ]
    for number in calls.values():
        lines += [_line(_IS, number, 0, 1), _line(_RETURN, _ALLOWED)]
    for number in without_exec.values():
        lines += [
            _line(_IS, number, 0, 4),
            _line(_LOAD, _THIRD),
            _line(_HAS_BITS, _PROT_EXEC, 0, 1),
            _line(_RETURN, _REFUSED),
            _line(_RETURN, _ALLOWED),
        ]
    # The x32 calls of x86-64 have numbers that are in no list.
    return b"".join((*lines, _line(_RETURN, _REFUSED)))


def _line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return code.to_bytes(2, "little") + bytes((yes, no)) + value.to_bytes(4, "little")


def _seccomp() -> bool:
    lines = program(os.uname().machine)
    if lines is None or sys.maxsize < 2**32:  # 32-bit programs have other numbers
        return False
    held = ctypes.create_string_buffer(lines, len(lines))
    given = _Program(len(lines) // 8, ctypes.addressof(held))
    return bool(_libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(given), 0, 0) == 0)
