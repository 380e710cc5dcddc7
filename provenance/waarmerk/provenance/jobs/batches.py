# SPDX-License-Identifier: Apache-2.0
"""Lists of jobs: what was asked for in one request, item by item, in the order it was asked."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from waarmerk.provenance.jobs.database import Database, milliseconds, moment
from waarmerk.provenance.jobs.job import State
from waarmerk.provenance.jobs.tables import BATCH, ITEM, JOB


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """One line of a batch: its own name for it, and its job, or why there is none."""

    name: str
    job: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line, and what became of it."""

    position: int
    name: str
    job: str | None
    state: State
    code: str | None
    result: str | None  # the report document, as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A list, and how many of its items are in each state."""

    id: str
    items: int
    created_at: datetime
    keep_until: datetime
    counts: dict[State, int]


def add_batch(database: Database, *, tenant: str, items: Iterable[NewItem], now: datetime, keep: timedelta) -> str:
    """Record a list, all of it or nothing; its id. Raises StoreError."""
    id = secrets.token_urlsafe(18)
    rows = [
        {"batch": id, "position": position, "name": item.name, "job": item.job, "code": item.code}
        for position, item in enumerate(items)
    ]
    head = {"id": id, "tenant": tenant, "items": len(rows), "created_at": milliseconds(now)}
    with database.writing() as connection:
        connection.execute(sa.insert(BATCH).values(**head, keep_until=milliseconds(now + keep)))
        if rows:
            connection.execute(sa.insert(ITEM), rows)
    return id


def find_batch(database: Database, id: str, *, tenant: str) -> Batch | None:
    """A tenant's own list; another's is not there. Raises StoreError."""
    with database.reading() as connection:
        wanted = sa.select(BATCH).where(BATCH.c.id == id, BATCH.c.tenant == tenant)
        row = connection.execute(wanted).mappings().first()
        if row is None:
            return None
        states = _items(id).subquery()
        counted = connection.execute(sa.select(states.c.state, sa.func.count()).group_by(states.c.state)).all()
    counts = dict.fromkeys(State, 0) | {State(state): int(count) for state, count in counted}
    return Batch(
        id=id,
        items=row["items"],
        created_at=moment(row["created_at"]),
        keep_until=moment(row["keep_until"]),
        counts=counts,
    )


def batch_items(database: Database, id: str, *, after: int, most: int) -> list[Item]:
    """The items beyond position ``after``, in order. Raises StoreError."""
    wanted = _items(id).where(ITEM.c.position > after).order_by(ITEM.c.position).limit(most)
    with database.reading() as connection:
        return [Item(**{**row, "state": State(row["state"])}) for row in connection.execute(wanted).mappings()]


def _items(id: str) -> Any:
    """Items with the state of their jobs; one without a job, or whose job is gone, has failed."""
    state = sa.func.coalesce(JOB.c.state, State.FAILED.value).label("state")
    gone = sa.case((JOB.c.id.is_(None), sa.literal("job.gone")))
    code = sa.func.coalesce(JOB.c.code, ITEM.c.code, gone).label("code")
    columns = (ITEM.c.position, ITEM.c.name, ITEM.c.job, state, code, JOB.c.result)
    return sa.select(*columns).select_from(ITEM).outerjoin(JOB, JOB.c.id == ITEM.c.job).where(ITEM.c.batch == id)
