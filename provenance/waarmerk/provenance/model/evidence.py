# SPDX-License-Identifier: Apache-2.0
"""What one source found, in a form that can be weighed against the others."""

from dataclasses import dataclass
from enum import StrEnum

from waarmerk.provenance.model.words import Assurance, Claimant, Finding, Origin

CLASSIFIER_THRESHOLD = 0.9
"""From this score on, a classifier makes a suspicion, never more. The scores of such tools are not error rates."""


class ChannelState(StrEnum):
    """What became of one channel that could have spoken."""

    FOUND = "found"
    NONE = "none"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way in which a file could have told its origin, and whether it did.

    ``name`` is ``c2pa``, ``metadata``, ``watermark:KEYID``, ``registry``, ``open-marks`` or ``closed:NAME``.
    ``why`` is a code of ours that says why it is unread (wording in ``report/wording``), else None.
    """

    name: str
    state: ChannelState
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one source found. A source gives several if it read several independent statements.

    ``contradicts_ai`` is set by a declaration or a registered capture that speaks against AI.
    ``bars`` are the reasons why a captured origin does not amount to an authentic capture, empty only where the
    source itself vouches for an unbroken line from the camera; they mean nothing for other origins.
    Raises ValueError where a statement is stronger than its assurance allows.
    """

    channel: str
    claimant: Claimant
    assurance: Assurance
    origin: Origin = Origin.UNKNOWN
    contradicts_ai: bool = False
    bars: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.assurance <= Assurance.ABSENT and (self.origin is not Origin.UNKNOWN or self.contradicts_ai):
            raise ValueError(f"{self.assurance.name.lower()} evidence names no origin")
        if self.origin is Origin.CAPTURED and self.assurance < Assurance.DECLARED:
            raise ValueError("only declared or stronger evidence may say captured")
