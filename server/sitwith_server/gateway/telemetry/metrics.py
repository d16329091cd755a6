"""Metrics for Prometheus: sums over all rooms, never values of one room, seat or name.

Labels come from closed sets (message types, refusal and close codes, route templates), so that no
peer can create a label. The number of people in a room is exported as a size class; the lowest
holds all rooms below `CROWD`. The number of people in all rooms is absent while below `CROWD`.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sitwith_protocol.errors import CloseCode, RefusalCode
from sitwith_protocol.messages import COMMANDS
from sitwith_server import __version__
from sitwith_server.log.base import Health
from sitwith_server.media.plane.bus import Here

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
CROWD: Final = 5
"""No number of people below this is exported. Sockets are counted exactly."""

OTHER: Final = "other"
QUIET: Final = "quiet"
"""The type of all commands between one person and the facilitators. Metrics need no key, and only
the facilitators may know that somebody asked for care."""
_QUIET_TYPES: Final = frozenset(
    each
    for each in COMMANDS
    if each.partition(".")[0] in ("care", "staff", "help", "voice", "mood", "topics")
)
_TALK: Final = frozenset(("chat.say", "chat.delete"))
_CIRCLES: Final = ("circle", "pair")
"""Messages to other conversations count as `QUIET`, too."""

OPEN: Final = "open"
ANY: Final = "any"
"""Method and route of all requests that need no key, so that a request for the crisis lines, or for
one's own erasure, can't be told from others."""
_KEYED: Final = ("/api/", "/r/{room}/materials/")
OK: Final = "ok"
_SIZES: Final = ((4, "0-4"), (9, "5-9"), (19, "10-19"), (49, "20-49"), (99, "50-99"))
_LARGEST: Final = "100+"
_RESULTS: Final = frozenset((OK, *(code.value for code in RefusalCode)))
_CLOSES: Final = frozenset(
    (*(code.value for code in CloseCode), 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1011, 1012)
)
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


# A counter's creation time would tell when rooms did something for the first time.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one worker. Methods are cheap and never raise, whatever a peer sends."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        Info("sitwith_build", "Version of the server", registry=registry).info(
            {"version": __version__}
        )
        self._open = Gauge("sitwith_connections", "Sockets open now", registry=registry)
        self._opened = Counter(
            "sitwith_connections_opened", "Sockets opened so far", registry=registry
        )
        self._closed = Counter(
            "sitwith_closes", "Sockets closed, by close code", ["code"], registry=registry
        )
        self._turned_away = Counter(
            "sitwith_upgrades_refused", "Upgrades refused, by reason", ["reason"], registry=registry
        )
        self._commands = Counter(
            "sitwith_commands", "Commands answered", ["type", "result"], registry=registry
        )
        self._refusals = Counter(
            "sitwith_refusals", "Commands refused, by code", ["code"], registry=registry
        )
        self._frames = Counter("sitwith_frames", "Frames", ["direction"], registry=registry)
        self._bytes = Counter(
            "sitwith_frame_bytes", "Payload bytes of frames", ["direction"], registry=registry
        )
        self._cuts = Counter(
            "sitwith_outbox_cuts", "Connections cut for reading too slowly", registry=registry
        )
        self._sockets_refused = Counter(
            "sitwith_sockets_refused",
            "Sockets refused, by the limit that they would exceed",
            ["bound"],
            registry=registry,
        )
        self._sockets_cut = Counter(
            "sitwith_sockets_cut", "Sockets ended by the server, by why", ["why"], registry=registry
        )
        self._resumes = Counter("sitwith_resumes", "Seats taken again", registry=registry)
        self._commits = Histogram(
            "sitwith_commit_seconds",
            "From a command's arrival to its commit",
            buckets=_SECONDS,
            registry=registry,
        )
        self._ticks = Counter("sitwith_ticks", "Deadlines kept", registry=registry)
        self._http = Counter(
            "sitwith_http_requests",
            "HTTP requests, by route template",
            ["method", "route", "status"],
            registry=registry,
        )
        self._series_given_up = Counter(
            "sitwith_series_given_up",
            "Rooms whose last summary could not be written to their series",
            registry=registry,
        )
        self._rooms = _Rooms()
        registry.register(self._rooms)
        self._frames_in = self._frames.labels("in")
        self._frames_out = self._frames.labels("out")
        self._bytes_in = self._bytes.labels("in")
        self._bytes_out = self._bytes.labels("out")
        # On the hot path: looking up a label's child takes a lock and builds a key.
        self._answered: dict[tuple[str, str], Counter] = {}

    # -- connections -------------------------------------------------------------------------

    def connection_opened(self) -> None:
        self._open.inc()
        self._opened.inc()

    def connection_closed(self, code: int) -> None:
        """`code`: the close code that was sent or received; 1006 if there was none."""
        self._open.dec()
        self._closed.labels(str(int(code)) if int(code) in _CLOSES else OTHER).inc()

    def upgrade_refused(self, reason: str) -> None:
        """`reason`: one of `origin`, `draining`, `subprotocol`."""
        self._turned_away.labels(reason).inc()

    def sockets(self, count: Callable[[], int]) -> None:
        """Registers `count`, which returns the number of open sockets."""
        gauge = Gauge("sitwith_sockets", "Open sockets of all kinds", registry=self._registry)
        gauge.set_function(count)

    def socket_refused(self, bound: str) -> None:
        """`bound`: one of `address`, `all`, `turns`."""
        self._sockets_refused.labels(bound).inc()

    def socket_cut(self, why: str) -> None:
        """`why`: one of the reasons of `SocketPolicy.cut`."""
        self._sockets_cut.labels(why).inc()

    def outbox_cut(self) -> None:
        self._cuts.inc()

    def resumed(self) -> None:
        self._resumes.inc()

    # -- traffic -----------------------------------------------------------------------------

    def frames_in(self, n: int, size: int) -> None:
        """Counts `n` frames with `size` bytes in all."""
        self._frames_in.inc(n)
        self._bytes_in.inc(size)

    def frames_out(self, n: int, size: int) -> None:
        """Counts `n` frames with `size` bytes in all."""
        self._frames_out.inc(n)
        self._bytes_out.inc(size)

    def command(self, type: str, result: str, to: str = "circle") -> None:
        """Counts an answered command.

        type: its wire type. result: `ok` or the refusal's code. to: the conversation of a message.
        """
        if type in _QUIET_TYPES or (type in _TALK and not to.startswith(_CIRCLES)):
            # Without the refusal's code, since some codes belong to one command alone.
            type, result = QUIET, OK if result == OK else OTHER
        child = self._answered.get((type, result))
        if child is None:
            shown = type if type in COMMANDS or type == QUIET else OTHER
            known = shown, result if result in _RESULTS else OTHER
            child = self._commands.labels(*known)
            if known == (type, result):
                self._answered[known] = child
        child.inc()
        if result != OK:
            self._refusals.labels(result if result in _RESULTS else OTHER).inc()

    def commit(self, seconds: float) -> None:
        self._commits.observe(seconds)

    def tick(self) -> None:
        self._ticks.inc()

    def http(self, method: str, route: str, status: int) -> None:
        """Counts an answered request. route: a template, such as `/api/rooms/{room}`."""
        if route.startswith(_KEYED):
            self._http.labels(method if method in METHODS else OTHER, route, str(status)).inc()
        else:
            self._http.labels(ANY, OPEN, f"{status // 100}xx").inc()

    # -- rooms -------------------------------------------------------------------------------

    def rooms(self, sizes: Iterable[int]) -> None:
        """Sets the number of people of each room on this worker, in any order."""
        self._rooms.sizes = tuple(sizes)

    def media(self, nodes: Callable[[], Iterable[Here]]) -> None:
        """Registers `nodes`, which returns the last report of each media node."""
        self._registry.register(_Media(nodes))

    def log(self, health: Callable[[], Mapping[str, Health]], why: Callable[[], Reasons]) -> None:
        """Registers the health of the log's instances, and why some are not live."""
        self._registry.register(_Log(health, why))

    def series(self, waiting: Callable[[], int]) -> None:
        """Registers `waiting`: rooms with a summary for their series that is not written yet."""
        gauge = Gauge(
            "sitwith_series_waiting",
            "Rooms with a summary for their series that is not written yet",
            registry=self._registry,
        )
        gauge.set_function(waiting)

    def series_given_up(self, rooms: int) -> None:
        """Counts rooms whose last summary could not be written."""
        self._series_given_up.inc(rooms)

    def render(self) -> bytes:
        """All metrics in the text format of `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _Rooms(Collector):
    def __init__(self) -> None:
        self.sizes: tuple[int, ...] = ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "sitwith_rooms", "Rooms with somebody connected here", value=len(self.sizes)
        )
        by_size = GaugeMetricFamily(
            "sitwith_rooms_by_people",
            "Those rooms by how many people are connected",
            labels=["people"],
        )
        counts = dict.fromkeys((*(name for _, name in _SIZES), _LARGEST), 0)
        for size in self.sizes:
            counts[_size_class(size)] += 1
        for name, count in counts.items():
            by_size.add_metric([name], count)
        yield by_size
        people = GaugeMetricFamily(
            "sitwith_people", f"People connected to rooms here; absent while fewer than {CROWD}"
        )
        if sum(self.sizes) >= CROWD:
            people.add_metric([], sum(self.sizes))
        yield people


Reasons = Mapping[str, str]
"""Why an instance of the log is not live, by its name (`Log.reasons`)."""


class _Log(Collector):
    """Instances of the log by state: `live`, or the reason why not."""

    def __init__(
        self, health: Callable[[], Mapping[str, Health]], why: Callable[[], Reasons]
    ) -> None:
        self._health, self._why = health, why

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        why = self._why()
        states = Tally(why.get(name, str(each.value)) for name, each in self._health().items())
        family = GaugeMetricFamily(
            "sitwith_log_instances", "Instances of the log, by what they are", labels=["state"]
        )
        for state, count in sorted(states.items()):
            family.add_metric([state], float(count))
        yield family


class _Media(Collector):
    """Only one worker reports each node, so that sums over workers count it once."""

    def __init__(self, nodes: Callable[[], Iterable[Here]]) -> None:
        self._nodes = nodes

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        found = list(self._nodes())
        yield GaugeMetricFamily(
            "sitwith_media_nodes", "Media nodes that this worker reports", value=len(found)
        )
        for name, text in (
            ("rooms", "Rooms that a media node carries"),
            ("connections", "Media connections of a node"),
            ("load", "How full a media node is, 0 to 1"),
        ):
            family = GaugeMetricFamily(f"sitwith_media_{name}", text, labels=["node"])
            for each in found:
                family.add_metric([each.node], float(getattr(each, name)))
            yield family
        counts = CounterMetricFamily(
            "sitwith_media_counts", "What a media node's engine counts", labels=["node", "what"]
        )
        for each in found:
            for what, count in each.counts.items():
                counts.add_metric([each.node, what], count)
        yield counts


def _size_class(size: int) -> str:
    return next((name for most, name in _SIZES if size <= most), _LARGEST)
