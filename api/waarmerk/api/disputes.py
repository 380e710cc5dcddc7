# SPDX-License-Identifier: Apache-2.0
"""Disputes: somebody says that an entry of a registry is wrong. What was said waits for whoever keeps the registry.

A dispute changes nothing by itself, or anybody could silence a registry. It is known by its id alone, which nobody can
guess, to whoever made it; and to the tenant whose registry it is about ('' is that of the service itself). Whether
there is such a tenant or entry is not told: one about a tenant that there is not waits for the service's own keepers,
and is counted under the name that was given, so that not even a full list tells.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from waarmerk.api.problems import Problem
from waarmerk.api.tenants import TENANT
from waarmerk.provenance.jobs.database import Database, milliseconds, moment

KEEP = timedelta(days=90)
MOST_OPEN = 1000  # waiting for one registry

TABLES = sa.MetaData()
DISPUTE = sa.Table(
    "dispute",
    TABLES,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("registry_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("contact", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("answered_at", sa.BigInteger),
    sa.Column("keep_until", sa.BigInteger, nullable=False),
    sa.Index("dispute_of_tenant", "tenant", "number"),
    sqlite_autoincrement=True,
)


class Outcome(StrEnum):
    """What became of a dispute. Disputed: the entry is found, and proposes nothing. Withdrawn: it is found no more."""

    OPEN = "open"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One dispute, as it was made and answered."""

    number: int
    id: str
    tenant: str
    registry_id: str
    reason: str
    contact: str | None
    outcome: Outcome
    answer: str | None
    created_at: datetime
    answered_at: datetime | None


class Disputes:
    """The disputes of a service, in its database. Every call may wait for the disk, and raises StoreError."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def create(self) -> None:
        """Make the table where it is missing."""
        self._database.create(TABLES)

    def add(self, *, tenant: str, registry_id: str, reason: str, contact: str | None) -> Dispute:
        """Record a dispute about the registry of ``tenant``, as it was given; those whose time is over go.

        Raises Problem where too many wait.
        """
        now, id = self._clock(), secrets.token_urlsafe(18)
        waiting = sa.select(sa.func.count()).where(DISPUTE.c.tenant == tenant, DISPUTE.c.outcome == Outcome.OPEN.value)
        row: dict[str, Any] = {
            "id": id,
            "tenant": tenant,
            "registry_id": registry_id,
            "reason": reason,
            "contact": contact,
        }
        row |= {"outcome": Outcome.OPEN.value, "created_at": milliseconds(now), "keep_until": milliseconds(now + KEEP)}
        with self._database.writing() as connection:
            connection.execute(sa.delete(DISPUTE).where(DISPUTE.c.keep_until < milliseconds(now)))
            if connection.execute(waiting).scalar_one() >= MOST_OPEN:
                raise Problem("service.busy", "enough disputes wait for an answer", retry_after=3600)
            connection.execute(sa.insert(DISPUTE).values(row))
        found = self.find(id)
        if found is None:
            raise Problem("dispute.unknown")
        return found

    def find(self, id: str) -> Dispute | None:
        """The dispute of that id, None without."""
        return next(iter(self._select(DISPUTE.c.id == id, most=1)), None)

    def page(self, *, tenant: str, before: int | None, most: int) -> list[Dispute]:
        """Disputes that this tenant answers ('' the service), the newest first."""
        earlier = sa.true() if before is None else DISPUTE.c.number < before
        return self._select(_answered_by(tenant), earlier, most=most)

    def is_for(self, dispute: Dispute, tenant: str) -> bool:
        """Whether this tenant answers the dispute ('' the service)."""
        return bool(self._select(DISPUTE.c.id == dispute.id, _answered_by(tenant), most=1))

    @contextmanager
    def answering(self, id: str, *, outcome: Outcome, answer: str) -> Iterator[None]:
        """Note what became of a dispute; what is done about it is over before this context is, and where it fails the
        dispute is open again.

        It is taken by one alone: a second answer waits, and is refused. Raises Problem where it was answered already,
        or is gone. SQLite has one writer: whatever has to be waited for is waited for outside.
        """
        waits = (DISPUTE.c.id == id, DISPUTE.c.outcome == Outcome.OPEN.value)
        values = {"outcome": outcome.value, "answer": answer, "answered_at": milliseconds(self._clock())}
        with self._database.writing() as connection:
            if connection.execute(sa.update(DISPUTE).where(*waits).values(values)).rowcount != 1:
                raise Problem("dispute.answered")
            yield

    def remove(self, id: str) -> bool:
        """Erase a dispute; whether it was there."""
        with self._database.writing() as connection:
            return connection.execute(sa.delete(DISPUTE).where(DISPUTE.c.id == id)).rowcount == 1

    def _select(self, *where: sa.ColumnElement[bool], most: int) -> list[Dispute]:
        alive = DISPUTE.c.keep_until >= milliseconds(self._clock())
        wanted = sa.select(DISPUTE).where(*where, alive).order_by(DISPUTE.c.number.desc()).limit(most)
        with self._database.reading() as connection:
            return [_dispute(row) for row in connection.execute(wanted).mappings()]


def _answered_by(tenant: str) -> sa.ColumnElement[bool]:
    """Disputes that this tenant answers; the service also those about a tenant that there is not."""
    if tenant:
        return DISPUTE.c.tenant == tenant
    return sa.or_(DISPUTE.c.tenant == "", DISPUTE.c.tenant.not_in(sa.select(TENANT.c.name)))


def _dispute(row: Any) -> Dispute:
    values = {name: value for name, value in row.items() if name != "keep_until"}
    answered = row["answered_at"]
    values |= {"outcome": Outcome(row["outcome"]), "created_at": moment(row["created_at"])}
    return Dispute(**{**values, "answered_at": None if answered is None else moment(answered)})
