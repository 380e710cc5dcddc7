# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry``: enter known files, look files up, get stripped credentials back.

Files that are looked up are a stranger's and examined in confined processes; files that are entered are your own.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import exits, options
from waarmerk.cli.console import Console
from waarmerk.provenance.errors import Error
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.model import Origin
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)
_KEY_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_ORIGINS = {"generated": Origin.AI_GENERATED, "modified": Origin.AI_MODIFIED, "captured": Origin.CAPTURED}

_registry = click.option(
    "--registry", "address", metavar="URL", help="A path or sqlite:///PATH; your own if not given."
)
_keys = click.option(
    "--key", "keys", multiple=True, type=_KEY_FILE, help="Search for the marks of this key file; repeatable."
)
_form = click.option("--format", "form", type=click.Choice(("human", "json")), default="human", show_default=True)
_inputs = click.argument("inputs", nargs=-1, required=True, type=_FILE)


@click.group()
def registry() -> None:
    """Known pictures: what was labelled, signed, fact-checked or reported is found again, near copies too.

    Matches propose, a person decides. docs/registry.md says what is kept of a file, and how it is erased.
    """


@registry.command()
@_inputs
@_registry
@_keys
@options.trust
@options.at
@click.option("--origin", type=click.Choice(tuple(_ORIGINS)), help="What the file is, as you know it.")
@click.option("--label", "labels", multiple=True, help="A label to propose for copies; repeatable.")
@click.option("--fact-check", "fact_checks", multiple=True, metavar="ADDRESS", help="Who wrote about it; repeatable.")
@click.option("--source", default="own", show_default=True, help="Who says so.")
@click.option("--keep-until", type=options.Moment(), help="When the entry is due for removal.")
@options.language
@options.quiet
def add(
    inputs: tuple[Path, ...],
    address: str | None,
    keys: tuple[Path, ...],
    trust: Path | None,
    at: datetime | None,
    origin: str | None,
    labels: tuple[str, ...],
    fact_checks: tuple[str, ...],
    source: str,
    keep_until: datetime | None,
    lang: str,
    quiet: bool,
) -> int:
    """Enter files of your own: digest, fingerprints, marks, a small grey picture, and intact credentials.

    Exit code 1 if one is known already, 3 if one cannot be read.
    """
    from waarmerk.provenance.recovery import Wishes  # noqa: PLC0415 - numerics and a database

    words, moment, console = wording(lang), options.now(at), Console(quiet=quiet)
    wishes = Wishes(
        origin=_ORIGINS.get(origin or ""),
        labels=labels,
        fact_checks=fact_checks,
        source=source,
        keep_until=keep_until,
    )
    at_work = _recovery(_settings(address, keys=keys, trust=trust), moment)
    codes = []
    for path in inputs:
        try:
            entry = at_work.add(path, wishes, at=moment)
        except Error as error:
            console.warn(f"{path}: {error.message} [{error.code}]")
            codes.append(exits.FAILED if error.code == "registry.known" else exits.UNREADABLE)
            continue
        except OSError as error:
            console.warn(f"{path}: {error.strerror}")
            codes.append(exits.UNREADABLE)
            continue
        code = "added" if entry.manifest is None else "added-manifest"
        _say(words.say("registry", code, id=entry.registry_id, name=path))
        codes.append(exits.OK)
    return exits.worst(codes)


@registry.command()
@_inputs
@_registry
@_keys
@options.at
@_form
@options.language
def match(
    inputs: tuple[Path, ...], address: str | None, keys: tuple[Path, ...], at: datetime | None, form: str, lang: str
) -> int:
    """Look files up: exactly, by mark (with --key), by fingerprint. Exit code 1 if one is not known."""
    words, moment, codes, shown = wording(lang), options.now(at), [], []
    for path, document in _examined(inputs, _settings(address, keys=keys), moment):
        found = document["matches"]
        known = any(each["verified"] for each in found)
        codes.append(exits.UNREADABLE if document["error"] else exits.OK if known else exits.FAILED)
        shown.append({"name": str(path), "error": document["error"], "matches": found})
        if form == "json":
            continue
        if document["error"]:
            _say(words.say("registry", "unread", name=path, reason=words.say("fault", document["error"]["code"])))
        elif not found:
            _say(words.say("registry", "match-none", name=path))
        for each in found:
            labels = ", ".join(each["labels"]) or words.say("registry", "none")
            code = "match-verified" if each["verified"] else "match-candidate"
            _say(words.say("registry", code, name=path, id=each["registry_id"], kind=each["kind"], labels=labels))
    if form == "json":
        _say(json.dumps(shown, indent=2, ensure_ascii=True))
    return exits.worst(codes)


