"""A storm writes no line a frame, and what is left out is counted."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from sitwith_server.config import Settings
from sitwith_server.gateway.telemetry import logs
from sitwith_server.gateway.telemetry.log_limiter import BURST, KINDS, RATE, LogLimiter


def test_so_many_lines_of_one_kind_and_the_next_says_how_many_were_left_out() -> None:
    now = 0.0
    limiter = LogLimiter(clock=lambda: now)
    said = [limiter.passes("request", "info") for _ in range(1_000)]
    assert said[: int(BURST)] == [0] * int(BURST)
    assert set(said[int(BURST) :]) == {None}
    now = 1.5 / RATE
    assert limiter.passes("request", "info") == 1_000 - BURST


def test_other_kinds_are_written_meanwhile() -> None:
    limiter = LogLimiter(clock=lambda: 0.0)
    for _ in range(1_000):
        limiter.passes("request", "info")
    assert limiter.passes("request", "error") == 0
    assert limiter.passes("fault", "info") == 0


def test_what_it_keeps_is_bounded() -> None:
    limiter = LogLimiter(clock=lambda: 0.0)
    for number in range(10 * KINDS):
        limiter.passes(f"kind {number}", "info")
    assert len(limiter._kinds) <= KINDS + 1


@pytest.mark.parametrize("foreign", [False, True])
def test_a_flood_of_lines_is_thinned_whoever_writes_them(foreign: bool) -> None:
    out = io.StringIO()
    logs.configure(Settings(), out)
    for _ in range(5_000):
        if foreign:
            logging.getLogger("somewhere").warning("odd %s", "x")
        else:
            structlog.get_logger("somewhere").warning("odd")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert BURST <= len(lines) < BURST + 100
    assert all(line["event"].startswith("odd") for line in lines)
