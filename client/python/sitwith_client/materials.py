"""Commands about materials and guest speakers (rules MT*, GU*).

Files go over HTTP, each with a ticket that the room gives out for one file and one minute.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import httpx

from sitwith_protocol import messages as m

from .commands import Commands
from .errors import FileRefused
from .proxies import proxy_for

TIMEOUT: Final = 120.0
"""Seconds that each step of an upload or download may take."""


class MaterialCommands(Commands):
    """Shows links, texts, pictures and PDFs to everybody; brings guests in."""

    @abstractmethod
    def room_address(self, path: str = "") -> str:
        """The URL of our room's page, or of ``path`` below it."""

    async def show_link(self, url: str, title: str = "") -> str:
        """As facilitator: shows a link; returns its id."""
        answer = await self.ask(lambda id: m.MaterialLink(id, url, title))
        return str(answer["material"])

    async def show_text(self, text: str, title: str = "") -> str:
        """As facilitator: shows a text; returns its id."""
        answer = await self.ask(lambda id: m.MaterialText(id, text, title))
        return str(answer["material"])

    async def show_file(self, kind: str, data: bytes, title: str = "") -> str:
        """As facilitator: uploads a ``picture`` or a ``pdf`` and shows it; returns its id.

        Raises ``FileRefused`` with a ``reason`` of rules MT6 to MT10, and ``CannotConnect`` if a
        proxy could read the file.
        """
        answer = await self.ask(lambda id: m.MaterialUpload(id, kind, title))
        material = str(answer["material"])
        headers = {"authorization": f"Bearer {answer['ticket']}"}
        address = self.room_address(f"/materials/{material}")
        async with _http(address) as http:
            response = await http.put(address, content=data, headers=headers)
        _check(response)
        return material

    async def fetch_file(self, material: str) -> tuple[str, bytes]:
        """The media type and the bytes of a file that is shown.

        Raises ``FileRefused`` (``not_found``) if the file is no longer shown.
        """
        answer = await self.ask(lambda id: m.MaterialOpen(id, material))
        headers = {"authorization": f"Bearer {answer['ticket']}"}
        address = self.room_address(f"/materials/{material}")
        async with _http(address) as http:
            response = await http.get(address, headers=headers)
        _check(response)
        return response.headers["content-type"], response.content

    async def hide_material(self, material: str) -> None:
        """As facilitator: hides a material; the server deletes its bytes."""
        await self.ask(lambda id: m.MaterialHide(id, material))

    async def bring_guests(self) -> None:
        """As facilitator: lets guests hear and speak in the circle, until the next stage."""
        await self.ask(m.GuestBring)

    async def rest_guests(self) -> None:
        """As facilitator: sends guests back to waiting."""
        await self.ask(m.GuestRest)


def _http(address: str) -> httpx.AsyncClient:
    # With an explicit transport httpx ignores the proxies of the environment.
    transport = httpx.AsyncHTTPTransport(proxy=proxy_for(address))
    return httpx.AsyncClient(transport=transport, timeout=TIMEOUT)


def _check(response: httpx.Response) -> None:
    if response.is_success:
        return
    try:
        reason = str(response.json()["error"]["code"])
    except (ValueError, LookupError, TypeError):
        reason = "unavailable"
    raise FileRefused(reason)
