"""The settings themselves: names, defaults, meanings and what two of them ask of each other."""

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
    # The dataclass sees a Field; the annotation and the type checker see its default.
    metadata = {"parse": parse, "help": help, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a worker can be told. Durations in seconds, sizes in bytes.

    `public_url` and `allowed_origins` left empty are derived from `host` and `port`.
    """

    host: str = _setting("127.0.0.1", p.host, "address to listen on")
    port: int = _setting(8000, p.whole(0, 65535), "port to listen on")
    public_url: str = _setting("", p.origin, "how browsers reach this server; links begin with it")
    allowed_origins: tuple[str, ...] = _setting(
        (), p.origins, "web origins whose pages may connect, separated by commas"
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), p.networks, "addresses or networks of proxies that are believed where peers come from"
    )
    operator_key: str | None = _setting(
        None, p.key, "key of the operator's API; unset, the API refuses everybody", secret=True
    )
    metrics: str | None = _setting(
        None,
        p.listening_place,
        "address:port for Prometheus, unset: none; the next ports for further workers",
    )
    workers: int = _setting(1, p.whole(1, 256), "worker processes; more than one needs redis_url")
    redis_url: str | None = _setting(
        None,
        p.redis,
        "Redis that workers share, or several by commas; unset, one process keeps all",
        secret=True,
    )
    drain_seconds: float = _setting(
        5.0, p.seconds(0, 600), "time over which a stopping worker sends its members elsewhere"
    )
    room_ttl: int = _setting(86_400, p.whole(60, 2_592_000), "life of a room from its creation")
    forget_seconds: int = _setting(
        900, p.whole(10, 86_400), "how long a room remembers with nobody inside connected"
    )
    door_seconds: int = _setting(
        600,
        p.whole(1, 86_400),
        "how long a place at the agreement is nobody else's without a sign of a person",
    )
    audit_ttl: int = _setting(
        86_400, p.whole(0, 31_536_000), "life of an audit trail after the end of its room"
    )
    grace_seconds: int = _setting(
        30, p.whole(1, 7_200), "how long a turn waits for somebody who lost the connection"
    )
    crisis_lines: str | None = _setting(
        None, str, "file of crisis lines by country, in place of the shipped one"
    )
    series: str = _setting(
        "off", p.one_of("off", "on"), "whether rooms that meet again keep anything of one another"
    )
    series_url: str = _setting(
        "sqlite:///sitwith-series.db",
        p.database,
        "where series are kept: a SQLite file of this machine, or postgresql://…",
        secret=True,
    )
    series_key: str | None = _setting(
        None,
        p.series_key,
        "key under which people of series are hashed; all workers' alike",
        secret=True,
    )
    picture_bytes: int = _setting(
        5 * 2**20, p.whole(0, 50 * 2**20), "largest picture that is shown to a room; 0: none"
    )
    pdf_bytes: int = _setting(
        10 * 2**20, p.whole(0, 50 * 2**20), "largest PDF that is shown to a room; 0: none"
    )
    upload_bytes: int = _setting(
        64 * 2**20,
        p.whole(1, 2**32),
        "files that a worker takes in at a time, and gives out, together",
    )
    outbox_bytes: int = _setting(
        1_048_576, p.whole(65_536, 268_435_456), "unsent bytes after which a slow reader is cut"
    )
    sockets_per_address: int = _setting(
        2_500, p.whole(1, 1_000_000), "most sockets that one address may have at a worker"
    )
    sockets: int = _setting(
        0, p.whole(0, 1_000_000), "most sockets of a worker; 0: as many as it may open files"
    )
    max_frame: int = _setting(32_768, p.whole(4_096, 1_048_576), "largest frame from a client")
    hello_seconds: float = _setting(
        5.0, p.seconds(0.1, 60), "time that a new connection has to say hello"
    )
    ping_seconds: float = _setting(
        5.0, p.seconds(0.5, 60), "time between pings; a silent peer is lost after as long again"
    )
    log_level: str = _setting(
        "info", p.one_of(*LOG_LEVELS), f"least level logged: {', '.join(LOG_LEVELS)}"
    )
    inspectable: bool = _setting(
        False, p.yes_or_no, "let debuggers and profilers of the same user look into its processes"
    )
    media: str = _setting("aiortc", p.one_of(*MEDIA), f"what carries voices: {', '.join(MEDIA)}")
    media_address: str | None = _setting(
        None, p.public_address, "address that members send voice and video to; unset, host's"
    )
    media_bind: str | None = _setting(
        None, p.address, "address to bind for media where media_address is not this machine's own"
    )
    media_port: int = _setting(
        0, p.whole(0, 65535), "UDP port for media, of the first media node; 0 takes free ones"
    )
    media_nodes: int = _setting(
        0,
        p.whole(-1, 64),
        "media processes beside the workers; 0: one a spare core, 2 at least; -1: none",
    )
    media_voices: int = _setting(
        11,
        p.whole(1, 11),
        "voices that a member hears at once, of more the loudest; where media is aiortc",
    )
    janus_urls: tuple[str, ...] = _setting(
        (), p.urls("ws", "wss"), "Janus gateways (ws:// or wss://), where media is janus"
    )
    janus_secret: str | None = _setting(
        None, p.words, "secret of the gateways' API, where they have one", secret=True
    )
    janus_room_key: str | None = _setting(
        None, p.words, "admin_key of the gateways' videoroom plugin, where it has one", secret=True
    )
    janus_guards: tuple[str, ...] = _setting(
        (),
        p.places,
        "guards of these gateways (host:port), in the same order; unset, their hosts, port 8189",
    )
    janus_admin_secret: str | None = _setting(
        None, p.words, "admin_secret of a gateway: for its guard alone", secret=True
    )
    turn_urls: tuple[str, ...] = _setting(
        (), p.turn_urls, "TURN servers for members (turn: and turns: URIs)"
    )
    turn_secret: str | None = _setting(
        None, p.words, "secret that the TURN servers share with this one", secret=True
    )
    turn_ttl: int = _setting(600, p.whole(60, 600), "life of a member's TURN credentials")
    turn_relay_only: bool = _setting(
        False, p.yes_or_no, "ask browsers to send media by the TURN servers alone"
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
            raise SettingError("janus_urls", "is needed where media is janus")
        if self.janus_guards and len(self.janus_guards) != len(self.janus_urls):
            raise SettingError("janus_guards", "must be as many as janus_urls")
        if self.series == "on" and self.series_key is None:
            problem = "is needed where series is on: 32 random characters or more, kept for good"
            raise SettingError("series_key", problem)
        if self.turn_urls and self.turn_secret is None:
            raise SettingError("turn_secret", "is needed with turn_urls")
        if self.turn_relay_only and not self.turn_urls:
            raise SettingError("turn_relay_only", "needs turn_urls")
        if self.upload_bytes < max(self.picture_bytes, self.pdf_bytes):
            raise SettingError("upload_bytes", "must hold one of picture_bytes and of pdf_bytes")
        if self.outbox_bytes < 2 * self.max_frame:
            raise SettingError("outbox_bytes", "must hold at least two frames of max_frame")
