"""A public address that is written otherwise than browsers write it leads into the room (OR2)."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from tests.blackbox.house import Server
from tests.servers import free_port

from .conftest import Enter

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("host", "typed", "written"),
    [
        ("127.0.0.1", "http://Bücher.localhost:{}/", "http://xn--bcher-kva.localhost:{}"),
        ("::1", "http://[0:0:0:0:0:0:0:1]:{}", "http://[::1]:{}"),
    ],
)
async def test_OR2_a_page_at_such_an_address_comes_in(
    enter: Enter, host: str, typed: str, written: str
) -> None:
    port = free_port()
    address = typed.format(port)
    server = Server({"SITWITH_HOST": host, "SITWITH_PUBLIC_URL": address}, port=port)
    try:
        made = await server.http("POST", "/api/rooms", {"settings": {"lobby": False}})
        assert made.status_code == httpx.codes.CREATED, made.text
        link = str(made.json()["links"]["member"])
        assert link.startswith(written.format(port) + "/r/")
        ben = await enter("Ben", link)
        await ben.page.get_by_label("Your name in this circle").fill("Ben")
        await ben.page.keyboard.press("Enter")
        await expect(ben.heading("Before we begin")).to_be_visible()
    finally:
        server.stop()
