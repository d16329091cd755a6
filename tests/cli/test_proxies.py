"""The operator's key and the proxies that the environment names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sitwith_server.__main__ import main
from tests.proxied import Proxy, forget_proxies, proxy

from .conftest import KEY, Operator

AWAY = "sitwith.example.invalid"


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    forget_proxies(monkeypatch)
    with proxy() as made:
        yield made


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("call", [["room", "list"], ["series", "list"]])
def test_a_call_to_loopback_goes_by_no_proxy(
    operator: Operator,
    between: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    host: str,
    call: list[str],
) -> None:
    monkeypatch.setenv(name, between.url)
    operator.answer = {call[0] if call[0] == "series" else "rooms": []}
    assert main([*call, "--url", operator.url.replace("127.0.0.1", host)]) == 0
    assert [each.key for each in operator.asked] == [f"Bearer {KEY}"]
    assert between.got == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("call", [["room", "end", "r1"], ["series", "list"]])
def test_plain_http_by_a_proxy_is_refused_by_its_name(
    operator: Operator,
    between: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    call: list[str],
) -> None:
    monkeypatch.setenv(name, between.url)
    assert main([*call, "--url", f"http://{AWAY}:8000"]) == 2
    said = capsys.readouterr().err
    assert f"{name.upper()} names a proxy" in said
    assert "use https" in said and f"add {AWAY} to NO_PROXY" in said
    assert KEY not in said
    assert between.got == []


def test_no_proxy_is_heeded(
    operator: Operator,
    between: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HTTP_PROXY", between.url)
    monkeypatch.setenv("NO_PROXY", AWAY)
    assert main(["room", "list", "--url", f"http://{AWAY}:8000"]) == 1
    assert "no answer" in capsys.readouterr().err
    assert between.got == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_https_goes_through_a_proxy_that_reads_none_of_it(
    operator: Operator, between: Proxy, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setenv(name, scheme + between.url.removeprefix("http://"))
    assert main(["room", "list", "--url", f"https://{AWAY}"]) == 1
    (asked,) = between.got
    assert asked.startswith(f"CONNECT {AWAY}:443 HTTP/1.1\r\n".encode())
    assert KEY.encode() not in asked


@pytest.mark.parametrize("bad", ["ftp://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_proxy_of_another_kind_is_refused(
    operator: Operator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    bad: str,
) -> None:
    forget_proxies(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", bad)
    assert main(["room", "list", "--url", f"https://{AWAY}"]) == 2
    assert "must be http:// or https://" in capsys.readouterr().err
