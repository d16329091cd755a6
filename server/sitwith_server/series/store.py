"""The store. Each method is one transaction and blocks; from an event loop call it through
`DatabaseThread`."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from sitwith_server.series.handles import Handles
from sitwith_server.series.model import (
    Ban,
    Handle,
    MeetingSummary,
    Overview,
    Plan,
    SeriesHistory,
    StoreDown,
)
from sitwith_server.series.opening import engine_for, prepare
from sitwith_server.series.tables import attendance, ban, encounter, meeting, series

CLOSED: Final = 2**62
"""A fence above all numbers: every further summary of the meeting is refused."""
MEETINGS_KNOWN: Final = 200
"""Earlier meetings that make up the history of a new one."""
_SWEEPS: Final = (attendance, encounter, ban, meeting, series)


class Store:
    """One database; `open` makes it.

    Every method raises StoreDown if the database fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        on_sqlite = engine.dialect.name == "sqlite"
        self._insert: Any = sqlite.insert if on_sqlite else postgresql.insert

    @classmethod
    def open(cls, url: str, handles: Handles) -> Store:
        """Opens a store, and makes or migrates its tables.

        Raises:
            StoreRefused: a setting is wrong; it names which.
        """
        engine = engine_for(url)
        try:
            prepare(engine, handles)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    # -- series ------------------------------------------------------------------------------------

    def create(self, id: str, plan: Plan, now: float) -> None:
        row = {name: getattr(plan, name) for name in Plan.__slots__}
        with self._begin() as db:
            db.execute(insert(series).values(id=id, created_at=now, **row))

    def overviews(self) -> list[Overview]:
        with self._begin() as db:
            ids = db.execute(select(series.c.id).order_by(series.c.created_at)).scalars().all()
            found = [_overview(db, id) for id in ids]
        return [each for each in found if each is not None]

    def overview(self, id: str) -> Overview | None:
        with self._begin() as db:
            return _overview(db, id)

    def drop(self, id: str) -> bool:
        """Erases a series with all its meetings; False if there is none."""
        with self._begin() as db:
            return bool(db.execute(delete(series).where(series.c.id == id)).rowcount)

    # -- meetings ----------------------------------------------------------------------------------

    def begin(self, id: str, room: str, at: float, expires_at: float) -> SeriesHistory | None:
        """Adds a meeting and returns the history of the series; None if there is no such series.

        at, expires_at: unix seconds of the room's clock.
        """
        with self._begin() as db:
            row = db.execute(
                select(series.c.title, series.c.starts_at).where(series.c.id == id)
            ).first()
            if row is None:
                return None
            values = {"room": room, "series": id, "at": at, "expires_at": expires_at, "fence": 0}
            times = row.starts_at is not None
            history = replace(_history(db, id), title=row.title, times=times)
            db.execute(insert(meeting).values(**values))
            return history

    def rooms(self, id: str, now: float) -> list[str]:
        """Ids of rooms of a series that may still be open. now: unix seconds."""
        wanted = select(meeting.c.room).where(meeting.c.series == id, meeting.c.expires_at > now)
        with self._begin() as db:
            return list(db.execute(wanted).scalars())

    def unknown(self, id: str, handles: Collection[Handle]) -> set[Handle]:
        """Those of `handles` about whom nothing is stored."""
        with self._begin() as db:
            history = _history(db, id)
        return set(handles) - set(history.people)

    def keep(self, summary: MeetingSummary, at: float) -> bool | None:
        """Stores a meeting's summary.

        at: unix seconds, for new bans.

        Returns:
            False if the summary is from before an erasure and was refused; None if there is no such
            meeting.
        """
        with self._begin() as db:
            wanted = select(meeting.c.series, meeting.c.fence).where(meeting.c.room == summary.room)
            row = db.execute(wanted.with_for_update()).first()
            if row is None:
                return None
            if summary.number < row.fence:
                return False
            later = update(meeting).where(
                meeting.c.room == summary.room, meeting.c.expires_at < summary.expires_at
            )
            db.execute(later.values(expires_at=summary.expires_at))
            self._write_attendance(db, summary)
            self._write_encounters(db, summary)
            for seat, handle in sorted(summary.removed.items()):
                values = {"series": row.series, "room": summary.room, "seat": seat, "at": at}
                made = self._insert(ban).values(
                    id=secrets.token_hex(8), handle=handle, lifted=False, **values
                )
                db.execute(made.on_conflict_do_nothing(index_elements=["room", "seat"]))
            return True

    def _write_attendance(self, db: Connection, summary: MeetingSummary) -> None:
        rows = [
            {"room": summary.room, "handle": handle, "waited": waited, "number": summary.number}
            for handle, waited in sorted(summary.here.items())
        ]
        if rows:
            made = self._insert(attendance)
            later = made.on_conflict_do_update(
                index_elements=["room", "handle"],
                set_={"waited": made.excluded.waited, "number": made.excluded.number},
                where=attendance.c.number <= made.excluded.number,
            )
            db.execute(later, rows)

    def _write_encounters(self, db: Connection, summary: MeetingSummary) -> None:
        rows = [
            {"room": summary.room, "one": one, "other": other, "times": times}
            for (one, other), times in sorted(summary.met.items())
        ]
        if rows:
            made = self._insert(encounter)
            more = made.on_conflict_do_update(
                index_elements=["room", "one", "other"],
                set_={"times": made.excluded.times},
                where=encounter.c.times < made.excluded.times,
            )
            db.execute(more, rows)

    # -- erasing -----------------------------------------------------------------------------------

    def erase(self, id: str, handle: Handle, fences: Mapping[str, int]) -> bool:
        """Erases all data of one person. Bans of that person stay, without the handle.

        fences: for each open room, the number of the first summary without that person's data.
            Every further summary of another room is refused.

        Returns:
            Whether anything was stored.
        """
        with self._begin() as db:
            rooms = list(db.execute(select(meeting.c.room).where(meeting.c.series == id)).scalars())
            for room in sorted(rooms):
                fence = fences.get(room, CLOSED)
                lower = update(meeting).where(meeting.c.room == room, meeting.c.fence < fence)
                db.execute(lower.values(fence=fence))
            gone = 0
            for table, columns in ((attendance, ("handle",)), (encounter, ("one", "other"))):
                for column in columns:
                    gone += _delete(db, table, column, id, handle)
            nameless = update(ban).where(ban.c.series == id, ban.c.handle == handle)
            gone += db.execute(nameless.values(handle=None)).rowcount
        return gone > 0

    def lift(self, id: str, which: str) -> bool:
        """Lifts a ban; False if there is none."""
        with self._begin() as db:
            lifting = update(ban).where(
                ban.c.series == id, ban.c.id == which, ban.c.lifted.is_(False)
            )
            return bool(db.execute(lifting.values(lifted=True, handle=None)).rowcount)

    def sweep(self) -> None:
        """Removes deleted data from the database's files, as far as possible: rewrites SQLite's
        file, vacuums PostgreSQL's tables."""
        try:
            if self._engine.dialect.name == "sqlite":
                self._sweep_file()
                return
            with self._engine.connect() as plain:
                db = plain.execution_options(isolation_level="AUTOCOMMIT")
                for table in _SWEEPS:
                    db.exec_driver_sql(f"VACUUM {table.name}")
        except SQLAlchemyError as fault:
            raise StoreDown(type(fault).__name__) from None

    def _sweep_file(self) -> None:
        driver = self._engine.raw_connection()
        try:
            driver.cursor().execute("VACUUM")
            row = driver.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            driver.close()
        if row is None or row[0]:
            raise StoreDown("busy")

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as fault:
            raise StoreDown(type(fault).__name__) from None


