# SPDX-License-Identifier: Apache-2.0
"""A job: what is to be done, how far it is, and what came of it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from waarmerk.provenance.jobs.database import moment


class State(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # nobody could do it: ``code`` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. ``wishes`` are plain data for whoever does it; ``result`` is what came of it, from DONE on the report
    document or what was made of the file. ``file`` is what waits for it in the spool, and then what it made, if any.
    """

    number: int
    id: str
    tenant: str
    state: State
    file: str | None
    bytes: int
    wishes: dict[str, Any]
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    keep_until: datetime
    result: dict[str, Any] | None
    code: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in (State.DONE, State.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What is to be done. Two with the same ``identity`` are the same job: file, policy, clock and tenant."""

    tenant: str
    identity: bytes
    file: str
    bytes: int
    wishes: dict[str, Any]
    keep: timedelta


def job_of(row: sa.RowMapping) -> Job:
    """A job from its row."""
    return Job(
        number=row["number"],
        id=row["id"],
        tenant=row["tenant"],
        state=State(row["state"]),
        file=row["file"],
        bytes=row["bytes"],
        wishes=row["wishes"],
        attempts=row["attempts"],
        created_at=moment(row["created_at"]),
        finished_at=None if row["finished_at"] is None else moment(row["finished_at"]),
        keep_until=moment(row["keep_until"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        code=row["code"],
    )
