# SPDX-License-Identifier: Apache-2.0
"""The review list of a sweep: near copies of known items that do not say themselves what is known of them.

Each row is a proposal with its basis, for a person who puts the two side by side; nothing is imposed by it.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from waarmerk.provenance.report.escape import cell

COLUMNS = (
    "name",
    "sha256",
    "registry_id",
    "kind",
    "distance",
    "is_whole",
    "origin",
    "labels",
    "fact_checks",
    "basis",
    "source",
    "says_itself",
    "seen_percent",
    "not_carried",
    "edit_of",
    "region",
    "mirrored",
    "role",
)
_OWN_CHANNELS = {"unknown-signer": "credentials", "unsigned-metadata": "metadata", "mark": "watermark"}
_AI = ("ai-generated", "ai-modified")

Row = dict[str, Any]


def rows_of(document: Mapping[str, Any], *, everything: bool = False) -> Iterator[Row]:
    """The rows of one report, the strongest match first; with ``everything`` those that carry their label as well.

    A row is due where the registry knows labels, an AI origin or a fact-check that the file does not tell itself. A
    fact-check stands beside a file, never in it: a copy of what was fact-checked is always due. Where an edit of an
    item is listed, the item itself stands before it, whatever is known of that. What a fact-check published is no copy;
    a part of it is listed, for its stamp may be missing.
    """
    if document["status"] != "examined":
        return
    says = says_itself(document)
    edited = {match["edit_of"] for match in document["matches"] if match["not_carried"] or match["fact_checks"]}
    for match in document["matches"]:
        known = bool(match["labels"] or match["fact_checks"] or match["origin"] in _AI or match["not_carried"])
        known = known or match["registry_id"] in edited
        if not match["verified"] or not known:
            continue
        if says and not match["fact_checks"] and not everything:
            continue
        yield {
            "name": document["asset"]["name"],
            "sha256": document["asset"]["sha256"],
            "registry_id": match["registry_id"],
            "kind": match["kind"],
            "distance": match["distance"],
            "is_whole": match["is_whole"],
            "origin": match["origin"],
            "labels": match["labels"],
            "fact_checks": match["fact_checks"],
            "basis": match["basis"],
            "source": match["source"],
            "says_itself": says,
            "seen_percent": match["seen_percent"],
            "not_carried": match["not_carried"],
            "edit_of": match["edit_of"],
            "region": match["region"],
            "mirrored": match["mirrored"],
            "role": match["role"],
        }


def says_itself(document: Mapping[str, Any]) -> list[str]:
    """By which ways a file says itself that it is AI: ``credentials``, ``metadata``, ``watermark``."""
    found = {_OWN_CHANNELS[who] for who in document["verdict"]["claimed_by"] if who in _OWN_CHANNELS}
    credential = document["credentials"] or {}
    if credential.get("integrity") == "intact" and (credential.get("ai") or {}).get("signal") in (
        "generated",
        "modified",
    ):
        found.add("credentials")
    if any(mark["bound"] and mark["means"] == "ai" for mark in document["watermarks"]):
        found.add("watermark")
    return sorted(found)


def is_unread(document: Mapping[str, Any]) -> bool:
    """Whether the registry could not say what it knows: it cannot be read, or what it kept to compare with is gone."""
    return any(each["channel"] == "registry" and each["state"] == "unread" for each in document["channels"])


def known_about(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """The concerns of a report that come from the registry: what it knows of the file, and how far that holds."""
    return [each for each in document["verdict"]["concerns"] if each["code"].startswith("registry.")]


def header() -> str:
    """The first line of the table."""
    return _line(COLUMNS)


def line(row: Row) -> str:
    """One row of the table (CSV, RFC 4180)."""
    return _line([_text(row[column]) for column in COLUMNS])


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell(" ".join(map(str, value)), limit=4000) if isinstance(value, list) else cell(str(value), limit=4000)


def _line(values: list[str] | tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue()
