"""What every media engine must do: packets go along the plan's routes and nowhere else.

A test module of an implementation gives a `harness` and inherits `EngineContract`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest

from sitwith_client.voice import Peer
from sitwith_server.media.engine import OfferRefused, PictureChoice, Plan
from sitwith_server.media.limits import MAX_SDP

from .company import MAGIC, Company, Harness, Link, Recorder
from .contract_hostile import HostileContract

__all__ = ["EngineContract"]

Gather = Callable[..., Awaitable[Company]]


class EngineContract(HostileContract):
    @pytest.fixture
    async def gather(self, harness: Harness) -> AsyncIterator[Gather]:
        made: list[Company] = []

        async def gather(names: str, **options: object) -> Company:
            company = await Company.gather(harness, names, **options)  # type: ignore[arg-type]
            made.append(company)
            return company

        yield gather
        for company in made:
            await company.close()

    # --------------------------------------------------------------------------------- routes

    async def test_ME2_a_room_is_silent_until_its_first_plan(self, gather: Gather) -> None:
        company = await gather("abc")
        async with company.talking():
            await company.rounds(15)
            assert [member.heard for member in company.members.values()] == [[], [], []]
            after = await company.apply(company.everybody())
            await company.expect(company.everybody(), after)

    async def test_ME1_who_hears_whom_is_the_plan_exactly(self, gather: Gather) -> None:
        company = await gather("abcd")
        chance = random.Random(7)
        async with company.talking():
            for _ in range(5):
                heard = {
                    each: "".join(o for o in "abcd" if o != each and chance.random() < 0.5)
                    for each in "abcd"
                }
                after = await company.apply(heard)
                await company.expect(heard, after)

    async def test_ME44_what_is_kept_is_of_those_who_stay_or_have_a_transport(
        self, gather: Gather
    ) -> None:
        company = await gather("abc")
        heard = company.everybody()
        async with company.talking():
            await company.expect(heard, await company.apply(heard))
            assert set(company.room.speech()) == {"a", "b", "c"}
            company.room.choose_pictures("c", PictureChoice.NONE)
            company.room.forget_others(())
            await company.expect(heard, company.counts())
            assert set(company.room.speech()) == {"a", "b", "c"}
            await company.room.drop("c")
            await company.rounds(5)
            company.room.forget_others(("a", "b", "c"))
            assert set(company.room.speech()) == {"a", "b", "c"}
            company.room.forget_others(("a", "b"))
            assert set(company.room.speech()) == {"a", "b"}

    async def test_ME1_ME5_the_stick_moves_between_two_packets(
        self, gather: Gather, harness: Harness
    ) -> None:
        company = await gather("abc")
        async with company.talking():
            await company.apply({"a": "bc"})
            await company.hears("c", "a", 0)
            for holder, other in ("ba", "ab", "ba"):
                listener = company.members["c"]
                after = await company.apply({holder: other + "c"})
                await company.hears("c", holder, after[holder])
                await company.rounds(5)
                assert listener.heard_of(other, after[other]) == []
                first = listener.heard_of(holder, after[holder])[0]
                assert first <= after[holder] + 1 + harness.slack
        slots = company.members["c"].receiver.received.values()
        if harness.slack == 0:
            assert [slot.missing for slot in slots] == [0] * len(slots)

    async def test_the_map_says_who_comes_on_which_slot(self, gather: Gather) -> None:
        company = await gather("abc")
        async with company.talking():
            after = await company.apply(company.everybody())
            await company.expect(company.everybody(), after)
            for name, member in company.members.items():
                slots = company.watcher.maps[name]
                assert set(slots) == set(member.receiver.received)
                said = company.counts()
                await company.rounds(5)
                came = {h.mid: h.speaker for h in member.heard if h.count > said[h.speaker]}
                assert came == {mid: who for mid, who in slots.items() if who is not None}

    async def test_ME2_silence_ends_everything_until_the_next_plan(self, gather: Gather) -> None:
        company = await gather("ab")
        async with company.talking():
            await company.expect({"a": "b"}, await company.apply({"a": "b"}))
            company.room.silence()
            after = company.counts()
            await company.rounds(15 + company.harness.slack)
            assert company.members["b"].heard_of("a", after["a"] + company.harness.slack) == []
            await company.expect({"a": "b"}, await company.apply({"a": "b"}))

    async def test_ME3_older_plans_and_older_turns_are_ignored(self, gather: Gather) -> None:
        company = await gather("abc")
        async with company.talking():
            old = Plan(1, company.routes({"b": "ac"}))
            company._rev = 10
            await company.expect({"a": "bc"}, await company.apply({"a": "bc"}))
            turn = company._turn
            await company.room.apply(old)
            await company.room.apply(Plan(company._rev, company.routes({"b": "ac"})))
            company._turn = turn - 1
            company._rev += 1
            await company.room.apply(Plan(company._rev, company.routes({"b": "ac"})))
            company._turn = turn
            await company.expect({"a": "bc"}, company.counts())

    async def test_ME2_a_lease_that_ran_out_is_silence(self, gather: Gather) -> None:
        company = await gather("ab")
        async with company.talking():
            company.room.lease(time.monotonic() + 60)
            await company.expect({"a": "b"}, await company.apply({"a": "b"}))
            company.room.lease(time.monotonic())
            await asyncio.sleep(0.3)
            after = company.counts()
            await company.rounds(15)
            assert company.members["b"].heard_of("a", after["a"]) == []
            company.room.lease(time.monotonic() + 60)
            await company.expect({"a": "b"}, company.counts())

    async def test_rooms_don_t_mix(self, gather: Gather, harness: Harness) -> None:
        one, other = await gather("ab", room="one"), await gather("ab", room="other")
        async with one.talking():
            after = await one.apply(one.everybody())
            await other.apply(other.everybody())
            await one.expect(one.everybody(), after)
            assert [member.heard for member in other.members.values()] == [[], []]
        with pytest.raises(ValueError, match="open"):
            await harness.engine.open("one", Recorder())

    # ------------------------------------------------------------------------- coming and going

    async def test_a_plan_waits_for_those_who_come_later(self, gather: Gather) -> None:
        company = await gather("a")
        await company.apply(company.everybody("abc"))
        async with company.talking():
            await company.join("b")
            await company.join("c")
            await company.expect(company.everybody("abc"), company.counts())

    async def test_ME4_who_is_dropped_is_gone_and_may_come_again(self, gather: Gather) -> None:
        company = await gather("abc")
        async with company.talking():
            await company.expect(company.everybody(), await company.apply(company.everybody()))
            await company.room.drop("c")
            after = company.counts()
            await company.rounds(15)
            for name in "ab":
                assert company.members[name].heard_of("c", after["c"]) == []
                assert company.members["c"].heard_of(name, after[name]) == []
            assert "c" not in company.watcher.maps["a"].values()
            company.members["c"].again()
            await company.members["c"].join()
            await company.expect(company.everybody(), company.counts())
        assert company.watcher.gone == []

    async def test_ME4_a_new_offer_takes_the_place_of_the_old_connection(
        self, gather: Gather
    ) -> None:
        company = await gather("ab")
        async with company.talking():
            await company.expect(company.everybody(), await company.apply(company.everybody()))
            member = company.members["b"]
            old_sender, old_receiver = member.sender, member.receiver
            member.again()
            await member.join()
            before = sum(slot.packets for slot in old_receiver.received.values())
            await company.expect(company.everybody(), company.counts())
            assert sum(slot.packets for slot in old_receiver.received.values()) == before
            member.muted = True
            after = company.counts()
            for _ in range(10):
                old_sender.speak(MAGIC + b"b".ljust(8, b"\0") + (10**9).to_bytes(8, "big"))
                await asyncio.sleep(0.01)
            await company.rounds(5)
            assert company.members["a"].heard_of("b", after["b"]) == []
        await old_sender.close()
        await old_receiver.close()
        assert company.watcher.gone == []

    async def test_ME32_an_ice_restart_goes_on_where_it_was(self, gather: Gather) -> None:
        company = await gather("ab")
        async with company.talking():
            await company.expect(company.everybody(), await company.apply(company.everybody()))
            for _ in range(2):
                await company.members["b"].restart()
                await company.expect(company.everybody(), company.counts())
        assert company.watcher.gone == []
        assert company.watcher.up.count("b") == 1
        # The same streams: numbers went on rising, so a decoder noticed nothing.
        numbers = [each.number for each in company.members["b"].heard]
        steps = [(b - a) % 0x10000 for a, b in pairwise(numbers)]
        assert all(0 < step < 100 for step in steps)

    async def test_ME4_who_closes_is_told_as_lost_and_frees_the_slots(self, gather: Gather) -> None:
        company = await gather("abc")
        await company.apply(company.everybody())
        await company.members["c"].close()
        await company.until(lambda: company.watcher.gone == ["c"], "lost")
        await company.until(lambda: "c" not in company.watcher.maps["a"].values(), "the map")

    async def test_a_closed_room_is_free_again(self, gather: Gather, harness: Harness) -> None:
        company = await gather("ab", room="again")
        async with company.talking():
            await company.expect({"a": "b"}, await company.apply({"a": "b"}))
            await company.room.close()
            after = company.counts()
            await company.rounds(10)
            assert company.members["b"].heard_of("a", after["a"]) == []
        other = await harness.engine.open("again", Recorder())
        await other.close()

    @pytest.mark.parametrize(
        "offer",
        ["", "v=0\r\n", "x" * (MAX_SDP + 1), "\0" * 100, "é" * 2_000],
        ids=["empty", "no sections", "too long", "zeros", "letters"],
    )
    async def test_ME27_a_bad_offer_changes_nothing(self, gather: Gather, offer: str) -> None:
        company = await gather("ab")
        async with company.talking():
            await company.apply(company.everybody())
            with pytest.raises(OfferRefused) as refused:
                await company.room.answer("b", offer)
            assert refused.value.reason.replace("_", "").isalpha()
            await company.expect(company.everybody(), company.counts())

    async def test_an_offer_that_nobody_follows_leaves_nothing(self, gather: Gather) -> None:
        company = await gather("ab")
        await company.apply(company.everybody("abc"))
        peer = Peer(audio=0)
        await company.room.answer("c", peer.offer())
        async with company.talking():
            await company.expect(company.everybody("ab"), company.counts())
        await company.room.drop("c")
        await peer.close()
        assert "c" not in company.watcher.up

    # ------------------------------------------------------------------------------- the rest

    async def test_ME26_only_what_was_forwarded_is_speech(self, gather: Gather) -> None:
        company = await gather("abc")
        async with company.talking():
            await company.rounds(20)
            assert all(voice.seconds == 0 for voice in company.room.speech().values())
            await company.expect({"a": "bc"}, await company.apply({"a": "bc", "b": ""}))
            await company.until(
                lambda: any(voice.speaking for voice in company.room.speech().values()), "speaking"
            )
            voices = company.room.speech()
            assert {name for name, voice in voices.items() if voice.seconds > 0} == {"a"}
            company.room.silence()
            await company.until(
                lambda: not any(voice.speaking for voice in company.room.speech().values()),
                "the end of speaking",
            )
            seconds = company.room.speech()["a"].seconds
            await company.rounds(20)
            assert company.room.speech()["a"].seconds == pytest.approx(seconds, abs=0.1)

    async def test_ME1_ME19_pictures_go_along_their_own_routes(
        self, gather: Gather, harness: Harness
    ) -> None:
        if not harness.video:
            pytest.skip("this engine was set up without video")
        company = await gather("abc", video=True)
        pictures = {
            name: {m for m, line in zip("0123456789", member.receiver.sections, strict=False)
                   if line.medium == "video"}
            for name, member in company.members.items()
        }  # fmt: skip

        def came(listener: str, speaker: str, after: int) -> bool:
            return any(
                h.speaker == speaker and h.mid in pictures[listener] and h.count > after
                for h in company.members[listener].heard
            )

        async with company.talking():
            after = await company.apply({}, {"a": "bc"})
            await company.until(lambda: came("b", "a", after["a"]), "a picture")
            await company.rounds(5)
            assert not came("a", "b", 0)
            assert all(h.mid in pictures["b"] for h in company.members["b"].heard)
            company.room.choose_pictures("b", PictureChoice.NONE)
            await asyncio.sleep(0.3)
            after = company.counts()
            await company.rounds(15)
            assert not came("b", "a", after["a"])
            assert came("c", "a", after["a"])
            company.room.choose_pictures("b", PictureChoice.LOW)
            await company.until(lambda: came("b", "a", after["a"]), "the picture again")

    @pytest.mark.parametrize("seed", [1, 2])
    async def test_ME1_ME7_a_bad_line_makes_no_other_routes(
        self, gather: Gather, seed: int
    ) -> None:
        company = await gather("")
        links = [Link(seed * 10 + place, loss=0.1, repeat=0.1, late=0.2) for place in range(3)]
        for name, link in zip("abc", links, strict=True):
            await company.join(name, link=link)
        async with company.talking():
            if not company.harness.early:
                for link in links:
                    link.good = True
                await company.expect(company.everybody(), await company.apply(company.everybody()))
                for link in links:
                    link.good = False
            for heard in ({"a": "bc"}, {"b": "ac"}, {"a": "b", "c": "ab"}):
                after = await company.apply(heard)
                await company.expect(heard, after)
        for member in company.members.values():
            # A repeat on the line is one packet to the listener, or comes with the same number.
            pairs = {(h.mid, h.number): h.count for h in member.heard}
            assert all(pairs[h.mid, h.number] == h.count for h in member.heard)
