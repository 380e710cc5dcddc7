# SPDX-License-Identifier: Apache-2.0
"""The evidence of one file in the words of the rules, from a report's parts or from plain facts.

Two ways in, one result. ``facts_of`` states what was found in a file; ``evidence_of`` turns stated facts into the
evidence that ``verdict.weigh`` weighs, so that the step from evidence to finding is made in one place only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from waarmerk.provenance.labelling.context import FactError
from waarmerk.provenance.labelling.fields import Field
from waarmerk.provenance.model import (
    CLASSIFIER_THRESHOLD,
    Assurance,
    Claimant,
    Credential,
    CredentialState,
    Declarations,
    Evidence,
    Finding,
    Integrity,
    MarkFinding,
    Match,
    Origin,
    SignerStatus,
    SourceClass,
)
from waarmerk.provenance.model.source_types import class_of, origin_of

INTACT = ("trusted", "valid_untrusted")
_AI_CLASSES = frozenset((SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One entry per channel, as the dictionary of the pack defines them; ``unread`` is not examined."""

    c2pa: str = "unread"
    c2pa_interim: bool = False
    c2pa_dst: tuple[str, ...] = ()
    xmp_dst: tuple[str, ...] = ()
    aigc: str = "unread"
    wm: str = "unread"
    wm_bound: bool | None = None
    fp: str = "unread"
    decl: str = "none"
    forensic: float | None = None
    fc_match: str = "unread"

    @property
    def unread(self) -> tuple[str, ...]:
        """The channels that were not examined; a manifest that was not fetched is one of them."""
        names = [name for name in ("c2pa", "aigc", "wm", "fp", "fc_match") if getattr(self, name) == "unread"]
        return tuple([*names, "remote"] if self.c2pa == "remote_only" else names)

    @property
    def machine_marked(self) -> bool:
        """Whether the file carries a readable mark that says AI and is not known to belong to other content."""
        return (
            self.signed_marked
            or says_ai(self.xmp_dst)
            or self.aigc in ("1", "other")
            or (self.wm == "ai" and self.wm_bound is not False)
        )

    @property
    def signed_marked(self) -> bool:
        """Whether an intact credential says AI."""
        return self.c2pa in INTACT and says_ai(self.c2pa_dst)


NAMES = tuple(f.name for f in fields(Facts))
FINDING = ("ai", "tier", "origin", "authentic_capture", "conflict", "machine_marked", "signed_marked", "has_unread")
"""What follows from the evidence and the verdict; never an input."""


def says_ai(source_types: Iterable[str]) -> bool:
    """Whether one of the source types states AI."""
    return any(class_of(term) in _AI_CLASSES for term in source_types)


def facts_from(stated: Mapping[str, object], known: Mapping[str, Field]) -> Facts:
    """Facts from plain data; names and values as in the dictionary. Raises FactError."""
    values: dict[str, object] = {}
    for name, raw in stated.items():
        try:
            values[name] = known[name].accept(raw)
        except ValueError as error:
            raise FactError(str(error)) from error
    return Facts(**values)  # type: ignore[arg-type]  # accepted by the dictionary just above


_C2PA = {"trusted": Assurance.TRUSTED, "valid_untrusted": Assurance.VALID, "invalid": Assurance.INVALID}
_AIGC = {
    "1": Assurance.DECLARED,
    "other": Assurance.DECLARED,
    "2": Assurance.INDIRECT,
    "3": Assurance.INDIRECT,
}
_BOUND = {True: Assurance.TRUSTED, None: Assurance.DECLARED, False: Assurance.INDIRECT}
_DECLARED = {"ai": Origin.AI_GENERATED, "ai_partial": Origin.AI_MODIFIED}


def evidence_of(facts: Facts, *, edit: str | None = None) -> tuple[Evidence, ...]:
    """The evidence that the facts amount to, for ``verdict.weigh``.

    ``edit`` is the extent of AI editing as a person states it: it can bar a capture from being an authentic one.
    """
    found = [_credential(facts, edit)]
    stated = origin_of(facts.xmp_dst)
    found.append(_said("metadata", Claimant.METADATA, Assurance.DECLARED, stated if stated.is_ai else Origin.UNKNOWN))
    if facts.aigc in _AIGC:
        found.append(_said("metadata", Claimant.METADATA, _AIGC[facts.aigc], Origin.AI_GENERATED))
    if facts.wm == "ai":
        found.append(_said("watermark", Claimant.MARK, _BOUND[facts.wm_bound], Origin.AI_GENERATED))
    if facts.fp == "known_ai":
        found.append(_said("registry", Claimant.REGISTRY, Assurance.DECLARED, Origin.AI_GENERATED))
    if facts.fp == "known_capture":
        found.append(_against("registry", Claimant.REGISTRY))
    if facts.decl in _DECLARED:
        found.append(_said("declaration", Claimant.UPLOADER, Assurance.DECLARED, _DECLARED[facts.decl]))
    if facts.decl == "not_ai":
        found.append(_against("declaration", Claimant.UPLOADER))
    if facts.forensic is not None and facts.forensic >= CLASSIFIER_THRESHOLD:
        found.append(_said("classifier", Claimant.CLASSIFIER, Assurance.INDIRECT, Origin.AI_GENERATED))
    return tuple(found)


def _said(channel: str, claimant: Claimant, assurance: Assurance, origin: Origin) -> Evidence:
    return Evidence(channel=channel, claimant=claimant, assurance=assurance, origin=origin)


