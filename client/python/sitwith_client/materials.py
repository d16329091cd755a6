"""Materials that all are shown, and guest speakers (rules MT*, GU*).

Files go over HTTP: a ticket is asked for by the socket, and is good for one file and a minute.
"""

from __future__ import annotations

from typing import Final

import httpx

from sitwith_protocol import messages as m

from .commands import Asking
from .errors import FileRefused
from .ways import proxy_for

TIMEOUT: Final = 120.0


class MaterialCommands(Asking):
    """Links, words, pictures and PDFs for all; bringing guests in."""

    def room_address(self, path: str = "") -> str:
        """Of our room's page; below it the bytes of files are brought to and fetched from."""
        raise NotImplementedError

    async def show_link(self, url: str, title: str = "") -> str:
        """As facilitator: shows a link to all; its id."""
        answer = await self.ask(lambda id: m.MaterialLink(id, url, title))
        return str(answer["material"])

    async def show_text(self, text: str, title: str = "") -> str:
        """As facilitator: shows words to all; their id."""
        answer = await self.ask(lambda id: m.MaterialText(id, text, title))
        return str(answer["material"])

    async def show_file(self, kind: str, data: bytes, title: str = "") -> str:
        """As facilitator: shows a ``picture`` or a ``pdf`` to all; its id.

        Raises ``FileRefused``, whose ``reason`` is one of those of rules MT6 to MT10, or
        ``CannotConnect`` where a proxy would read it.
        """
        answer = await self.ask(lambda id: m.MaterialUpload(id, kind, title))
        material = str(answer["material"])
        headers = {"authorization": f"Bearer {answer['ticket']}"}
        address = self.room_address(f"/materials/{material}")
        async with _way(address) as http:
            said = await http.put(address, content=data, headers=headers)
        _check(said)
        return material

    async def fetch_file(self, material: str) -> tuple[str, bytes]:
        """The media type and the bytes of a file that is shown.

        Raises ``FileRefused`` (``not_found``) where it may not be fetched any more.
        """
        answer = await self.ask(lambda id: m.MaterialOpen(id, material))
        headers = {"authorization": f"Bearer {answer['ticket']}"}
        address = self.room_address(f"/materials/{material}")
        async with _way(address) as http:
            said = await http.get(address, headers=headers)
        _check(said)
        return said.headers["content-type"], said.content

    async def hide_material(self, material: str) -> None:
        """As facilitator: takes away what is shown; its bytes are deleted."""
        await self.ask(lambda id: m.MaterialHide(id, material))

    async def bring_guests(self) -> None:
        """As facilitator: guests hear the circle and are heard, until the next stage."""
        await self.ask(m.GuestBring)

    async def rest_guests(self) -> None:
        """As facilitator: guests wait again."""
        await self.ask(m.GuestRest)


def _way(address: str) -> httpx.AsyncClient:
    # With a transport of its own httpx takes no proxy from the environment.
    way = httpx.AsyncHTTPTransport(proxy=proxy_for(address))
    return httpx.AsyncClient(transport=way, timeout=TIMEOUT)


def _check(said: httpx.Response) -> None:
    if said.is_success:
        return
    try:
        reason = str(said.json()["error"]["code"])
    except (ValueError, LookupError, TypeError):
        reason = "unavailable"
    raise FileRefused(reason)