@registry.command()
@click.argument("name", metavar="INPUT", type=_FILE)
@click.argument("target", metavar="[OUTPUT.c2pa]", type=_FILE, required=False)
@_registry
@_keys
@options.at
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there.")
@options.language
def recover(
    name: Path,
    target: Path | None,
    address: str | None,
    keys: tuple[Path, ...],
    at: datetime | None,
    force: bool,
    lang: str,
) -> int:
    """Give back the Content Credentials of the original of a stripped file, as INPUT.original.c2pa.

    They are about the original: they show what it said of itself, and they do not hold for INPUT. Only a match that
    the pixels confirm counts. Exit code 1 if there is none with credentials.
    """
    from waarmerk.provenance.recovery import write_sidecar  # noqa: PLC0415 - as above

    words, moment, settings = wording(lang), options.now(at), _settings(address, keys=keys)
    ((_, document),) = _examined((name,), settings, moment)
    if document["error"]:
        Console().warn(f"{name}: {words.say('fault', document['error']['code'])}")
        return exits.UNREADABLE
    numbers = [int(each["registry_id"][1:]) for each in document["matches"] if each["verified"]]
    recovered = _recovery(replace(settings, keys=()), moment).manifest_of(numbers)
    if recovered is None:
        _say(words.say("registry", "not-recovered", name=name))
        return exits.FAILED
    out = target or name.with_name(f"{name.name}.original.c2pa")
    write_sidecar(recovered, out, force=force)
    entry = recovered.entry
    parts = {"target": out, "id": entry.registry_id, "label": recovered.label, "sha256": entry.sha256.hex()}
    _say(words.say("registry", "recovered", **parts))
    return exits.OK


@registry.command("list")
@_registry
@_form
@options.language
def entries(address: str | None, form: str, lang: str) -> int:
    """List what is in the registry, the oldest first."""
    from waarmerk.provenance.registry.store import Store  # noqa: PLC0415 - as above

    words, store = wording(lang), Store(str(_settings(address).registry))
    store.require()
    held = store.entries()
    if form == "json":
        _say(json.dumps([_plain(entry) for entry in held], indent=2, ensure_ascii=True))
        return exits.OK
    for entry in held:
        size = f"{entry.width}x{entry.height}" if entry.width and entry.height else "-"
        has = words.say("registry", "no" if entry.manifest is None else "yes")
        parts = {"id": entry.registry_id, "at": entry.added_at, "media_type": entry.media_type, "size": size}
        parts |= {"origin": entry.origin.value, "manifest": has, "sha256": entry.sha256.hex()}
        labels = ", ".join(entry.labels) or words.say("registry", "none")
        _say(words.say("registry", "entry", labels=labels, **parts))
    if not held:
        _say(words.say("registry", "empty"))
    return exits.OK


@registry.command()
@click.argument("names", nargs=-1, metavar="ID...")
@click.option("--due", is_flag=True, help="Those whose time is over.")
@_registry
@options.at
@options.language
def remove(names: tuple[str, ...], due: bool, address: str | None, at: datetime | None, lang: str) -> int:
    """Erase entries (r1, r2, …) with everything that is held of them. Exit code 1 if there was none."""
    from waarmerk.provenance.registry.store import Store  # noqa: PLC0415 - as above

    if any(not name.startswith("r") or not name[1:].isdecimal() for name in names) or not (names or due):
        raise click.UsageError("name entries as registry list shows them, such as r7, or give --due")
    words, moment, settings = wording(lang), options.now(at), _settings(address)
    Store(str(settings.registry)).require()
    numbers = [int(name[1:]) for name in names]
    at_work = _recovery(settings, moment)
    count = at_work.remove([*numbers, *(at_work.due(at=moment) if due else ())], at=moment)
    _say(words.say("registry", "removed", count=count))
    return exits.OK if count else exits.FAILED


@registry.command()
@_registry
@options.language
def upgrade(address: str | None, lang: str) -> int:
    """Bring a registry that an earlier version wrote up to this one, whole or not at all. Keep a copy of it first.

    Earlier versions leave it alone from then on. Exit code 0 as well where there was nothing to do.
    """
    from waarmerk.provenance.recovery import upgraded  # noqa: PLC0415 - as above

    words = wording(lang)
    changed = upgraded(str(_settings(address).registry))
    _say(words.say("registry", "upgraded" if changed else "up-to-date"))
    return exits.OK


def _settings(address: str | None, *, keys: tuple[Path, ...] = (), trust: Path | None = None) -> Settings:
    named = address or str(options.trust_folder().parent / "registry" / "registry.sqlite")
    return Settings(trust=trust, data_folder=options.trust_folder(), keys=keys, registry=named)


def _recovery(settings: Settings, moment: datetime) -> Any:
    from waarmerk.provenance.build import build_recovery  # noqa: PLC0415 - numerics and a database

    return build_recovery(settings, at=moment)


def _examined(paths: tuple[Path, ...], settings: Settings, moment: datetime) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The report of each file, made in a confined process."""
    options.mend_registry(settings.registry)
    with Pool(settings.to_json(), size=1) as pool:
        for path in paths:
            answer = pool.perform("verify", path, at=moment, named=True)
            yield path, document_of(answer, path, at=moment, named=True)


def _plain(entry: Any) -> dict[str, Any]:
    return {
        "registry_id": entry.registry_id,
        "sha256": entry.sha256.hex(),
        "media_type": entry.media_type,
        "width": entry.width,
        "height": entry.height,
        "origin": entry.origin.value,
        "labels": list(entry.labels),
        "fact_checks": list(entry.fact_checks),
        "source": entry.source,
        "added_at": entry.added_at,
        "keep_until": entry.keep_until,
        "manifest": entry.manifest is not None,
    }


def _say(line: str) -> None:
    sys.stdout.write("\n".join(plain(each, limit=4000) for each in line.splitlines()) + "\n")
