"""What Prometheus is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import BaseRoute, Mount, Route

from sitwith_server.gateway.http import app
from sitwith_server.gateway.telemetry.metrics import CROWD, Metrics
from sitwith_server.media.plane.bus import Here

from .house import house

PEOPLE = re.compile(r"[0-9]+")


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    """Values by name and label values, the latter in the order of the labels' names."""
    text = metrics.render().decode()
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_connections_are_counted_open_and_by_their_close_code() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.connection_opened()
    for code in (4001, 4001, 31337):
        metrics.connection_closed(code)
    metrics.connection_opened()
    seen = samples(metrics)
    assert seen["sitwith_connections", ()] == 1
    assert seen["sitwith_connections_opened_total", ()] == 4
    assert seen["sitwith_closes_total", ("4001",)] == 2
    assert seen["sitwith_closes_total", ("other",)] == 1


def test_commands_are_counted_by_type_and_result_and_refusals_by_code() -> None:
    metrics = Metrics()
    for result in ("ok", "ok", "muted", "stale"):
        metrics.command("chat.say", result)
    metrics.command("mute", "muted")
    seen = samples(metrics)
    assert seen["sitwith_commands_total", ("ok", "chat.say")] == 2
    assert seen["sitwith_commands_total", ("muted", "chat.say")] == 1
    assert seen["sitwith_refusals_total", ("muted",)] == 2
    assert seen["sitwith_refusals_total", ("stale",)] == 1
    assert ("sitwith_refusals_total", ("ok",)) not in seen


def test_frames_cuts_ticks_and_commits_are_counted() -> None:
    metrics = Metrics()
    metrics.frames_in(2, 30)
    metrics.frames_out(3, 500)
    metrics.frames_out(1, 7)
    metrics.outbox_cut()
    metrics.resumed()
    metrics.tick()
    metrics.upgrade_refused("origin")
    metrics.commit(0.003)
    metrics.http("GET", "/api/rooms", 200)
    seen = samples(metrics)
    assert seen["sitwith_frames_total", ("in",)] == 2
    assert seen["sitwith_frame_bytes_total", ("in",)] == 30
    assert seen["sitwith_frames_total", ("out",)] == 4
    assert seen["sitwith_frame_bytes_total", ("out",)] == 507
    assert seen["sitwith_outbox_cuts_total", ()] == 1
    assert seen["sitwith_resumes_total", ()] == 1
    assert seen["sitwith_ticks_total", ()] == 1
    assert seen["sitwith_upgrades_refused_total", ("origin",)] == 1
    assert seen["sitwith_commit_seconds_count", ()] == 1
    assert seen["sitwith_commit_seconds_bucket", ("0.0025",)] == 0
    assert seen["sitwith_commit_seconds_bucket", ("0.005",)] == 1
    assert seen["sitwith_http_requests_total", ("GET", "/api/rooms", "200")] == 1


@given(st.text(), st.text())
def test_no_peer_can_make_a_label(type: str, result: str) -> None:
    metrics = Metrics()
    metrics.command("canary-" + type, "canary-" + result)
    metrics.http("canary-" + type, "/r/{room}", 404)
    assert "canary" not in metrics.render().decode()
    assert samples(metrics)["sitwith_commands_total", ("other", "other")] == 1


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_rooms_are_told_by_size_class_and_few_people_not_at_all(sizes: list[int]) -> None:
    metrics = Metrics()
    metrics.rooms(sizes)
    seen = samples(metrics)
    assert seen["sitwith_rooms", ()] == len(sizes)
    classes = {labels[0]: v for (name, labels), v in seen.items() if name.endswith("by_people")}
    assert sum(classes.values()) == len(sizes)
    assert classes["0-4"] == sum(1 for size in sizes if size < CROWD)
    assert classes["100+"] == sum(1 for size in sizes if size >= 100)
    told = seen.get(("sitwith_people", ()))
    assert told == (sum(sizes) if sum(sizes) >= CROWD else None)


def test_the_lowest_size_class_is_no_smaller_than_a_crowd() -> None:
    metrics = Metrics()
    metrics.rooms(range(CROWD))
    bounds = [
        [int(n) for n in PEOPLE.findall(labels[0])]
        for name, labels in samples(metrics)
        if name == "sitwith_rooms_by_people"
    ]
    assert min(bound[-1] for bound in bounds) == CROWD - 1


