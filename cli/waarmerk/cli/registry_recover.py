# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry recover``: the Content Credentials of a stripped file's original, from here or from others."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits, known, options
from waarmerk.cli.console import Console
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.report import review
from waarmerk.provenance.report.wording import Wording, wording
from waarmerk.provenance.settings import Settings

if TYPE_CHECKING:
    from waarmerk.provenance.registry.online import Service

_MOST_ASKED = 3  # manifests fetched of those that a service names
_SENT = ("mark", "fingerprint", "picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A manifest store, whose it is said to be, and what a confined process makes of it.

    ``match`` is the report's match of the entry it was kept with, None where a service gave it.
    """

    data: bytes
    origin: str
    sha256: str | None
    stands: dict[str, Any]
    is_confirmed: bool
    match: dict[str, Any] | None = None


@click.command()
@click.argument("name", metavar="INPUT", type=known.FILE)
@click.argument("target", metavar="[OUTPUT.c2pa]", type=known.FILE, required=False)
@click.option("--sidecar", type=known.FILE, help="The same as OUTPUT.c2pa.")
@click.option(
    "--attach", type=known.FILE, metavar="OUT", help="Write INPUT to OUT with the credentials in it, instead."
)
@click.option("--online", metavar="SERVICE", help="Ask this Soft Binding Resolution service, https://HOST/PATH.")
@click.option(
    "--send",
    default="mark",
    show_default=True,
    metavar="LIST",
    help="What the service is sent: mark, fingerprint, picture.",
)
@known.registry
@known.keys
@options.trust
@options.at
@click.option("--force", is_flag=True, help="Replace the output if it is there.")
@known.form
@options.language
def recover(
    name: Path,
    target: Path | None,
    sidecar: Path | None,
    attach: Path | None,
    online: str | None,
    send: str,
    address: str | None,
    keys: tuple[Path, ...],
    trust: Path | None,
    at: datetime | None,
    force: bool,
    form: str,
    lang: str,
) -> int:
    """Give back the Content Credentials of the original of a stripped file, as INPUT.original.c2pa.

    They are about the original: they show what it said of itself, and they do not hold for INPUT, which every reader
    will say. From your own registry only a match that the pixels confirm counts, and where the whole of an item is
    known no other one. With --online a service of others is asked instead, and sent no more than --send names. Exit
    code 1 if there is none with credentials.
    """
    if sum(each is not None for each in (target, sidecar, attach)) > 1:
        raise click.UsageError("name one output: OUTPUT.c2pa, --sidecar or --attach")
    if online is not None and address is not None:
        raise click.UsageError("--online asks a service in place of a registry")
    sent = tuple(part for part in send.split(",") if part)
    if not set(sent) <= set(_SENT) or not sent:
        raise click.UsageError(f"--send takes {', '.join(_SENT)}")
    words, moment = wording(lang), options.now(at)
    settings = Settings(trust=trust, data_folder=options.trust_folder(), keys=keys)
    service = None if online is None else _service(online)
    if service is None:
        settings = known.settings_of(address, keys=keys, trust=trust)
        known.store_of(settings)
    ((_, document),) = known.examined((name,), settings, moment)
    if document["error"]:
        Console().warn(f"{name}: {words.say('fault', document['error']['code'])}")
        return exits.UNREADABLE
    was_asked = None
    if service is None:
        given = _from_registry(name, document, settings, moment)
    else:
        given, was_asked = from_service(service, name, document, sent, settings, moment)
    out = None if given is None else _written(given, name, target or sidecar, attach, force=force)
    matches = [each for each in document["matches"] if each["verified"]] if online is None else []
    is_unread = given is None and online is None and review.is_unread(document)
    if form == "json":
        told = {**_plain(given, out, name, matches), "asked": was_asked}
        known.say(json.dumps(told, indent=2, ensure_ascii=True))
    elif given is None or out is None:
        nothing = "match-unread" if is_unread else _nothing(was_asked, sent, has_keys=bool(keys))
        _tell_none(name, matches, words, nothing)
        _tell_unread(document if is_unread else None, words)
    else:
        _tell(given, out, name, words)
        _tell_others(given, name, matches, words)
    return exits.UNREADABLE if is_unread else exits.FAILED if given is None else exits.OK


def _service(address: str) -> "Service":
    from waarmerk.provenance.registry.online import Service  # noqa: PLC0415 - nothing else reaches a network

    service = Service(address=address)
    service.require_address()
    return service


def _from_registry(name: Path, document: dict[str, Any], settings: Settings, moment: datetime) -> _Given | None:
    """The first of the matches with credentials; of a file whose whole is known, of that alone (``finder.origins``)."""
    verified = [each for each in document["matches"] if each["verified"]]
    matches = {int(each["registry_id"][1:]): each for each in _wholes(verified) or verified}
    recovered = known.recovery(replace(settings, keys=()), moment).manifest_of(list(matches))
    if recovered is None:
        return None
    entry = recovered.entry
    return _Given(
        data=recovered.data,
        origin=entry.registry_id,
        sha256=entry.sha256.hex(),
        stands=_stands(name, recovered.data, settings, moment),
        is_confirmed=True,
        match=matches[entry.number],
    )


def _wholes(matches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in matches if each["is_whole"]]


def from_service(
    service: "Service",
    name: Path,
    document: dict[str, Any],
    sent: tuple[str, ...],
    settings: Settings,
    moment: datetime,
) -> tuple[_Given | None, bool]:
    """The first manifest that a service gives for the file and that reads as one whose signature holds.

    And whether the service was told anything of the file.
    """
    asked: set[str] = set()
    was_asked = False
    for found in _named(service, name, document, sent, moment):
        was_asked = True
        for label in found:
            if label in asked or len(asked) >= _MOST_ASKED:
                continue
            asked.add(label)
            data = service.manifest(label)
            stands = _stands(name, data, replace(settings, registry=None), moment)
            if stands["signature"] == "holds" and stands["label"] == label:
                stated = {(each["alg"], each["value"]) for each in stands["bindings"]}
                ours = {(_ALGORITHMS.get(mark["scheme"]), mark["payload"]) for mark in document["watermarks"]}
                is_confirmed = bool(stated & ours)
                given = _Given(data=data, origin=service.address, sha256=None, stands=stands, is_confirmed=is_confirmed)
                return given, was_asked
    return None, was_asked


_ALGORITHMS = {"ring/1": "org.waarmerk.ring.1"}


def _named(
    service: "Service", name: Path, document: dict[str, Any], sent: tuple[str, ...], moment: datetime
) -> Iterator[tuple[str, ...]]:
    """What a service names, asked with as little as will do; each question only where the one before found nothing."""
    if "mark" in sent:
        for mark in document["watermarks"]:
            if mark["payload"] is not None and mark["scheme"] in _ALGORITHMS:
                yield service.by_binding(_ALGORITHMS[mark["scheme"]], bytes.fromhex(mark["payload"]))
    if "fingerprint" in sent:
        supported = service.supported()
        for alg, value in _fingerprints(name, moment).items():
            if alg in supported:
                yield service.by_binding(alg, bytes.fromhex(value))
    if "picture" in sent:
        yield service.by_content(name.read_bytes(), document["asset"]["media_type"])


def _fingerprints(name: Path, moment: datetime) -> dict[str, str]:
    """The hashes of a picture, under the names that they have in resolution; none of what has no pixels."""
    with Pool(Settings().to_json(), size=1) as pool:
        found = pool.perform("hashes", name, at=moment, named=True).get("answer")
    return found if isinstance(found, dict) else {}


def _stands(name: Path, data: bytes, settings: Settings, moment: datetime) -> dict[str, Any]:
    """What a confined process makes of a manifest store beside the file."""
    with tempfile.TemporaryDirectory(prefix="waarmerk-") as folder:
        store = Path(folder) / "recovered.c2pa"
        store.write_bytes(data)
        bare = replace(settings, keys=(), ledger=None, registry=None)
        with Pool(bare.to_json(), size=1) as pool:
            answer = pool.perform("stands", name, at=moment, named=True, options={"store": str(store)})
    found = answer.get("answer")
    if not isinstance(found, dict) or "signature" not in found:
        raise StoreError("registry.not-read", "what was recovered could not be read as a manifest")
    return found


def _written(given: _Given, name: Path, sidecar: Path | None, attach: Path | None, *, force: bool) -> Path:
    from waarmerk.provenance.credentials.embed import write_attached, write_sidecar  # noqa: PLC0415 - as above

    if attach is not None:
        write_attached(given.data, name, attach, limits=Limits(), force=force)
        return attach
    out = sidecar or name.with_name(f"{name.name}.original.c2pa")
    write_sidecar(given.data, out, force=force)
    return out


def _tell(given: _Given, out: Path, name: Path, words: Wording) -> None:
    stands, signer = given.stands, given.stands["signer"]
    parts = {"target": out, "id": given.origin, "label": stands["label"] or "-", "sha256": given.sha256 or "-"}
    known.say(words.say("registry", "recovered" if given.sha256 else "recovered-online", **parts))
    status = words.say("signer", signer["status"])
    known.say(
        "  " + words.say("registry", f"signature-{stands['signature']}", status=status, name=signer["name"] or "-")
    )
    known.say("  " + words.say("registry", f"content-{stands['content']}", name=name))
    if not given.is_confirmed:
        known.say("  " + words.say("registry", "not-confirmed", name=name))


def _tell_others(given: _Given, name: Path, matches: list[dict[str, Any]], words: Wording) -> None:
    """Whether the file is the whole of what was taken, and what else it could be a copy of."""
    if given.match is not None and not given.match["is_whole"]:
        percent = given.match["seen_percent"]
        known.say("  " + words.say("registry", "recovered-part", name=name, id=given.origin, percent=percent))
        if given.match is not matches[0]:
            first = matches[0]["registry_id"]
            known.say("  " + words.say("registry", "recovered-second", name=name, id=given.origin, first=first))
    others = [each for each in matches if each is not given.match]
    if others:
        known.say("  " + words.say("registry", "recovered-others", others=_listed(others, words)))


def _nothing(was_asked: bool | None, sent: tuple[str, ...], *, has_keys: bool) -> str:
    """The sentence for nothing to give back; one that a service was not asked for says so, and why."""
    if was_asked is None:
        return "not-recovered"
    if was_asked:
        return "not-online"
    if "fingerprint" in sent:
        return "not-sent"
    return "not-sent-no-mark" if has_keys else "not-sent-no-key"


def _tell_none(name: Path, matches: list[dict[str, Any]], words: Wording, nothing: str) -> None:
    """That there is nothing to give back, and of what the file is known to be a copy."""
    wholes = _wholes(matches)
    others = [each for each in matches if not each["is_whole"]]
    if not wholes or not others:
        known.say(words.say("registry", nothing, name=name))
        return
    ids = ", ".join(each["registry_id"] for each in wholes)
    known.say(words.say("registry", "not-recovered-whole", name=name, id=ids))
    known.say("  " + words.say("registry", "recovered-others", others=_listed(others, words)))


def _tell_unread(document: dict[str, Any] | None, words: Wording) -> None:
    """Why it could not be told whether the registry knows it."""
    for each in review.known_about(document) if document else ():
        known.say("  " + words.concern(each["code"], each["about"]))


def _listed(matches: list[dict[str, Any]], words: Wording) -> str:
    key = {True: "match-whole", False: "other-part"}
    told = (words.say("registry", key[each["is_whole"]], percent=each["seen_percent"]) for each in matches)
    return "; ".join(f"{each['registry_id']} ({seen})" for each, seen in zip(matches, told, strict=True))


def _plain(given: _Given | None, out: Path | None, name: Path, matches: list[dict[str, Any]]) -> dict[str, Any]:
    """The same as an object. ``others`` are the other confirmed matches, the strongest first."""
    taken = None if given is None else given.match
    same = ("registry_id", "kind", "distance", "is_whole", "seen_percent")
    others = [{key: each[key] for key in same} for each in matches if each is not taken]
    if given is None:
        return {"name": str(name), "recovered": None, "others": others}
    stands = given.stands
    recovered = {
        "target": str(out),
        "from": given.origin,
        "sha256": given.sha256,
        "label": stands["label"],
        "signature": stands["signature"],
        "signer": stands["signer"],
        "content": stands["content"],
        "is_confirmed": given.is_confirmed,
        "match": None if taken is None else {key: taken[key] for key in same},
    }
    return {"name": str(name), "recovered": recovered, "others": others}
