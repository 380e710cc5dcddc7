# SPDX-License-Identifier: Apache-2.0
"""From what a worker answered to a report document, whatever became of the worker."""

from datetime import datetime
from typing import Any

from waarmerk.provenance.jobs.told import Told
from waarmerk.provenance.report.shape import is_payload, is_report


def document_of(answer: dict[str, Any], *, at: datetime, name: str | None) -> dict[str, Any]:
    """The report in a worker's answer; where what is there is none, for files write what they like, a report of failure
    with this ``name`` of the file.
    """
    report = answer.get("answer")
    if isinstance(report, dict) and is_report(report, sound=report.sound if isinstance(report, Told) else ()):
        return report
    code = answer.get("fault", "worker.answer")
    return failure(str(code), at=at, name=name)


def parted(answer: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The answer to ``dossier`` as the answer to ``verify``, and the dossier's own payload, None if there is none."""
    both = answer.get("answer")
    if not isinstance(both, dict) or not is_payload(both.get("dossier")):
        return answer, None
    return {**answer, "answer": both.get("report")}, both.get("dossier")


def kept(answer: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The answer to a task with the option ``record`` as the answer without, and the record, None if there is none."""
    both = answer.get("answer")
    if not isinstance(both, dict) or not isinstance(both.get("record"), dict | None):
        return answer, None
    return {**answer, "answer": both.get("answer")}, both.get("record")


def fingerprinted(answer: dict[str, Any]) -> tuple[dict[str, Any], list[bytes] | None]:
    """The answer to a task with the option ``fingerprint`` as the answer without, and PDQ in eight orientations."""
    both = answer.get("answer")
    if not isinstance(both, dict) or not isinstance(both.get("fingerprint"), list | None):
        return answer, None
    seen = both.get("fingerprint")
    try:
        return {**answer, "answer": both.get("answer")}, seen and [bytes.fromhex(each) for each in seen]
    except (TypeError, ValueError):
        return {"fault": "worker.answer"}, None


def failure(code: str, *, at: datetime, name: str | None) -> dict[str, Any]:
    """The report of a file whose examination failed with ``code``; where our code failed is not for strangers."""
    from waarmerk.provenance.model import AssetFacts, Fault, Report  # noqa: PLC0415 - only where something failed
    from waarmerk.provenance.model.moment import rfc3339  # noqa: PLC0415
    from waarmerk.provenance.report.document import to_dict  # noqa: PLC0415
    from waarmerk.provenance.report.wording import wording  # noqa: PLC0415

    message = wording("en").say("fault", code).rstrip(".")
    report = Report(
        at=rfc3339(at),
        asset=AssetFacts(name=name),
        fault=Fault(code=code, message=message),
    )
    return to_dict(report, tool_version=_version())


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return version("waarmerk")
