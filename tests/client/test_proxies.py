"""Tokens, words and files, and the proxies that the environment names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sitwith_client import CannotConnect, Client
from sitwith_client.connection import Refusal, open_socket
from sitwith_client.proxies import PlainProxy, is_loopback, proxy_for
from tests.blackbox.house import Server, circle
from tests.client.test_live import link
from tests.materials import samples
from tests.proxied import Proxy, forget_proxies, proxy

AWAY = "sitwith.example.invalid"


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    forget_proxies(monkeypatch)
    with proxy() as made:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, made.url)
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_room_on_loopback_is_reached_by_no_proxy(
    server: Server, between: Proxy, host: str
) -> None:
    async with circle(server) as c:
        there = link(c, "facilitator").replace("127.0.0.1", host)
        async with Client.join(there, "Ada") as ada:
            await ada.enter(20)
            assert await ada.say("circle", "hello") == ("circle", 1)
            material = await ada.show_file("picture", samples.located(), "Our garden")
            assert await ada.fetch_file(material)
    assert between.got == []


async def test_a_token_by_plain_ws_is_shown_to_no_proxy(between: Proxy) -> None:
    with pytest.raises(Refusal, match=r"HTTP_PROXY names a proxy.*use wss"):
        async with Client.join(f"http://{AWAY}/r/abc#t=abc.secret", "Ada"):
            pass
    assert between.got == []


async def test_wss_goes_through_a_proxy_that_reads_none_of_it(between: Proxy) -> None:
    with pytest.raises(CannotConnect):
        await open_socket(f"wss://{AWAY}/ws")
    (asked,) = between.got
    assert asked.startswith(f"CONNECT {AWAY}:443 HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("ada.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("localhost.example.org", False),
        ("notlocalhost", False),
        ("127.0.0.1.example.org", False),
        ("10.0.0.1", False),
        ("fe80::1%lo", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, near: bool) -> None:
    assert is_loopback(host) is near


def test_without_a_proxy_every_way_is_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)
    for url in ("http://a.example", "https://a.example", "ws://a.example", "wss://a.example", "x"):
        assert proxy_for(url) is None


def test_each_scheme_has_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://one:1")
    assert proxy_for("http://a.example") is None
    assert proxy_for("wss://a.example") == "http://one:1"
    monkeypatch.setenv("WSS_PROXY", "http://two:2")
    assert proxy_for("wss://a.example") == "http://two:2"
    monkeypatch.setenv("NO_PROXY", "a.example:443,b.example")
    assert proxy_for("wss://a.example:443") is None
    assert proxy_for("wss://sub.b.example") is None
    assert proxy_for("https://a.example:444") == "http://one:1"
    monkeypatch.setenv("ALL_PROXY", "http://three:3")
    with pytest.raises(PlainProxy, match=r"^ALL_PROXY names a proxy.* to a.example by plain http:"):
        proxy_for("http://a.example")
