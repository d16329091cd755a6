"""Upload and download of materials' files over HTTP, with tickets.

Every request without a valid ticket gets the same 404.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from sitwith_server.config import Settings
from sitwith_server.gateway.http import bodies
from sitwith_server.gateway.http.bodies import Budget
from sitwith_server.gateway.http.problems import Problem, not_found, unavailable
from sitwith_server.gateway.http.routing import route
from sitwith_server.log.base import LogDown
from sitwith_server.materials.kinds import PICTURE, REASONS, Unfit
from sitwith_server.materials.sanitizer import Busy, Sanitizer
from sitwith_server.room import commands as c
from sitwith_server.room.guests.speakers import waits
from sitwith_server.room.materials.values import File
from sitwith_server.service.hosting.held import RoomReference
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.materials import tickets
from sitwith_server.service.materials.files import MaterialFiles
from sitwith_server.service.people.tokens import new_id
from sitwith_server.service.rooms.results import Applied, Denied, Unavailable
from sitwith_server.service.rooms.room import HostedRoom
from sitwith_server.service.rooms.store import Unreadable

UPLOAD_SECONDS: Final = 120.0
"""Longest time for an upload, which holds memory."""

UPLOADS_EACH: Final = 2
DOWNLOADS_EACH: Final = 5
"""Most concurrent uploads and downloads of one seat. A room shows at most five materials."""
PIECE: Final = 65_536

NAMES: Final = {
    "image/jpeg": "picture.jpg",
    "image/png": "picture.png",
    "application/pdf": "paper.pdf",
}
_SANDBOX: Final = "default-src 'none'; sandbox"
SeatKey = tuple[str, str]
"""Ids of a room and of a seat in it."""

_REFUSALS: Final = {"full": 409, "stale": 409}


class MaterialRoutes:
    """`PUT` and `GET` of `/r/{room}/materials/{material}`."""

    def __init__(
        self,
        host: Host,
        files: MaterialFiles,
        settings: Settings,
        sanitizer: Sanitizer | None = None,
    ) -> None:
        self._host = host
        self._files = files
        self._limits = {True: settings.picture_bytes, False: settings.pdf_bytes}
        self._sanitizer = sanitizer or Sanitizer()
        self._uploads = Budget(settings.upload_bytes, UPLOADS_EACH)
        self._downloads = Budget(settings.upload_bytes, DOWNLOADS_EACH)

    def routes(self) -> list[BaseRoute]:
        return [route("/r/{room}/materials/{material}", GET=self.download, PUT=self.upload)]

    async def download(self, request: Request) -> Response:
        """Sends a file to a seat that may see it."""
        reference, ticket = await self._authorised(request, tickets.FETCH)
        with reference as room:
            return await self._download(room, ticket, request.path_params["material"])

    async def _download(self, room: HostedRoom, ticket: tickets.Ticket, wanted: str) -> Response:
        seat = room.state.at(ticket.seat)
        material = room.state.materials.find(wanted)
        if seat is None or waits(room.state, seat) or material is None or material.file is None:
            raise not_found()
        try:
            data = await self._files.get(room.id, material.file.name)
        except LogDown:
            raise unavailable() from None
        # Another worker may have removed the material or the seat meanwhile.
        if data is None or not await self._may_download(room, ticket.seat, material.id):
            raise not_found()
        headers = {
            "content-type": material.file.type,
            "content-disposition": f'attachment; filename="{NAMES[material.file.type]}"',
            "content-security-policy": _SANDBOX,
            "cache-control": "no-store",
        }
        return _FileResponse(data, headers, self._downloads, (room.id, ticket.seat))

    async def upload(self, request: Request) -> Response:
        """Takes a file, sanitizes it and shows it to the room."""
        reference, ticket = await self._authorised(request, tickets.BRING)
        with reference as room:
            return await self._upload(room, ticket, request)

    async def _upload(self, room: HostedRoom, ticket: tickets.Ticket, request: Request) -> Response:
        seat, material = room.state.at(ticket.seat), request.path_params["material"]
        if seat is None or not seat.facilitates:
            raise not_found()
        if room.state.materials.was_used(material):
            raise Problem(409, "stale", "This ticket was used already.")
        most = self._limits[ticket.kind == PICTURE]
        owner = (room.id, ticket.seat)
        try:
            with self._uploads.hold((room.id, material), owner, _size(request, most)):
                data = await _body(request, most, partial(self._may_upload, room, ticket.seat))
                clean = await self._sanitizer.sanitize(str(ticket.kind), data)
                del data
        except bodies.TicketInUse:
            raise Problem(
                409, "stale", "A file is being uploaded with this ticket already."
            ) from None
        except Unfit as unfit:
            raise Problem(422, unfit.reason, REASONS[unfit.reason]) from None
        except (Busy, bodies.BudgetFull):
            raise unavailable() from None
        name = new_id("b")
        file = File(name, clean.type, len(clean.body), clean.width, clean.height, clean.pages)
        command = c.MaterialBring(
            by=ticket.seat, material=material, what=ticket.kind, file=file, title=ticket.title
        )
        await self._show(room, command, clean.body)
        return JSONResponse({"material": material}, 201)

    async def _show(self, room: HostedRoom, command: c.MaterialBring, body: bytes) -> None:
        """Stores the file before the event, so that no event refers to a missing file."""
        name = command.file.name
        try:
            if not await self._files.put(room.id, name, body):
                raise not_found()
        except LogDown:
            await self._files.drop(room.id, name)
            raise unavailable() from None
        at = await self._host.log.now(room.id)
        audit = self._host.trail.entry(command.by, "material.show", None, "ok", at)
        outcome = await room.execute(command, "material.show", audit=audit)
        if isinstance(outcome, Applied):
            return
        if isinstance(outcome, Unavailable):
            self._files.unsure(room.id, name)
            raise unavailable()
        await self._files.drop(room.id, name)
        if not isinstance(outcome, Denied) or outcome.code not in _REFUSALS:
            raise not_found()
        refused = self._host.trail.entry(command.by, "material.show", None, outcome.code, at)
        with suppress(LogDown):
            await self._host.trail.note(room.id, refused)
        raise Problem(_REFUSALS[outcome.code], outcome.code, outcome.message)

    async def _authorised(
        self, request: Request, purpose: str
    ) -> tuple[RoomReference, tickets.Ticket]:
        """Checks the ticket against the room's latest committed state.

        Returns:
            A reference to the room, which the caller must release, and the ticket.

        Raises:
            Problem: 404 for an invalid ticket, 503 if the log can't be read.
        """
        given = request.headers.getlist("authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise not_found()
        try:
            reference = await self._host.use(request.path_params["room"])
        except (LogDown, Unreadable):
            raise unavailable() from None
        if reference is None:
            raise not_found()
        try:
            await reference.room.catch_up()
            now = await self._host.log.now(reference.room.id)
            material = request.path_params["material"]
            ticket = tickets.read(reference.room.state, token, material, purpose, now)
            if ticket is None:
                raise not_found()
        except LogDown:
            reference.release()
            raise unavailable() from None
        except Problem:
            reference.release()
            raise
        return reference, ticket

    async def _may_upload(self, room: HostedRoom, member: str) -> bool:
        """Whether this seat may still upload, by the latest committed state."""
        with suppress(LogDown):  # a frozen room takes no rights away
            await room.catch_up()
        seat = room.state.at(member)
        return seat is not None and seat.facilitates

    async def _may_download(self, room: HostedRoom, member: str, material: str) -> bool:
        try:
            await room.catch_up()
        except LogDown:
            raise unavailable() from None
        seat, shown = room.state.at(member), room.state.materials.find(material)
        return seat is not None and not waits(room.state, seat) and shown is not None


async def _body(request: Request, most: int, wanted: Callable[[], Awaitable[bool]]) -> bytes:
    """Reads the whole body.

    Raises:
        Problem: 413 for more than `most` bytes, 408 for a timeout, 404 if it isn't wanted any more.
    """
    body = bytearray()
    try:
        async for part in bodies.read_parts(request, UPLOAD_SECONDS, wanted):
            body += part
            if len(body) > most:
                raise _too_large(most)
    except TimeoutError:
        raise Problem(408, "timeout", "The file did not come in time.") from None
    except ClientDisconnect:
        raise Problem(400, "bad_request", "The file ended early.") from None
    except bodies.Unwanted:
        raise not_found() from None
    return bytes(body)


def _size(request: Request, most: int) -> int:
    """The length from the header; `most` if there is none.

    Raises:
        Problem: 413 for more than `most` bytes.
    """
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else most
    if size > most:
        raise _too_large(most)
    return size


def _too_large(most: int) -> Problem:
    return Problem(413, "too_large", f"A file has at most {most} bytes.")


class _FileResponse(Response):
    """Sends a file in pieces, at the peer's pace, and holds its budget meanwhile."""

    def __init__(
        self, data: bytes, headers: Mapping[str, str], budget: Budget, key: SeatKey
    ) -> None:
        super().__init__(headers={**headers, "content-length": str(len(data))})
        self._data = data
        self._budget = budget
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._budget.hold(object(), self._key, len(self._data)):
                await self._send(scope, send)
        except bodies.BudgetFull:
            await unavailable().response()(scope, receive, send)

    async def _send(self, scope: Scope, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        data = memoryview(b"" if scope["method"] == "HEAD" else self._data)
        for at in range(0, len(data), PIECE):
            piece = bytes(data[at : at + PIECE])
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