def _delete(db: Connection, table: Table, column: str, id: str, handle: Handle) -> int:
    rooms = select(meeting.c.room).where(meeting.c.series == id)
    gone = delete(table).where(table.c[column] == bindparam("handle"), table.c.room.in_(rooms))
    return db.execute(gone, {"handle": handle}).rowcount


def _overview(db: Connection, id: str) -> Overview | None:
    row = db.execute(select(series).where(series.c.id == id)).mappings().first()
    if row is None:
        return None
    of_series = meeting.c.series == id
    people = select(func.count(attendance.c.handle.distinct())).join_from(attendance, meeting)
    met = select(encounter.c.one, encounter.c.other).join_from(encounter, meeting)
    pairs = met.where(of_series).distinct()
    bans = select(ban).where(ban.c.series == id, ban.c.lifted.is_(False)).order_by(ban.c.at)
    return Overview(
        id=id,
        plan=Plan(**{name: row[name] for name in Plan.__slots__}),
        created_at=row["created_at"],
        meetings=db.execute(select(func.count()).where(of_series)).scalar_one(),
        people=db.execute(people.where(of_series)).scalar_one(),
        pairs=db.execute(select(func.count()).select_from(pairs.subquery())).scalar_one(),
        bans=tuple(Ban(r.id, r.at, r.handle is not None) for r in db.execute(bans)),
    )


def _history(db: Connection, id: str) -> SeriesHistory:
    late = (
        select(meeting.c.room, meeting.c.at)
        .where(meeting.c.series == id)
        .order_by(meeting.c.at.desc())
        .limit(MEETINGS_KNOWN)
        .subquery()
    )
    came = select(attendance.c.handle, attendance.c.waited).join(
        late, late.c.room == attendance.c.room
    )
    waited = {r.handle: r.waited for r in db.execute(came.order_by(late.c.at))}
    bans = select(ban.c.handle).where(ban.c.series == id, ban.c.lifted.is_(False))
    banned = [r.handle for r in db.execute(bans)]
    for handle in banned:
        if handle is not None:
            waited.setdefault(handle, 0)
    people = sorted(waited)
    number = {handle: n for n, handle in enumerate(people)}
    times: dict[tuple[int, int], int] = {}
    together = select(encounter.c.one, encounter.c.other, encounter.c.times).join(
        late, late.c.room == encounter.c.room
    )
    for row in db.execute(together):
        if row.one in number and row.other in number:
            pair = (number[row.one], number[row.other])
            times[pair] = times.get(pair, 0) + row.times
    return SeriesHistory(
        people=tuple(people),
        waited=tuple(waited[handle] for handle in people),
        met=tuple((one, other, n) for (one, other), n in sorted(times.items())),
        banned=tuple(sorted({number[h] for h in banned if h is not None})),
        bans=bool(banned),
    )
