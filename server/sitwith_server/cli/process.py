"""What every process that holds people's words does for itself, whoever started it."""

from __future__ import annotations

import ctypes
import resource
from contextlib import suppress
from typing import Final

_PR_SET_DUMPABLE: Final = 4
FILES: Final = 1_048_576
"""Most files that a process asks for."""


def confine(inspectable: bool = False) -> None:
    """No core dump, no other process of this user that looks inside, and all the files allowed.

    inspectable: others of this user may look (SITWITH_INSPECTABLE).

    A limit of 0 bytes is not asked where cores are piped to a program (core(5)); a process that is
    not dumpable has none there either, and can't be traced (prctl(2)). Units and Compose set the
    limit, too: this holds where somebody starts a worker by hand.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not inspectable:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # Sockets are bounded by the files there may be, and the usual soft limit is for select(2).
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(most, FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
