"""Checks whether rooms can be kept in the Redis instances that the settings name."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    MasterDownError,
    NoPermissionError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from sitwith_server.log.base import LogDown
from sitwith_server.log.redis.connection.target import REFUSALS, SentinelRefused, Target, targets_of
from sitwith_server.log.redis.packing import PREFIX, SCRIPTS, ask_format

OLDEST: Final = (6, 2)
PATIENCE: Final = 3.0
_RIGHTS: Final = "doesn't give this user all the rights that workers need"

_WRITES: Final = """
local missing = {}
for line in string.gmatch(ARGV[1], '[^\\n]+') do
  local words = {}
  for word in string.gmatch(line, '%S+') do
    words[#words + 1] = word
  end
  local reply = redis.pcall(unpack(words))
  if type(reply) == 'table' and reply.err then
    local text = string.lower(reply.err)
    for _, sign in ipairs({'noperm', 'no permission', "can't run", 'cannot access'}) do
      if string.find(text, sign, 1, true) then
        missing[#missing + 1] = words[1]
        break
      end
    end
  end
end
redis.pcall('del', KEYS[1])
return missing
"""
_COMMANDS: Final = """time
get {key}
set {key} 1
del {key}
pexpire {key} 1000
pexpireat {key} 1
hset {key} a 1
hsetnx {key} a 1
hget {key} a
hmget {key} a
hgetall {key}
hkeys {key}
hdel {key} b
hexists {key} a
hincrby {key} a 1
del {key}
xadd {key} 1-0 a 1
xrange {key} - +
del {key}
zadd {key} 1 a
zrem {key} b
zscore {key} a
zrange {key} 0 -1
zrangebyscore {key} 0 1
zremrangebyscore {key} 0 0
del {key}
rpush {key} a
ltrim {key} 0 0
lrange {key} 0 -1
publish {key} x
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason not to start.

    instance: its name, without credentials; "" for the setting as a whole.
    code: bad_url, unreachable, password, certificate, too_old, eviction, cluster, replica,
        sentinel, rights or format.
    text: a sentence for the operator.
    waits: it may go away by itself, so waiting can help.
    """

    instance: str
    code: str
    text: str
    waits: bool = False


async def check(urls: str, format: int = 1) -> list[Problem]:
    """The problems of these instances, [] if there are none. Raises nothing of its own.

    format: number of the format that the service writes, see `RedisLog`.
    """
    try:
        targets = targets_of(urls)
    except ValueError as fault:
        return [Problem("", "bad_url", f"redis_url: {fault}")]
    return [problem for target in targets for problem in await _check(target, format)]


async def _check(target: Target, ours: int) -> list[Problem]:
    name = target.name
    try:
        where = await target.find(PATIENCE)
    except SentinelRefused as fault:
        password = "sentinel_password" if target.sentinel_password else "lack of sentinel_password"
        text = f"the Sentinel at {fault.node} refuses the {password} of redis_url"
        return [Problem(name, "password", text)]
    except LogDown as fault:
        return [Problem(name, "unreachable", f"{fault} {name}", waits=True)]
    client = target.client(where, PATIENCE)
    try:
        return await _ask(name, client, ours)
    except REFUSALS:
        who = f"{where[0]}:{where[1]}, the master {target.master}," if target.master else name
        return [Problem(name, "password", f"{who} refuses the user or password of redis_url")]
    except NoPermissionError:
        return [Problem(name, "rights", f"{name} {_RIGHTS}: see deploy/redis/users.acl")]
    except (BusyLoadingError, MasterDownError) as fault:
        return [_refused(name, fault)]
    except (ConnectionError, TimeoutError, OSError) as fault:
        if isinstance(fault.__cause__ or fault.__context__, ssl.SSLCertVerificationError):
            text = (
                f"{name} has a certificate that this machine doesn't trust, or one for another name"
            )
            return [Problem(name, "certificate", text)]
        return [Problem(name, "unreachable", f"nothing answers at {name}", waits=True)]
    except ResponseError as fault:
        return [_refused(name, fault)]
    except RedisError:
        text = f"{name} does not answer like a Redis"
        return [Problem(name, "unreachable", text, waits=True)]
    finally:
        await client.aclose()


async def _ask(name: str, client: Redis, ours: int) -> list[Problem]:
    info = await client.info()
    problems: list[Problem] = []

    def add(code: str, text: str, *, waits: bool = False) -> None:
        problems.append(Problem(name, code, f"{name} {text}", waits))

    mode = info.get("redis_mode") or info.get("server_mode")
    if mode == "sentinel":
        add("sentinel", "is a Sentinel: write redis+sentinel://host:port/name-of-the-master")
        return problems
    if mode == "cluster" or str(info.get("cluster_enabled")) == "1":
        add("cluster", "runs in cluster mode, whose pub/sub is not supported: list plain instances")
    version = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        add("too_old", f"is version {version}; 6.2 or newer is needed")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        add("eviction", f"may drop rooms when full: set maxmemory-policy noeviction, not {policy}")
    if info.get("role") == "slave":
        add("replica", "is a replica and accepts no commits", waits=True)
    if problems:
        return problems
    if missing := await _missing(client):
        rights = ", ".join(missing)
        add("rights", f"{_RIGHTS} ({rights}): see deploy/redis/users.acl")
    elif other := await client.evalsha(*ask_format(ours, "look")):
        add("format", other_version(int(other), ours))
    return problems


def other_version(theirs: int, ours: int) -> str:
    """The sentence about an instance of another format, after the instance's name."""
    number = f"of format {theirs}" if theirs else "without a format number"
    return (
        f"is in use by another version of Sitwith, {number}, and this one reads format {ours}: "
        "stop that version once its rooms have ended, or give this one a Redis or a database of "
        "its own; FLUSHDB there deletes those rooms at once"
    )


async def _missing(client: Redis) -> list[str]:
    """The commands that the user may not use."""
    key = PREFIX + "check"
    try:
        sha = await client.script_load(_WRITES)
        for script in SCRIPTS:
            await client.script_load(script.text)
        found: list[bytes] = await client.evalsha(sha, 1, key, _COMMANDS.format(key=key))
        fan_out = client.pubsub()
        try:
            await fan_out.subscribe(PREFIX + "probe:check")
            if await fan_out.get_message(timeout=PATIENCE) is None:
                raise TimeoutError
        finally:
            await fan_out.aclose()  # type: ignore[no-untyped-call]
    except NoPermissionError:
        return ["script load, evalsha, keys or channels of sw:*"]
    return [name.decode() for name in found]


def _refused(name: str, fault: RedisError) -> Problem:
    """The problem by the first word of an error; the rest of its text may quote anything."""
    word = fault.status_code or str(fault).partition(" ")[0]
    if word in ("LOADING", "MASTERDOWN", "BUSY"):
        return Problem(name, "unreachable", f"{name} is not ready: {word}", waits=True)
    return Problem(name, "unreachable", f"{name} answers {word}")
