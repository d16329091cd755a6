"""The settings: names, defaults, meanings, and checks that involve two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sitwith_server.config import parsers as p
from sitwith_server.config.addresses import derived_origins, http_url
from sitwith_server.config.errors import SettingError

T = TypeVar("T")
Parse = Callable[[str], object]

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
MEDIA: Final = ("aiortc", "janus", "off")


def _setting(default: T, parse: Parse, help: str, *, secret: bool = False) -> T:
    # Typed as the default's type, though the dataclass gets a Field.
    metadata = {"parse": parse, "help": help, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a server. Durations are in seconds, sizes in bytes.

    Empty `public_url` and `allowed_origins` are derived from `host` and `port`.
    """

    host: str = _setting("127.0.0.1", p.host, "address to listen on")
    port: int = _setting(8000, p.whole(0, 65535), "port to listen on")
    public_url: str = _setting("", p.origin, "how browsers reach this server; links begin with it")
    allowed_origins: tuple[str, ...] = _setting(
        (), p.origins, "web origins whose pages may connect, separated by commas"
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (),
        p.networks,
        "addresses or networks of proxies whose word on a client's address is trusted",
    )
    operator_key: str | None = _setting(
        None, p.key, "key of the operator's API; if unset, the API refuses all calls", secret=True
    )
    metrics: str | None = _setting(
        None,
        p.listening_place,
        "address:port of the metrics; further workers use the next ports; unset: no metrics",
    )
    workers: int = _setting(1, p.whole(1, 256), "worker processes; more than one needs redis_url")
    redis_url: str | None = _setting(
        None,
        p.redis,
        "Redis that workers share, or several, separated by commas; unset: one process, in memory",
        secret=True,
    )
    drain_seconds: float = _setting(
        5.0,
        p.seconds(0, 600),
        "time over which a stopping worker asks its clients to reconnect elsewhere",
    )
    room_ttl: int = _setting(
        86_400, p.whole(60, 2_592_000), "how long a room lives after it was created"
    )
    forget_seconds: int = _setting(
        900,
        p.whole(10, 86_400),
        "how long after its last connection a room forgets what was said in it",
    )
    door_seconds: int = _setting(
        600,
        p.whole(1, 86_400),
        "how long a reader of the agreement may be inactive before a newcomer takes the place",
    )
    audit_ttl: int = _setting(
        86_400, p.whole(0, 31_536_000), "how long an audit trail is kept after its room's end"
    )
    grace_seconds: int = _setting(
        30, p.whole(1, 7_200), "how long a turn waits for a holder who lost the connection"
    )
    crisis_lines: str | None = _setting(
        None, str, "file of crisis lines by country that replaces the shipped one"
    )
    series: str = _setting(
        "off", p.one_of("off", "on"), "whether rooms may meet again and remember who met (series)"
    )
    series_url: str = _setting(
        "sqlite:///sitwith-series.db",
        p.database,
        "database of series: a SQLite file on this machine, or postgresql://…",
        secret=True,
    )
    series_key: str | None = _setting(
        None,
        p.series_key,
        "key that hashes the members of series; the same for all workers",
        secret=True,
    )
    picture_bytes: int = _setting(
        5 * 2**20, p.whole(0, 50 * 2**20), "largest picture that can be shown to a room; 0: none"
    )
    pdf_bytes: int = _setting(
        10 * 2**20, p.whole(0, 50 * 2**20), "largest PDF that can be shown to a room; 0: none"
    )
    upload_bytes: int = _setting(
        64 * 2**20,
        p.whole(1, 2**32),
        "most bytes of files in upload at a worker at a time, and as many in download",
    )
    outbox_bytes: int = _setting(
        1_048_576,
        p.whole(65_536, 268_435_456),
        "unsent bytes at which a slow client is disconnected",
    )
    sockets_per_address: int = _setting(
        2_500, p.whole(1, 1_000_000), "most connections that one address may have at a worker"
    )
    sockets: int = _setting(
        0, p.whole(0, 1_000_000), "most connections of a worker; 0: limited by its open files"
    )
    max_frame: int = _setting(
        32_768, p.whole(4_096, 1_048_576), "largest frame that a client may send"
    )
    hello_seconds: float = _setting(
        5.0, p.seconds(0.1, 60), "time in which a new connection must send hello"
    )
    ping_seconds: float = _setting(
        5.0,
        p.seconds(0.5, 60),
        "time between pings; a client that stays silent as long again is disconnected",
    )
    log_level: str = _setting(
        "info", p.one_of(*LOG_LEVELS), f"least level logged: {', '.join(LOG_LEVELS)}"
    )
    inspectable: bool = _setting(
        False,
        p.yes_or_no,
        "allow debuggers and profilers of the same user to inspect the processes",
    )
    media: str = _setting(
        "aiortc", p.one_of(*MEDIA), f"what carries voice and video: {', '.join(MEDIA)}"
    )
    media_address: str | None = _setting(
        None, p.public_address, "address that members send voice and video to; unset: that of host"
    )
    media_bind: str | None = _setting(
        None, p.address, "address to listen on for media if media_address is not this machine's own"
    )
    media_port: int = _setting(
        0,
        p.whole(0, 65535),
        "UDP port of the first media node, the next ports for further ones; 0: any free ports",
    )
    media_nodes: int = _setting(
        0,
        p.whole(-1, 64),
        "media processes beside the workers; 0: one per spare core, at least 2; -1: none",
    )
    media_voices: int = _setting(
        11,
        p.whole(1, 11),
        "voices that a member hears at once, the loudest first; if media is aiortc",
    )
    janus_urls: tuple[str, ...] = _setting(
        (), p.urls("ws", "wss"), "Janus gateways (ws:// or wss://), if media is janus"
    )
    janus_secret: str | None = _setting(
        None, p.words, "secret of the gateways' API (api_secret), if they have one", secret=True
    )
    janus_room_key: str | None = _setting(
        None, p.words, "admin_key of the gateways' videoroom plugin, if it has one", secret=True
    )
    janus_guards: tuple[str, ...] = _setting(
        (),
        p.places,
        "guards of these gateways (host:port), in the same order; unset: the same hosts, port 8189",
    )
    janus_admin_secret: str | None = _setting(
        None, p.words, "admin_secret of a gateway; only its guard needs it", secret=True
    )
    turn_urls: tuple[str, ...] = _setting(
        (), p.turn_urls, "TURN servers for members (turn: and turns: URIs)"
    )
    turn_secret: str | None = _setting(
        None, p.words, "secret that this server shares with the TURN servers", secret=True
    )
    turn_ttl: int = _setting(
        600, p.whole(60, 600), "how long a member's TURN credentials are valid"
    )
    turn_relay_only: bool = _setting(
        False, p.yes_or_no, "make browsers send media only through the TURN servers"
    )

    def __post_init__(self) -> None:
        if not self.public_url:
            try:
                derived = p.origin(http_url(self.host, self.port))
            except ValueError as error:
                raise SettingError("public_url", f"is needed: host {error}") from None
            object.__setattr__(self, "public_url", derived)
        if not self.allowed_origins:
            object.__setattr__(self, "allowed_origins", derived_origins(self.public_url))
        if self.workers > 1 and self.redis_url is None:
            raise SettingError("workers", "more than 1 needs redis_url")
        if self.media == "janus" and not self.janus_urls:
            raise SettingError("janus_urls", "is needed if media is janus")
        if self.janus_guards and len(self.janus_guards) != len(self.janus_urls):
            raise SettingError("janus_guards", "must be as many as janus_urls")
        if self.series == "on" and self.series_key is None:
            problem = (
                "is needed if series is on: 32 random characters or more, kept with the series"
            )
            raise SettingError("series_key", problem)
        if self.turn_urls and self.turn_secret is None:
            raise SettingError("turn_secret", "is needed with turn_urls")
        if self.turn_relay_only and not self.turn_urls:
            raise SettingError("turn_relay_only", "needs turn_urls")
        if self.upload_bytes < max(self.picture_bytes, self.pdf_bytes):
            raise SettingError("upload_bytes", "must be at least picture_bytes and pdf_bytes")
        if self.outbox_bytes < 2 * self.max_frame:
            raise SettingError("outbox_bytes", "must be at least twice max_frame")
