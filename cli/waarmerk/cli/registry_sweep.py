# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry sweep`` and ``velocity``: copies of known items that carry no label, and how fast they come."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits, known, options
from waarmerk.cli.console import Console
from waarmerk.cli.inputs import Input, all_names, gather, passes_over
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.report import review
from waarmerk.provenance.report.wording import Wording, wording

if TYPE_CHECKING:
    from waarmerk.provenance.registry.store import Store


@click.command()
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("-r", "recursive", is_flag=True, help="Walk folders wholly, not one level deep.")
@click.option("--files-from", metavar="FILE|-", help="Read the names of files from a list, one a line.")
@click.option("-0", "nul", is_flag=True, help="The names in the list end with NUL.")
@click.option("--format", "form", type=click.Choice(("human", "json", "csv")), default="human", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Also copies that say themselves what is known of them.")
@click.option("--count", "counting", is_flag=True, help="Count each copy of an item by the hour, for velocity.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Worker processes; one a processor if not given.")
@known.registry
@known.keys
@options.trust
@options.at
@options.language
@options.quiet
def sweep(
    inputs: tuple[str, ...],
    recursive: bool,
    files_from: str | None,
    nul: bool,
    form: str,
    everything: bool,
    counting: bool,
    jobs: int | None,
    address: str | None,
    keys: tuple[Path, ...],
    trust: Path | None,
    at: datetime | None,
    lang: str,
    quiet: bool,
) -> int:
    """List copies of labelled or fact-checked items that carry no label, for a person to review.

    INPUT is a file or a folder. Every row is a proposal and says what it rests on; only what the pixels confirm is
    listed. Exit code 1 if the list has a row.
    """
    words, moment, console = wording(lang), options.now(at), Console(quiet=quiet)
    settings = known.settings_of(address, keys=keys, trust=trust)
    store = known.store_of(settings, writing=counting)
    names = all_names(inputs, files_from, nul=nul)
    found: list[review.Row] = []
    codes, not_told, counts = [], 0, {"examined": 0, "unreadable": 0}
    with ExitStack() as stack:
        size = jobs or len(os.sched_getaffinity(0))
        pool = stack.enter_context(Pool(known.within_reach(settings).to_json(), size=size))
        for item, document in _documents(pool, gather(names, recursive=recursive, held=stack), moment):
            error = document["error"]
            if error is not None:
                if not passes_over(item, error["code"]):
                    counts["unreadable"] += 1
                    codes.append(exits.UNREADABLE)
                    console.warn(
                        words.say("registry", "unread", name=item.path, reason=words.say("fault", error["code"]))
                    )
                continue
            counts["examined"] += 1
            if review.is_unread(document):
                not_told += 1
                codes.append(exits.UNREADABLE)
                for each in review.known_about(document):
                    console.warn(f"{item.path}: {words.concern(each['code'], each['about'])}")
            document["asset"]["name"] = str(item.path)
            if counting:
                count_copies(store, document, moment)
            found.extend(review.rows_of(document, everything=everything))
    _show(found, form, words)
    folders = [name for name in inputs if Path(name).is_dir()]
    if folders and not any(counts.values()):  # as verify has it: nothing to review of nothing is no all-clear
        console.warn(words.say("cli", "no-media", path=", ".join(folders)))
        codes.append(exits.UNREADABLE)
    console.say(words.say("registry", "swept", rows=len(found), **counts))
    if not_told:
        console.warn(words.say("registry", "swept-not-told", count=not_told))
    return exits.worst([*codes, exits.FAILED if found else exits.OK])


def _documents(pool: Pool, inputs: Iterable[Input], at: datetime) -> Iterator[tuple[Input, dict[str, Any]]]:
    """Each input with its report, in the order of the inputs: a list that is made twice is the same list."""
    taken: dict[int, Input] = {}

    def remembered() -> Iterator[tuple[Path, bool]]:
        for position, item in enumerate(inputs):
            taken[position] = item
            yield item.path, item.named

    ready: dict[int, dict[str, Any]] = {}
    following = 0
    for position, answer in pool.each("verify", remembered(), at=at, options={}):
        ready[position] = answer
        while following in ready:
            item = taken.pop(following)
            yield item, document_of(ready.pop(following), at=at, name=item.shown_name)
            following += 1


def count_copies(store: "Store", document: dict[str, Any], moment: datetime) -> None:
    """One more copy of each item that a report confirms; nothing of the file is kept."""
    from waarmerk.provenance.registry.model import Role  # noqa: PLC0415
    from waarmerk.provenance.registry.sightings import Sightings  # noqa: PLC0415 - only where counts are kept

    matched = known.numbers_of(each["registry_id"] for each in document["matches"] if each["verified"])
    held = [entry for entry in map(store.entry, matched) if entry is not None]
    seen = [entry.number for entry in held if entry.role is Role.ITEM]  # what a fact-check shows is no copy
    if seen:
        Sightings(store).count(seen, at=moment)


def _show(found: list[review.Row], form: str, words: Wording) -> None:
    if form == "json":
        known.say(json.dumps(found, indent=2, ensure_ascii=True))
    elif form == "csv":
        sys.stdout.write(review.header() + "".join(review.line(row) for row in found))
    for row in found if form == "human" else ():
        key = "sweep-row" if row["is_whole"] else "sweep-part" if row["role"] == "item" else "sweep-debunk"
        key = key if row["edit_of"] is None else "sweep-edit"
        known.say(words.say("registry", key, **_spoken(row, words)))
        for address in row["fact_checks"]:
            known.say("  " + words.say("registry", "sweep-check", address=address))
        if row["not_carried"] and row["edit_of"] is None:
            known.say("  " + words.say("registry", "not-carried", what=", ".join(row["not_carried"])))


def _spoken(row: review.Row, words: Wording) -> dict[str, str]:
    labels = ", ".join(row["labels"]) or words.say("registry", "none")
    distance = "" if row["distance"] is None else f" {words.say('registry', 'bits', count=row['distance'])}"
    said = {"name": row["name"], "id": row["registry_id"], "labels": labels, "distance": distance}
    shown = {"basis": known.basis(row, words), "seen": known.seen(row, words), "origin": known.origin(row, words)}
    return {**said, **shown, "original": row["edit_of"] or ""}


@click.command()
@click.option("--hours", type=click.IntRange(1, 720), default=24, show_default=True, help="How far back.")
@known.registry
@known.form
@options.at
@options.language
def velocity(hours: int, address: str | None, form: str, at: datetime | None, lang: str) -> int:
    """How many copies of each item were counted by the hour, the fastest first. No accounts, no files: counts alone.

    Copies are counted by match --count and sweep --count. Counts go after 30 days.
    """
    from waarmerk.provenance.registry.sightings import Sightings  # noqa: PLC0415 - a database

    words, store = wording(lang), known.store_of(known.settings_of(address))
    found = Sightings(store).velocity(at=options.now(at), hours=hours)
    if form == "json":
        shown = [
            {
                "registry_id": f"r{each.number}",
                "last_hour": each.last_hour,
                "hours": hours,
                "copies": each.in_window,
                "busiest_hour": each.busiest,
                "copies_in_busiest_hour": each.most,
            }
            for each in found
        ]
        known.say(json.dumps(shown, indent=2, ensure_ascii=True))
        return exits.OK
    for each in found:
        parts = {"id": f"r{each.number}", "last": each.last_hour, "copies": each.in_window, "hours": hours}
        known.say(words.say("registry", "velocity", most=each.most, busiest=each.busiest, **parts))
    if not found:
        known.say(words.say("registry", "velocity-none"))
    return exits.OK
