# SPDX-License-Identifier: Apache-2.0
"""Adapters: each looks at an asset in one way and says what it found in words that can be weighed.

The contract of every source: it never raises for content, it never says more than it found, and what it could not
read is ``unread`` and supports no claim.
"""

from dataclasses import dataclass
from typing import Protocol

from waarmerk.provenance.model import Asset, Channel, Credential, Declarations, Evidence, MarkFinding, Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What one source found in one asset: evidence to weigh, channels to name, and its part of the report."""

    evidence: tuple[Evidence, ...] = ()
    channels: tuple[Channel, ...] = ()
    credential: Credential | None = None
    declarations: Declarations | None = None
    marks: tuple[MarkFinding, ...] = ()
    matches: tuple[Match, ...] = ()


class EvidenceSource(Protocol):
    """Anything that can look at an asset."""

    def examine(self, asset: Asset) -> Examination:
        """Look at ``asset``; content never makes it raise."""
        ...
