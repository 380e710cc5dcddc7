# SPDX-License-Identifier: Apache-2.0
"""What a report says of a match in a registry: its entry of ``matches``, and the evidence it is."""

from collections.abc import Sequence

from waarmerk.provenance.model import Assurance, Claimant, Evidence, Finding, Match, Origin
from waarmerk.provenance.registry.finder import NEARLY_ALL, Found
from waarmerk.provenance.registry.model import Entry, Role, State
from waarmerk.provenance.sources.carried import is_carried, is_proposed


def match_of(found: Found) -> Match:
    """As the report states it: labels, fact-checks and origin only of what is verified and stands."""
    entry = found.entry
    says = _says(found) or _is_part_of_debunk(found)
    laid = found.resemblance if found.verified else None  # what could not be verified lies nowhere
    return Match(
        registry_id=entry.registry_id,
        kind=found.kind,
        distance=found.distance,
        verified=found.verified,
        labels=entry.labels if _says(found) and is_proposed(found) else (),
        origin=_origin(found),
        basis=entry.basis.value,
        source=entry.source,
        fact_checks=entry.fact_checks if says else (),
        region=None if laid is None else laid.region,
        seen=None if laid is None else laid.seen,
        seen_percent=percent(found) if found.verified else None,
        is_whole=found.of_all if found.verified else None,
        mirrored=None if laid is None else laid.mirrored,
        not_carried=not_carried(found),
        edit_of=found.edit_of,
        role=entry.role.value,
    )


def not_carried(found: Found) -> tuple[str, ...]:
    """What is said about the whole of an entry and not proposed for this file: its labels, or else the origin."""
    entry = found.entry
    if not _says(found):
        return ()
    if found.edit_of is not None:
        return entry.labels or ((entry.origin.value,) if entry.origin.is_ai else ())
    if not entry.origin.is_ai or is_carried(found):
        return ()
    if not entry.labels:
        return (entry.origin.value,)
    return () if is_proposed(found) else entry.labels


def _says(found: Found) -> bool:
    return found.verified and found.entry.state is State.ACTIVE and found.entry.role is Role.ITEM


def _is_part_of_debunk(found: Found) -> bool:
    """Whether it is a part of what a fact-check published, or more than that: the stamp may be what is missing."""
    is_debunk = found.entry.role is Role.DEBUNK and found.entry.state is State.ACTIVE
    return is_debunk and found.verified and not found.of_all


def _origin(found: Found) -> Origin:
    """What the match says of this file: a capture only where nothing of note differs, and never on others' word."""
    entry = found.entry
    if not _says(found) or (entry.origin.is_ai and not is_carried(found)):
        return Origin.UNKNOWN
    if entry.origin is Origin.CAPTURED and (not found.of_all or entry.issuer is not None):
        return Origin.UNKNOWN
    return entry.origin


def evidence_of(found: Found, *, gives_back: bool = True) -> Evidence:
    """One match as evidence: a verified one states what was entered, as a claim; a candidate states nothing.

    ``gives_back``: kept credentials are the ones that recovery gives back for this file.
    """
    entry = found.entry
    if not found.verified:
        return _pointer(Finding(_why_not(found), entry.registry_id))
    if entry.state is not State.ACTIVE:
        if found.of_all:
            return _pointer(Finding("registry.disputed", _from(entry, entry.registry_id)))
        return _pointer(Finding("registry.disputed-part", _from(entry, _about(found))))
    if entry.issuer is not None and entry.role is Role.ITEM:
        return _evidence(found, _passed_on(found))
    if entry.role is Role.DEBUNK:
        return _debunk(found)
    origin = _origin(found)
    is_edit = found.edit_of is not None
    code = "registry.edit" if is_edit else "registry.known" if found.of_all else "registry.known-part"
    findings = [Finding(code, _about(found))]
    if found.resemblance is not None and found.resemblance.mirrored:
        findings.append(Finding("registry.mirrored", entry.registry_id))
    if not is_edit and (kept_back := not_carried(found)):
        findings.append(Finding("registry.not-carried", f"{entry.registry_id}: {', '.join(kept_back)}"))
    if origin is Origin.CAPTURED:
        findings.append(Finding("registry.capture", f"{entry.registry_id}, {entry.source}"))
    checked = "registry.fact-checked" if found.of_all else "registry.fact-checked-part"
    checked = "registry.fact-checked-edit" if is_edit else checked
    findings += [Finding(checked, address) for address in entry.fact_checks]
    if gives_back and entry.manifest is not None and found.kind != "exact":
        findings.append(Finding("registry.has-manifest", entry.registry_id))
    return _evidence(found, findings)


