"""A member's checks from where the member is not, and a member who moves, seen from outside."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from aioice import stun

from sitwith_client.voice import sdp
from sitwith_server.media.aiortc.ice import CONSENT_TIMEOUT
from tests.blackbox.house import Circle, Server
from tests.blackbox.rawclient import WAIT
from tests.cluster.cluster import Cluster, opened
from tests.media.hostile import EVERY, Crowd, Loud
from tests.media.test_hostile_cluster import Doors

VICTIM, ELSEWHERE = "127.0.0.66", "127.0.0.77"
MOVES_WITHIN = 2.0


@contextlib.contextmanager
def bystander() -> Iterator[socket.socket]:
    """Somebody's socket, who never asked for anything and does not speak STUN."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((VICTIM, 0))
        made.setblocking(False)
        yield made


def drained(sock: socket.socket) -> int:
    """Bytes that came."""
    total = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            total += len(sock.recv(4_096))
    return total


def forged(person: Loud, *, first: str = "") -> tuple[bytes, tuple[str, int]]:
    """A correct check of theirs and where it goes: as they could sign it, or as somebody on the
    way could send it again. `first`: the answer to an offer that was never used."""
    peer = person.peers[-1]
    line = sdp.parse(first or person.answers[-1])
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{line.ice.ufrag}:{peer._ice.local.ufrag}"
    message.attributes["PRIORITY"] = 2**31 - 1
    message.attributes["ICE-CONTROLLING"] = peer._ice.tie_breaker
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(line.ice.password.encode())
    return bytes(message), line.candidates[0]


@asynccontextmanager
async def house(kind: str, folder: Path) -> AsyncIterator[Circle]:
    with contextlib.ExitStack() as stack:
        if kind == "embedded":
            server = Server()
            stack.callback(server.stop)
            tokens = (
                await server.http("POST", "/api/rooms", {"settings": {"sealed": False}})
            ).json()
            c = Circle(server, tokens)
        else:
            site = Cluster(folder, workers=2, nodes=1, proxy=False)
            stack.enter_context(site)
            for number in range(2):
                await site.ready(number)
            doors: Any = Doors(site)
            c = Circle(doors, await opened(site.doors[0], site))
        c.host = await c.join("Frida", role="facilitator")
        for name in ("Ada", "Ben"):
            c.members.append(await c.join(name))
        yield c
        await c.leave_all()


@pytest.mark.parametrize("kind", ["embedded", pytest.param("node", marks=pytest.mark.soak)])
async def test_ME45_a_check_from_elsewhere_moves_nobody_and_an_honest_move_takes_no_time(
    kind: str, tmp_path: Path
) -> None:
    async with house(kind, tmp_path) as c:
        crowd = Crowd(c)
        try:
            with bystander() as victim:
                for client in c.all:
                    await crowd.join(client)
                routes = set(permutations(crowd.people, 2))
                await crowd.exactly(routes, time.time())

                ada = crowd["Ada"]
                check, to = forged(ada)
                sent = 0
                for _ in range(20):
                    victim.sendto(check, to)
                    victim.sendto(b"\x80" + bytes(60), to)
                    sent += len(check)
                    await asyncio.sleep(2 * EVERY)
                await crowd.exactly(routes, time.time())
                await asyncio.sleep(0.4)
                assert 0 < drained(victim) <= 3 * sent

                # On another network, and the one before is gone without a word.
                peer = ada.peers[-1]
                line = sdp.parse(ada.answers[-1])
                for path in peer._ice._paths:
                    path.close()
                moved = time.time()
                peer._ice._from = (ELSEWHERE, 0)
                await peer._ice.connect(line.ice, line.candidates, WAIT)
                await crowd.exactly(routes, moved)
                first = min(each.at for each in ada.heard if each.said > moved)
                assert first - moved < MOVES_WITHIN

                # Somebody whose first check of all comes from where they are not.
                await ada.peers[-1].close()
                ben = crowd["Ben"]
                await ben.peers.pop().close()
                peer = type(peer)(audio=2, host="127.0.0.1")
                answer = await ben.client.command("media.offer", {"sdp": peer.offer()})
                ben.peers.append(peer)
                check, to = forged(ben, first=answer["sdp"])
                for _ in range(5):
                    victim.sendto(check, to)
                    await asyncio.sleep(5 * EVERY)
                await asyncio.sleep(0.4)
                assert 0 < drained(victim) <= 3 * 5 * len(check)
                await peer.connect(answer["sdp"], WAIT)
        finally:
            await crowd.close()


@pytest.mark.soak
async def test_ME46_who_answers_no_check_for_30_s_is_sent_nothing_more(tmp_path: Path) -> None:
    async with house("embedded", tmp_path) as c:
        crowd = Crowd(c)
        try:
            for client in c.all:
                await crowd.join(client)
            routes = set(permutations(crowd.people, 2))
            await crowd.exactly(routes, time.time())
            ada = crowd["Ada"]
            for path in ada.peers[-1]._ice._paths:
                path._answer = lambda request: None  # type: ignore[method-assign]
            silent = time.time()
            # She goes on sending and checking all the time, as one who forges would.
            await asyncio.sleep(CONSENT_TIMEOUT - 7)
            await crowd.exactly(routes, time.time())
            await asyncio.sleep(8)
            last = max(each.at for each in ada.heard)
            assert CONSENT_TIMEOUT - 7 < last - silent < CONSENT_TIMEOUT + 1
            assert "media.lost" in [frame.body["t"] for frame in ada.client.frames]
        finally:
            await crowd.close()
