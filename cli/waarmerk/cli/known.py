# SPDX-License-Identifier: Apache-2.0
"""What the ``registry`` commands share: the registry that is meant, files examined in confined processes, output."""

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import options
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import Wording, wording
from waarmerk.provenance.settings import Settings

if TYPE_CHECKING:
    from waarmerk.provenance.recovery import Recovery
    from waarmerk.provenance.registry.features import Features
    from waarmerk.provenance.registry.store import Store

FILE = click.Path(path_type=Path, dir_okay=False)
KEY_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
FORMS = ("human", "json")

registry = click.option(
    "--registry", "address", metavar="URL", help="A path, sqlite:///PATH or postgresql://…; your own if not given."
)
keys = click.option("--key", "keys", multiple=True, type=KEY_FILE, help="Search for the marks of this key; repeatable.")
form = click.option("--format", "form", type=click.Choice(FORMS), default="human", show_default=True)


def settings_of(address: str | None, *, keys: tuple[Path, ...] = (), trust: Path | None = None) -> Settings:
    """The settings with this registry, the user's own where none is named."""
    named = address or str(options.own_registry())
    return Settings(trust=trust, data_folder=options.trust_folder(), keys=keys, registry=named)


def store_of(settings: Settings, *, writing: bool = False) -> "Store":
    """The registry of ``settings``, which must be there and of this version. Raises StoreError."""
    from waarmerk.provenance.build import build_store  # noqa: PLC0415 - a database

    store = build_store(settings, writing=writing)
    store.require()
    return store


def recovery(settings: Settings, moment: datetime) -> "Recovery":
    """The registry at work; it is made if absent."""
    from waarmerk.provenance.build import build_recovery  # noqa: PLC0415 - numerics and a database

    return build_recovery(settings, at=moment)


def examined(paths: Iterable[Path], settings: Settings, moment: datetime) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The report of each file, made in a confined process."""
    with Pool(within_reach(settings).to_json(), size=1) as pool:
        for path in paths:
            answer = pool.perform("verify", path, at=moment, named=True)
            yield path, document_of(answer, at=moment, name=path.name)


def features(pool: Pool, path: Path, moment: datetime) -> "Features":
    """What a registry keeps of a file, taken from it in a confined process. Raises UnsupportedAsset."""
    from waarmerk.provenance.registry.features import Features  # noqa: PLC0415 - as above

    answer = pool.perform("features", path, at=moment, named=True)
    code = str(answer.get("fault", "worker.answer"))
    try:
        return Features.from_json(answer.get("answer") or {})
    except ValueError as error:
        raise UnsupportedAsset(code, wording("en").say("fault", code).rstrip(".")) from error


def within_reach(settings: Settings) -> Settings:
    """The settings as a confined process can use them, which may neither write nor connect."""
    if not (settings.registry or "").startswith("postgresql"):
        options.require_registry(settings)
        return settings
    from waarmerk.provenance.build import registry_within_reach  # noqa: PLC0415 - a database

    return registry_within_reach(settings)


def numbers_of(names: Iterable[str]) -> list[int]:
    """Entries by the names that lists and reports show. Raises UsageError for anything else."""
    chosen = list(names)
    if any(not name.startswith("r") or not name[1:].isdecimal() for name in chosen):
        raise click.UsageError("name entries as registry list shows them, such as r7")
    return [int(name[1:]) for name in chosen]


def matched(name: Path, match: dict[str, Any], concerns: list[dict[str, str]], words: Wording) -> str:
    """One match of a file, as a line. ``concerns`` are those that come from the registry."""
    labels = ", ".join(match["labels"]) or words.say("registry", "none")
    parts = {"name": name, "id": match["registry_id"], "kind": match["kind"], "labels": labels}
    if match["edit_of"] is not None:
        return words.say("registry", "match-edit", original=match["edit_of"], **parts)
    if match["verified"]:
        return words.say("registry", "match-verified", seen=seen(match, words), origin=origin(match, words), **parts)
    codes = {each["code"] for each in concerns if each["about"] == match["registry_id"]}
    is_lost = bool(codes & {"registry.lost", "registry.not-compared"})
    return words.say("registry", "match-not-compared" if is_lost else "match-candidate", **parts)


def seen(match: dict[str, Any], words: Wording) -> str:
    """How much of the known item is seen in the file and where, where that is confirmed."""
    if match["basis"] == "package":
        return words.say("registry", "match-told", source=match["source"])
    if match["is_whole"]:
        return words.say("registry", "match-whole")
    left, top, width, height = match["region"] or (0, 0, 0, 0)
    place = words.say("registry", "match-place", left=left, top=top, width=width, height=height)
    turned = words.say("registry", "match-mirrored") if match["mirrored"] else ""
    said = {"place": f" ({place})" if match["region"] else "", "turned": f", {turned}" if turned else ""}
    return words.say("registry", "match-seen", percent=match["seen_percent"], **said)


def origin(match: dict[str, Any], words: Wording) -> str:
    """What a match says of the origin, to stand in front of what it proposes; nothing where it says nothing."""
    if match["origin"] == "unknown":
        return ""
    return words.say("registry", "match-origin", origin=words.say("origin", match["origin"])) + " "


def basis(match: dict[str, Any], words: Wording) -> str:
    """Why the registry says what it says, and who said it first."""
    is_ours = match["source"] == "own" and match["basis"] in ("entered", "fact-check")
    key = f"basis-{match['basis']}{'-here' if is_ours else ''}"
    return words.say("registry", key, source=match["source"])


def say(text: str) -> None:
    """Lines on standard output, made safe."""
    sys.stdout.write("\n".join(plain(each, limit=4000) for each in text.splitlines()) + "\n")
