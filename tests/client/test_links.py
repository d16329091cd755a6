"""Invite links and where they lead."""

from __future__ import annotations

import pytest

from sitwith_client import BadLink
from sitwith_client.links import parse_link


@pytest.mark.parametrize(
    ("link", "url", "socket_url", "token"),
    [
        ("http://127.0.0.1:8000/r/abc#t=abc.x", None, "ws://127.0.0.1:8000/ws", "abc.x"),
        ("https://ex.org/r/abc#t=abc.x&k=key", None, "wss://ex.org/ws", "abc.x"),
        ("https://ex.org/under/r/abc#t=abc.x", None, "wss://ex.org/under/ws", "abc.x"),
        ("https://ex.org/r/abc#t=abc.x", "http://[::1]:9", "ws://[::1]:9/ws", "abc.x"),
        ("abc.x", "https://ex.org/", "wss://ex.org/ws", "abc.x"),
        ("abc.x", "wss://ex.org/ws", "wss://ex.org/ws", "abc.x"),
        ("https://Straße.ex:9/r/abc#t=abc.x", None, "wss://xn--strae-oqa.ex:9/ws", "abc.x"),
    ],
)
def test_IN3_a_link_leads_to_its_socket(
    link: str, url: str | None, socket_url: str, token: str
) -> None:
    found = parse_link(link, url)
    assert (found.socket_url, found.token) == (socket_url, token)
    assert "abc" not in repr(found)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("abc.x", None),
        ("abc.x", "ex.org"),
        ("abc.x", "ftp://ex.org"),
        ("abc.x", "https://☃.org"),
        ("abc.x", "https://ada@bücher.org"),
        ("", "https://ex.org"),
        ("https://ex.org/r/abc#", None),
        ("https://ex.org/r/abc#k=1", None),
        ("https://ex.org/abc#t=abc.x", None),
    ],
)
def test_what_is_no_link_says_why_without_quoting_it(link: str, url: str | None) -> None:
    with pytest.raises(BadLink) as caught:
        parse_link(link, url)
    assert "abc" not in str(caught.value)
