"""The process that looks into one file: `python -I -m sitwith_server.materials.child picture`.

The file comes on standard input; what is made of it goes to standard output, after one line of
JSON that says what it is or why it is not shown. It may reach neither files nor network, and take
so much time and memory and no more.
"""

from __future__ import annotations

import codecs
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict

from sitwith_server.materials.kinds import PICTURE, Clean, Unfit
from sitwith_server.materials.sandbox import enter_sandbox

MEMORY = 1_024 * 2**20
CPU_SECONDS = 10


def main() -> int:
    """Reads, washes, writes; 0 even where the file is not shown: that is an answer, too."""
    bound()
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    sanitize = ready(sys.argv[1])
    data = sys.stdin.buffer.read()
    walls = enter_sandbox()
    try:
        if not data:
            raise Unfit("empty")
        made = sanitize(data)
    except Unfit as unfit:
        _say({"unfit": unfit.reason, "walls": walls})
        return 0
    except MemoryError:
        _say({"unfit": "too_complex", "walls": walls})
        return 0
    about = {name: value for name, value in asdict(made).items() if name != "body"}
    _say({**about, "walls": walls}, made.body)
    return 0


def ready(kind: str) -> Callable[[bytes], Clean]:
    """All that is needed of the disk is read now."""
    for each in ("ascii", "charmap", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le"):
        codecs.lookup(each)
    if kind == PICTURE:
        from sitwith_server.materials import pictures

        return pictures.clean
    from sitwith_server.materials import papers

    return papers.clean


def bound() -> None:
    """All limits but the one on time."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (most, most))


def _say(about: dict[str, object], body: bytes = b"") -> None:
    out = sys.stdout.buffer
    out.write(json.dumps(about).encode() + b"\n" + body)
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