def test_two_workers_of_one_process_do_not_share_their_counts() -> None:
    one, other = Metrics(), Metrics()
    one.tick()
    assert samples(one)["sitwith_ticks_total", ()] == 1
    assert samples(other)["sitwith_ticks_total", ()] == 0


def test_media_nodes_are_told_by_node_and_by_fixed_words() -> None:
    made = Metrics()
    found: list[Here] = []
    made.media(lambda: found)
    assert "sitwith_media_nodes 0.0" in made.render().decode()
    found.append(Here("n1", 0.5, 3, 12, counts={"sent": 7, "refused_no_route": 2}))
    shown = made.render().decode().splitlines()
    for line in (
        "sitwith_media_nodes 1.0",
        'sitwith_media_rooms{node="n1"} 3.0',
        'sitwith_media_connections{node="n1"} 12.0',
        'sitwith_media_load{node="n1"} 0.5',
        'sitwith_media_counts_total{node="n1",what="sent"} 7.0',
        'sitwith_media_counts_total{node="n1",what="refused_no_route"} 2.0',
    ):
        assert line in shown, line


def test_HT9_that_somebody_asked_for_care_is_in_no_metric() -> None:
    metrics = Metrics()
    quiet = ("care.flag", "care.open", "staff.claim", "help.ask", "voice.nudge", "mood.answer")
    for type in (*quiet, "topics.set"):
        metrics.command(type, "ok")
        metrics.command(type, "ok")
    metrics.command("hand.raise", "ok")
    seen = samples(metrics)
    assert seen["sitwith_commands_total", ("ok", "quiet")] == 14
    assert seen["sitwith_commands_total", ("ok", "hand.raise")] == 1
    told = metrics.render().decode()
    assert not any(word in told for word in (*quiet, "topics"))


@pytest.mark.parametrize("to", ["staff", "staff:m1", "facilitators", "direct:m2", "", "elsewhere"])
def test_HT9_what_is_said_to_a_few_is_quiet(to: str) -> None:
    """Nor does a refusal tell what was refused."""
    metrics = Metrics()
    for type, result in (("chat.say", "ok"), ("chat.delete", "muted"), ("care.flag", "stale")):
        metrics.command(type, result, to)
    metrics.command("mood.answer", "bad_request")
    for where in ("circle", "pair", "pair:g1"):
        metrics.command("chat.say", "ok", where)
    seen = samples(metrics)
    assert seen["sitwith_commands_total", ("ok", "quiet")] == 1
    assert seen["sitwith_commands_total", ("other", "quiet")] == 3
    assert seen["sitwith_commands_total", ("ok", "chat.say")] == 3
    refused = {labels for name, labels in seen if name == "sitwith_refusals_total"}
    assert refused == {("other",)}


def templates(routes: Iterable[BaseRoute], under: str = "") -> Iterator[str]:
    for each in routes:
        assert isinstance(each, Route | Mount)
        yield under + each.path
        if isinstance(each, Mount):
            yield each.path_format
            yield from templates(each.routes, each.path)


async def test_HT9_nothing_that_needs_no_key_is_a_class_of_its_own() -> None:
    """Every address there is, by every method: only those with a key or a ticket are told apart."""
    told: list[set[tuple[str, ...]]] = []
    for path in ("/", "/crisis-lines"):
        async with house() as h:
            for method in ("GET", "HEAD", "POST", "DELETE", "BREW"):
                await h.call(method, path)
            told.append({key[1] for key in samples(h.metrics) if key[0].startswith("sitwith_http")})
    assert told[0] == told[1] == {("any", "open", "2xx"), ("any", "open", "4xx")}
    async with house() as h:
        for path in templates(app.routes(h.operator, h.settings)):
            for method, status in (("GET", 200), ("POST", 204), ("GET", 304), ("GET", 503)):
                h.metrics.http(method, path, status)
        labels = {key[1] for key in samples(h.metrics) if key[0] == "sitwith_http_requests_total"}
    shown = {route for _, route, _ in labels}
    assert {route for route in shown if not route.startswith("/api/")} == {"open"}
    assert {"/api/{path}", "/api/rooms/{room}", "/api/series"} <= shown
    assert not any("crisis" in route or "forget" in route for route in shown)
