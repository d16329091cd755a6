"""A series of meetings on a real server, with its store on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sitwith_client import Client, Refused
from sitwith_protocol.person import new_person
from sitwith_server.series.handles import Handles
from tests.blackbox.house import Server
from tests.series.conftest import Database, database
from tests.series.evening import (
    KEY,
    WAIT,
    Person,
    four_meetings,
    meeting,
    series,
    shown,
    turned_away,
    until_kept,
)
from tests.series.postgres import Postgres

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")
Start = Callable[..., Server]


def started(url: str, **settings: str) -> Server:
    on = {
        "SITWITH_SERIES": "on",
        "SITWITH_SERIES_URL": url,
        "SITWITH_SERIES_KEY": KEY,
        "SITWITH_MEDIA": "off",
    }
    return Server({**on, **settings})


@pytest.fixture
def start() -> Iterator[Start]:
    all_started: list[Server] = []

    def make(url: str, **settings: str) -> Server:
        all_started.append(started(url, **settings))
        return all_started[-1]

    yield make
    for one in all_started:
        one.stop()


@dataclass(frozen=True)
class Site:
    server: Server
    database: Database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One server for all that do it no harm; each has a series of its own."""
    place = database(request, request.param, tmp_path_factory.mktemp("site"), "site")
    server = started(place.url)
    yield Site(server, place)
    server.stop()


async def test_SE3_SE4_SE5_SE6_SE8_four_meetings_of_six(site: Site) -> None:
    """S6: starters rotate, pairs don't repeat while possible, a removed person stays out, erasing a
    person leaves no trace of the handle."""
    server, kept = site.server, site.database
    made = await series(server, title="Tuesdays")
    six = [Person(name) for name in NAMES]
    await four_meetings(server, made, six)

    gone, others = six[0], six[1:]
    async with meeting(server, made, six) as evening:
        await evening.host.remove(evening.people["Ada"].id)
        assert await turned_away(evening, gone)
        await until_kept(server, made, bans=1)
    async with meeting(server, made, others) as evening:
        assert await turned_away(evening, gone)
        unknown = Client.join(evening.link, "Unknown", patience=WAIT, person=new_person())
        async with unknown:
            await unknown.accept_agreement()
            await unknown.until(lambda: unknown.phase == "lobby", WAIT)

    handle = Handles(KEY).of(made, six[1].secret)
    assert kept.holds(handle)
    answer = await server.http("POST", f"/series/{made}/forget", {"person": six[1].code}, key=None)
    assert answer.status_code == 204, answer.text
    assert not kept.holds(handle)
    await until_kept(server, made, people=5, bans=1)
    assert kept.holds(Handles(KEY).of(made, six[2].secret))
    for person in six:
        assert person.code not in server.log
        assert Handles(KEY).of(made, person.secret).hex() not in server.log


async def test_SE8_SE7_somebody_who_is_there_is_forgotten_by_the_room_too(
    site: Site,
) -> None:
    server, kept = site.server, site.database
    made, people = await series(server), [Person(name) for name in NAMES[:4]]
    async with meeting(server, made, people) as evening:
        await evening.pairs()
        await until_kept(server, made, people=4, pairs=2)
        body = {"person": people[0].code}
        answer = await server.http("POST", f"/api/series/{made}/erase", body)
        assert answer.json() == {"series": made, "erased": True}
        ada = evening.people["Ada"]
        await ada.until(lambda: ada.room.slices["series"]["remembered"] is False, WAIT)
        again = await server.http("POST", f"/api/series/{made}/erase", body)
        assert again.json() == {"series": made, "erased": False}
        # What the evening adds from now on brings nothing of her back.
        await evening.pairs()
        await evening.starter()
        await until_kept(server, made, people=3)
    assert not kept.holds(Handles(KEY).of(made, people[0].secret))


async def test_SE9_SE5_a_lifted_ban_is_over_from_the_next_meeting_on(
    site: Site,
) -> None:
    server = site.server
    made, people = await series(server), [Person(name) for name in NAMES[:2]]
    async with meeting(server, made, people) as evening:
        await evening.host.remove(evening.people["Ada"].id)
        found = await until_kept(server, made, bans=1)
    (ban,) = found["bans"]
    assert ban["known"] is True
    assert (await server.http("DELETE", f"/api/series/{made}/bans/x")).status_code == 404
    lifted = await server.http("DELETE", f"/api/series/{made}/bans/{ban['ban']}")
    assert lifted.status_code == 204
    async with meeting(server, made, people) as evening:
        assert (await evening.starter()) in ("Ada", "Ben")


