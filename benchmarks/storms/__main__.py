"""`python -m benchmarks.storms [NAME…]`: each storm, and what it does (S3).

`STORM_FRAMES` (24,000) and `STORM_SECONDS` (6) are those of one storm and round,
`STORM_ROUNDS` (3) how often each comes: with all storms a million hostile frames,
as far as the server takes them. As root it goes before other programs of this machine.
"""

from __future__ import annotations

import os
import sys

from benchmarks.storms.programs import STORMS
from benchmarks.storms.table import HEAD, Row, row, storms


def main(names: list[str]) -> int:
    unknown = set(names) - {storm.name for storm in STORMS}
    if unknown:
        print(f"no such storm: {', '.join(sorted(unknown))}")
        return 2
    load = os.getloadavg()[0]
    print(f"load before: {load:.2f} on {os.cpu_count()} cores")
    print(HEAD, flush=True)
    rows: list[Row] = []
    for found in storms(names):
        rows.append(found)
        print(row(found), flush=True)
    print(f"{sum(found.frames for found in rows):,} hostile frames in all")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
