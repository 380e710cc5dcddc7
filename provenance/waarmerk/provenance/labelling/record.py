# SPDX-License-Identifier: Apache-2.0
"""The record of a decision: what it rested on, so that it can be made again and held against other rules.

One line of canonical JSON a decision. It holds facts, context and outcome; no file, no name of a file, no person.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.decide import decide_for
from waarmerk.provenance.labelling.facts import Facts, facts_from
from waarmerk.provenance.labelling.fields import MAX_TERMS, MAX_TEXT, shown
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.model import Claimant, Duty, Edition, Origin, SourceClass, Tier, Verdict
from waarmerk.provenance.model.source_types import class_of

FORMAT = "waarmerk.decision/1"


def canonical(data: Any) -> bytes:
    """The one JSON form of plain data: sorted keys, no spaces, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def decision_record(
    packs: RuleSet,
    facts: Facts,
    verdict: Verdict,
    context: Context,
    at: datetime,
    *,
    duties: Iterable[Duty],
    trust_lists: Iterable[Edition] = (),
    platforms: Iterable[str] = (),
) -> dict[str, Any]:
    """The record of one decision as plain data.

    ``duties`` are those that ``decide`` gave, or ``decide_for`` with these ``platforms``.
    """
    evidence = {name: _terms(v) if isinstance(v, tuple) else v for name, v in asdict(facts).items()}
    return {
        "format": FORMAT,
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "packs": [_edition(edition) for edition in packs.editions],
        "trust_lists": [_edition(edition) for edition in trust_lists],
        "evidence": evidence,
        "evidence_sha256": hashlib.sha256(canonical(evidence)).hexdigest(),
        "finding": {
            "origin": verdict.origin.value,
            "tier": verdict.tier.value,
            "claimed_by": [claimant.value for claimant in verdict.claimed_by],
            "authentic_capture": verdict.authentic_capture,
            "conflict": verdict.conflict,
        },
        "context": [
            {
                "field": given.field,
                "value": list(given.value) if isinstance(given.value, tuple) else given.value,
                "by": given.origin,
            }
            for given in context.given
        ],
        "platforms": list(platforms),
        "result": [{"rule": duty.rule, "status": duty.status.value, "automatic": duty.automatic} for duty in duties],
    }


def _terms(found: tuple[str, ...]) -> list[str]:
    """Source types in the one order a record has; of a file that states absurdly many, those that rules know."""
    fit = sorted(
        {term for term in found if len(term) <= MAX_TEXT},
        key=lambda term: (class_of(term) is SourceClass.UNKNOWN, term),
    )
    return sorted(fit[:MAX_TERMS])


def record_line(record: Mapping[str, Any]) -> bytes:
    """One line of a log: the same record gives the same bytes."""
    return canonical(record) + b"\n"


def decision_digest(record: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical record: the name of the decision in corrections and statements of reasons."""
    return hashlib.sha256(canonical(record)).hexdigest()


class Recorded(NamedTuple):
    """A decision as it was recorded; ``result`` is rule -> status."""

    facts: Facts
    verdict: Verdict
    context: Context
    at: datetime
    platforms: tuple[str, ...]
    result: dict[str, str]


def read_record(line: str, packs: RuleSet) -> Recorded:
    """A recorded decision, read with the dictionary of ``packs``. Raises ConfigurationError."""
    try:
        record = json.loads(line)
        if record["format"] != FORMAT:
            raise ValueError(f"format {shown(record['format'])}, expected {FORMAT}")
        if hashlib.sha256(canonical(record["evidence"])).hexdigest() != record["evidence_sha256"]:
            raise ValueError("the evidence is not the one that was recorded")
        return Recorded(
            facts=facts_from(record["evidence"], packs.by_name),
            verdict=_verdict(record["finding"]),
            context=Context().with_facts(*(_given(part, packs) for part in record["context"])),
            at=datetime.fromisoformat(record["at"]),
            platforms=tuple(str(packs.field("platform").accept(name)) for name in record["platforms"]),
            result={str(part["rule"]): str(part["status"]) for part in record["result"]},
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ConfigurationError("labelling.record-refused", f"no decision record: {reason}") from error


def replay(line: str, packs: RuleSet) -> list[tuple[str, str | None, str | None]]:
    """What other packs would make of a recorded decision: (rule, status then, status now), only where they differ.

    None stands for absent. Raises ConfigurationError for a line that is no record.
    """
    then = read_record(line, packs)
    duties = decide_for(packs, then.facts, then.verdict, then.context, then.at, platforms=then.platforms)
    now = {duty.rule: duty.status.value for duty in duties}
    return [
        (rule, then.result.get(rule), now.get(rule))
        for rule in sorted(then.result.keys() | now.keys())
        if then.result.get(rule) != now.get(rule)
    ]


def _verdict(finding: Mapping[str, Any]) -> Verdict:
    return Verdict(
        origin=Origin(finding["origin"]),
        tier=Tier(finding["tier"]),
        claimed_by=tuple(Claimant(word) for word in finding["claimed_by"]),
        authentic_capture=finding["authentic_capture"] is True,
        conflict=finding["conflict"] is True,
    )


def _given(part: Mapping[str, Any], packs: RuleSet) -> Given:
    return Given(field=part["field"], value=packs.by_name[part["field"]].accept(part["value"]), origin=part["by"])


def _edition(edition: Edition) -> dict[str, Any]:
    return {"id": edition.id, "version": edition.issued, "sha256": edition.sha256}
