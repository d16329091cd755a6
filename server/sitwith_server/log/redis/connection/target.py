"""Where the Redis instances are: URLs, masters known to Sentinels, and which instance has a
room."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthenticationWrongNumberOfArgsError

from sitwith_server.log.base import LogDown
from sitwith_server.log.redis.connection.client import RedisConnection, connect

SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
REFUSALS: Final = (AuthenticationError, AuthenticationWrongNumberOfArgsError)
"""What redis-py raises for a wrong user or password."""
_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379


class SentinelRefused(LogDown):
    """No Sentinel has named the master, and this one refuses the password."""

    def __init__(self, node: str) -> None:
        super().__init__(f"the Sentinel at {node} refuses the password")
        self.node = node


@dataclass(frozen=True, slots=True)
class Target:
    """One instance: a server, or a master known to Sentinels.

    nodes: (host, port) of the server, or of each Sentinel.
    master: its name at the Sentinels, None for a plain server.
    tls: for the server and for each Sentinel, because passwords go to both.
    """

    nodes: tuple[tuple[str, int], ...]
    master: str | None = None
    path: str | None = None
    database: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    tls: bool = False

    @property
    def name(self) -> str:
        """Its name for people, without credentials."""
        where = self.path or ",".join(f"{host}:{port}" for host, port in self.nodes)
        return f"{self.master}@{where}" if self.master else f"{where}/{self.database}"

    @property
    def identity(self) -> str:
        """What `choose_instance` hashes: for a master its name, because Sentinels come and go."""
        return f"{self.master}/{self.database}" if self.master else self.name

    async def find(self, patience: float) -> tuple[str, int]:
        """Host and port of the instance now.

        Raises:
            LogDown: no Sentinel knows it.
            SentinelRefused: no Sentinel has named it, and one of them refuses the password.
        """
        if self.master is None:
            return self.nodes[0] if self.nodes else ("", 0)
        answers = await asyncio.gather(
            *(self.ask_sentinel(host, port, patience) for host, port in self.nodes),
            return_exceptions=True,
        )
        # A Sentinel that is cut off from the others may name a former master.
        known = Counter(each for each in answers if isinstance(each, tuple))
        if not known:
            for (host, port), each in zip(self.nodes, answers, strict=True):
                if isinstance(each, REFUSALS):
                    raise SentinelRefused(f"{host}:{port}")
            raise LogDown("no Sentinel knows the master")
        return known.most_common(1)[0][0]

    async def ask_sentinel(self, host: str, port: int, patience: float) -> tuple[str, int] | None:
        """The address that one Sentinel gives, None if it doesn't know the name. Raises RedisError.

        redis-py's `Sentinel.discover_master` believes the first Sentinel that answers, so it is not
        used.
        """
        sentinel = _client(host, port, patience, password=self.sentinel_password, tls=self.tls)
        try:
            reply = await sentinel.sentinel_get_master_addr_by_name(self.master)
        finally:
            await sentinel.aclose()
        if not isinstance(reply, tuple):
            return None
        found, at = reply
        return found.decode() if isinstance(found, bytes) else found, at

    def client(self, where: tuple[str, int], patience: float) -> Redis:
        """A redis-py client, for checks. It is not connected yet; the caller closes it."""
        return _client(
            *where,
            patience,
            path=self.path,
            database=self.database,
            # As in `connect`: without a password there is no login.
            user=self.user if self.password is not None else None,
            password=self.password,
            tls=self.tls,
        )

    async def connect(
        self, make: Callable[[], RedisConnection], where: tuple[str, int], patience: float
    ) -> RedisConnection:
        """A connection that is logged in. Raises OSError, TimeoutError or ErrorReply."""
        context = ssl.create_default_context() if self.tls else None
        connection = await connect(make, *where, path=self.path, tls=context, patience=patience)
        try:
            if self.password is not None:
                credentials = (self.user, self.password) if self.user else (self.password,)
                await connection.call("AUTH", *credentials)
            if self.database:
                await connection.call("SELECT", self.database)
        except BaseException:
            connection.abort()
            raise
        return connection


def _client(
    host: str,
    port: int,
    patience: float,
    *,
    path: str | None = None,
    database: int = 0,
    user: str | None = None,
    password: str | None = None,
    tls: bool = False,
) -> Redis:
    """A client with one connection, without retries. It sends nothing at its start that an old
    server would not know or a user with few rights could not do. TLS is checked against the
    system's authorities."""
    return Redis(
        host=host,
        port=port,
        unix_socket_path=path,
        db=database,
        username=user,
        password=password,
        ssl=tls,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=True,
        protocol=2,
        driver_info=None,
    )


def targets_of(urls: str) -> tuple[Target, ...]:
    """The instances of a comma-separated list of URLs.

    `redis://user:password@host:port/db`, `rediss://…`, `unix://path?db=0` or
    `redis+sentinel://user:password@host:port,host:port/name?db=0&sentinel_password=…`. Raises
    ValueError, whose text holds no credentials.
    """
    parts: list[str] = []
    for piece in urls.split(","):
        if "://" in piece or not parts:
            parts.append(piece.strip())
        else:
            parts[-1] += "," + piece.strip()
    targets = tuple(_target(part) for part in parts)
    if len({target.identity for target in targets}) < len(targets):
        raise ValueError("an instance is named twice")
    return targets


def _target(url: str) -> Target:
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES:
        raise ValueError("must begin with " + ", ".join(f"{each}://" for each in SCHEMES))
    try:
        parts = urlsplit("//" + rest)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if unknown := set(query) - {"db", "sentinel_password"}:
            raise ValueError(f"unknown option {min(unknown)!r}")
        database = int(query.get("db", 0))
    except ValueError as problem:
        raise ValueError(f"not understood: {problem}") from None
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    known = Target(
        (),
        database=database,
        user=unquote(user) or None,
        password=unquote(password) or None,
        tls=scheme.startswith("rediss"),
    )
    if scheme == "unix":
        return replace(known, path=unquote(hosts + parts.path))
    sentinel = scheme.endswith("+sentinel")
    nodes = tuple(_node(host, _SENTINEL_PORT if sentinel else _PORT) for host in hosts.split(","))
    last = unquote(parts.path.strip("/"))
    if sentinel:
        if not last:
            raise ValueError("a Sentinel URL ends in /name-of-the-master")
        secret = query.get("sentinel_password")
        return replace(known, nodes=nodes, master=last, sentinel_password=secret)
    if len(nodes) > 1:
        raise ValueError("write redis:// before each instance of the list")
    if last:
        if not last.isdecimal():
            raise ValueError("the database is a number")
        database = int(last)
    return replace(known, nodes=nodes, database=database)


def _node(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit("//" + text)
    if not parts.hostname:
        raise ValueError("a host is missing")
    try:
        return parts.hostname, parts.port or port
    except ValueError:
        raise ValueError("a port is not a number") from None


def choose_instance(room: str, identities: Sequence[str]) -> int:
    """The index of the instance that has the room: the highest hash of both (rendezvous hashing),
    so that adding or removing an instance moves no room between the others."""

    def weight(index: int) -> bytes:
        return blake2b(f"{identities[index]}\0{room}".encode(), digest_size=8).digest()

    return max(range(len(identities)), key=weight)
