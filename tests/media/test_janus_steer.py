"""Routes on a Janus that answers when it likes: no Janus is needed for these."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterable
from typing import cast

import pytest

from sitwith_client.voice.peer import Peer
from sitwith_server.media.engine import EngineDown, OfferRefused, PictureChoice
from sitwith_server.media.janus.connection import GatewayDown, GatewayRefused
from sitwith_server.media.janus.sdp import (
    Way,
    for_gateway,
    for_member,
    narrow,
    read,
)
from sitwith_server.media.janus.steering import CLOSE_EARLY, Steering
from sitwith_server.media.janus.transports import Publisher, SubscribedSlot, Subscriber
from sitwith_server.media.janus.videoroom import VideoRoom
from sitwith_server.media.sdp import offer as sdp
from sitwith_server.media.sdp.session import Medium

from .janus_member import Watch, plan

NAMES = "abcde"
AUDIO, VIDEO = Medium.AUDIO, Medium.VIDEO


class Slow:
    """A Janus: does what it is asked some time after it was asked, and says so later still."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.gates: set[tuple[str, Medium]] = set()
        self.feeds: dict[tuple[str, str], Publisher] = {}
        self.down = False
        self.calls = 0
        self.renewals: list[float] = []
        self.allowed_until: Callable[[], float] = time.monotonic

    async def _wait(self) -> None:
        self.calls += 1
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        if self.down:
            raise GatewayDown("down")

    async def gate(self, publisher: Publisher, medium: Medium, open_: bool) -> None:
        await self._wait()
        (self.gates.add if open_ else self.gates.discard)((publisher.feed, medium))
        await self._wait()

    async def switch(
        self, subscriber: Subscriber, feeds: Iterable[tuple[SubscribedSlot, Publisher | None]]
    ) -> None:
        await self._wait()
        for slot, publisher in feeds:
            self.feeds.pop((subscriber.member, slot.mid), None)
            if publisher is not None:
                self.feeds[subscriber.member, slot.mid] = publisher
        await self._wait()

    async def layer(self, subscriber: Subscriber, slot: SubscribedSlot, place: int) -> None:
        await self._wait()

    def renew(self) -> None:
        self.renewals.append(self.allowed_until())

    def passes(self) -> set[tuple[str, str, Medium]]:
        """(publisher, subscriber, medium) of every route that is really open."""
        return {
            (publisher.member, subscriber, medium)
            for (subscriber, mid), publisher in self.feeds.items()
            for medium in (AUDIO if mid.startswith("a") else VIDEO,)
            if (publisher.feed, medium) in self.gates
        }


class Stage:
    """A room of `NAMES` on such a Janus, all connected, with slots for all or for fewer."""

    def __init__(self, seed: int, audio: int = 4, video: int = 4) -> None:
        self.janus = Slow(seed)
        self.refused: list[VideoRoom] = []
        self.watch = Watch()
        self.steering = Steering(self.watch, self.refused.append, lambda member: None)
        self.steering.video_room = cast(VideoRoom, self.janus)
        self.janus.allowed_until = self.steering.allowed_until
        offer = sdp.parse(Peer(("audio", "video"), audio=0).offer())
        for i, name in enumerate(NAMES):
            mids = {AUDIO: "0", VIDEO: "1"}
            self.steering.publishers.append(
                Publisher(
                    name, i, offer, (1, 1), up=True, feed=name, mids=mids,
                    open=dict.fromkeys(mids, False),
                )
            )  # fmt: skip
            slots = [SubscribedSlot(f"a{n}", n, AUDIO) for n in range(audio)]
            slots += [SubscribedSlot(f"v{n}", audio + n, VIDEO) for n in range(video)]
            self.steering.subscribers.append(
                Subscriber(name, 100 + i, offer, (1, 1), up=True, slots=tuple(slots))
            )
        self.rev = 0

    def routes(self) -> set[tuple[str, str, Medium]]:
        chance = self.janus.chance
        thin = chance.choice([0.0, 0.1, 0.5, 1.0])
        return {
            (one, other, medium)
            for one in NAMES
            for other in NAMES
            for medium in Medium
            if one != other and chance.random() < thin
        }

    async def apply(self, routes: set[tuple[str, str, Medium]]) -> None:
        self.rev += 1
        ways = {
            medium: {one: [o for s, o, m in routes if (s, m) == (one, medium)] for one in NAMES}
            for medium in Medium
        }
        assert self.steering.take_plan(plan(self.rev, ways[AUDIO], ways[VIDEO]))
        await self.steering.clean()

    async def rest(self) -> None:
        """Until nothing is asked for any more."""
        calls = -1
        while calls != self.janus.calls:
            calls = self.janus.calls
            for _ in range(25):
                await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(40))
