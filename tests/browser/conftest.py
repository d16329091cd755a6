"""A real server, real Chromium, and rooms in which people meet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
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
Launch = Callable[..., Awaitable[Browser]]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests with a browser share a loop, and so the browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def page_server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers(chromium: str) -> AsyncIterator[Launch]:
    """Chromium with the flags that are asked for: one process for all tests that want the same."""
    running: dict[tuple[str, ...], Browser] = {}

    async with async_playwright() as playwright:

        async def launched(*flags: str) -> Browser:
            if flags not in running:
                running[flags] = await playwright.chromium.launch(
                    executable_path=chromium, args=[*FLAGS, *flags]
                )
            return running[flags]

        yield launched
        for each in running.values():
            await each.close()


@pytest.fixture
def flags() -> tuple[str, ...]:
    """More of them, for a file that overrides this."""
    return ()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(browsers: Launch, flags: tuple[str, ...]) -> AsyncIterator[Browser]:
    """A browser without a page; at the end everything in it is forgotten."""
    found = await browsers(*flags)
    yield found
    for context in found.contexts:
        await context.close()


@pytest.fixture
def make_room(page_server: Server) -> MakeRoom:
    async def make(**body: Any) -> Room:
        answer = await page_server.http("POST", "/api/rooms", {"title": "Thursday circle", **body})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return Room(**answer.json()["links"])

    return make


@pytest_asyncio.fixture(loop_scope="session")
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
