# SPDX-License-Identifier: Apache-2.0
"""The verdict: what all evidence together allows one to say."""

from dataclasses import dataclass
from typing import NoReturn

from waarmerk.provenance.model.words import Claimant, Finding, Origin, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Origin, tier, conflict, authentic capture and what must not vanish behind the headline.

    There is no truth value: a verdict has five parts and none of them is "the answer".
    Raises ValueError where the parts contradict each other.
    """

    origin: Origin = Origin.UNKNOWN
    tier: Tier = Tier.NONE
    claimed_by: tuple[Claimant, ...] = ()
    authentic_capture: bool = False
    conflict: bool = False
    concerns: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.origin.is_ai != (self.tier in (Tier.PROVEN, Tier.CLAIMED)):
            raise ValueError("an AI origin and a proven or claimed tier go together")
        if self.authentic_capture and (
            self.origin is not Origin.CAPTURED or self.tier is not Tier.NONE or self.conflict
        ):
            raise ValueError("an authentic capture is captured, without AI and without conflict")

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has no truth value; ask for origin, tier, conflict or authentic_capture")
