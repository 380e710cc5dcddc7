# SPDX-License-Identifier: Apache-2.0
"""Duties: which label is owed, by whom, why, or which question decides."""

from dataclasses import dataclass
from enum import StrEnum


class DutyStatus(StrEnum):
    """What a rule comes to, in the order of display."""

    PROHIBITED = "prohibited"
    REQUIRED = "required"
    UNDECIDED = "undecided"
    RECOMMENDED = "recommended"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question whose answer decides an undecided duty. ``text`` holds (language, text) pairs, sorted."""

    field: str
    text: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a duty is written."""

    title: str
    url: str | None
    paragraph: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One label that is owed, advised, forbidden or undecided.

    ``wording`` and ``places`` (where the label goes) hold (language, text) pairs, sorted. ``because`` are
    ``field = value (origin)`` facts.
    ``automatic`` is True only where no person needs to look first (contract, section 3).
    Days are ISO dates, both inclusive.
    """

    rule: str
    status: DutyStatus
    label: str
    who: str
    shown_to: str
    wording: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, str], ...]
    automatic: bool
    because: tuple[str, ...]
    asks: tuple[Question, ...]
    source: Citation
    basis: str
    confidence: str
    status_if_confirmed: str | None
    ui_string: str | None
    dates: str
    starts: str | None
    ends: str | None
    uses_ai_finding: bool

    @property
    def placement(self) -> str | None:
        """Where the label goes, in English; None where nothing is said of it."""
        return dict(self.places).get("en")


_MAKERS = ("deployer", "uploader", "sponsor", "ad_publisher", "provider or deployer")


def is_makers(*, who: str, basis: str, shown_to: str) -> bool:
    """Whether a duty with these words is a matter of who made a file or publishes it.

    What a platform's own policy has it refuse is told to whoever offers it.
    """
    return who in _MAKERS or (basis == "platform_policy" and shown_to == "actor")
