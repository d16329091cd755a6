"""Rules whose working can be watched only from inside a server (SPEC, IN4, LI5)."""

from __future__ import annotations

import gc
import types
from collections.abc import Iterable

from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room.model import Role, Settings
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.audit import AuditTrail


class Peer:
    """A socket whose peer takes nothing."""

    def __init__(self, reads: bool) -> None:
        self._reads = reads
        self.waiting = 0
        self.got = 0
        self.code: int | None = None

    def write(self, data: bytes) -> None:
        if self._reads:
            self.got += len(data)
        else:
            self.waiting += len(data)

    def more(self) -> bool:
        return False

    def unsent(self) -> int:
        return self.waiting

    def seated(self) -> None: ...

    def gone(self) -> bool:
        return False

    def end(self, code: int) -> None:
        self.code = code


def test_LI5_who_does_not_read_is_cut_and_nobody_else() -> None:
    idle, busy = Peer(reads=False), Peer(reads=True)
    boxes = [Outbox(idle, 10_000), Outbox(busy, 10_000)]
    frame = b"x" * 1000
    for _ in range(100):
        for box in boxes:
            box.put(frame)
    assert idle.code == CloseCode.SLOW
    assert idle.waiting == 10_000
    assert (busy.code, busy.got) == (None, 100_000)


def everything_under(*roots: object, but: Iterable[object] = ()) -> list[str | bytes]:
    """Every text and every bytes that these objects hold on to, however deep; not by way of
    `but`."""
    found: list[str | bytes] = []
    met = {id(each) for each in but}
    waiting = list(roots)
    while waiting:
        each = waiting.pop()
        if id(each) in met or isinstance(each, type | types.ModuleType | types.FrameType):
            continue
        met.add(id(each))
        if isinstance(each, str | bytes):
            found.append(each)
        elif isinstance(each, types.FunctionType):
            waiting.extend(cell.cell_contents for cell in each.__closure__ or ())
        else:
            waiting.extend(gc.get_referents(each))
    return found


async def test_IN4_tokens_and_resume_values_are_kept_as_hashes_only() -> None:
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 3600))
    operator = Operator(host, room_ttl=3600)
    made = await operator.create(RoomSpec("Title", "Agreement", 5, Settings()))
    invite = await operator.invite(made.room, Role.MEMBER, 1, None)
    assert invite is not None
    door = Seating(host)
    seated = await door.join(invite[1], clean("Ada"))
    assert isinstance(seated, Seated)
    back = await door.resume(seated.resume)
    assert isinstance(back, Seated)
    held = everything_under(log, host)
    whole = b"\0".join(each if isinstance(each, bytes) else each.encode() for each in held)
    assert b"Agreement" in whole and made.room.encode() in whole
    for secret in (made.facilitator, made.member, invite[1], seated.resume, back.resume):
        assert max(secret.split("."), key=len).encode() not in whole
    await host.close()
    await log.close()
