"""The page and the headers around it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import httpx
import pytest

from sitwith_server.config import Settings
from sitwith_server.gateway.http.page import BUILT, Page, content_security_policy, security_headers

from .house import error_of, house

INDEX = b"<!doctype html><title>Sitwith</title>" + b" " * 500
SCRIPT = b"export const circle = 1;\n" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "assets" / "deeper").mkdir(parents=True)
    (web / "index.html").write_bytes(INDEX)
    (web / "assets" / "index-4f2a.js").write_bytes(SCRIPT)
    (web / "assets" / "font-11aa.woff2").write_bytes(b"\0font")
    (web / "assets" / "index-4f2a.js.map").write_bytes(b"{}")
    (web / "assets" / "deeper" / "x.js").write_bytes(b"1")
    (web / "secret.txt").write_bytes(b"canary")
    (tmp_path / "outside.js").write_bytes(b"canary")
    return web


async def test_HT10_every_room_has_the_same_page(built: Path) -> None:
    async with house(folder=built) as h:
        real = (await h.room())["room"]
        pages = [
            await h.call("GET", f"/r/{room}", key=None)
            for room in (
                real,
                "never-was",
                "%F0%9F%A6%86",
                "a" * 2_000,
                f"{real},",
                "x%20",
                "r?t=x",
            )
        ]
        for page in pages:
            assert page.status_code == 200
            assert page.content == INDEX
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            page.headers.pop("x-request-id")
            assert page.headers == pages[0].headers


async def test_the_front_page_says_what_this_is_and_needs_no_script(built: Path) -> None:
    link = b'<link rel="stylesheet" href="/assets/index-77cc.css">'
    (built / "index.html").write_bytes(INDEX + link + b'<script src="/assets/x.js"></script>')
    async with house(folder=built) as h:
        answer = await h.call("GET", "/", key=None)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "talking stick" in answer.text
    assert link.decode() in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert "://" not in answer.text


async def test_assets_are_kept_for_ever_and_packed_where_that_helps(built: Path) -> None:
    async with house(folder=built) as h:
        script = await h.call("GET", "/assets/index-4f2a.js", key=None)
        assert script.content == SCRIPT  # httpx unpacks
        assert script.headers["content-encoding"] == "gzip"
        assert int(script.headers["content-length"]) < len(SCRIPT)
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert script.headers["vary"] == "accept-encoding"
        for accepted in ("identity", "br, gzip;q=0", ""):
            headers = {"accept-encoding": accepted}
            plain = await h.call("GET", "/assets/index-4f2a.js", key=None, headers=headers)
            assert "content-encoding" not in plain.headers
            assert plain.content == SCRIPT
        font = await h.call("GET", "/assets/font-11aa.woff2", key=None)
        assert font.headers["content-type"] == "font/woff2"
        assert "content-encoding" not in font.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets",
        "/assets/missing.js",
        "/assets/index-4f2a.js.map",
        "/assets/deeper/x.js",
        "/assets/..%2findex.html",
        "/assets/..%2fsecret.txt",
        "/assets/%2e%2e%2f%2e%2e%2foutside.js",
        "/assets/..%5csecret.txt",
        "/assets/index-4f2a.js%00.css",
        "/assets//index-4f2a.js",
        "/secret.txt",
        "/index.html",
        "/r",
        "/r/",
        "/r/a/b",
        "/r/a/",
        "//r/a",
        "/.env",
    ],
)
async def test_HT8_nothing_else_of_the_disk_is_served(built: Path, path: str) -> None:
    async with house(folder=built) as h:
        answer = await h.client.get(
            httpx.URL("http://127.0.0.1:8000").copy_with(raw_path=path.encode())
        )
        assert answer.status_code == 404
        assert error_of(answer)["code"] == "not_found"
        assert "canary" not in answer.text
        assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["/r/a", "/", "/assets/index-4f2a.js"])
async def test_head_is_get_without_the_body(built: Path, path: str) -> None:
    async with house(folder=built) as h:
        got = await h.call("GET", path, key=None)
        head = await h.call("HEAD", path, key=None)
        assert head.status_code == 200
        assert head.content == b""
        got.headers.pop("x-request-id")
        head.headers.pop("x-request-id")
        assert head.headers == got.headers


@pytest.mark.parametrize("path", ["/r/a", "/", "/assets/index-4f2a.js"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_the_page_is_only_read(built: Path, path: str, method: str) -> None:
    async with house(folder=built) as h:
        answer = await h.call(method, path, key=None)
        assert answer.status_code == 405
        assert error_of(answer)["code"] == "method_not_allowed"
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as h:
        for path in ("/r/a", "/"):
            answer = await h.call("GET", path, key=None)
            assert answer.status_code == 503
            assert "make setup" in answer.text
            assert "content-security-policy" in answer.headers
        (tmp_path / "index.html").write_bytes(INDEX)
        assert (await h.call("GET", "/r/a", key=None)).content == INDEX


def test_a_page_built_anew_is_read_anew(built: Path) -> None:
    page = Page(built)
    first = page.file("index.html")
    assert first is not None and first.body == INDEX
    assert page.file("index.html") is first
    (built / "index.html").write_bytes(b"new")
    os.utime(built / "index.html", ns=(1, 1))
    (built / "assets" / "index-4f2a.js").unlink()
    second = page.file("index.html")
    assert second is not None and second.body == b"new"
    assert page.file("assets/index-4f2a.js") is None


def test_a_packed_file_unpacks_to_itself(built: Path) -> None:
    file = Page(built).file("assets/index-4f2a.js")
    assert file is not None and file.packed is not None
    assert gzip.decompress(file.packed) == file.body


# ------------------------------------------------------------------------------------ headers


CALLS = [
    ("GET", "/r/a", 200),
    ("GET", "/assets/index-4f2a.js", 200),
    ("GET", "/healthz", 200),
    ("GET", "/metrics", 404),
    ("GET", "/api/rooms", 401),
    ("POST", "/r/a", 405),
    ("GET", "/nothing/here", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), CALLS)
async def test_every_answer_carries_the_security_headers(
    built: Path, method: str, path: str, status: int
) -> None:
    async with house(folder=built) as h:
        answer = await h.call(method, path, key=None)
        assert answer.status_code == status
        for name, value in security_headers(h.settings).items():
            assert answer.headers.get_list(name) == [value]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "microphone=(self), camera=(self), " in answer.headers["permissions-policy"]
        assert "geolocation=()" in answer.headers["permissions-policy"]
        assert "access-control-allow-origin" not in answer.headers
        assert "cache-control" in answer.headers


def test_the_policy_allows_own_files_and_the_own_socket_alone() -> None:
    settings = Settings(public_url="https://circle.example")
    directives = dict(each.split(" ", 1) for each in content_security_policy(settings).split("; "))
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self' wss://circle.example",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_the_sockets_origin_has_the_port_of_the_public_address() -> None:
    assert "connect-src 'self' ws://127.0.0.1:8123;" in content_security_policy(Settings(port=8123))


def test_strict_transport_only_where_the_public_address_is_https() -> None:
    name = "strict-transport-security"
    assert name not in security_headers(Settings())
    assert "max-age=" in security_headers(Settings(public_url="https://circle.example"))[name]


def test_the_built_page_needs_nothing_that_the_policy_forbids() -> None:
    file = Page(BUILT).file("index.html")
    assert file is not None, "run make setup"
    text = file.body.decode()
    assert "<style" not in text
    assert "http://" not in text and "https://" not in text
    for script in text.split("<script")[1:]:
        attributes, _, inline = script.partition(">")
        assert 'src="/assets/' in attributes
        assert inline.partition("</script>")[0].strip() == ""
        name = attributes.split('src="/')[1].split('"')[0]
        assert Page().file(name) is not None
