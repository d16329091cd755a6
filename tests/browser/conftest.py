"""A real server, real Chromium, and rooms in which people meet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.blackbox.house import Server

from .guest import Guest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Patience costs nothing where all goes well, and the machine may be busy.
expect.set_options(timeout=45_000)


@dataclass(frozen=True)
class Room:
    facilitator: str
    member: str


MakeRoom = Callable[..., Awaitable[Room]]
Enter = Callable[..., Awaitable[Guest]]


@pytest.fixture(scope="session")
def page_server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def make_room(page_server: Server) -> MakeRoom:
    async def make(**body: Any) -> Room:
        answer = await page_server.http("POST", "/api/rooms", {"title": "Thursday circle", **body})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return Room(**answer.json()["links"])

    return make


@pytest.fixture
async def enter(browser: Browser) -> AsyncIterator[Enter]:
    """Opens a page for somebody; after the test every page must have been clean."""
    guests: list[Guest] = []

    async def enter(name: str, link: str, **options: Any) -> Guest:
        guest = await Guest.open(browser, name, link, **options)
        guests.append(guest)
        return guest

    yield enter
    for guest in guests:
        await guest.clean()