async def test_ME1_no_route_is_open_that_the_applied_plan_does_not_allow(seed: int) -> None:
    stage = Stage(seed, *((4, 4) if seed % 2 else (2, 1)))
    chance = stage.janus.chance
    for _ in range(12):
        routes = stage.routes()
        await stage.apply(routes)
        for _ in range(chance.randrange(12)):
            assert stage.janus.passes() <= routes
            await asyncio.sleep(0)
            if chance.random() < 0.1:
                publisher = chance.choice(stage.steering.publishers)
                publisher.talking = not publisher.talking
                stage.steering.steer()
        if chance.random() < 0.5:
            await stage.rest()
            assert stage.janus.passes() <= routes
            if seed % 2:
                assert stage.janus.passes() == routes
    stage.steering.silence()
    await stage.rest()
    assert stage.janus.passes() == set()
    assert not stage.refused
    await stage.steering.close()


async def test_ME1_plans_that_overtake_one_another_end_with_the_last() -> None:
    for seed in range(20):
        stage = Stage(seed)
        plans = [stage.routes() for _ in range(5)]
        tasks = []
        for routes in plans:
            tasks.append(asyncio.create_task(stage.apply(routes)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert stage.janus.passes() <= plans[-1]
        await stage.rest()
        assert stage.janus.passes() == plans[-1]
        await stage.steering.close()


async def test_a_stick_that_goes_round_needs_two_calls_a_turn() -> None:
    stage = Stage(1)
    for turn in range(10):
        holder = NAMES[turn % 5]
        before = stage.janus.calls
        await stage.apply({(holder, other, AUDIO) for other in NAMES if other != holder})
        await stage.rest()
        if turn > 5:
            # Each call waits twice: the last holder's gate, and the next one's.
            assert stage.janus.calls - before == 4
    await stage.steering.close()


async def test_a_plan_is_not_applied_while_the_gateway_is_gone() -> None:
    stage = Stage(3)
    await stage.apply({("a", "b", AUDIO)})
    await stage.rest()
    stage.janus.down = True
    task = asyncio.create_task(stage.apply(set()))
    await stage.rest()
    assert not task.done()
    stage.steering.session_ended()
    with pytest.raises(EngineDown):
        await task


async def test_ME1_a_refusal_or_a_defect_gives_the_home_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for fault in (GatewayRefused(499), ZeroDivisionError()):
        stage = Stage(4)

        async def refuse(*_: object, fault: Exception = fault) -> None:
            raise fault

        monkeypatch.setattr(stage.janus, "gate", refuse)
        task = asyncio.create_task(stage.apply({("a", "b", AUDIO)}))
        await stage.rest()
        assert stage.refused
        task.cancel()


async def test_no_pictures_are_switched_to_who_takes_none() -> None:
    stage = Stage(5)
    everything = {
        (one, other, medium)
        for one in NAMES
        for other in NAMES
        for medium in Medium
        if one != other
    }
    stage.steering.subscribers[0].take = PictureChoice.NONE
    await stage.apply(everything)
    await stage.rest()
    assert everything - stage.janus.passes() == {(one, "a", VIDEO) for one in NAMES[1:]}
    assert {who for mid, who in stage.watch.maps["a"].items() if mid[0] == "v"} == {None}


# ------------------------------------------------------------------------------- what is vouched


async def test_ME40_no_longer_is_vouched_than_what_is_possible_is_allowed() -> None:
    stage = Stage(6)
    steering = stage.steering
    assert steering.allowed_until() == math.inf, "nothing can pass"
    first = time.monotonic() + 60
    steering.lease(first)
    await stage.apply({("a", "b", AUDIO), ("b", "c", AUDIO)})
    await stage.rest()
    assert steering.allowed_until() == first
    assert stage.janus.renewals == [first], "said before the first gate opens"
    # A route that is taken away and of which Janus says nothing is not vouched for any longer.
    stage.janus.down = True
    task = asyncio.create_task(stage.apply({("a", "b", AUDIO)}))
    await stage.rest()
    steering.lease(first + 1)
    await stage.rest()
    assert steering.allowed_until() == first
    task.cancel()
    await steering.close()


async def test_ME40_of_news_that_come_with_a_plan_the_plan_is_known_first() -> None:
    stage = Stage(7)
    steering = stage.steering
    first = time.monotonic() + 60
    steering.lease(first)
    await stage.apply({("a", "b", AUDIO)})
    await stage.rest()
    stage.janus.down = True
    task = asyncio.create_task(stage.apply(set()))
    steering.lease(first + 1)
    assert steering.allowed_until() == first
    await stage.rest()
    assert steering.allowed_until() == first
    steering.lease(first - 10)
    assert steering.allowed_until() == first - 10, "a shorter one holds at once"
    task.cancel()
    await steering.close()


async def test_ME40_gates_close_before_the_lease_is_over() -> None:
    stage = Stage(8)
    await stage.apply({("a", "b", AUDIO)})
    await stage.rest()
    assert stage.janus.passes()
    until = time.monotonic() + CLOSE_EARLY
    stage.steering.lease(until)
    await stage.rest()
    assert stage.janus.passes() == set()
    assert stage.steering.allowed_until() == math.inf
    assert stage.janus.renewals[-1] == math.inf, "said at once"
    stage.steering.lease(time.monotonic() + 60)
    await stage.rest()
    assert stage.janus.passes() == {("a", "b", AUDIO)}
    await stage.steering.close()


# ------------------------------------------------------------------------------------ descriptions

JANUS = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=VideoRoom
a=fingerprint:sha-256 AA:BB
a=ice-lite
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=ice-ufrag:ufra
a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa
a=setup:actpass
a=ssrc:17 cname:janus
a=candidate:1 1 udp 2015363327 192.0.2.1 4000 typ host
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=ssrc:18 cname:janus
a=candidate:1 1 udp 2015363327 192.0.2.1 4000 typ host
""".replace("\n", "\r\n")


def test_ME28_the_answer_to_receive_is_made_of_the_gateways_offer() -> None:
    way, offer = narrow(sdp.parse(Peer((), audio=2).offer()))
    said = read(JANUS)
    assert way is Way.DOWN and said is not None and said.ssrcs == (17, 18)
    answer = for_member(offer, said, (5, 2), 0, random.Random(1).getrandbits)
    lines = answer.split("\r\n")
    assert "o=- 5 2 IN IP4 127.0.0.1" in lines and "a=group:BUNDLE 0 1" in lines
    assert lines.count("a=setup:active") == 2 and lines.count("a=sendonly") == 2
    assert [line.split()[0] for line in lines if line.startswith("a=ssrc")] == [
        "a=ssrc:17",
        "a=ssrc:18",
    ]
    # In every section, each once.
    found = [line for line in lines if line.startswith("a=candidate")]
    assert set(found) == {"a=candidate:1 1 udp 2015363327 192.0.2.1 4000 typ host"}
    assert len(found) == sum(line.startswith("m=") for line in lines)
    told = for_gateway(offer).split("\r\n")
    assert told.count("a=setup:passive") == 2 and told.count("a=recvonly") == 2


def test_ME28_nothing_that_a_member_wrote_reaches_the_gateway() -> None:
    odd = "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\na=x-secret:hello\r\n"
    offer = Peer(("audio", "video"), audio=0).offer() + odd
    way, narrowed = narrow(sdp.parse(offer))
    told = for_gateway(narrowed)
    assert way is Way.UP and "candidate" not in told and "secret" not in told
    assert told.count("a=sendonly") == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("SAVPF 111", "SAVPF 109"), "no_codec"),
        (("sha-256", "sha-512"), "malformed"),
        (("a=recvonly", "a=sendonly\r\na=ssrc:9 cname:x"), "two_transports"),
    ],
)
def test_ME27_offers_that_the_gateway_could_not_keep_are_refused(
    change: tuple[str, str], reason: str
) -> None:
    text = Peer((), audio=2).offer()
    if reason == "no_codec":
        text = text.replace("111", "109")
    with pytest.raises(OfferRefused) as refused:
        narrow(sdp.parse(text.replace(*change, 1)))
    assert refused.value.reason == reason


@pytest.mark.parametrize("gone", ["a=ice-lite", "a=ice-ufrag:ufra", "a=fingerprint"])
def test_a_description_that_is_not_as_janus_writes_it_is_not_used(gone: str) -> None:
    assert (
        read("\r\n".join(line for line in JANUS.split("\r\n") if not line.startswith(gone))) is None
    )
