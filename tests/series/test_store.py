"""The contract of the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sitwith_server.room import commands as c
from sitwith_server.room import fold_all
from sitwith_server.room.events import RoomReopened
from sitwith_server.series.handles import Handles
from sitwith_server.series.model import MeetingSummary, Plan, StoreDown, StoreRefused
from sitwith_server.series.opening import engine_for
from sitwith_server.series.store import Store
from sitwith_server.series.tables import VERSIONS, metadata
from sitwith_server.service.meetings import summary_of
from tests.room.series import handle
from tests.room.test_series_lives import second_life
from tests.series.conftest import KEY, Kept
from tests.series.postgres import Postgres, nobody_listens

PLAN = Plan("Tuesdays", "Europe/Berlin", "2026-11-24T19:00:00", 5_400, "FREQ=WEEKLY", 4)
ADA, BEN, CLEO, DAN = (bytes([n]) * 16 for n in (0xA1, 0xB2, 0xC3, 0xD4))


def begun(store: Store, *rooms: str) -> str:
    store.create("s1", PLAN, 10.0)
    for at, room in enumerate(rooms):
        store.begin("s1", room, 100.0 + at, 1_000.0)
    return "s1"


def test_a_series_is_kept_as_it_was_planned(kept: Kept) -> None:
    begun(kept.store)
    found = kept.store.overview("s1")
    assert found is not None
    assert (found.plan, found.created_at, found.meetings, found.people) == (PLAN, 10.0, 0, 0)
    assert kept.store.overview("s2") is None
    assert [each.id for each in kept.store.overviews()] == ["s1"]
    assert kept.store.begin("s2", "r", 1.0, 2.0) is None


def test_a_meeting_knows_what_those_before_it_have_added(kept: Kept) -> None:
    begun(kept.store, "r1", "r2")
    first = MeetingSummary(
        "r1", 9, {ADA: 0, BEN: 2, CLEO: 1}, {(ADA, BEN): 2}, {"m1": CLEO, "m2": None}
    )
    assert kept.store.keep(first, 110.0)
    assert kept.store.keep(
        MeetingSummary("r2", 5, {BEN: 3}, {(ADA, BEN): 1, (BEN, CLEO): 1}), 111.0
    )
    memory = kept.store.begin("s1", "r3", 200.0, 1_000.0)
    assert memory is not None
    assert memory.people == (ADA, BEN, CLEO)
    assert memory.waited == (0, 3, 1)  # of the latest meeting that they were at
    assert memory.met == ((0, 1, 3), (1, 2, 1))
    assert (memory.banned, memory.bans, memory.times) == ((2,), True, True)
    found = kept.store.overview("s1")
    assert found is not None
    assert (found.meetings, found.people, found.pairs) == (3, 3, 2)
    assert sorted(ban.known for ban in found.bans) == [False, True]
    assert kept.store.unknown("s1", {ADA, DAN}) == {DAN}
    assert kept.store.rooms("s1", 999.0) == ["r1", "r2", "r3"]
    assert kept.store.rooms("s1", 1_000.0) == []


def test_nothing_of_one_series_is_known_in_another(kept: Kept) -> None:
    begun(kept.store, "r1")
    kept.store.create("s2", PLAN, 11.0)
    kept.store.keep(MeetingSummary("r1", 1, {ADA: 1, BEN: 1}, {(ADA, BEN): 1}, {"m": ADA}), 1.0)
    memory = kept.store.begin("s2", "other", 1.0, 2.0)
    assert memory is not None
    assert (memory.people, memory.met, memory.bans) == ((), (), False)
    assert not kept.store.erase("s2", ADA, {})
    assert kept.holds(ADA)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_SE10_evenings_told_twice_late_or_in_any_order_come_to_the_same(
    kept: Kept, seed: int
) -> None:
    """What workers tell of one meeting grows; whichever of it comes how often, the last counts."""
    chance = random.Random(seed)
    name = f"s{seed}-{chance.random()}"[:30]
    kept.store.create(name, PLAN, 1.0)
    room = f"r{name}"
    kept.store.begin(name, room, 1.0, 2.0)
    told, people = [], [ADA]
    times: dict[tuple[bytes, bytes], int] = {}
    removed: dict[str, bytes | None] = {}
    for number in range(1, 7):
        people = sorted({*people, chance.choice((ADA, BEN, CLEO, DAN))})
        if len(people) > 1:
            pair = tuple(sorted(chance.sample(people, 2)))
            times[pair[0], pair[1]] = times.get((pair[0], pair[1]), 0) + 1
        if chance.random() < 0.3:
            removed[f"m{number}{name}"[:40]] = chance.choice((*people, None))
        waited = {handle: chance.randrange(5) for handle in people}
        told.append(MeetingSummary(room, number, waited, dict(times), dict(removed)))
    played = [*told, *chance.choices(told, k=4)]
    chance.shuffle(played)
    for evening in played:
        assert kept.store.keep(evening, 5.0)
    memory = kept.store.begin(name, f"{room}2", 3.0, 4.0)
    assert memory is not None
    last = told[-1]
    assert dict(zip(memory.people, memory.waited, strict=True)) == last.here
    met = {(memory.people[a], memory.people[b]): n for a, b, n in memory.met}
    assert met == last.met
    banned = {memory.people[n] for n in memory.banned}
    assert banned == {handle for handle in last.removed.values() if handle is not None}
    overview = kept.store.overview(name)
    assert overview is not None
    assert len(overview.bans) == len(last.removed)


def test_SE8_an_erased_person_leaves_no_trace(kept: Kept) -> None:
    begun(kept.store, "r1", "r2")
    for number, room in enumerate(("r1", "r2")):
        everybody = {handle: number for handle in (ADA, BEN, CLEO)}
        pairs = {(ADA, BEN): 1, (BEN, CLEO): 2}
        kept.store.keep(MeetingSummary(room, 4, everybody, pairs, {f"m{room}": BEN}), 1.0)
    assert kept.holds(BEN)
    assert kept.store.erase("s1", BEN, {"r2": 7})
    kept.store.sweep()
    assert not kept.holds(BEN)
    assert kept.holds(ADA)
    assert kept.holds(CLEO)
    overview = kept.store.overview("s1")
    assert overview is not None
    assert (overview.people, overview.pairs) == (2, 0)
    assert [ban.known for ban in overview.bans] == [False, False]
    memory = kept.store.begin("s1", "r3", 300.0, 1_000.0)
    assert memory is not None
    assert (memory.banned, memory.bans) == ((), True)
    assert not kept.store.erase("s1", BEN, {})


def test_SE8_an_evening_told_before_an_erasure_brings_nothing_back(kept: Kept) -> None:
    begun(kept.store, "r1", "r2")
    before = MeetingSummary("r1", 6, {ADA: 0, BEN: 0}, {(ADA, BEN): 1})
    over = MeetingSummary("r2", 90, {BEN: 0}, {}, {"m": BEN})
    kept.store.keep(before, 1.0)
    kept.store.erase("s1", BEN, {"r1": 7})
    assert not kept.store.keep(before, 1.0)
    assert not kept.store.keep(over, 1.0)  # of a meeting that is over nothing more is taken
    kept.store.sweep()
    assert not kept.holds(BEN)
    assert kept.store.keep(MeetingSummary("r1", 7, {ADA: 1, CLEO: 0}), 1.0)
    assert kept.holds(CLEO)


def test_SE8_a_dropped_series_leaves_no_trace(kept: Kept) -> None:
    begun(kept.store, "r1")
    kept.store.keep(MeetingSummary("r1", 1, {ADA: 0, BEN: 0}, {(ADA, BEN): 1}, {"m": ADA}), 1.0)
    assert kept.store.drop("s1")
    kept.store.sweep()
    assert not kept.store.drop("s1")
    assert kept.store.keep(MeetingSummary("r1", 2, {ADA: 0}), 1.0) is None
    assert not kept.holds(ADA)
    assert not kept.holds(BEN)


def test_SE9_a_lifted_ban_is_over_and_its_evening_does_not_bring_it_back(kept: Kept) -> None:
    begun(kept.store, "r1")
    evening = MeetingSummary("r1", 3, {ADA: 0}, {}, {"m1": ADA})
    kept.store.keep(evening, 1.0)
    overview = kept.store.overview("s1")
    assert overview is not None
    (ban,) = overview.bans
    assert not kept.store.lift("s2", ban.id)
    assert kept.store.lift("s1", ban.id)
    assert not kept.store.lift("s1", ban.id)
    kept.store.keep(evening, 1.0)
    memory = kept.store.begin("s1", "r2", 200.0, 1_000.0)
    assert memory is not None
    assert (memory.people, memory.banned, memory.bans) == ((ADA,), (), False)


def test_workers_that_start_at_once_make_the_tables_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    for url in (f"sqlite:///{tmp_path / 'new' / 'many.db'}", postgres.fresh("many")):
        gate = threading.Barrier(4)

        def start(url: str = url, gate: threading.Barrier = gate) -> None:
            gate.wait()
            Store.open(url, Handles(KEY)).close()

        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(start) for _ in range(4)]:
                done.result()
        Store.open(url, Handles(KEY)).close()


def test_workers_that_write_at_once_all_get_their_turn(kept: Kept) -> None:
    begun(kept.store, "r1")
    stores = [Store.open(kept.url, Handles(KEY)) for _ in range(3)]
    everybody = {handle: 0 for handle in (ADA, BEN, CLEO, DAN)}

    def work(store: Store) -> None:
        for number in range(1, 21):
            assert store.keep(MeetingSummary("r1", number, everybody, {(ADA, BEN): number}), 1.0)

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(work, store) for store in stores]:
            done.result()
    memory = kept.store.begin("s1", "r2", 200.0, 1_000.0)
    assert memory is not None
    assert memory.met == ((0, 1, 20),)
    for store in stores:
        store.close()


def test_the_steps_make_the_tables_that_the_queries_name(kept: Kept) -> None:
    with engine_for(kept.url).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSIONS, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


def test_SE12_another_key_is_refused_by_name(kept: Kept) -> None:
    with pytest.raises(StoreRefused, match="series_key") as refused:
        Store.open(kept.url, Handles("another key of the tests, long enough"))
    assert "another" not in str(refused.value)


def test_SE12_a_store_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'newer.db'}"
    Store.open(url, Handles(KEY)).close()
    with sqlite3.connect(tmp_path / "newer.db") as plain:
        plain.execute(f"UPDATE {VERSIONS} SET version_num = '9999'")
    with pytest.raises(StoreRefused, match="series_url: was written by a newer"):
        Store.open(url, Handles(KEY))


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////proc/no/such/place.db",
        "postgresql+psycopg://u:secret-word@127.0.0.1:{port}/x",
    ],
)
def test_SE12_a_store_that_cannot_be_reached_is_refused_by_name(url: str) -> None:
    with pytest.raises(StoreRefused, match="series_url") as refused:
        Store.open(url.format(port=nobody_listens()), Handles(KEY))
    assert "secret-word" not in str(refused.value)


def test_a_wrong_password_is_not_repeated(postgres: Postgres) -> None:
    url = postgres.url.replace("a-password-of-the-tests", "a-wrong-word")
    with pytest.raises(StoreRefused, match="series_url") as refused:
        Store.open(url, Handles(KEY))
    assert "wrong-word" not in str(refused.value)


def test_what_the_database_says_is_never_in_the_fault(kept: Kept) -> None:
    begun(kept.store, "r1")
    with pytest.raises(StoreDown) as down:
        kept.store.create("s1", Plan("secret-title"), 1.0)  # there is one of this id
    assert "secret" not in str(down.value)
    assert down.value.__cause__ is None


def test_handles_of_two_series_have_nothing_in_common() -> None:
    secret = bytes(range(20))
    one, other = Handles(KEY), Handles("another key of the tests, long enough")
    assert len(one.of("s1", secret)) == 16
    assert one.of("s1", secret) == one.of("s1", secret)
    four = {one.of("s1", secret), one.of("s2", secret), other.of("s1", secret)}
    assert len({*four, one.of("s1", bytes(20))}) == 4
    assert one.check() != other.check()


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "series.db"
    Store.open(f"sqlite:///{file}", Handles(KEY)).close()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_FG8_later_lives_of_a_room_add_to_what_is_kept_and_take_nothing_away(kept: Kept) -> None:
    """As they come from a real room, in any order and twice."""
    begun(kept.store, "room")
    e = second_life("Ada", "Eve")
    began = next(n for n, each in enumerate(e.events) if isinstance(each, RoomReopened))
    e.ok("fay2", c.PairsOpen, groups=(("ada2", "eve2"),))
    e.ok("fay2", c.FloorRound)
    told = [summary_of(fold_all(e.events[:n])) for n in (began, began + 1, len(e.events))]
    first, reopened, last = (each for each in told if each is not None)
    assert first.here == reopened.here
    assert (first.met, first.removed) == (reopened.met, reopened.removed)
    for each in (first, last, reopened, first, last):
        assert kept.store.keep(each, 100.0)
    memory = kept.store.begin("s1", "next", 200.0, 1_000.0)
    assert memory is not None
    ada, ben, cleo, eve = (handle(name) for name in ("Ada", "Ben", "Cleo", "Eve"))
    assert memory.people == (ada, ben, cleo, eve)
    assert memory.waited == (0, 1, 1, 1)
    assert memory.met == ((0, 1, 1), (0, 3, 1))
    assert memory.banned == (2,)


def test_FG9_a_room_that_is_extended_may_still_be_open(kept: Kept) -> None:
    begun(kept.store, "r1", "r2")
    assert kept.store.rooms("s1", 1_500.0) == []
    kept.store.keep(MeetingSummary("r1", 4, expires_at=2_000.0), 110.0)
    assert kept.store.rooms("s1", 1_500.0) == ["r1"]
    kept.store.keep(MeetingSummary("r1", 5, expires_at=1_800.0), 111.0)
    assert kept.store.rooms("s1", 1_900.0) == ["r1"]
    assert kept.store.rooms("s1", 2_000.0) == []
