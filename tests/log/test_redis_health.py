"""What was answered when, and what follows from it: pure, by a clock that is told."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from sitwith_server.log.base import Health
from sitwith_server.log.redis import packing
from sitwith_server.log.redis.watch.health import Condition, View, reason_of

LIVE = View(Health.LIVE, False, "")
LOG = Path(packing.__file__).with_name("scripts")


def well(at: float = 0.0) -> Condition:
    """Connected, heard and taken at this moment."""
    condition = Condition(silent_after=2.0, refused_after=0.95, dark_after=3.0)
    condition.connected = True
    condition.took(at)
    condition.echoed(at)
    return condition


def test_what_was_never_reached_is_frozen_and_down() -> None:
    condition = Condition(2.0, 0.95, 3.0)
    assert condition.view(0.0) == View(Health.DOWN, True, "unreachable")
    assert condition.next_look(0.0) is None
    condition.connected = True
    assert condition.view(0.0) == View(Health.SEEDING, True, "seeding")
    condition.took(0.0)
    assert condition.view(0.1) == View(Health.DARK, True, "dark")
    condition.echoed(0.1)
    assert condition.view(0.1) == LIVE


def test_silence_freezes_two_seconds_after_what_was_taken_had_been_sent() -> None:
    condition = well()
    condition.took(1.0)
    condition.took(0.5)
    assert condition.view(2.9) == LIVE
    assert condition.next_look(2.9) == 3.0
    assert condition.view(3.01) == View(Health.DOWN, True, "unreachable")
    condition.took(3.05)
    assert condition.view(3.1) == LIVE


def test_a_lost_link_freezes_after_the_same_time() -> None:
    condition = well()
    condition.connected = False
    condition.darkened(0.1)
    assert condition.view(0.1) == View(Health.DOWN, False, "unreachable")
    assert condition.view(1.9) == View(Health.DOWN, False, "unreachable")
    assert condition.view(2.1) == View(Health.DOWN, True, "unreachable")
    condition.connected = True
    assert condition.frozen(2.2)
    condition.took(2.2)
    condition.echoed(2.2)
    assert condition.view(2.3) == LIVE


def test_refusals_freeze_within_a_second_of_the_first() -> None:
    condition = well()
    for at in (0.1, 0.2, 0.3):
        condition.refused("full", at)
        assert condition.view(at) == LIVE
    assert condition.next_look(0.3) == 0.95
    assert condition.view(0.96) == View(Health.REFUSING, True, "full")
    condition.refused("rights", 1.0)
    assert condition.view(1.0) == View(Health.REFUSING, True, "rights")
    # For however long, and whatever the silence says.
    assert condition.view(9.0) == View(Health.REFUSING, True, "rights")
    condition.took(9.0)
    condition.echoed(9.0)
    assert condition.view(9.1) == LIVE


def test_one_refusal_and_one_that_is_taken_between_freeze_nothing() -> None:
    condition = well()
    condition.refused("full", 0.1)
    assert condition.view(1.9) == LIVE
    condition.took(1.0)
    condition.refused("full", 1.1)
    condition.took(1.2)
    condition.refused("full", 1.3)
    assert condition.view(2.9) == LIVE


def test_two_refusals_at_once_after_a_pause_are_waited_over() -> None:
    """A commit and a beat of one moment say no more than one of them."""
    condition = well()
    condition.refused("refused", 1.5)
    condition.refused("refused", 1.5)
    assert condition.view(1.6) == LIVE
    assert condition.next_look(1.6) == 1.8
    assert condition.view(1.81) == View(Health.REFUSING, True, "refused")


def test_who_refuses_and_then_is_gone_stays_frozen_for_another_reason() -> None:
    condition = well()
    condition.refused("read_only", 0.1)
    condition.refused("read_only", 0.4)
    condition.connected = False
    assert condition.view(1.0) == View(Health.REFUSING, True, "read_only")
    condition.unanswered()
    assert condition.view(1.1) == View(Health.DOWN, True, "unreachable")
    condition.connected = True
    assert condition.view(1.2) == View(Health.DOWN, True, "unreachable")
    condition.took(1.3)
    assert condition.view(1.4) == LIVE


def test_who_refuses_a_connection_is_refusing_from_the_start() -> None:
    condition = Condition(2.0, 0.95, 3.0)
    condition.refused("rights", 0.0)
    condition.refused("rights", 0.5)
    assert condition.view(0.6) == View(Health.REFUSING, True, "rights")


def test_darkness_freezes_later() -> None:
    condition = well()
    condition.echoed(0.5)
    condition.took(2.0)
    condition.darkened(1.0)
    condition.darkened(2.0)
    assert condition.frozen(3.1)
    assert condition.view(2.9) == View(Health.DARK, False, "dark")
    assert condition.next_look(2.9) == 3.0
    condition.took(3.0)
    assert condition.view(3.1) == View(Health.DARK, True, "dark")
    condition.echoed(3.2)
    assert condition.view(3.2) == LIVE


def test_a_pause_of_this_process_counts_as_silence() -> None:
    condition = well()
    # A busy loop for a second and a half is none.
    assert condition.view(1.5 + 0.25) == LIVE
    assert condition.frozen(6.0)
    condition.took(6.0)
    # Received, too: for longer than darkness may last.
    assert condition.view(6.0) == View(Health.DARK, True, "dark")
    condition.echoed(6.1)
    assert condition.view(6.1) == LIVE


def test_what_is_seeded_takes_a_write_before_it_thaws() -> None:
    condition = well()
    condition.seed(True)
    assert condition.view(0.1) == View(Health.SEEDING, True, "seeding")
    condition.seed(False)
    assert condition.view(0.2) == View(Health.SEEDING, True, "seeding")
    condition.took(0.3)
    assert condition.view(0.3) == LIVE


def test_another_format_is_down_whatever_else_is_so() -> None:
    condition = well()
    condition.of_format(7)
    assert condition.view(0.1) == View(Health.DOWN, True, "format")
    condition.refused("full", 0.1)
    condition.seed(True)
    assert condition.view(1.5) == View(Health.DOWN, True, "format")


@pytest.mark.parametrize("seed", range(20))
def test_each_change_of_the_view_is_foreseen(seed: int) -> None:
    """Whatever happens, looking at the moments that `next_look` names shows every view that
    looking all the time would."""
    draw = random.Random(seed)
    condition, now = well(), 0.0
    for _ in range(200):
        what = draw.choice(("took", "refused", "echo", "dark", "link", "seed", "gone"))
        match what:
            case "took":
                condition.took(now - draw.random() * 0.2)
            case "refused":
                condition.refused(draw.choice(("full", "rights")), now)
            case "echo":
                condition.echoed(now)
            case "dark":
                condition.darkened(now)
            case "link":
                condition.connected = not condition.connected
            case "seed":
                condition.seed(draw.random() < 0.3)
            case "gone":
                condition.unanswered()
        until = now + draw.random() * 3
        seen = condition.view(now)
        look = condition.next_look(now)
        while now < until:
            if look is not None and now > look + 0.005:
                seen = condition.view(now)
                look = condition.next_look(now)
            late = condition.view(now - 0.011) if now > 0.011 else seen
            assert seen in (condition.view(now), late)
            assert condition.view(now).frozen == condition.frozen(now)
            now += 0.01


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'. script: 49", "full"),
        ("NOREPLICAS Not enough good replicas to write. script: 49", "few_replicas"),
        ("READONLY You can't write against a read only replica.", "read_only"),
        ("MISCONF Redis is configured to save RDB snapshots, but", "disk"),
        ("NOPERM this user has no permissions to run the 'evalsha' command", "rights"),
        ("NOPERM No permissions to access a key", "rights"),
        ("NOAUTH Authentication required.", "rights"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "rights"),
        (
            "ERR The user executing the script can't run this command or subcommand script: f",
            "rights",
        ),
        ("ERR ACL failure in script: No permissions to access a channel script: f", "rights"),
        (
            "ERR Error running script (call to f_49): @user_script:1: @user_script: 1: "
            "-OOM command not allowed when used memory > 'maxmemory'.",
            "full",
        ),
        (
            "ERR Error running script (call to f_49): @user_script:1: @user_script: 1: "
            "The user executing the script can't publish to the channel mentioned",
            "rights",
        ),
        ("ERR UNSEEDED", None),
        ("UNSEEDED", None),
        ("UNSEEDED script: 49, on @user_script:1.", None),
        ("LOADING Redis is loading the dataset in memory", None),
        ("MASTERDOWN Link with MASTER is down", None),
        ("BUSY Redis is busy running a script.", "refused"),
        ("WRONGTYPE Operation against a key", "refused"),
        ("ERR what a member wrote: NOBODY IS OOM here", "refused"),
    ],
)
def test_the_reason_is_read_from_the_error(text: str, reason: str | None) -> None:
    assert reason_of(text) == reason


def commands_of(script: str) -> set[str]:
    text = re.sub(r"--.*", "", script)
    return {each.upper() for each in re.findall(r"call\(\s*'([A-Za-z]+)'", text)}


def test_a_beat_uses_every_command_that_anything_else_uses() -> None:
    """Else a right could be missing that only a commit needs."""
    beat = (LOG / "beat.lua").read_text()
    tried = re.search(r"local function try_all\(\)\n(.*?)\nend\n", beat, re.DOTALL)
    assert tried is not None
    others = [beat.replace(tried[0], "")]
    others += [each.read_text() for each in LOG.glob("*.lua") if each.name != "beat.lua"]
    assert len(others) >= 4
    # TIME comes before anything is tried.
    assert set.union(*map(commands_of, others)) - commands_of(tried[0]) == {"TIME"}
    first = re.search(r"call\('(\w+)', key", tried[1])
    assert first is not None
    assert first[1] == "SET", "a full Redis refuses no script that has begun to write"
