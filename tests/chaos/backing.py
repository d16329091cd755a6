"""What keeps the rooms of a site: one Redis, one with a file, or a master that Sentinels watch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.servers import PASSWORD, Sentinel, Server, sentinel_url
from tests.waiting import wait_until

WITHIN: Final = 30.0
FILE: Final = ("appendonly yes", "appendfsync always", "auto-aof-rewrite-min-size 4mb")


class Backing(ABC):
    """Everything here waits; call it from a thread where something else has to go on."""

    name = ""

    @property
    @abstractmethod
    def url(self) -> str:
        """What workers are given."""

    @property
    @abstractmethod
    def serving(self) -> Server:
        """The Redis that now has the rooms."""

    @property
    def port(self) -> int:
        """Of the Redis that now has the rooms."""
        return self.serving.port

    def admin(self, *words: str | int) -> str:
        """The raw reply of the Redis that now has the rooms."""
        return self.serving.admin(*words)

    @abstractmethod
    def start(self) -> None:
        """Starts everything that isn't running, and waits until it serves."""

    @abstractmethod
    def kill(self) -> None:
        """kill -9 of everything."""


class Plain(Backing):
    """One Redis; empty after each start, unless it has a file."""

    name = "plain"

    def __init__(self, folder: Path, *options: str) -> None:
        self.server = Server("redis", folder, *options)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def serving(self) -> Server:
        return self.server

    def start(self) -> None:
        if not self.server.running:
            self.server.start()
        self.admin("CONFIG", "SET", "maxmemory", 0)

    def kill(self) -> None:
        self.server.kill()


class Filed(Plain):
    """Writes each command to a file before it answers, and starts with what is in there."""

    name = "aof"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, *FILE)


class Watched(Backing):
    """A master, a replica and three Sentinels."""

    name = "sentinel"

    def __init__(self, folder: Path) -> None:
        self.master = Server("redis", folder)
        self.replica = Server("redis", folder, f"replicaof 127.0.0.1 {self.master.port}")
        self.sentinels = [Sentinel("redis", folder, self.master) for _ in range(3)]

    @property
    def url(self) -> str:
        return sentinel_url(self.sentinels)

    @property
    def serving(self) -> Server:
        return self.master

    def start(self) -> None:
        if not self.master.running:
            self.master.start()
        if not self.replica.running:
            self._follow()
        for each in self.sentinels:
            if not each.running:
                each.start()
        self.well()

    def kill(self) -> None:
        for each in (*self.sentinels, self.replica, self.master):
            each.kill()

    # -- failing over ----------------------------------------------------------------------------

    def lag(self) -> None:
        """From now on the replica gets nothing of what the master takes, and can't tell."""
        self.replica.admin("CONFIG", "SET", "masterauth", "wrong")
        self.master.admin("CLIENT", "KILL", "TYPE", "replica")

    def behind(self) -> int:
        """Bytes that the master has taken and the replica has not."""
        offsets = [
            int(each.admin("INFO", "replication").partition("master_repl_offset:")[2].split()[0])
            for each in (self.master, self.replica)
        ]
        return offsets[0] - offsets[1]

    def kill_master(self) -> None:
        self.master.kill()

    def promoted(self) -> None:
        """Waits until the Sentinels have made the replica the master; takes it for that."""
        wait_until(lambda: all(self._named(each) == self.replica.port for each in self.sentinels))
        wait_until(lambda: "role:master" in self.replica.admin("INFO", "replication"))
        self.master, self.replica = self.replica, self.master

    def mend(self) -> None:
        """The old master comes back as a replica, and all know it."""
        for each in (self.master, self.replica):
            if each.running:
                each.admin("CONFIG", "SET", "masterauth", PASSWORD)
                each.admin("CONFIG", "REWRITE")  # as a Sentinel may have rewritten it meanwhile
        if not self.replica.running:
            self._follow()
        self.well()

    def _follow(self) -> None:
        self.replica.start()
        self.replica.admin("REPLICAOF", "127.0.0.1", self.master.port)

    def _named(self, sentinel: Sentinel) -> int:
        return int(sentinel.admin("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "sitwith").split("\n")[1])

    def well(self) -> None:
        """Waits until the replica follows, and every Sentinel knows all the others and both."""
        wait_until(lambda: "state=online" in self.master.admin("INFO", "replication"))
        for each in self.sentinels:
            wait_until(lambda each=each: _sees_all(each))


def _sees_all(sentinel: Sentinel) -> bool:
    told = sentinel.admin("INFO", "sentinel")
    replicas = sentinel.admin("SENTINEL", "REPLICAS", "sitwith")
    down = any(flag in replicas for flag in ("s_down", "o_down", "disconnected"))
    return "status=ok,slaves=1,sentinels=3" in _flat(told) and not down


def _flat(info: str) -> str:
    """The master's line without its address, which may have any port."""
    line = next((row for row in info.split() if row.startswith("master0:")), "")
    return ",".join(word for word in line.partition(":")[2].split(",") if "address" not in word)


def backing(name: str, folder: Path) -> Backing:
    """plain, aof or sentinel."""
    made: dict[str, Callable[[Path], Backing]] = {
        each.name: each for each in (Plain, Filed, Watched)
    }
    return made[name](folder)
