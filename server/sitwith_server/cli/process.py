"""Hardens a process that holds messages, whoever started it."""

from __future__ import annotations

import ctypes
import resource
from contextlib import suppress
from typing import Final

_PR_SET_DUMPABLE: Final = 4
FILES: Final = 1_048_576
"""Highest limit of open files that a process asks for."""


def harden(inspectable: bool = False) -> None:
    """Forbids core dumps and tracing, and raises the limit of open files.

    inspectable: other processes of this user may trace it (SITWITH_INSPECTABLE).

    The kernel ignores the size limit when it pipes core dumps to a program (core(5)). A process
    that is not dumpable makes no core dump in that case either, and can't be traced (prctl(2)). The
    systemd units and Compose set the limit, too; this covers a worker that is started by hand.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not inspectable:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # Each socket needs a file, and the usual soft limit, meant for select(2), is low.
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(most, FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
