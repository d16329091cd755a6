"""By least heard the stick goes by what was really forwarded, not by what anybody claims."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import pairwise

from tests.blackbox.house import Server
from tests.media.person import Person
from tests.media.test_embedded import circle
from tests.waiting import until

APART = 1.0
"""Seconds of talk time between any two, so that the next moments change no order."""


async def speaks(fay: Person, holder: Person, seconds: float) -> None:
    """Somebody has the stick for a while; everybody else talks on, and nobody hears it."""
    await fay.client.start_stick(holder.id)
    await fay.hears(holder.name)
    await asyncio.sleep(seconds)
    await fay.client.start_stick(fay.id)


async def test_EQ2_the_stick_goes_to_whoever_was_heard_least(server: Server) -> None:
    """Everybody sends without a pause, so that only what was forwarded tells them apart."""
    async with circle(
        server, "Ada", "Ben", "Cleo", settings={"queue_order": "least_heard"}
    ) as everybody:
        fay, ada, ben, cleo = everybody

        def talk() -> Mapping[str, float]:
            return fay.client.room.talk

        def ordered() -> bool:
            heard = [talk().get(each.id, 0.0) for each in (cleo, ben, ada)]
            return all(more - less > APART for less, more in pairwise(heard))

        for _ in range(8):
            await speaks(fay, ada, 2.8)
            await speaks(fay, ben, 1.4)
            # The log has it with the end of each turn, soon after it.
            await asyncio.sleep(0.5)
            if ordered():
                break
        assert ordered(), f"{talk()}"
        for each in (ada, ben, cleo):
            await each.client.raise_hand()

        def queue() -> list[str]:
            floor = fay.client.room.floor
            return [] if floor is None else list(floor["queue"])

        # As they were raised, which is how everybody sees them.
        await until(lambda: queue() == [ada.id, ben.id, cleo.id], lambda: f"{queue()}")
        givers = [fay, cleo, ben]
        for giver, next_ in zip(givers, [cleo, ben, ada], strict=True):
            await giver.client.pass_stick()
            await until(
                lambda n=next_: fay.client.room.holder == n.id,
                lambda n=next_: f"{n.name} has the stick; {talk()}",  # type: ignore[misc]
            )
            await fay.hears(next_.name)
