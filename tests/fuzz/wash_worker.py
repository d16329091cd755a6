"""Washes one input after the other, as the process for one file would, and says how it went.

    python -m tests.fuzz.wash_worker < inputs > answers

An input is its kind (`p` for a paper, `i` for a picture), four bytes of length and its bytes; an
answer is one line of JSON, and what was written.
"""

from __future__ import annotations

import json
import sys
import time

from sitwith_server.materials import child
from sitwith_server.materials.kinds import PAPER, PICTURE, REASONS, Unfit
from sitwith_server.materials.sandbox import enter_sandbox


def main() -> None:
    child.bound()
    wash = {b"p": child.ready(PAPER), b"i": child.ready(PICTURE)}
    enter_sandbox()
    source, out = sys.stdin.buffer, sys.stdout.buffer
    while kind := source.read(1):
        data = source.read(int.from_bytes(source.read(4), "big"))
        began, body, what = time.process_time(), b"", "written"
        try:
            body = wash[kind](data).body
        except Unfit as unfit:
            known = unfit.reason in REASONS
            what = unfit.reason if known else f"raised a reason of its own: {unfit.reason}"
        except MemoryError:
            what = "too_complex"
        except BaseException as error:
            what = f"raised {type(error).__name__}"
        answer = {
            "what": what,
            "seconds": time.process_time() - began,
            "size": len(body),
        }
        out.write(json.dumps(answer).encode() + b"\n" + body)
        out.flush()


if __name__ == "__main__":
    main()
