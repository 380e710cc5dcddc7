# SPDX-License-Identifier: Apache-2.0
"""The report as data: ``waarmerk.report/1``, the same dictionary from the command line and from the API.

Keys are never renamed and never left out; what is unknown is null. Equal reports give equal bytes.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from waarmerk.provenance.model import (
    Channel,
    Credential,
    Declarations,
    Duty,
    Edition,
    Finding,
    Ingredient,
    MarkFinding,
    Match,
    Platform,
    Report,
    Signer,
    Verdict,
)
from waarmerk.provenance.report import summary
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import LANGUAGES, Wording, wording

FORMAT = "waarmerk.report/1"
_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))
_MOST_LABELS = 256  # of about 1.2 kB
_MOST_PARTS = 64  # channels and what a report rests on, below 1 kB each


def to_dict(report: Report, *, tool_version: str) -> dict[str, Any]:
    """The report as plain data: dict, list, str, int, float, bool and None only."""
    return {
        **_finding_of(report, tool_version),
        "channels": _channels(report.channels),
        **_evidence(report),
        "labels": [label(duty) for duty in report.duties],
        "basis": _basis(report.rule_packs, report.trust_lists, report.platforms),
    }


class Writer:
    """Writes many reports as ``canonical(to_dict(…))`` does. The same few labels, most of the text, stand in all of
    them, and so do channels and what a report rests on: each is written once, and the most recent ones are kept.
    """

    def __init__(self, *, tool_version: str) -> None:
        self._version = tool_version
        self._label = lru_cache(_MOST_LABELS)(lambda duty: canonical(label(duty)))
        self._channels = lru_cache(_MOST_PARTS)(lambda channels: canonical(_channels(channels)))
        self._basis = lru_cache(_MOST_PARTS)(lambda *basis: canonical(_basis(*basis)))

    def written(self, report: Report) -> str:
        """One line of JSON."""
        finding = canonical(_finding_of(report, self._version))[:-1]
        channels, evidence = self._channels(report.channels), canonical(_evidence(report))[1:-1]
        labels = ",".join([self._label(duty) for duty in report.duties])
        basis = self._basis(report.rule_packs, report.trust_lists, report.platforms)
        return f'{finding},"channels":{channels},{evidence},"labels":[{labels}],"basis":{basis}}}'


def _finding_of(report: Report, tool_version: str) -> dict[str, Any]:
    asset = report.asset
    return {
        "format": FORMAT,
        "tool": {"name": "waarmerk", "version": tool_version},
        "at": report.at,
        "asset": {
            "name": asset.name,
            "sha256": asset.sha256,
            "bytes": asset.bytes,
            "media_type": asset.media_type,
            "width": asset.width,
            "height": asset.height,
            "duration_seconds": _measured(asset.duration_seconds, digits=6),
        },
        "status": "examined" if report.fault is None else "unreadable",
        "error": None if report.fault is None else {"code": report.fault.code, "message": report.fault.message},
        "verdict": _verdict(report.verdict, report),
    }


def _channels(channels: Sequence[Channel]) -> list[dict[str, Any]]:
    return [_channel(channel) for channel in channels]


def _evidence(report: Report) -> dict[str, Any]:
    return {
        "credentials": None if report.credential is None else _credential(report.credential),
        "metadata": None if report.declarations is None else _metadata(report.declarations),
        "watermarks": [_mark(mark) for mark in report.marks],
        "matches": [_match(match) for match in report.matches],
    }


def _basis(
    packs: Sequence[Edition], lists: Sequence[Edition], platforms: Sequence[Platform]
) -> dict[str, list[dict[str, Any]]]:
    return {
        "rule_packs": [_edition(pack, "version") for pack in packs],
        "trust_lists": [_edition(edition, "issued") for edition in lists],
        "platforms": [{"platform": each.id, "rules": list(each.rules)} for each in platforms],
    }


def canonical(document: Any) -> str:
    """One line of JSON: keys in the order of the contract, ASCII only, no NaN."""
    return _ENCODER.encode(document)


def _measured(value: float | None, *, digits: int = 2) -> float | None:
    """A measured float with as many significant digits as it deserves, so that platforms agree on its bytes."""
    return None if value is None else float(f"{value:.{digits}g}")


def _finding(finding: Finding, words: Wording) -> dict[str, str]:
    message = words.concern(finding.code, finding.about)
    return {"code": finding.code, "message": message, "about": plain(finding.about)}


def _verdict(verdict: Verdict, report: Report) -> dict[str, Any]:
    english = wording("en")
    steps = summary.step_keys(report)
    return {
        "origin": verdict.origin.value,
        "tier": verdict.tier.value,
        "claimed_by": [claimant.value for claimant in verdict.claimed_by],
        "authentic_capture": verdict.authentic_capture,
        "conflict": verdict.conflict,
        "concerns": [_finding(finding, english) for finding in verdict.concerns],
        "summary": {language: summary.summary(report, wording(language)) for language in LANGUAGES},
        "next_steps": [{language: wording(language).say("step", step) for language in LANGUAGES} for step in steps],
    }


def _channel(channel: Channel) -> dict[str, Any]:
    why = None if channel.why is None else wording("en").say("channel", channel.why)
    return {"channel": channel.name, "state": channel.state.value, "why": why, "code": channel.why}


def _signer(signer: Signer) -> dict[str, Any]:
    return {
        "status": signer.status.value,
        "list": signer.list,
        "name": signer.name,
        "verified_name": signer.verified_name,
        "time": signer.time,
        "time_status": signer.time_status.value,
    }


def _ingredient(ingredient: Ingredient) -> dict[str, Any]:
    return {
        "title": ingredient.title,
        "relationship": ingredient.relationship,
        "state": ingredient.state,
        "ai": ingredient.signal.value,
    }


def _credential(credential: Credential) -> dict[str, Any]:
    opinion = credential.second_opinion
    return {
        "state": credential.state.value,
        "integrity": credential.integrity.value,
        "signer": _signer(credential.signer),
        "identity": credential.identity.value,
        "chain": credential.chain.value,
        "ai": {"source_types": list(credential.source_types), "signal": credential.signal.value},
        "generator": credential.generator,
        "actions": [
            {"action": a.action, "source_type": a.source_type, "when": a.when, "tool": a.tool}
            for a in credential.actions
        ],
        "ingredients": [_ingredient(ingredient) for ingredient in credential.ingredients],
        "remote_url": credential.remote_url,
        "unhashed_bytes": credential.unhashed_bytes,
        "validation": {
            "state": credential.validation_state,
            "codes": list(credential.codes),
            "ingredient_codes": list(credential.ingredient_codes),
        },
        "second_opinion": None if opinion is None else {"engine": opinion.engine, "agrees": opinion.agrees},
    }


def _metadata(declared: Declarations) -> dict[str, Any]:
    return {
        "source_types": list(declared.source_types),
        "aigc_label": declared.aigc_label,
        "ai_system": declared.ai_system,
        "camera": declared.camera,
        "software": declared.software,
        "captured_at": declared.captured_at,
        "credit": declared.credit,
        "remote_manifest": declared.remote_manifest,
        "hints": [{"tool": hint.tool, "where": hint.where} for hint in declared.hints],
        "containers": list(declared.containers),
    }


def _mark(mark: MarkFinding) -> dict[str, Any]:
    return {
        "scheme": mark.scheme,
        "key_id": mark.key_id,
        "detected": mark.detected,
        "payload": mark.payload,
        "p_value": _measured(mark.p_value),
        "means": mark.means,
        "bound": mark.bound,
        "regions": [list(region) for region in mark.regions],
        "seconds": list(mark.seconds),
    }


def _match(match: Match) -> dict[str, Any]:
    return {
        "registry_id": match.registry_id,
        "kind": match.kind,
        "distance": match.distance,
        "verified": match.verified,
        "labels": list(match.labels),
        "origin": match.origin.value,
        "basis": match.basis,
        "source": plain(match.source),
        "fact_checks": [plain(address, limit=2000) for address in match.fact_checks],
        "region": None if match.region is None else list(match.region),
        "seen": None if match.seen is None else [_measured(share) for share in match.seen],
        "seen_percent": match.seen_percent,
        "is_whole": match.is_whole,
        "mirrored": match.mirrored,
        "not_carried": list(match.not_carried),
        "edit_of": match.edit_of,
        "role": match.role,
    }


def label(duty: Duty) -> dict[str, Any]:
    """One entry of ``labels``, as the report and ``rules decide`` print it."""
    return {
        "rule": duty.rule,
        "status": duty.status.value,
        "label": duty.label,
        "who": duty.who,
        "shown_to": duty.shown_to,
        "wording": dict(duty.wording),
        "placement": duty.placement,
        "placement_wording": dict(duty.places),
        "automatic": duty.automatic,
        "because": list(duty.because),
        "asks": [{"field": ask.field, "question": dict(ask.text)} for ask in duty.asks],
        "source": {"title": duty.source.title, "url": duty.source.url, "paragraph": duty.source.paragraph},
        "from": duty.starts,
        "until": duty.ends,
        "dates": duty.dates,
        "basis": duty.basis,
        "confidence": duty.confidence,
        "status_if_confirmed": duty.status_if_confirmed,
        "ui_string": duty.ui_string,
    }


def decision(verdict: Verdict, duties: Sequence[Duty]) -> dict[str, Any]:
    """What facts without a file bring: the finding, and the labels with their reasons."""
    return {
        "finding": {
            "origin": verdict.origin.value,
            "tier": verdict.tier.value,
            "authentic_capture": verdict.authentic_capture,
            "conflict": verdict.conflict,
        },
        "labels": [label(duty) for duty in duties],
    }


def _edition(edition: Edition, dated: str) -> dict[str, Any]:
    return {"id": edition.id, dated: edition.issued, "sha256": edition.sha256}
