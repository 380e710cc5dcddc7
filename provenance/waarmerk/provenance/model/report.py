# SPDX-License-Identifier: Apache-2.0
"""The report: everything that was found about one file, with the basis it rests on."""

from dataclasses import dataclass, field

from waarmerk.provenance.model.asset import Asset
from waarmerk.provenance.model.credential import Credential
from waarmerk.provenance.model.declaration import Declarations
from waarmerk.provenance.model.evidence import Channel
from waarmerk.provenance.model.labelling import Duty
from waarmerk.provenance.model.verdict import Verdict
from waarmerk.provenance.model.watermark import MarkFinding, Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A list or rule pack that a report rests on. ``issued`` is a date or version as its issuer states it."""

    id: str
    issued: str | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform that labels were asked for, and the ids of the rules that name it, whatever they come to."""

    id: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a file could not be examined; ``code`` is one of ours (``source.what``)."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFacts:
    """What is known of a file that may not have become an ``Asset``; None where unknown."""

    name: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None

    @classmethod
    def of(cls, asset: Asset) -> "AssetFacts":
        """The facts of an opened asset."""
        return cls(
            name=asset.name,
            sha256=asset.sha256,
            bytes=asset.bytes,
            media_type=asset.media_type,
            width=asset.width,
            height=asset.height,
            duration_seconds=asset.duration_seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything found about one file. Equal inputs (bytes, keys, lists, rules, clock) give equal reports.

    ``at`` is the clock of the decision, RFC 3339 in UTC. ``fault`` is set exactly where the file was not examined;
    then verdict is the empty one and there is nothing else.
    """

    at: str
    asset: AssetFacts
    fault: Fault | None = None
    verdict: Verdict = field(default_factory=Verdict)
    channels: tuple[Channel, ...] = ()
    credential: Credential | None = None
    declarations: Declarations | None = None
    marks: tuple[MarkFinding, ...] = ()
    matches: tuple[Match, ...] = ()
    duties: tuple[Duty, ...] = ()
    trust_lists: tuple[Edition, ...] = ()
    rule_packs: tuple[Edition, ...] = ()
    platforms: tuple[Platform, ...] = ()

    def __post_init__(self) -> None:
        if self.fault is not None and (self.credential or self.duties or self.marks or self.matches):
            raise ValueError("a file that was not examined has no findings")
        if self.fault is None and self.credential is None:
            raise ValueError("an examined file states its credentials, absent ones included")