async def test_SE8_an_erased_series_is_gone_and_its_rooms_go_on(site: Site) -> None:
    server, kept = site.server, site.database
    made, people = await series(server), [Person(name) for name in NAMES[:2]]
    async with meeting(server, made, people) as evening:
        await until_kept(server, made, people=2)
        assert (await server.http("DELETE", f"/api/series/{made}")).status_code == 204
        host = evening.host
        await host.until(lambda: host.room.slices["series"] is None, WAIT)
        assert await evening.starter() in NAMES
        assert (await server.http("GET", f"/api/series/{made}")).status_code == 404
        assert (await server.http("DELETE", f"/api/series/{made}")).status_code == 404
    for person in people:
        assert not kept.holds(Handles(KEY).of(made, person.secret))


async def test_SE10_a_room_goes_on_while_the_database_stands_still(
    postgres: Postgres, start: Start
) -> None:
    """Stopped as a whole, with its sockets open: what the evening adds is written once it runs."""
    server = start(postgres.fresh("still"))
    made, people = await series(server), [Person(name) for name in NAMES[:4]]
    async with meeting(server, made, people) as evening:
        await until_kept(server, made, people=4)
        postgres.signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(WAIT):
                together = await evening.pairs()
                await evening.starter()
                said = await evening.people["Ada"].say("circle", "nobody waits for a database")
                assert said.n == 1
                late = Client.join(evening.link, "Late", patience=WAIT, person=new_person())
                async with late:
                    await late.enter(WAIT)
                    answer = await server.http("GET", "/readyz")
                    assert answer.status_code == 200
        finally:
            postgres.signal(signal.SIGCONT)
        assert len(together) == 2
        await until_kept(server, made, people=5, pairs=2)
    assert "nobody waits" not in server.log


async def test_SE10_a_store_that_is_away_is_said_and_makes_no_room(
    tmp_path: Path, start: Start
) -> None:
    file = tmp_path / "series.db"
    server = start(f"sqlite:///{file}")
    made = await series(server)
    with sqlite3.connect(file, isolation_level=None) as plain:
        plain.execute("BEGIN EXCLUSIVE")
        answer = await server.http("POST", "/api/rooms", {"series": made})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "unavailable"
        plain.execute("ROLLBACK")
    assert (await server.http("GET", "/api/rooms")).json() == {"rooms": []}
    assert (await shown(server, made))["meetings"] == 0


async def test_SE2_who_likes_not_to_be_remembered_is_not(tmp_path: Path, start: Start) -> None:
    server = start(f"sqlite:///{tmp_path / 'series.db'}")
    made = await series(server)
    answer = await server.http("POST", "/api/rooms", {"series": made})
    async with Client.join(answer.json()["links"]["member"], "Shy", patience=WAIT) as shy:
        await shy.enter(WAIT)
        assert shy.room.slices["series"] == {"id": made, "remembered": False, "times": False}
    plain = (await server.http("POST", "/api/rooms", {})).json()
    async with Client.join(plain["links"]["member"], "Ada", patience=WAIT) as ada:
        from sitwith_protocol import messages as m

        with pytest.raises(Refused) as refused:
            await ada.ask(lambda id: m.AgreementAccept(id, 1, new_person()))
        assert refused.value.code == "not_allowed"
        await ada.enter(WAIT)
    assert (await shown(server, made))["people"] == 0


async def test_FG9_a_meeting_that_is_extended_is_found_until_its_new_end(
    start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "series.db"
    server = start(f"sqlite:///{file}", SITWITH_ROOM_TTL="600")
    made = await series(server, title="Tuesdays")
    async with meeting(server, made, [Person("Ada")]) as evening:
        ends = evening.host.room["expires_at"]
        await evening.host.extend(600)
        async with asyncio.timeout(WAIT):
            with sqlite3.connect(file) as plain:
                row = "SELECT expires_at FROM sitwith_series_meeting"
                while plain.execute(row).fetchone()[0] != ends + 600:
                    await asyncio.sleep(0.05)
