# SPDX-License-Identifier: Apache-2.0
"""The record of a decision: what it rested on, so that it can be made again and held against other rules.

One line of canonical JSON a decision. It holds facts, context and outcome; no file, no name of a file, no person.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.decide import decide
from waarmerk.provenance.labelling.facts import Facts, facts_from
from waarmerk.provenance.labelling.fields import shown
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.model import Claimant, Duty, Edition, Origin, Tier, Verdict

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
) -> dict[str, Any]:
    """The record of one decision as plain data. ``duties`` are those that ``decide`` gave."""
    evidence = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(facts).items()}
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
        "result": [{"rule": duty.rule, "status": duty.status.value, "automatic": duty.automatic} for duty in duties],
    }


def record_line(record: Mapping[str, Any]) -> bytes:
    """One line of a log: the same record gives the same bytes."""
    return canonical(record) + b"\n"


def decision_digest(record: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical record: the name of the decision in corrections and statements of reasons."""
    return hashlib.sha256(canonical(record)).hexdigest()


def read_record(line: str, packs: RuleSet) -> tuple[Facts, Verdict, Context, datetime, dict[str, str]]:
    """The inputs and the outcome (rule -> status) of a recorded decision. Raises ConfigurationError."""
    try:
        record = json.loads(line)
        if record["format"] != FORMAT:
            raise ValueError(f"format {shown(record['format'])}, expected {FORMAT}")
        if hashlib.sha256(canonical(record["evidence"])).hexdigest() != record["evidence_sha256"]:
            raise ValueError("the evidence is not the one that was recorded")
        fields = packs.by_name
        facts = facts_from(record["evidence"], fields)
        given = (
            Given(field=part["field"], value=fields[part["field"]].accept(part["value"]), origin=part["by"])
            for part in record["context"]
        )
        finding = record["finding"]
        verdict = Verdict(
            origin=Origin(finding["origin"]),
            tier=Tier(finding["tier"]),
            claimed_by=tuple(Claimant(word) for word in finding["claimed_by"]),
            authentic_capture=finding["authentic_capture"] is True,
            conflict=finding["conflict"] is True,
        )
        result = {str(part["rule"]): str(part["status"]) for part in record["result"]}
        at = datetime.fromisoformat(record["at"])
        return facts, verdict, Context().with_facts(*given), at, result
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ConfigurationError("labelling.record-refused", f"no decision record: {reason}") from error


def replay(line: str, packs: RuleSet) -> list[tuple[str, str | None, str | None]]:
    """What other packs would make of a recorded decision: (rule, status then, status now), only where they differ.

    None stands for absent. Raises ConfigurationError for a line that is no record.
    """
    facts, verdict, context, at, then = read_record(line, packs)
    now = {duty.rule: duty.status.value for duty in decide(packs, facts, verdict, context, at)}
    return [
        (rule, then.get(rule), now.get(rule))
        for rule in sorted(then.keys() | now.keys())
        if then.get(rule) != now.get(rule)
    ]


def _edition(edition: Edition) -> dict[str, Any]:
    return {"id": edition.id, "version": edition.issued, "sha256": edition.sha256}
