"""Whose pages may connect."""

from __future__ import annotations

import pytest

from sitwith_server.config import Settings
from sitwith_server.gateway.origins import allowed, host_well_formed, request_allowed

HERE = Settings(
    public_url="https://circle.example",
    allowed_origins=("https://circle.example", "https://other.example:8443"),
)


@pytest.mark.parametrize("origin", [None, *HERE.allowed_origins])
def test_OR2_listed_origins_and_programs_may_connect(origin: str | None) -> None:
    assert allowed(origin, HERE)


def test_OR2_the_own_origin_may_connect_where_the_list_has_only_others() -> None:
    listed = Settings(
        public_url="https://circle.example", allowed_origins=("https://other.example",)
    )
    assert allowed("https://circle.example", listed)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        "https://circle.example/",
        "https://circle.example.evil.example",
        "https://evil.example#https://circle.example",
        "https://xcircle.example",
        "https://sub.circle.example",
        "http://circle.example",
        "https://circle.example:443",
        "https://other.example",
        "HTTPS://CIRCLE.EXAMPLE",
        "https://circle.example https://evil.example",
        "https://circle.example\t",
    ],
)
def test_OR1_any_other_origin_is_refused(origin: str) -> None:
    assert not allowed(origin, HERE)
    assert not request_allowed([(b"origin", origin.encode())], HERE)


def test_OR1_an_origin_beside_a_good_one_is_refused() -> None:
    good = (b"origin", b"https://circle.example")
    assert request_allowed([(b"host", b"anything"), good], HERE)
    assert request_allowed([(b"host", b"anything")], HERE)
    assert not request_allowed([good, (b"origin", b"https://evil.example")], HERE)
    assert not request_allowed([good, good], HERE)
    assert not request_allowed([(b"origin", b"https://circle.example\xff")], HERE)


def test_OR2_the_other_names_of_a_loopback_address_are_its_own() -> None:
    at_home = Settings(port=8123)
    for host in ("localhost", "127.0.0.1"):
        assert allowed(f"http://{host}:8123", at_home)
        assert not allowed(f"http://{host}:8124", at_home)


@pytest.mark.parametrize(
    "host", [b"circle.example", b"127.0.0.1:8000", b"[::1]:8000", b"a_b.example", b"localhost"]
)
def test_a_host_is_a_name_or_an_address(host: bytes) -> None:
    assert host_well_formed([(b"host", host)])


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"a b",
        b"evil.example/api",
        b"user@evil.example",
        b"evil.example?x",
        b"evil.example#x",
        b"evil.example:port",
        b"evil.example\r\nx: y",
        b"evil.example\n",
        b"\xff.example",
        b"a" * 254,
    ],
)
def test_what_is_no_host_is_refused(host: bytes) -> None:
    assert not host_well_formed([(b"host", host)])


def test_two_hosts_are_refused_and_none_is_let_be() -> None:
    assert not host_well_formed([(b"host", b"a"), (b"host", b"a")])
    assert host_well_formed([(b"origin", b"x")])
