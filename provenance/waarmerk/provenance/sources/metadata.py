# SPDX-License-Identifier: Apache-2.0
"""Unsigned declarations as evidence: stated, but bound to nothing."""

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.metadata import read
from waarmerk.provenance.metadata.contradictions import contradictions
from waarmerk.provenance.model import (
    Asset,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Declarations,
    Evidence,
    Origin,
)
from waarmerk.provenance.model.source_types import origin_of
from waarmerk.provenance.sources import Examination

# TC260-PG-20233A, annex: 1 confirmed, 2 possible, 3 suspected; a value outside the standard is still a statement.
_AIGC_POSSIBLE = frozenset({"2", "3"})


class MetadataSource:
    """What XMP, IPTC, EXIF and text chunks declare. Anyone can write them into anyone's picture."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def examine(self, asset: Asset) -> Examination:
        """Read the declarations of ``asset``."""
        declared = read(asset, self._limits)
        return Examination(evidence=evidence_of(declared), channels=(_channel(declared),), declarations=declared)


def evidence_of(declared: Declarations) -> tuple[Evidence, ...]:
    """Each independent declaration as evidence of its own: source types, AIGC label, traces of a generator."""
    found = [_statement(Assurance.DECLARED, origin_of(declared.source_types))] if declared.source_types else []
    if declared.aigc_label is not None:
        possible = declared.aigc_label in _AIGC_POSSIBLE
        found.append(_statement(Assurance.INDIRECT if possible else Assurance.DECLARED, Origin.AI_GENERATED))
    if declared.ai_system is not None:
        found.append(_statement(Assurance.INDIRECT, Origin.AI_GENERATED))
    if declared.hints:
        found.append(_statement(Assurance.INDIRECT, Origin.AI_GENERATED))
    odd = contradictions(declared)
    if odd:
        found.append(Evidence(channel="metadata", claimant=Claimant.METADATA, assurance=Assurance.ABSENT, findings=odd))
    if declared.findings or not found:
        assurance = Assurance.UNREADABLE if declared.findings and not found else Assurance.ABSENT
        found.append(
            Evidence(channel="metadata", claimant=Claimant.METADATA, assurance=assurance, findings=declared.findings)
        )
    return tuple(found)


def _statement(assurance: Assurance, origin: Origin) -> Evidence:
    return Evidence(channel="metadata", claimant=Claimant.METADATA, assurance=assurance, origin=origin)


def _channel(declared: Declarations) -> Channel:
    spoke = declared.source_types or declared.aigc_label or declared.ai_system or declared.hints or declared.containers
    if spoke:
        return Channel(name="metadata", state=ChannelState.FOUND)
    if declared.findings:
        return Channel(name="metadata", state=ChannelState.UNREAD, why="metadata.unreadable")
    return Channel(name="metadata", state=ChannelState.NONE)
