# SPDX-License-Identifier: Apache-2.0
"""The report as a row of a table (CSV, RFC 4180), for spreadsheets and quick counts."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from waarmerk.provenance.report.escape import cell

COLUMNS = (
    "name",
    "sha256",
    "media_type",
    "status",
    "error",
    "origin",
    "tier",
    "authentic_capture",
    "conflict",
    "credentials",
    "integrity",
    "signer_status",
    "signer_name",
    "verified_name",
    "identity",
    "chain",
    "ai_signal",
    "watermarks",
    "labels_required",
    "concerns",
    "summary",
)


def header() -> str:
    """The first line."""
    return _line(COLUMNS)


def row(document: dict[str, Any], *, language: str) -> str:
    """One line for one report."""
    asset, verdict = document["asset"], document["verdict"]
    credential = document["credentials"] or {}
    signer = credential.get("signer") or {}
    values = {
        "name": asset["name"],
        "sha256": asset["sha256"],
        "media_type": asset["media_type"],
        "status": document["status"],
        "error": (document["error"] or {}).get("code"),
        "origin": verdict["origin"],
        "tier": verdict["tier"],
        "authentic_capture": verdict["authentic_capture"],
        "conflict": verdict["conflict"],
        "credentials": credential.get("state"),
        "integrity": credential.get("integrity"),
        "signer_status": signer.get("status"),
        "signer_name": signer.get("name"),
        "verified_name": signer.get("verified_name"),
        "identity": credential.get("identity"),
        "chain": credential.get("chain"),
        "ai_signal": (credential.get("ai") or {}).get("signal"),
        "watermarks": " ".join(mark["key_id"] or mark["scheme"] for mark in document["watermarks"] if mark["detected"]),
        "labels_required": " ".join(duty["rule"] for duty in document["labels"] if duty["status"] == "required"),
        "concerns": " ".join(concern["code"] for concern in verdict["concerns"]),
        "summary": verdict["summary"][language],
    }
    return _line(_text(values[column]) for column in COLUMNS)


def plain_row(values: Mapping[str, str]) -> str:
    """One line for what has no report yet, or will have none; what is not named stays empty."""
    return _line(cell(values.get(column, "")) for column in COLUMNS)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell(str(value))


def _line(values: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()
