"""The calls and commands about series, on a server that has them and on one that has not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from sitwith_client import Client
from sitwith_protocol.person import new_person, person_code
from sitwith_server import cli
from tests.blackbox.house import Server
from tests.programs import KEY as OPERATOR
from tests.series.evening import Person, meeting, series, until_kept
from tests.series.test_series import started

PLAN = {
    "title": "Tuesdays; quietly",
    "starts_at": "2026-11-24T19:00",
    "timezone": "Europe/Berlin",
    "seconds": 5400,
    "every": 7,
    "count": 4,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = started(f"sqlite:///{tmp_path_factory.mktemp('http') / 'series.db'}")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def off() -> Iterator[Server]:
    made = Server({"SITWITH_MEDIA": "off"})
    yield made
    made.stop()


async def test_HT13_a_series_is_made_shown_listed_and_erased(server: Server) -> None:
    answer = await server.http("POST", "/api/series", PLAN)
    assert answer.status_code == 201
    made = answer.json()
    planned = {**PLAN, "starts_at": "2026-11-24T19:00:00", "every": "FREQ=WEEKLY;INTERVAL=1"}
    assert {name: made[name] for name in PLAN} == planned
    shown = (await server.http("GET", f"/api/series/{made['series']}")).json()
    counts = {"meetings": 0, "people": 0, "pairs": 0, "bans": []}
    assert shown == {**made, **counts}
    assert shown in (await server.http("GET", "/api/series")).json()["series"]
    assert (await server.http("DELETE", f"/api/series/{made['series']}")).status_code == 204
    assert (await server.http("GET", f"/api/series/{made['series']}")).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * 121),
        ("title", 7),
        ("starts_at", "tomorrow"),
        ("starts_at", "2026-11-24T19:00:00Z"),
        ("starts_at", "2026-13-24T19:00"),
        ("timezone", "Berlin"),
        ("timezone", "../etc/passwd"),
        ("seconds", 0),
        ("seconds", 1e99),
        ("every", 0),
        ("every", 367),
        ("every", True),
        ("every", "FREQ=SECONDLY"),
        ("every", "FREQ=WEEKLY;COUNT=9"),
        ("every", "FREQ=WEEKLY;INTERVAL=1000000"),
        ("every", "FREQ=WEEKLY\r\nATTACH:x"),
        ("every", "x" * 10_000),
        ("count", 0),
        ("count", 1_001),
        ("people", ["Ada"]),
    ],
)
async def test_HT13_what_does_not_fit_makes_nothing_and_is_refused_by_its_path(
    server: Server, field: str, value: object
) -> None:
    before = len((await server.http("GET", "/api/series")).json()["series"])
    answer = await server.http("POST", "/api/series", {**PLAN, field: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["path"] == field
    assert len((await server.http("GET", "/api/series")).json()["series"]) == before


async def test_HT13_a_rule_needs_a_beginning_and_a_count_a_rule(server: Server) -> None:
    for body, path in (({"every": 7}, "starts_at"), ({"count": 3}, "every")):
        answer = await server.http("POST", "/api/series", body)
        assert (answer.status_code, answer.json()["error"]["path"]) == (422, path)


async def test_HT13_a_meeting_is_of_a_series_that_there_is(server: Server) -> None:
    before = (await server.http("GET", "/api/rooms")).json()
    for value in ("no-such-series", 7, ""):
        answer = await server.http("POST", "/api/rooms", {"series": value})
        assert (answer.status_code, answer.json()["error"]["path"]) == (422, "series")
    assert (await server.http("GET", "/api/rooms")).json() == before


async def test_HT13_every_call_of_the_operator_needs_the_key(server: Server) -> None:
    made = await series(server)
    for method, path in (
        ("GET", "/api/series"),
        ("POST", "/api/series"),
        ("GET", f"/api/series/{made}"),
        ("DELETE", f"/api/series/{made}"),
        ("POST", f"/api/series/{made}/erase"),
        ("DELETE", f"/api/series/{made}/bans/x"),
        ("GET", f"/api/series/{made}/invite.ics"),
    ):
        answer = await server.http(method, path, {} if method == "POST" else None, key=None)
        assert answer.status_code == 401, path
    assert (await server.http("GET", f"/api/series/{made}")).status_code == 200


async def test_HT14_who_shows_a_code_is_erased_and_nobody_else(server: Server) -> None:
    made, people = await series(server), [Person("Ada"), Person("Ben")]
    async with meeting(server, made, people):
        await until_kept(server, made, people=2)
    forget = f"/series/{made}/forget"
    for bad in ("", "a" * 31, "ä" * 32, 7, None, [people[0].code]):
        answer = await server.http("POST", forget, {"person": bad}, key=None)
        assert (answer.status_code, answer.json()["error"]["path"]) == (422, "person")
    # A stranger's code, and another series, are answered alike and do nothing.
    other = await series(server)
    for path, code in (
        (forget, person_code(new_person())),
        (f"/series/{other}/forget", people[0].code),
    ):
        assert (await server.http("POST", path, {"person": code}, key=None)).status_code == 204
    await until_kept(server, made, people=2)
    shouted = people[0].code.upper().replace("-", " ")
    assert (await server.http("POST", forget, {"person": shouted}, key=None)).status_code == 204
    await until_kept(server, made, people=1)


async def test_HT14_strangers_cannot_hammer_the_store(server: Server) -> None:
    body = {"person": person_code(new_person())}
    calls = [server.http("POST", "/series/none/forget", body, key=None) for _ in range(250)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {204, 429, 503}
    assert 429 in {answer.status_code for answer in answers}
    assert (await server.http("GET", "/api/series")).status_code == 200


async def until_served(server: Server, path: str) -> Any:
    """A public call, after others' haste is over."""
    async with asyncio.timeout(60):
        while (answer := await server.http("GET", path, key=None)).status_code == 429:
            await asyncio.sleep(0.2)
    return answer