def _why_not(found: Found) -> str:
    """The code of why something is not verified: another picture, nothing to compare with, or that is gone."""
    if found.is_lost:
        return "registry.lost"
    return "registry.not-compared" if found.resemblance is None else "registry.candidate"


def _passed_on(found: Found) -> list[Finding]:
    """What others said of this very file, as their words: nobody here has seen it beside anything."""
    entry, origin = found.entry, _origin(found)
    said = (*((origin.value,) if origin.is_ai else ()), *match_of(found).labels)
    says = ", ".join(dict.fromkeys(said))
    told = Finding("registry.told", f"{entry.source}, {entry.registry_id}{': ' if says else ''}{says}")
    return [told, *(Finding("registry.fact-checked-told", _from(entry, each)) for each in entry.fact_checks)]


def _from(entry: Entry, what: str) -> str:
    """With the name of who said it, where that is somebody else."""
    return what if entry.issuer is None else f"{entry.source}, {what}"


def _evidence(found: Found, findings: Sequence[Finding]) -> Evidence:
    origin = _origin(found)
    return Evidence(
        channel="registry",
        claimant=Claimant.REGISTRY,
        assurance=Assurance.DECLARED,
        origin=origin if origin.is_ai else Origin.UNKNOWN,
        contradicts_ai=origin is Origin.CAPTURED,
        findings=tuple(findings),
    )


def _debunk(found: Found) -> Evidence:
    """What a fact-check published: the whole of it is no copy; a cut of it may be just that, without the stamp."""
    entry = found.entry
    named = entry.fact_checks or (entry.registry_id,)
    if found.of_all:
        return _pointer(*(Finding("registry.debunk", _from(entry, each)) for each in named))
    turned = found.resemblance is not None and found.resemblance.mirrored
    mirrored = (Finding("registry.mirrored", entry.registry_id),) if turned else ()
    about = (f"{_about(found)}, {each}" for each in named)
    return _pointer(*(Finding("registry.debunk-part", each) for each in about), *mirrored)


def hint(near: tuple[Entry, int]) -> Evidence:
    """What others sent and nobody can compare here: a pointer, whatever it says."""
    entry, distance = near
    return _pointer(Finding("registry.signal", f"{entry.registry_id}, {entry.source}, {distance} bits apart"))


def _pointer(*findings: Finding) -> Evidence:
    return Evidence(channel="registry", claimant=Claimant.REGISTRY, assurance=Assurance.INDIRECT, findings=findings)


def _about(found: Found) -> str:
    """The entry; how much of it is there and where, unless it is all of this; what is proposed, or said of an edit."""
    if found.edit_of is not None:
        said = ", ".join(not_carried(found))
        return f"{found.entry.registry_id}{f' ({said})' if said else ''}, {found.edit_of}"
    region = found.resemblance.region if found.resemblance is not None and not found.of_all else None
    part = "" if found.of_all else f", {percent(found)} %"
    place = "" if region is None else f" ({region[2]} x {region[3]}, {region[0]}, {region[1]})"
    labels = ", ".join(match_of(found).labels)
    return f"{found.entry.registry_id}{part}{place}{': ' if labels else ''}{labels}"


def percent(found: Found) -> int:
    """How much of an entry is there, in whole per cents: 100 only for the whole, and without what differs where nearly
    all of it is in view.
    """
    if found.of_all:
        return round(100 * found.share)
    return min(99, round(100 * found.share * (found.agreement if found.share >= NEARLY_ALL else 1.0)))
