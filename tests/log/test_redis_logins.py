"""Passwords of Sentinels and of what they name, and TLS: what is refused is said by name."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sitwith_server.log.base import Health
from sitwith_server.log.redis.connection.check import Problem, check
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from tests.servers import PASSWORD, Sentinel, Server, free_port, sentinel_url

from .harness import control, create, everything, taken

SENTINELS = "a-password-of-the-sentinels"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Sentinel]]:
    """A master, and a Sentinel with a password of its own."""
    folder = tmp_path_factory.mktemp("guarded")
    master = Server("redis", folder).start()
    sentinel = Sentinel("redis", folder, master, quorum=1)
    sentinel.conf.write_text(sentinel.conf.read_text() + f"requirepass {SENTINELS}\n")
    sentinel.start()
    yield master, sentinel
    sentinel.kill()
    master.kill()


async def only(url: str) -> Problem:
    (problem,) = await check(url)
    for secret in (PASSWORD, SENTINELS, "wrong"):
        assert secret not in problem.text + problem.instance
    return problem


async def lives(url: str) -> None:
    """Rooms can be kept there, and notifications come."""
    assert await check(url) == []
    log = RedisLog(url, Tuning(offer=0.0))
    log.start()
    notified = asyncio.Event()
    room = secrets.token_hex(8)
    log.subscribe(room, lambda notification: notified.set(), lambda blob: None)
    try:
        async with asyncio.timeout(20):
            while set(log.health().values()) != {Health.LIVE}:
                await asyncio.sleep(0.01)
            await create(log, room)
            taken(await control(log, 0, b"a", room=room))
            await notified.wait()
        assert await everything(log, room=room) == [b"a"]
        await log.end(room)
    finally:
        await log.close()


# --- Sentinels -----------------------------------------------------------------------------------


async def test_a_sentinels_password(guarded: tuple[Server, Sentinel]) -> None:
    await lives(f"{sentinel_url([guarded[1]])}?sentinel_password={SENTINELS}")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("?sentinel_password=wrong", "refuses the sentinel_password"),
        ("", "refuses the lack of sentinel_password"),
    ],
)
async def test_a_sentinel_that_refuses_is_named(
    guarded: tuple[Server, Sentinel], option: str, said: str
) -> None:
    problem = await only(sentinel_url([guarded[1]]) + option)
    assert (problem.code, problem.waits) == ("password", False)
    assert f"the Sentinel at 127.0.0.1:{guarded[1].port} {said}" in problem.text


async def test_one_sentinel_that_answers_is_enough(
    guarded: tuple[Server, Sentinel], tmp_path: Path
) -> None:
    """But one that refuses is not hidden behind one that is gone."""
    _, sentinel = guarded
    url = sentinel_url([sentinel])
    gone = url.replace("127.0.0.1", f"127.0.0.1:{free_port()},127.0.0.1")
    assert (await only(gone)).code == "password"
    assert await check(f"{gone}?sentinel_password={SENTINELS}") == []


async def test_the_redis_behind_the_sentinels_is_named(guarded: tuple[Server, Sentinel]) -> None:
    master, sentinel = guarded
    url = sentinel_url([sentinel]).replace(PASSWORD, "wrong")
    problem = await only(f"{url}?sentinel_password={SENTINELS}")
    assert (problem.code, problem.waits) == ("password", False)
    assert f"127.0.0.1:{master.port}, the master sitwith, refuses" in problem.text
    assert "Sentinel" not in problem.text


# --- TLS -----------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, Path]:
    """One for 127.0.0.1 that answers for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis of a test")])
    now = datetime.datetime.now(datetime.UTC)
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "redis.crt", folder / "redis.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def tls_options(folder: Path) -> tuple[Path, tuple[str, ...]]:
    crt, key = certificate(folder)
    files = (f"tls-cert-file {crt}", f"tls-key-file {key}", f"tls-ca-cert-file {crt}")
    return crt, (*files, "tls-auth-clients no")


async def test_tls_and_a_certificate_that_nobody_vouches_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crt, options = tls_options(tmp_path)
    port = free_port()
    server = Server("redis", tmp_path, f"tls-port {port}", *options).start()
    url = server.url.replace(f":{server.port}", f":{port}")
    tls = url.replace("redis://", "rediss://")
    try:
        assert (await only(url)).code == "unreachable"
        assert (await only(tls)).code == "certificate"
        monkeypatch.setenv("SSL_CERT_FILE", str(crt))
        await lives(tls)
        assert await check(server.url.replace("127.0.0.1", "localhost")) == []
        problem = await only(tls.replace("127.0.0.1", "localhost"))
        assert (problem.code, problem.waits) == ("certificate", False)
    finally:
        server.kill()


async def test_tls_with_the_sentinels_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their password would be read on the way."""
    crt, options = tls_options(tmp_path)
    ports = free_port(), free_port()
    master = Server("redis", tmp_path, f"tls-port {ports[0]}", *options).start()
    sentinel = Sentinel("redis", tmp_path, master, quorum=1)
    text = sentinel.conf.read_text().replace(f" {master.port} 1", f" {ports[0]} 1")
    more = (f"requirepass {SENTINELS}", f"tls-port {ports[1]}", "tls-replication yes", *options)
    sentinel.conf.write_text("\n".join([text, *more]) + "\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(crt))
    url = f"{sentinel_url([sentinel])}?sentinel_password={SENTINELS}"
    tls = url.replace("redis+", "rediss+")
    try:
        sentinel.start()
        assert (await only(tls)).code == "unreachable"
        await lives(tls.replace(f":{sentinel.port}", f":{ports[1]}"))
    finally:
        sentinel.kill()
        master.kill()
