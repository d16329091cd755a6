"""What a facilitator can practise with rehearsal members: linked pairs, moods, breaths, support."""

from __future__ import annotations

import asyncio

from sitwith_client.personas import SUPPORT
from sitwith_client.rehearse import rehearse
from tests.blackbox.house import Server, circle

SPEED = 25.0
CONCERNS = ["Sleeping badly", "Losing somebody", "Being alone a lot"]


async def test_members_tick_and_say_how_they_are_and_breathe_along(server: Server) -> None:
    async with circle(server, concerns=CONCERNS) as c:
        stop, link = asyncio.Event(), c.made["links"]["member"]
        running = asyncio.create_task(rehearse(link, 8, stop=stop, seed=3, speed=SPEED))
        try:
            await c.f.until(lambda: len(c.f.view["members"]) == 9, "all of them")

            # Their ticks make a plan that a lot would not.
            async def linked() -> int:
                plan = await c.f.ok("pairs.plan", {"how": "linked"})
                count: int = plan["report"]["linked"]
                return count

            async with asyncio.timeout(60):
                while await linked() < 4:
                    await asyncio.sleep(0.2)

            # Two questions, each answered by everybody.
            for _ in range(2):
                await c.f.ok("mood.ask")
                await c.f.until(lambda: c.f.view["mood"]["answers"] == 8, "eight answers", 60)
                await c.f.ok("mood.close")
                assert sum(c.f.view["mood"]["result"]["counts"].values()) == 8

            # Turns are passed, and somebody lets another know that they were heard.
            await c.f.ok("floor.round")
            await c.f.until(lambda: c.f.view["floor"]["round"] is None, "the end of the round", 90)
            await c.f.gets(
                lambda f: f["t"] == "reaction" and f["kind"] in SUPPORT, "a sign of support"
            )
            whys = [f.body["why"] for f in c.f.frames if f.body["t"] == "room"]
            assert "floor.pass" in whys

            # While all breathe nobody writes to the circle.
            await c.f.ok("breathe.start", {"pattern": [4, 6], "seconds": 600})
            await asyncio.sleep(2)  # what was on its way
            before = len(c.f.said("circle"))
            await asyncio.sleep(4)
            assert len(c.f.said("circle")) == before
        finally:
            stop.set()
            await asyncio.wait_for(running, 20)