def _against(channel: str, claimant: Claimant) -> Evidence:
    return Evidence(channel=channel, claimant=claimant, assurance=Assurance.DECLARED, contradicts_ai=True)


def _credential(facts: Facts, edit: str | None) -> Evidence:
    stated = origin_of(facts.c2pa_dst)
    if facts.c2pa == "remote_only":
        assurance, origin = Assurance.INDIRECT, stated
    elif facts.c2pa in _C2PA:
        assurance, origin = _C2PA[facts.c2pa], stated
    else:
        assurance, origin = (Assurance.ABSENT if facts.c2pa == "none" else Assurance.UNREADABLE), Origin.UNKNOWN
    if origin is Origin.CAPTURED and assurance < Assurance.DECLARED:
        origin = Origin.UNKNOWN
    bars = _bars(facts, edit) if origin is Origin.CAPTURED else ()
    return Evidence(channel="c2pa", claimant=Claimant.SIGNER, assurance=assurance, origin=origin, bars=bars)


def _bars(facts: Facts, edit: str | None) -> tuple[Finding, ...]:
    """Why a stated capture is no authentic one: interim signer, montage, or edits of more or unknown extent.

    The codes are those of the credential reader, so that both have the same sentence.
    """
    classes = {class_of(term) for term in facts.c2pa_dst}
    bars = []
    if facts.c2pa_interim:
        bars.append(Finding("capture.interim-list"))
    if SourceClass.CAPTURE_COMPOSITE in classes:
        bars.append(Finding("capture.composite"))
    if edit not in (None, "none", "minor"):
        bars.append(Finding("capture.edited"))
    if edit is None and SourceClass.HUMAN_EDIT in classes:
        bars.append(Finding("capture.human-edit"))
    return tuple(bars)


def facts_of(
    credential: Credential | None,
    declarations: Declarations | None,
    marks: tuple[MarkFinding, ...],
    matches: tuple[Match, ...],
    *,
    declared: str = "none",
    registry_read: bool = False,
    fact_check: str = "unread",
    forensic: float | None = None,
    claimed_remotely: tuple[str, ...] = (),
) -> Facts:
    """What the examination of one file found, in the words of the rules.

    None means that the source did not look. ``declared`` is what the uploader or deployer says of AI (``none``,
    ``ai``, ``ai_partial``, ``not_ai``); ``fact_check`` how the file matches the operator's fact-checked items;
    ``claimed_remotely`` the source types that a file states for a credential that was not fetched.
    """
    c2pa = "unread" if credential is None else state_of(credential)
    return Facts(
        c2pa=c2pa,
        c2pa_interim=credential is not None and credential.signer.status is SignerStatus.INTERIM,
        c2pa_dst=() if credential is None else (*credential.source_types, *claimed_remotely),
        xmp_dst=() if declarations is None else declarations.source_types,
        aigc="unread" if declarations is None else _aigc(declarations.aigc_label),
        wm=_mark(marks),
        wm_bound=_bound(marks),
        fp=_known(matches) if registry_read or matches else "unread",
        decl=declared,
        forensic=forensic,
        fc_match=fact_check,
    )


def state_of(credential: Credential) -> str:
    """The field ``c2pa``: the contract's table of integrity against signer, section 3."""
    if credential.state is CredentialState.NONE:
        return "none"
    if credential.state is CredentialState.REMOTE:
        return "remote_only"
    if credential.integrity is Integrity.UNCHECKED:
        return "unread"
    if credential.integrity is not Integrity.INTACT:
        return "invalid"
    if credential.signer.status.is_listed:
        return "trusted"
    if credential.signer.status in (SignerStatus.UNKNOWN, SignerStatus.EXPIRED):
        return "valid_untrusted"
    return "invalid"


def _aigc(label: str | None) -> str:
    if label is None:
        return "none"
    return label if label in ("1", "2", "3") else "other"


def _mark(marks: tuple[MarkFinding, ...]) -> str:
    """What the marks say; a mark without a key is an open one of a generator, and no search for keys."""
    found = {mark.means for mark in marks if mark.detected}
    for meaning in ("ai", "origin"):
        if meaning in found:
            return meaning
    return "none" if any(mark.p_value is not None and mark.key_id is not None for mark in marks) else "unread"


def _bound(marks: tuple[MarkFinding, ...]) -> bool | None:
    """The best binding among the marks that say AI: one that is proven makes the others irrelevant."""
    bound = [mark.bound for mark in marks if mark.detected and mark.means == "ai"]
    if True in bound:
        return True
    return None if None in bound or not bound else False


def fact_checked(matches: tuple[Match, ...], *, read: bool) -> str:
    """The field ``fc_match``: what the registry knows of a file's fact-checks; ``read`` is whether it was asked.

    Only the operator's own entry of these very bytes is ``exact``: what others sent is for a person to look at.
    """
    checked = [match for match in matches if match.verified and match.fact_checks and _is_about(match)]
    if any(match.kind == "exact" and match.basis != "package" for match in checked):
        return "exact"
    return "near" if checked else "none" if read else "unread"


def _is_about(match: Match) -> bool:
    """Whether fact-checks of a match are about what it shows: not of an edit of it, nor what they published."""
    return match.edit_of is None and match.role == "item"


def _known(matches: tuple[Match, ...]) -> str:
    origins = {match.origin for match in matches if match.verified}
    if any(origin.is_ai for origin in origins):
        return "known_ai"
    return "known_capture" if Origin.CAPTURED in origins else "none"