async def test_HT15_an_invitation_says_when_and_repeats(server: Server) -> None:
    made = await series(server, **PLAN)
    answer = await until_served(server, f"/series/{made}/invite.ics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(event["summary"]) == PLAN["title"]
    assert event.decoded("dtstart").isoformat() == "2026-11-24T19:00:00+01:00"
    assert event.decoded("duration").total_seconds() == 5400
    assert event["rrule"] == {"FREQ": ["WEEKLY"], "INTERVAL": [1], "COUNT": [4]}
    assert "url" not in event
    again = await server.http("GET", f"/api/series/{made}/invite.ics")
    assert Calendar.from_ical(again.content).walk("VEVENT")[0]["uid"] == event["uid"]
    link = "https://example.org/r/abc#t=abc.secret"
    body = {"link": link, "words": "Come as you are;\nwe begin quietly, in a circle."}
    linked = await server.http("POST", f"/api/series/{made}/invite.ics", body)
    (event,) = Calendar.from_ical(linked.content).walk("VEVENT")
    assert (str(event["url"]), str(event["location"])) == (link, link)
    assert str(event["description"]) == body["words"]
    assert all(len(line) <= 75 for line in linked.content.split(b"\r\n"))
    bad = await server.http("POST", f"/api/series/{made}/invite.ics", {"link": "javascript:x"})
    assert (bad.status_code, bad.json()["error"]["path"]) == (422, "link")


async def test_HT15_without_times_there_is_no_invitation(server: Server) -> None:
    made = await series(server, title="Whenever")
    assert (await server.http("GET", f"/api/series/{made}/invite.ics")).status_code == 404
    assert (await until_served(server, "/series/none/invite.ics")).status_code == 404


async def test_HT16_while_series_are_off_all_of_it_is_refused_by_name(off: Server) -> None:
    for method, path, body in (
        ("GET", "/api/series", None),
        ("POST", "/api/series", PLAN),
        ("GET", "/api/series/x", None),
        ("DELETE", "/api/series/x", None),
        ("POST", "/api/series/x/erase", {"person": person_code(new_person())}),
        ("DELETE", "/api/series/x/bans/y", None),
        ("GET", "/api/series/x/invite.ics", None),
        ("POST", "/series/x/forget", {"person": person_code(new_person())}),
        ("GET", "/series/x/invite.ics", None),
    ):
        answer = await off.http(method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "series_off"), path
    answer = await off.http("POST", "/api/rooms", {"series": "x"})
    assert (answer.status_code, answer.json()["error"]["path"]) == (422, "series")
    assert (await off.http("GET", "/api/rooms")).json() == {"rooms": []}


# ------------------------------------------------------------------------------- command line


def run(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str]:
    monkeypatch.setenv("SITWITH_OPERATOR_KEY", OPERATOR)
    code = cli.main([*words, "--url", server.url])
    return code, capsys.readouterr().out


async def test_series_are_led_from_the_command_line(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said(*words: str) -> str:
        code, out = await asyncio.to_thread(run, server, capsys, monkeypatch, *words)
        assert code == 0, out
        return out

    words = ("--title", "Tuesdays", "--starts-at", "2026-11-24T19:00", "--every", "14")
    made = json.loads(await said("series", "create", *words, "--json"))["series"]
    assert made in await said("series", "list")
    assert "FREQ=WEEKLY;INTERVAL=2" in await said("series", "show", made)
    ics = await said("series", "invite", made, "--link", "https://example.org/r/x#t=y")
    assert Calendar.from_ical(ics).walk("VEVENT")[0]["url"] == "https://example.org/r/x#t=y"
    room = json.loads(await said("room", "create", "--series", made, "--json"))
    async with Client.join(room["links"]["member"], "Ada") as ada:
        assert ada.room.slices["title"] == "Tuesdays"  # the series' own
    assert json.loads(await said("series", "show", made, "--json"))["meetings"] == 1
    code = person_code(new_person())
    assert "nothing" in await said("series", "erase", made, "--person", code)
    assert "ended" in await said("series", "end", made)
    status, _ = await asyncio.to_thread(run, server, capsys, monkeypatch, "series", "show", made)
    assert status == 1


# ----------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("series_key", {"SITWITH_SERIES": "on"}),
        ("series_key", {"SITWITH_SERIES": "on", "SITWITH_SERIES_KEY": "short-secret"}),
        ("series_url", {"SITWITH_SERIES_URL": "mysql://root:short-secret@x/y"}),
        ("series_url", {"SITWITH_SERIES_URL": "sqlite:///"}),
        ("series", {"SITWITH_SERIES": "perhaps"}),
        (
            "series_url",
            {
                "SITWITH_SERIES": "on",
                "SITWITH_SERIES_KEY": "k" * 32,
                "SITWITH_SERIES_URL": "sqlite:////proc/no/such/place.db",
            },
        ),
    ],
)
def test_SE12_a_setting_that_cannot_be_used_is_refused_by_its_name(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    settings: dict[str, str],
) -> None:
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
    assert cli.main(["serve", "--port", "0", "--media", "off"]) == 2
    told = capsys.readouterr().err
    assert f"{name} " in told or f"{name}:" in told
    assert "short-secret" not in told


def test_a_password_in_the_stores_url_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SITWITH_SERIES_URL", "postgresql://sitwith:short-secret@db.example/x")
    monkeypatch.setenv("SITWITH_SERIES_KEY", "k" * 40)
    assert cli.main(["config"]) == 0
    told = capsys.readouterr().out
    assert "postgresql://sitwith:" in told
    assert "short-secret" not in told
    assert "k" * 40 not in told
