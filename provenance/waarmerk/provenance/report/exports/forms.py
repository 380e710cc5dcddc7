# SPDX-License-Identifier: Apache-2.0
"""Every export by its name, from a report and what the publisher adds.

What is public says no more than may be said without a person: an AI finding that only the file states of itself is left
out, or goes to a review queue, until somebody has looked (``reviewed``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.model import Report, Verdict
from waarmerk.provenance.report.exports import atproto, review_draft, schema_org
from waarmerk.provenance.report.exports import statement_of_reasons as dsa

QUEUE = "ai-unverified"
_MEDIA = ("image", "video", "audio")


def export(
    report: Report,
    *,
    form: str,
    at: datetime,
    decision: str,
    publishable: bool,
    reviewed: bool = False,
    fields: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``{"export": the data, "withheld": whether an AI finding that waits for a person was left out}``.

    ``decision`` is the digest of the decision record, ``publishable`` what the rules say of telling the finding in
    public, ``fields`` what the publisher adds. Raises ConfigurationError for a field that does not hold.
    """
    given = dict(fields or {})
    withheld = report.verdict.origin.is_ai and not (publishable or reviewed)
    if form == "statement-of-reasons":
        return {"export": _statement(report, decision, given), "withheld": False}
    if form == "atproto":
        return {"export": _label(report.verdict, at, given, withheld=withheld), "withheld": withheld}
    told = replace(report, verdict=Verdict()) if withheld else report
    make: dict[str, Callable[..., dict[str, Any]]] = {
        "schema-org": schema_org.media_object,
        "media-review": review_draft.media_review_draft,
        "claim-review": review_draft.claim_review_draft,
    }
    return {"export": make[form](told, **given), "withheld": withheld}


def _label(verdict: Verdict, at: datetime, given: Mapping[str, Any], *, withheld: bool) -> dict[str, Any]:
    value = QUEUE if withheld else atproto.value_of(verdict)
    if value is None:
        raise ConfigurationError("atproto.nothing", "nothing was found that a label could say; absence proves nothing")
    return atproto.label(value, at=at, **given)


def _statement(report: Report, decision: str, given: Mapping[str, Any]) -> dict[str, Any]:
    texts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    asked = bool(texts.pop("asked", False))
    if texts.get("content_type") is None:
        kind = (report.asset.media_type or "").partition("/")[0]
        texts["content_type"] = kind if kind in _MEDIA else "text"
    statement = dsa.Statement(**texts)
    return dsa.statement_of_reasons(statement, report.verdict, report.duties, decision=decision, asked=asked)
