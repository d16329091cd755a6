"""The child process that sanitizes one file: `python -I -m sitwith_server.materials.child picture`.

It reads the file from standard input. It writes one line of JSON to standard output, with the
result's properties or the reason for a refusal, and then the new file. It has no access to files or
network, and its time and memory are limited.
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
    """Returns the exit code: 0 also for a refused file, which is a valid result."""
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
    """Returns the function for this kind of file. Imports all that it needs, since the sandbox
    forbids reading files later."""
    for each in ("ascii", "charmap", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le"):
        codecs.lookup(each)
    if kind == PICTURE:
        from sitwith_server.materials import pictures

        return pictures.clean
    from sitwith_server.materials import pdf

    return pdf.clean


def bound() -> None:
    """Sets all resource limits but the one on CPU time."""
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
