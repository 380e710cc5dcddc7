# SPDX-License-Identifier: Apache-2.0
"""Known pictures as evidence.

The registry proposes and never imposes: a verified match that was entered as AI is a claim (by the registry, never
automatic), one entered as a capture speaks against AI only where nothing of note differs, and what could not be
verified is named as a finding and carries no label.
"""

from collections.abc import Iterator
from dataclasses import replace

from waarmerk.provenance.errors import LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import (
    Asset,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Evidence,
    Finding,
    MarkFinding,
    Match,
    Origin,
)
from waarmerk.provenance.registry.finder import Finder, Found, upright
from waarmerk.provenance.sources import EvidenceSource, Examination

CODES = frozenset(
    {"registry.known", "registry.known-part", "registry.candidate", "registry.fact-checked", "registry.has-manifest"}
)
_CANDIDATES_NAMED = 3


class RegistrySource:
    """Looks a file up in one registry: by digest, by the marks that another source finds in it, by its pixels."""

    def __init__(self, finder: Finder, limits: Limits, *, marks: EvidenceSource | None) -> None:
        """``marks`` is the search for watermarks, where there is one; its findings are handed on with ours."""
        self._finder = finder
        self._limits = limits
        self._marks = marks

    def examine(self, asset: Asset) -> Examination:
        """What is known of ``asset``; content never makes this raise."""
        seen = self._marks.examine(asset) if self._marks is not None else Examination()
        try:
            found = self._found(asset, seen.marks)
        except StoreError as error:
            return self._unread(seen, "registry.unreadable", Finding(error.code))
        except Exception:  # the file chose these pixels: what fails on them must not lose the rest of the report
            return self._unread(seen, "registry.unreadable", Finding("registry.search-failed"))
        state = ChannelState.FOUND if found else ChannelState.NONE
        return replace(
            seen,
            evidence=(*seen.evidence, *(evidence_of(each) for each in _named(found))),
            channels=(*seen.channels, Channel(name="registry", state=state)),
            matches=tuple(match_of(each) for each in found),
        )

    def _found(self, asset: Asset, marks: tuple[MarkFinding, ...]) -> tuple[Found, ...]:
        pairs = [(m.key_id, bytes.fromhex(m.payload)) for m in marks if m.key_id is not None and m.payload is not None]
        rgb = None
        if asset.media_type.startswith("image/"):
            try:
                rgb = upright(decode_rgb(asset, self._limits))
            except (UnsupportedAsset, LimitExceeded):
                rgb = None  # its digest can still be known
        return self._finder.find(bytes.fromhex(asset.sha256), rgb, pairs)

    def _unread(self, seen: Examination, why: str, finding: Finding) -> Examination:
        evidence = Evidence(
            channel="registry", claimant=Claimant.REGISTRY, assurance=Assurance.UNREADABLE, findings=(finding,)
        )
        channel = Channel(name="registry", state=ChannelState.UNREAD, why=why)
        return replace(seen, evidence=(*seen.evidence, evidence), channels=(*seen.channels, channel))


def _named(found: tuple[Found, ...]) -> Iterator[Found]:
    """All that is verified; of the rest a few, and none where something is verified."""
    verified = [each for each in found if each.verified]
    yield from verified or found[:_CANDIDATES_NAMED]


def match_of(found: Found) -> Match:
    """As the report states it: labels and origin only of what is verified."""
    entry = found.entry
    return Match(
        registry_id=entry.registry_id,
        kind=found.kind,
        distance=found.distance,
        verified=found.verified,
        labels=entry.labels if found.verified else (),
        origin=_origin(found),
    )


def _origin(found: Found) -> Origin:
    """What the match says of this file: a capture only where nothing of note differs."""
    origin = found.entry.origin
    if not found.verified or (origin is Origin.CAPTURED and not found.whole):
        return Origin.UNKNOWN
    return origin


def evidence_of(found: Found) -> Evidence:
    """One match as evidence: a verified one states what was entered, as a claim; a candidate states nothing."""
    entry = found.entry
    if not found.verified:
        finding = Finding("registry.candidate", entry.registry_id)
        return Evidence(
            channel="registry", claimant=Claimant.REGISTRY, assurance=Assurance.INDIRECT, findings=(finding,)
        )
    origin = _origin(found)
    findings = [Finding("registry.known" if found.whole else "registry.known-part", _about(found))]
    findings += [Finding("registry.fact-checked", address) for address in entry.fact_checks]
    if entry.manifest is not None and found.kind != "exact":
        findings.append(Finding("registry.has-manifest", entry.registry_id))
    return Evidence(
        channel="registry",
        claimant=Claimant.REGISTRY,
        assurance=Assurance.DECLARED,
        origin=origin if origin.is_ai else Origin.UNKNOWN,
        contradicts_ai=origin is Origin.CAPTURED,
        findings=tuple(findings),
    )


def _about(found: Found) -> str:
    region = found.resemblance.region if found.resemblance is not None and not found.whole else None
    place = "" if region is None else f" ({region[2]} x {region[3]} at {region[0]}, {region[1]})"
    labels = ", ".join(found.entry.labels)
    return f"{found.entry.registry_id}{place}{': ' if labels else ''}{labels}"
