# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry import --claim-review``: fact-checks, with pictures from your own disk."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits, known
from waarmerk.provenance.errors import Error
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.report.wording import Wording
from waarmerk.provenance.settings import Settings

if TYPE_CHECKING:
    from waarmerk.provenance.recovery import Recovery
    from waarmerk.provenance.registry.claim_review import Matched
    from waarmerk.provenance.registry.model import Entry


def enter(
    feed: Path, images: Path | None, named: tuple[str, ...], settings: Settings, at: datetime, form: str, words: Wording
) -> int:
    """Enter the pictures that the fact-checks in ``feed`` name; the exit code.

    Pictures that are not there are listed, and so are fact-checks that nothing is taken from.
    """
    from waarmerk.provenance.registry import claim_review  # noqa: PLC0415 - one command of many
    from waarmerk.provenance.registry.model import Role  # noqa: PLC0415

    with feed.open("rb") as stream:
        told = claim_review.read_reviews(stream.read(claim_review.MAX_BYTES + 1))
    files = _files(images, named)
    pictures = [claim_review.Picture(name=path.name, sha256=_digest(path), address=address) for path, address in files]
    matched, unmatched = claim_review.plan(told.reviews, pictures)
    at_work = known.recovery(settings, at)
    rows, codes = [], [exits.FAILED if unmatched or told.left_out else exits.OK]
    with Pool(known.within_reach(settings).to_json(), size=1) as pool:
        for each in matched:
            path = files[each.picture][0]
            row: dict[str, Any] = {"name": str(path), "fact_check": each.review.address, "role": each.role.value}
            try:
                known.within_reach(settings)  # a copy of one on a server follows what was just entered
                entry, is_new = _entered(at_work, pool, path, each, at)
            except Error as error:
                rows.append({**row, "registry_id": None, "what": "unreadable", "why": error.code})
                codes.append(exits.UNREADABLE)
                continue
            is_shown = entry is not None and each.role is Role.DEBUNK and entry.role is Role.ITEM
            what = "same-as-item" if entry is None else "shown" if is_shown else "entered" if is_new else "known"
            rows.append({**row, "registry_id": None if entry is None else entry.registry_id, "what": what, "why": None})
    missing = [
        {"address": each.reference.address, "fact_check": each.review.address, "why": each.why} for each in unmatched
    ]
    count, left_out = len(told.reviews) + len(told.left_out), [asdict(each) for each in told.left_out]
    if form == "json":
        shown = {"fact_checks": count, "pictures": rows, "unmatched": missing, "left_out": left_out}
        known.say(json.dumps(shown, indent=2, ensure_ascii=True))
    else:
        _tell(count, rows, missing, left_out, words)
    return exits.worst(codes)


def _entered(
    at_work: "Recovery", pool: Pool, path: Path, matched: "Matched", at: datetime
) -> tuple["Entry | None", bool]:
    """One picture, looked up and taken from in a confined process: strangers made it. Raises Error."""
    from waarmerk.provenance.recovery import Seen  # noqa: PLC0415 - as above

    features = known.features(pool, path, at)
    document = document_of(pool.perform("verify", path, at=at, named=True), at=at, name=path.name)
    seen = [
        Seen(
            number=int(each["registry_id"][1:]),
            is_exact=each["kind"] == "exact",
            is_whole=each["is_whole"],
        )
        for each in document["matches"]
        if each["verified"]
    ]
    return at_work.check(features, seen, matched.review, matched.role, at=at)


def _tell(
    count: int,
    rows: list[dict[str, Any]],
    missing: list[dict[str, str]],
    left_out: list[dict[str, Any]],
    words: Wording,
) -> None:
    for row in rows:
        parts = {"id": row["registry_id"] or "-", "name": row["name"], "address": row["fact_check"]}
        role = f"-{row['role']}" if row["what"] == "entered" else ""
        known.say(words.say("registry", f"review-{row['what']}{role}", **parts))
    for each in missing:
        known.say(words.say("registry", f"review-{each['why']}", address=each["address"], check=each["fact_check"]))
    for each in left_out:
        pictures = ", ".join(each["pictures"]) or words.say("registry", "none")
        parts = {"place": each["place"], "address": each["address"] or "-", "pictures": pictures}
        known.say(words.say("registry", f"review-{each['why']}", **parts))
    counts = {"count": count, "left_out": len(left_out), "missing": len(missing), "named": len(rows) + len(missing)}
    known.say(words.say("registry", "reviews", **counts))


def _files(images: Path | None, named: tuple[str, ...]) -> list[tuple[Path, str | None]]:
    """The local pictures, those that somebody named first."""
    found: list[tuple[Path, str | None]] = []
    for each in named:
        address, _, name = each.rpartition("=")
        if not address or not Path(name).is_file():
            raise click.UsageError(f"--image takes ADDRESS=FILE, and a file that is there: {each}")
        found.append((Path(name), address))
    within = sorted(images.iterdir()) if images is not None else []
    return [*found, *((path, None) for path in within if path.is_file() and not path.name.startswith("."))]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
