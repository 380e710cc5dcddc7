# SPDX-License-Identifier: Apache-2.0
"""Verify one file: path -> asset -> evidence -> verdict -> duties -> report, in one straight line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.model import (
    Asset,
    AssetFacts,
    Assurance,
    Claimant,
    Credential,
    CredentialState,
    Duty,
    Edition,
    Evidence,
    Fault,
    Finding,
    Platform,
    Report,
    Verdict,
)
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.sources import EvidenceSource, Examination
from waarmerk.provenance.sources.credentials import reconciled
from waarmerk.provenance.verdict import weigh

Opener = Callable[[Path | bytes], Asset]


class Rules(Protocol):
    """Anything that turns a finding into duties, as the loaded rule packs do."""

    editions: tuple[Edition, ...]
    platforms: tuple[Platform, ...]

    def duties(self, asset: Asset, examined: Examination, verdict: Verdict, at: datetime) -> tuple[Duty, ...]:
        """The duties that follow; pure in its arguments."""
        ...

    def evidence(self) -> tuple[Evidence, ...]:
        """What the person handing in the file declares about it."""
        ...

    def record(
        self,
        asset: Asset,
        examined: Examination,
        verdict: Verdict,
        at: datetime,
        *,
        duties: tuple[Duty, ...],
        trust_lists: tuple[Edition, ...] = (),
    ) -> dict[str, Any]:
        """The decision as plain data that can be replayed."""
        ...


class Decided(NamedTuple):
    """A report, and the record of its decision: None where nothing was decided or no record was asked for."""

    report: Report
    record: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What every report of a verifier rests on."""

    trust_lists: tuple[Edition, ...]
    trust_findings: tuple[Finding, ...] = ()


class Verifier:
    """Examines files and says what may be said of them. Holds no state between files."""

    def __init__(
        self,
        *,
        open_asset: Opener,
        sources: Sequence[EvidenceSource],
        basis: Basis,
        rules: Rules | None,
        at: datetime,
    ) -> None:
        self._open_asset = open_asset
        self._sources = tuple(sources)
        self._basis = basis
        self._rules = rules
        self._at = at

    def verify(self, path: Path | bytes) -> Report:
        """Examine the file at ``path``, or bytes that are in memory already and have no name.

        A file that cannot be examined is a report too, never an exception.
        """
        return self.decide(path).report

    def decide(self, path: Path | bytes, *, record: bool = False) -> Decided:
        """The same with, where asked for, the record of the decision."""
        try:
            asset = self._open_asset(path)
        except (UnsupportedAsset, LimitExceeded) as error:
            return Decided(self._unreadable(path, error.code, error.message))
        except FileNotFoundError:
            return Decided(self._unreadable(path, "media.missing", "no such file"))
        except (OSError, ValueError) as error:  # ValueError: a name that no file system can hold
            reason = error.strerror if isinstance(error, OSError) else None
            return Decided(self._unreadable(path, "media.unreadable", reason or "cannot be read"))
        try:
            return self._decided(asset, record=record)
        except UnsupportedAsset as error:  # the bytes changed under our hands
            return Decided(self._unreadable(path, error.code, error.message))

    def examine(self, asset: Asset) -> Report:
        """Examine an opened asset: every source, then the verdict, then the duties."""
        return self._decided(asset, record=False).report

    def _decided(self, asset: Asset, *, record: bool) -> Decided:
        examined = reconciled(_merged(source.examine(asset) for source in self._sources), asset)
        declared = self._rules.evidence() if self._rules is not None else ()
        verdict = weigh((*examined.evidence, *declared, *self._remarks(asset, examined.credential)))
        duties = self._rules.duties(asset, examined, verdict, self._at) if self._rules is not None else ()
        report = Report(
            at=rfc3339(self._at),
            asset=AssetFacts.of(asset),
            verdict=verdict,
            channels=examined.channels,
            credential=examined.credential or Credential(),
            declarations=examined.declarations,
            marks=examined.marks,
            matches=examined.matches,
            duties=duties,
            trust_lists=self._basis.trust_lists,
            rule_packs=self._rules.editions if self._rules is not None else (),
            platforms=self._rules.platforms if self._rules is not None else (),
        )
        if self._rules is None or not record:
            return Decided(report)
        trust_lists = self._basis.trust_lists
        made = self._rules.record(asset, examined, verdict, self._at, duties=duties, trust_lists=trust_lists)
        return Decided(report, made)

    def _remarks(self, asset: Asset, credential: Credential | None) -> tuple[Evidence, ...]:
        """Concerns about the file as such, and about the lists where a credential was held against them."""
        findings = asset.hints
        if credential is not None and credential.state is not CredentialState.NONE:
            findings += self._basis.trust_findings
        if not findings:
            return ()
        return (Evidence(channel="asset", claimant=Claimant.METADATA, assurance=Assurance.ABSENT, findings=findings),)

    def _unreadable(self, path: Path | bytes, code: str, message: str) -> Report:
        name = path.name if isinstance(path, Path) else None
        return unreadable(AssetFacts(name=name), Fault(code=code, message=message), self._basis, at=self._at)


def unreadable(asset: AssetFacts, fault: Fault, basis: Basis, *, at: datetime) -> Report:
    """The report of a file that could not be examined."""
    return Report(at=rfc3339(at), asset=asset, fault=fault, trust_lists=basis.trust_lists)


def _merged(examinations: Iterable[Examination]) -> Examination:
    """One examination out of many; of credential and declarations there is at most one source each."""
    whole = Examination()
    for part in examinations:
        whole = replace(
            whole,
            evidence=whole.evidence + part.evidence,
            channels=whole.channels + part.channels,
            credential=whole.credential or part.credential,
            declarations=whole.declarations or part.declarations,
            marks=whole.marks + part.marks,
            matches=whole.matches + part.matches,
        )
    return whole
