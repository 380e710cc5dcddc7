# SPDX-License-Identifier: Apache-2.0
"""How fast copies of known items go round: a count for each item and hour, and nothing else.

No file, no digest, no account, no address: what was seen cannot be told from the counts, only how much of it. Looking
something up writes nothing; whoever wants counts asks for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from waarmerk.provenance.model.moment import moment_of, rfc3339
from waarmerk.provenance.registry.database import reading, writing
from waarmerk.provenance.registry.schema import SIGHTING
from waarmerk.provenance.registry.store import Store

KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """Copies of the entry ``number``: in the last full or begun hour, in the window, and in the busiest hour of it.

    ``busiest`` is the hour's beginning, RFC 3339.
    """

    number: int
    last_hour: int
    in_window: int
    most: int
    busiest: str


class Sightings:
    """Counts copies in one registry."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def count(self, numbers: Sequence[int], *, at: datetime) -> None:
        """One more copy of each of these entries, seen at ``at``; counts of more than 30 days ago go.

        Raises StoreError.
        """
        hour, old = rfc3339(_hour(at)), rfc3339(_hour(at) - KEPT)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(SIGHTING).where(SIGHTING.c.hour < old))
            for number in numbers:
                here = sa.and_(SIGHTING.c.entry == number, SIGHTING.c.hour == hour)
                more = sa.update(SIGHTING).where(here).values(copies=SIGHTING.c.copies + 1)
                if not connection.execute(more).rowcount:
                    connection.execute(sa.insert(SIGHTING).values(entry=number, hour=hour, copies=1))

    def velocity(self, *, at: datetime, hours: int) -> tuple[Velocity, ...]:
        """What was counted in the ``hours`` up to ``at``, the fastest first. Raises StoreError."""
        last = _hour(at)
        first = rfc3339(last - timedelta(hours=hours - 1))
        wanted = sa.select(SIGHTING).where(SIGHTING.c.hour >= first, SIGHTING.c.hour <= rfc3339(last))
        seen: dict[int, dict[str, int]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(wanted):
                seen.setdefault(int(row.entry), {})[str(row.hour)] = int(row.copies)
        found = [_velocity(number, counts, rfc3339(last)) for number, counts in seen.items()]
        return tuple(sorted(found, key=lambda each: (-each.last_hour, -each.in_window, each.number)))


def _hour(moment: datetime) -> datetime:
    return moment_of(rfc3339(moment)).replace(minute=0, second=0)


def _velocity(number: int, counts: dict[str, int], last: str) -> Velocity:
    most, busiest = max((copies, hour) for hour, copies in counts.items())
    return Velocity(
        number=number, last_hour=counts.get(last, 0), in_window=sum(counts.values()), most=most, busiest=busiest
    )
