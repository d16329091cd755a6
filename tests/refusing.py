"""Ways in which a Redis that answers takes no writes, or not those of ours; each can be taken back.

Everything here waits; call it from a thread where something else has to go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.servers import PASSWORD, Server, free_port

Do = Callable[[Server], None]


@dataclass(frozen=True, slots=True)
class Way:
    """refuse: begins it. take: takes it back. reason: what `Log.reasons` calls it."""

    refuse: Do
    take: Do
    reason: str


def _config(name: str, *values: str) -> Do:
    return lambda server: _ok(server.admin("CONFIG", "SET", name, *values))


def _rights(*words: str) -> Do:
    return lambda server: _ok(server.admin("ACL", "SETUSER", "sitwith", *words))


def _ok(said: str) -> None:
    assert said == "+OK", said


def _follow(server: Server) -> None:
    _ok(server.admin("REPLICAOF", "127.0.0.1", free_port()))


def _lead(server: Server) -> None:
    _ok(server.admin("REPLICAOF", "NO", "ONE"))


def _saved(server: Server, status: str) -> None:
    server.admin("BGSAVE")
    end = time.monotonic() + 10
    while f"rdb_last_bgsave_status:{status}" not in server.admin("INFO", "persistence"):
        assert time.monotonic() < end
        time.sleep(0.01)


def _spoil(server: Server) -> None:
    """A directory stands where the snapshot should be."""
    (server.folder / "dump.rdb").unlink(missing_ok=True)
    (server.folder / "dump.rdb").mkdir()
    _config("save", "3600 1")(server)
    _saved(server, "err")


def _mend(server: Server) -> None:
    (server.folder / "dump.rdb").rmdir()
    _saved(server, "ok")
    _config("save", "")(server)
    # Or it would come back with it when it is killed and started.
    (server.folder / "dump.rdb").unlink()


def _lock_out(server: Server) -> None:
    _rights("resetpass", ">another-password")(server)
    # Who is logged in stays so; who comes anew is refused.
    server.admin("CLIENT", "KILL", "USER", "sitwith")


WAYS: Final[Mapping[str, Way]] = {
    "full": Way(_config("maxmemory", "100kb"), _config("maxmemory", "0"), "full"),
    "few_replicas": Way(
        _config("min-replicas-to-write", "1"), _config("min-replicas-to-write", "0"), "few_replicas"
    ),
    "replica": Way(_follow, _lead, "read_only"),
    "disk": Way(_spoil, _mend, "disk"),
    "evalsha": Way(_rights("-evalsha"), _rights("+evalsha"), "rights"),
    "xadd": Way(_rights("-xadd"), _rights("+xadd"), "rights"),
    "hset": Way(_rights("-hset"), _rights("+hset"), "rights"),
    "pexpireat": Way(_rights("-pexpireat"), _rights("+pexpireat"), "rights"),
    "publish": Way(_rights("-publish"), _rights("+publish"), "rights"),
    "keys": Way(_rights("resetkeys", "~other:*"), _rights("resetkeys", "~sw:*"), "rights"),
    "channels": Way(_rights("resetchannels"), _rights("&sw:*"), "rights"),
    "password": Way(_lock_out, _rights("resetpass", f">{PASSWORD}"), "rights"),
}


def can(kind: str, way: str) -> bool:
    """Whether a server of this kind refuses anything in this way: Redis 6.2 asks for no replicas
    where a script writes."""
    return not (kind == "redis6" and way == "few_replicas")
