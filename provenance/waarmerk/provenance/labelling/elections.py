# SPDX-License-Identifier: Apache-2.0
"""The operator's election calendar: dated data of a pack, never a guess of the program."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Election:
    """One vote: the period in which election rules are awake, both days inclusive, and the day of the vote."""

    name: str
    jurisdiction: str
    starts: str
    ends: str
    vote: str

    def is_near(self, day: str, jurisdictions: tuple[str, ...]) -> bool:
        """Whether the calendar is awake on that day for content offered in these countries."""
        return self.jurisdiction in jurisdictions and self.starts <= day <= self.ends

    def days_to_vote(self, day: str) -> int:
        """Days until the vote; negative afterwards."""
        return (date.fromisoformat(self.vote) - date.fromisoformat(day)).days
