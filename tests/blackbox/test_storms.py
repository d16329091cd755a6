"""A short gale of all storms that strangers can make, from outside: those who are good don't mind.

Each storm for itself, with twenty thousand frames, is in tests/soak; the table of them all in
`python -m benchmarks.storms`.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress

import pytest

from benchmarks.storms import generator
from benchmarks.storms.generator import Size
from benchmarks.storms.programs import STORMS
from benchmarks.storms.stage import staged

from .house import Server, circle
from .rawclient import Gone, pack

BLOWING = ("hellos", "agreements", "halves", "pings", "empties", "fragments", "garbage")
SIZE = Size(2_000, 1.5)
MOST_GROWTH = 60 * 2**20
MOST_LINES = 3_000
"""Of the log: a storm here sends seven times as many frames."""


def test_LI12_LI13_in_a_gale_good_members_lose_no_word_and_newcomers_come_in() -> None:
    storms = [storm for storm in STORMS if storm.name in BLOWING]
    with staged(media="off", log_level="info") as stage:
        gale = stage.at_once(storms, SIZE)
        ready = stage.server.call("GET", "/readyz")
        log = stage.server.log
    assert ready
    assert all(told.connects > 10 for told in gale.told), "a storm did not blow"
    assert gale.said > 10 and gale.heard == gale.said
    assert gale.entered < 10
    assert gale.grown < MOST_GROWTH
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line for line in lines if line["level"] in ("error", "critical")] == []
    assert len(lines) < MOST_LINES


async def test_LI4_a_stranger_who_floods_is_closed_soon(server: Server) -> None:
    async with circle(server) as c:
        stranger = await c.socket("stranger")
        with suppress(Gone):
            for number in range(1, 400):
                await stranger.send_raw(pack({"t": "sudo", "id": number}))
        assert await stranger.closed() == 4429
        assert len(stranger.frames) < 100


@pytest.mark.parametrize("target", ["8.8.8.8", "10.0.0.1", "0.0.0.0", "localhost", "::1"])
def test_storms_stay_on_this_machine(target: str) -> None:
    words = [str(generator.built()), target, "9", "1", "1", "1", "1"]
    done = subprocess.run(words, input="connect\n", text=True, capture_output=True, check=False)
    assert done.returncode == 2 and "stay on this machine" in done.stderr
