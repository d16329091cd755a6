"""Somebody at a browser: found by what they can read and press, never by how the page is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

AXE = Path(__file__).parents[2] / "client/web/node_modules/axe-core/axe.min.js"
#: What the page itself would report; read by `Guest.violations`.
WATCH = """
globalThis.violations = [];
addEventListener("securitypolicyviolation", (e) =>
  globalThis.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")


@dataclass
class Guest:
    name: str
    page: Page
    context: BrowserContext
    home: str
    #: What should not have happened: console errors, exceptions, requests to strangers.
    trouble: list[str] = field(default_factory=list)

    @classmethod
    async def open(
        cls,
        browser: Browser,
        name: str,
        link: str,
        *,
        size: Any = WIDE,
        script: str = "",
        watch: Callable[[Page], None] = lambda page: None,
        **options: Any,
    ) -> Guest:
        """watch: is given the page before anything of it is loaded."""
        context = await browser.new_context(viewport=size, reduced_motion="reduce", **options)
        await context.add_init_script(WATCH)
        await context.add_init_script(AXE.read_text(encoding="utf-8"))
        if script:
            await context.add_init_script(script)
        guest = cls(name, await context.new_page(), context, urlsplit(link).netloc)
        guest._watch()
        watch(guest.page)
        await guest.page.goto(link)
        return guest

    def _watch(self) -> None:
        self.page.on(
            "console",
            lambda said: (
                self.trouble.append(f"{said.type}: {said.text}") if said.type == "error" else None
            ),
        )
        self.page.on("pageerror", lambda error: self.trouble.append(f"exception: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda socket: self._asked(socket.url))

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.home:
            self.trouble.append(f"request to a stranger: {parts.netloc}")

    # -- what there is on the page

    def button(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> Locator:
        exact = isinstance(name, str)
        return (within or self.page).get_by_role("button", name=name, exact=exact)

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=name)

    def part(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def seat(self, name: str, ring: str = "Seats in the circle") -> Locator:
        seats = self.page.get_by_role("list", name=ring)
        return seats.get_by_role("button", name=re.compile(rf"^{re.escape(name)}(,|$)"))

    def tab(self, name: str) -> Locator:
        """A conversation."""
        return self.page.get_by_role("tab", name=re.compile(rf"^{re.escape(name)}"))

    async def show(self, part: str) -> None:
        """On a phone, one part of the room is seen at a time."""
        await expect(self.page.get_by_text(re.compile(r"^\d+ here$"))).to_be_visible()
        parts = self.page.get_by_role("navigation", name="Parts of the room")
        place = parts.get_by_role("button", name=re.compile(f"^{part}"))
        if await place.is_visible():
            await place.click()

    # -- what one does

    async def join(self) -> None:
        await self.page.get_by_label("Your name in this circle").fill(self.name)
        await self.button("Join the circle").click()

    async def agree(self) -> None:
        await self.button("I agree to this").click()

    async def say(self, conversation: str, text: str) -> None:
        await self.show("Chat")
        await self.tab(conversation).click()
        await self.page.get_by_role("textbox", name="Write a message").fill(text)
        await self.button("Send").click()
        await expect(self.page.get_by_role("textbox", name="Write a message")).to_have_value("")

    async def reads(self, conversation: str, text: str) -> None:
        await self.show("Chat")
        await self.tab(conversation).click()
        await expect(self.page.get_by_role("log").get_by_text(text, exact=True)).to_be_visible()

    async def open_person(self, name: str) -> None:
        await self.seat(name).click()
        await expect(self.dialog).to_be_visible()

    # -- what must hold for every page

    async def accessible(self) -> None:
        """No finding of serious or critical weight in the state that the page is in."""
        result = await self.page.evaluate("() => axe.run({resultTypes: ['violations']})")
        found = [
            (each["id"], [node["target"] for node in each["nodes"]])
            for each in result["violations"]
            if each["impact"] in SERIOUS
        ]
        assert not found, (await self.page.title(), found)

    async def clean(self) -> None:
        """Nothing was refused by the policy, thrown, reported as an error or fetched elsewhere."""
        assert self.trouble == []
        assert await self.page.evaluate("() => globalThis.violations") == []
