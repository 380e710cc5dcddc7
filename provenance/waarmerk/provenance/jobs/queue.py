# SPDX-License-Identifier: Apache-2.0
"""Jobs that outlive a request, in a database: leased, done at least once, their results kept for a while.

A job is leased for a time and the lease is renewed while somebody works on it; where that somebody dies the lease runs
out and another takes over. The third who dies on it shows it to be poison: it is recorded and left alone. What was
acknowledged is on the disk, in the database and in the spool, before the acknowledgement.
"""

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa

from waarmerk.provenance.jobs.database import Database, milliseconds
from waarmerk.provenance.jobs.job import Job, NewJob, State, job_of
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.tables import BATCH, ITEM, JOB, METADATA, ONCE, insert_new

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 3
_LOST = ("job.expired", "job.file-gone")
WAITING_DAYS = 2  # after which nobody will come for it: its host is gone


Over = Callable[[sa.Connection, Sequence[sa.RowMapping]], object]


class Queue:
    """The jobs of one spool. Safe to use from several threads, processes and hosts.

    ``spool`` names the folder where the files of its jobs lie: hosts that share the folder share the name and do each
    other's jobs, others leave them alone.
    """

    def __init__(
        self,
        database: Database,
        *,
        spool: str,
        clock: Callable[[], datetime],
        mint: Callable[[], str] = lambda: secrets.token_urlsafe(18),
        over: Over = lambda connection, rows: None,
        passing: Collection[str] = (),
        in_turn: bool = False,
    ) -> None:
        """``over`` is called with the rows of jobs that end, in the transaction in which they do.

        ``passing`` are codes of failures that say nothing of the file: a job that failed so is opened anew when it is
        submitted again. ``in_turn``: the oldest job of the tenant whose turn was the longest ago goes first, so that
        nobody's many jobs stand before another's one; turns are those of this process.
        """
        self.database = database
        self._spool = spool
        self._clock = clock
        self._mint = mint
        self._over = over
        self._passing = (*_LOST, *passing)
        self._turns: dict[str, int] | None = {} if in_turn else None
        self._turning = Lock()

    def create(self) -> None:
        """Make the tables where they are missing. Raises StoreError."""
        self.database.create(METADATA)

    def submit(self, new: NewJob) -> tuple[Job, bool]:
        """The job for ``new``, and whether it is a new one; then its file belongs to it. Raises StoreError."""
        now = self._now()
        row = {
            "id": self._mint(),
            "tenant": new.tenant,
            "identity": new.identity,
            "state": State.WAITING,
            "spool": self._spool,
            "file": new.file,
            "bytes": new.bytes,
            "wishes": new.wishes,
            "attempts": 0,
            "created_at": now,
            "keep_until": now + _ms(new.keep),
        }
        with self.database.writing() as connection:
            fresh = insert_new(connection, JOB, row)
            if not fresh:
                fresh = self._again(connection, row)
            found = connection.execute(sa.select(JOB).where(JOB.c.identity == new.identity)).mappings().one()
        return job_of(found), fresh

    def _again(self, connection: sa.Connection, row: dict[str, Any]) -> bool:
        """Open a job anew that failed for what may pass; poison stays what it is. Whether it was opened."""
        lost = sa.and_(JOB.c.state == State.FAILED, JOB.c.code.in_(self._passing))
        values = {key: row[key] for key in ("state", "spool", "file", "wishes", "attempts", "created_at", "keep_until")}
        gone = {"code": None, "finished_at": None, "result": None}
        change = sa.update(JOB).where(JOB.c.identity == row["identity"], lost).values(**values, **gone)
        return bool(connection.execute(change).rowcount == 1)

    def lease(self, owner: str, *, most: int = 1) -> list[Job]:
        """Take up to ``most`` jobs that nobody works on, the oldest first; they are ``owner``'s for a minute."""
        now = self._now()
        free = sa.and_(JOB.c.spool == self._spool, _is_free(now))
        oldest = sa.select(JOB.c.number).where(free).order_by(JOB.c.number).limit(most)
        with self.database.writing() as connection:
            if not self.database.is_sqlite:  # SQLite has one writer; here many look at once, none waits for another
                oldest = oldest.with_for_update(skip_locked=True)
            if self._turns is not None:
                oldest = oldest.where(JOB.c.number.in_(self._next(connection, free, most)))
            numbers = list(connection.scalars(oldest))
            if not numbers:
                return []
            worn = sa.and_(JOB.c.number.in_(numbers), JOB.c.attempts >= MAX_ATTEMPTS)
            over = {"state": State.FAILED, "code": "job.poison", "finished_at": now, "file": None, "lease_owner": None}
            self._over(connection, _ended(connection, sa.update(JOB).where(worn).values(**over)))
            taken = sa.update(JOB).where(JOB.c.number.in_(numbers), JOB.c.state != State.FAILED)
            taken = taken.values(
                state=State.RUNNING, lease_owner=owner, lease_until=now + _ms(LEASE), attempts=JOB.c.attempts + 1
            )
            found = connection.execute(taken.returning(*JOB.c)).mappings().all()
        return sorted((job_of(row) for row in found), key=lambda job: job.number)

    def _next(self, connection: sa.Connection, free: sa.ColumnElement[bool], most: int) -> list[int]:
        """The oldest jobs of the tenants whose turn it is, one of each."""
        first = sa.func.min(JOB.c.number).label("first")
        rows = connection.execute(sa.select(JOB.c.tenant, first).where(free).group_by(JOB.c.tenant)).all()
        with self._turning:
            turns = self._turns if self._turns is not None else {}
            ranked = sorted(rows, key=lambda row: (turns.get(row.tenant, 0), row.first))[:most]
            last = max(turns.values(), default=0)
            turns.update({row.tenant: last + place for place, row in enumerate(ranked, 1)})
        return [int(row.first) for row in ranked]

    def renew(self, owner: str, numbers: Sequence[int]) -> set[int]:
        """Renew the leases of ``owner``; those that still were its own. Raises StoreError."""
        change = sa.update(JOB).where(JOB.c.number.in_(numbers), _is_owned(owner))
        with self.database.writing() as connection:
            renewed = connection.execute(change.values(lease_until=self._now() + _ms(LEASE)).returning(JOB.c.number))
            return set(renewed.scalars())

    def finish(
        self,
        owner: str,
        number: int,
        *,
        result: dict[str, Any],
        file: str | None = None,
        keep: timedelta | None = None,
    ) -> bool:
        """Record the outcome; False where the job is another's by now, whose outcome is the same. Raises StoreError.

        ``file`` in the spool was made and belongs to the job from now on; ``keep``: how long from now the outcome is
        kept, in place of what was asked for at the start.
        """
        now = self._now()
        done: dict[str, Any] = {"state": State.DONE, "file": file, **_over(now, result)}
        return self._end(owner, number, done | ({} if keep is None else {"keep_until": now + _ms(keep)}))

    def give_back(self, owner: str, number: int, *, is_counted: bool = False) -> bool:
        """Let another do it, as if it had never been leased: this host is going down; or, where ``is_counted``, after
        an attempt that came to nothing. Raises StoreError."""
        again = {"state": State.WAITING, "lease_owner": None, "attempts": JOB.c.attempts - (0 if is_counted else 1)}
        with self.database.writing() as connection:
            change = sa.update(JOB).where(JOB.c.number == number, _is_owned(owner)).values(**again)
            return bool(connection.execute(change).rowcount == 1)

    def put_off(self, owner: str, number: int) -> None:
        """Leave a job that was not begun to when its lease runs out, as if this were no attempt. Raises StoreError."""
        change = sa.update(JOB).where(JOB.c.number == number, _is_owned(owner))
        with self.database.writing() as connection:
            connection.execute(change.values(attempts=JOB.c.attempts - 1))

    def fail(self, owner: str, number: int, *, code: str, result: dict[str, Any] | None = None) -> bool:
        """Record that it cannot be done, with what else is to be said of it. Raises StoreError."""
        over = {"state": State.FAILED, "code": code, "file": None, **_over(self._now(), result)}
        return self._end(owner, number, over)

    def find(self, id: str, *, tenant: str) -> Job | None:
        """A tenant's own job, or a stranger's (``tenant`` ''); whose id is not known to be theirs is not there."""
        with self.database.reading() as connection:
            wanted = sa.select(JOB).where(JOB.c.id == id, JOB.c.tenant == tenant)
            row = connection.execute(wanted).mappings().first()
        return None if row is None else job_of(row)

    def page(self, *, tenant: str, before: int | None, most: int) -> list[Job]:
        """A tenant's jobs with numbers below ``before``, the newest first, without their results."""
        columns = [column for column in JOB.c if column.name != "result"]
        wanted = sa.select(*columns, sa.null().label("result")).where(JOB.c.tenant == tenant)
        if before is not None:
            wanted = wanted.where(JOB.c.number < before)
        with self.database.reading() as connection:
            found = connection.execute(wanted.order_by(JOB.c.number.desc()).limit(most)).mappings().all()
        return [job_of(row) for row in found]

    def remove(self, id: str, *, tenant: str) -> str | None:
        """Erase a job and its result; its file, if it still has one, is the caller's to erase. None if not there."""
        gone = sa.delete(JOB).where(JOB.c.id == id, JOB.c.tenant == tenant).returning(JOB.c.file, JOB.c.id)
        with self.database.writing() as connection:
            row = connection.execute(gone).first()
            connection.execute(sa.update(ITEM).where(ITEM.c.job == id).values(code="job.removed"))
        return None if row is None else str(row[0] or "")

    def sweep(self) -> int:
        """Erase what was kept long enough, give up what nobody came for; how many are gone. Raises StoreError."""
        now = self._now()
        late = sa.and_(_is_free(now), JOB.c.created_at < now - _ms(timedelta(days=WAITING_DAYS)))
        with self.database.writing() as connection:
            over = {"state": State.FAILED, "code": "job.expired", "finished_at": now, "file": None}
            self._over(connection, _ended(connection, sa.update(JOB).where(late).values(**over)))
            gone = connection.execute(sa.delete(JOB).where(JOB.c.keep_until < now, JOB.c.finished_at.is_not(None)))
            old = sa.select(BATCH.c.id).where(BATCH.c.keep_until < now)
            connection.execute(sa.delete(ITEM).where(ITEM.c.batch.in_(old)))
            connection.execute(sa.delete(BATCH).where(BATCH.c.keep_until < now))
            connection.execute(sa.delete(ONCE).where(ONCE.c.started_at < now - _ms(timedelta(days=1))))
        return gone.rowcount

    def files(self) -> set[str]:
        """The files in the spool that jobs still need."""
        wanted = sa.select(JOB.c.file).where(JOB.c.spool == self._spool, JOB.c.file.is_not(None))
        with self.database.reading() as connection:
            return set(connection.scalars(wanted))

    def held_by(self, tenant: str) -> tuple[int, int]:
        """How many jobs of a tenant in this spool are not over, and the bytes of all whose files lie here."""
        mine = sa.and_(JOB.c.spool == self._spool, JOB.c.tenant == tenant, JOB.c.file.is_not(None))
        is_open = sa.case((JOB.c.finished_at.is_(None), 1), else_=0)
        wanted = sa.select(sa.func.coalesce(sa.func.sum(is_open), 0), sa.func.coalesce(sa.func.sum(JOB.c.bytes), 0))
        with self.database.reading() as connection:
            count, size = connection.execute(wanted.where(mine)).one()
        return int(count), int(size)

    def open_count(self, tenant: str | None = None) -> int:
        """How many jobs are not over, of ``tenant`` or of all."""
        wanted = sa.select(sa.func.count()).select_from(JOB).where(JOB.c.finished_at.is_(None))
        if tenant is not None:
            wanted = wanted.where(JOB.c.tenant == tenant)
        with self.database.reading() as connection:
            return int(connection.execute(wanted).scalar_one())

    def of_identity(self, identity: bytes) -> Job | None:
        """The job with this identity."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(JOB).where(JOB.c.identity == identity)).mappings().first()
        return None if row is None else job_of(row)

    def counts(self) -> dict[State, int]:
        """How many jobs there are in each state."""
        wanted = sa.select(JOB.c.state, sa.func.count()).group_by(JOB.c.state)
        with self.database.reading() as connection:
            return {State(state): int(count) for state, count in connection.execute(wanted)}

    def _end(self, owner: str, number: int, values: dict[str, Any]) -> bool:
        change = sa.update(JOB).where(JOB.c.number == number, _is_owned(owner)).values(**values)
        with self.database.writing() as connection:
            rows = _ended(connection, change)
            self._over(connection, rows)
        return len(rows) == 1

    def _now(self) -> int:
        return milliseconds(self._clock())


def queued(queue: Queue, keep: Keep, source: Path, made: Callable[[str, int, bytes], NewJob]) -> tuple[Job, bool]:
    """The job for the file at ``source``, and whether it is a new one; then a copy waits in ``keep``, else none.

    ``made`` is given the name of the copy, its length and its sha256, and may raise. Raises StoreError.
    """
    name, size, digest = keep.put(source)
    is_new = False
    try:
        job, is_new = queue.submit(made(name, size, digest))
    finally:
        if not is_new:
            keep.drop(name)
    return job, is_new


def _over(now: int, result: dict[str, Any] | None) -> dict[str, Any]:
    text = None if result is None else json.dumps(result, ensure_ascii=True)
    return {"result": text, "finished_at": now, "lease_owner": None}


def _ended(connection: sa.Connection, change: sa.Update) -> Sequence[sa.RowMapping]:
    return connection.execute(change.returning(JOB.c.id, JOB.c.tenant, JOB.c.state, JOB.c.code)).mappings().all()


def _ms(length: timedelta) -> int:
    return int(length.total_seconds() * 1000)


def _is_free(now: int) -> sa.ColumnElement[bool]:
    left = sa.and_(JOB.c.state == State.RUNNING, JOB.c.lease_until < now)
    return sa.or_(JOB.c.state == State.WAITING, left)


def _is_owned(owner: str) -> sa.ColumnElement[bool]:
    return sa.and_(JOB.c.state == State.RUNNING, JOB.c.lease_owner == owner)
