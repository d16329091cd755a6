"""Numbers, forms and frames say nothing of what their viewer may not see (EV20, EV21, EV22)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.log.base import CONTROL
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from tests.gateway.twins import HIDDEN, OPEN, VIEWERS, Asked, Twin, Viewer
from tests.servers import Server, running
from tests.service.test_files import begun

STEP = 10.0
"""Seconds from one thing that is seen to the next: enough for each seat's bucket to be full."""
MOST_HIDDEN = 8

Script = Sequence[tuple[Asked, Sequence[Asked]]]
"""What happens in both evenings, each after what happens in the second alone."""


async def _evening(viewer: str, script: Script, *, hidden: bool) -> tuple[Viewer, int]:
    """What was seen, and how many entries the control log has."""
    now = 1_000_000.0
    log = MemoryLog(clock=lambda: now)
    twin = Twin(log)
    await twin.open()
    await twin.watch(viewer)
    for seen, unseen in script:
        for each in unseen if hidden else ():
            await twin.does(each)
        now += STEP
        await twin.tick()
        await twin.does(seen)
    number = twin.room.state.seq
    await twin.close()
    await log.close()
    return twin.viewers[viewer], number


def _scripts(viewer: str) -> st.SearchStrategy[Script]:
    unseen = st.lists(st.sampled_from(HIDDEN[VIEWERS[viewer]]), max_size=MOST_HIDDEN)
    return st.lists(st.tuples(st.sampled_from(OPEN), unseen), min_size=1, max_size=12)


@pytest.mark.parametrize("viewer", VIEWERS)
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_EV20_EV21_EV22_what_is_hidden_moves_no_byte(viewer: str, data: st.DataObject) -> None:
    script = data.draw(_scripts(viewer))
    one, _ = asyncio.run(_evening(viewer, script, hidden=False))
    other, _ = asyncio.run(_evening(viewer, script, hidden=True))
    assert one.frames(timeless=False) == other.frames(timeless=False)


@pytest.mark.parametrize("viewer", VIEWERS)
async def test_EV20_EV21_EV22_all_that_is_hidden_moves_no_byte(viewer: str) -> None:
    """And there is much of it: were it nothing, the above would hold for nothing."""
    hidden = HIDDEN[VIEWERS[viewer]]
    opened = list(OPEN)
    script = [
        (each, hidden[at % len(hidden) :][:MOST_HIDDEN]) for at, each in enumerate(opened * 2)
    ]
    one, few = await _evening(viewer, script, hidden=False)
    other, many = await _evening(viewer, script, hidden=True)
    assert many > few + 20
    assert one.frames(timeless=False) == other.frames(timeless=False)
    assert len(one.wire.data) > 2


async def test_EV20_seq_rises_over_resumes_by_one_a_frame() -> None:
    again: list[Asked] = [lambda twin: twin.watch("ada"), lambda twin: twin.watch("ada", seen={})]
    hands: list[Asked] = [c.HandRaise(by="dan"), c.HandLower(by="fay", member="dan")]
    script = [(each, ()) for each in (*hands, *hands, again[0], *hands, again[1], *hands)]
    viewer, _ = await _evening("ada", script, hidden=False)
    viewer.learn()
    assert len(viewer.seqs) >= 8
    assert viewer.seqs == sorted(set(viewer.seqs))
    steps = [b - a for a, b in zip(viewer.seqs, viewer.seqs[1:], strict=False)]
    assert sum(step == 1 for step in steps) >= len(steps) - 2


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("redis") as found:
        yield found


async def _apart(server: Server, viewer: str, script: Script, *, hidden: bool) -> Viewer:
    """The same with the viewer at another worker, through Redis."""
    server.admin("FLUSHALL")
    logs = (await begun(server), await begun(server))
    twin = Twin(*logs)
    await twin.open()
    await twin.watch(viewer)
    for seen, unseen in script:
        for each in unseen if hidden else ():
            await twin.does(each)
        await twin.does(seen)
    await twin.close()
    for log in logs:
        await log.close()
    return twin.viewers[viewer]


@pytest.mark.parametrize("viewer", ["ada", "cora"])
async def test_EV20_EV21_EV22_nor_through_redis_and_another_worker(
    server: Server, viewer: str
) -> None:
    hidden = [h for h in HIDDEN[VIEWERS[viewer]] if not isinstance(h, c.React)]
    steps: list[Asked] = [
        c.HandRaise(by="dan"),
        c.Say(by="fay", to="circle", body="welcome"),
        lambda twin: twin.watch(viewer),
        c.FloorStick(by="fay"),
        c.PairsOpen(by="fay", groups=(("ben", "cleo"), ("ada", "dan"))),
        c.RoomLock(by="fay"),
        lambda twin: twin.watch(viewer, seen={}),
        c.MilestoneShare(by="cora", text="a year", seed=7),
    ]
    script = [(each, hidden[4 * at : 4 * at + 4]) for at, each in enumerate(steps)]
    one = await _apart(server, viewer, script, hidden=False)
    other = await _apart(server, viewer, script, hidden=True)
    assert one.frames(timeless=True) == other.frames(timeless=True)
    one.learn()
    assert one.seqs == sorted(set(one.seqs)) and len(one.seqs) >= 5
    assert CONTROL in one.seen
