# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry export|import|issuers|accept|refuse``: signals given to others, and taken from them."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits, known, options
from waarmerk.cli.console import Console
from waarmerk.cli.passphrase import asker, descriptor_option
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.report.wording import Wording, wording

if TYPE_CHECKING:
    from waarmerk.provenance.registry.exchange import Issuer

_IN = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_OUT = click.Path(path_type=Path, dir_okay=False)
_key_id = click.argument("key_id", metavar="KEYID")


@click.command()
@click.argument("target", metavar="OUTPUT", type=_OUT)
@click.option("--key-folder", type=click.Path(path_type=Path), help="Folder of keys init; your own if not given.")
@click.option("--name", help="What you are called in it; the organisation of your certificate if not given.")
@descriptor_option
@known.registry
@options.at
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there.")
@options.language
@options.quiet
def export(
    target: Path,
    key_folder: Path | None,
    name: str | None,
    passphrase_fd: int | None,
    address: str | None,
    at: datetime | None,
    force: bool,
    lang: str,
    quiet: bool,
) -> int:
    """Write what you know of published files as a signed package for others: hashes, marks, labels and their basis.

    No copy, no name of a file or a person. Only entries added with --published leave; others do not hear of them.
    """
    from waarmerk.provenance.credentials.signing_folder import load_folder  # noqa: PLC0415 - costs start-up
    from waarmerk.provenance.credentials.signing_keys import Algorithm, spki  # noqa: PLC0415
    from waarmerk.provenance.registry import exchange, package  # noqa: PLC0415

    if name is not None and not package.is_name(name):
        raise click.UsageError("--name takes one line of at most 200 characters")
    words, moment = wording(lang), options.now(at)
    store = known.store_of(known.settings_of(address), writing=True)
    signer = load_folder(
        key_folder or options.trust_folder().parent / "keys", asker(passphrase_fd, words.say("keys", "passphrase-open"))
    )
    leaf = signer.chain[0]
    data, items, kept = exchange.export(
        store,
        name=name or _organisation(leaf),
        public_key=spki(leaf.public_key()),
        algorithm="Ed25519" if signer.algorithm is Algorithm.ED25519 else "ES256",
        sign=signer.sign,
        at=moment,
    )
    made = package.read(data)

    def same(path: Path) -> None:
        if package.read(path.read_bytes()) != made:
            raise StoreError("write.failed", f"{target.name} did not read back as it was written")
        exchange.exported(store, made, at=moment)  # a number that went out is not given again

    write_file(target, data, verify=same, force=force)
    parts = {"target": target, "items": items, "sequence": made.sequence, "key": made.key_id}
    known.say(words.say("registry", "exported", **parts))
    if kept:
        Console(quiet=quiet).say(words.say("registry", "not-published", count=kept))
    return exits.OK


def _organisation(leaf: Any) -> str:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - as above

    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        found = leaf.subject.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)
    raise click.UsageError("the certificate names nobody; give --name")


@click.command("import")
@click.argument("source", metavar="[PACKAGE]", type=_IN, required=False)
@click.option("--accept", metavar="KEYID", help="Accept its issuer: the key id as they told you themselves.")
@click.option("--claim-review", "feed", type=_IN, metavar="FILE", help="Fact-checks instead: ClaimReview, MediaReview.")
@click.option("--images", type=_FOLDER, metavar="FOLDER", help="Their pictures, under the last part of their address.")
@click.option("--image", "named", multiple=True, metavar="ADDRESS=FILE", help="One picture of theirs; repeatable.")
@known.registry
@options.at
@known.form
@options.language
def take(
    source: Path | None,
    accept: str | None,
    feed: Path | None,
    images: Path | None,
    named: tuple[str, ...],
    address: str | None,
    at: datetime | None,
    form: str,
    lang: str,
) -> int:
    """Take in a package of signals from others, or fact-checks with pictures that you have.

    A package waits in quarantine and finds nothing until its issuer is accepted, and proposes only then; what is older
    than what is held is refused. Of fact-checks no address is fetched: pictures that are not there are listed, and the
    exit code is 1.
    """
    if (source is None) == (feed is None) or (feed is None and (images or named)) or (feed and accept):
        raise click.UsageError("name a package, or --claim-review with --images or --image")
    if feed is not None:
        from waarmerk.cli.registry_reviews import enter  # noqa: PLC0415 - one of the two

        return enter(feed, images, named, known.settings_of(address), options.now(at), form, wording(lang))
    return _take(Path(str(source)), accept, address, options.now(at), wording(lang))


def _take(source: Path, accept: str | None, address: str | None, moment: datetime, words: Wording) -> int:
    from waarmerk.provenance.registry import exchange, package  # noqa: PLC0415 - a database

    with source.open("rb") as stream:
        read = package.read(stream.read(package.MAX_BYTES + 1))
    if accept is not None and accept != read.key_id:
        raise click.UsageError(f"this package is signed with the key {read.key_id}, not with the one you accept")
    settings = known.settings_of(address)
    known.recovery(settings, moment)  # makes the registry where there is none
    taken = exchange.take(known.store_of(settings, writing=True), read, at=moment, accept=accept is not None)
    counts = {"added": taken.added, "changed": taken.changed, "same": taken.same, "withdrawn": taken.withdrawn}
    known.say(words.say("registry", "taken", name=read.name, key=read.key_id, **counts))
    known.say(words.say("registry", f"issuer-{taken.issuer.standing}", key=read.key_id))
    return exits.OK


@click.command()
@known.registry
@known.form
@options.language
def issuers(address: str | None, form: str, lang: str) -> int:
    """List who sent packages, and whether they count here. Names are what they call themselves; the key is proven."""
    from waarmerk.provenance.registry import exchange  # noqa: PLC0415 - a database

    words, held = wording(lang), exchange.issuers(known.store_of(known.settings_of(address)))
    if form == "json":
        known.say(json.dumps([_plain(issuer) for issuer in held], indent=2, ensure_ascii=True))
        return exits.OK
    for issuer in held:
        known.say(words.say("registry", "issuer", **{**_plain(issuer), "standing": _standing(issuer, words)}))
    if not held:
        known.say(words.say("registry", "issuer-none"))
    return exits.OK


@click.command()
@_key_id
@known.registry
@options.at
@options.language
def accept(key_id: str, address: str | None, at: datetime | None, lang: str) -> int:
    """Let what an issuer sent count as proposals. Compare the key id with what they told you in another way first."""
    return _judge(key_id, "accepted", address, at, lang)


@click.command()
@_key_id
@known.registry
@options.at
@options.language
def refuse(key_id: str, address: str | None, at: datetime | None, lang: str) -> int:
    """Erase what an issuer sent, and take nothing more that is signed with this key."""
    return _judge(key_id, "refused", address, at, lang)


def _judge(key_id: str, standing: str, address: str | None, at: datetime | None, lang: str) -> int:
    from waarmerk.provenance.registry import exchange  # noqa: PLC0415 - a database

    words, store = wording(lang), known.store_of(known.settings_of(address), writing=True)
    was = {each.key_id: each.standing for each in exchange.issuers(store)}
    left = exchange.judge(store, key_id, exchange.Standing(standing))
    if left is None:
        known.say(words.say("registry", "issuer-unknown", key=key_id))
        return exits.FAILED
    if left:
        store.remove(left, at=options.now(at))
    is_erased = standing == "accepted" and was.get(key_id) is exchange.Standing.REFUSED
    known.say(words.say("registry", "issuer-erased" if is_erased else f"issuer-{standing}", key=key_id))
    return exits.OK


def _standing(issuer: "Issuer", words: Wording) -> str:
    return words.say("registry", f"standing-{issuer.standing}")


def _plain(issuer: "Issuer") -> dict[str, Any]:
    return {
        "key_id": issuer.key_id,
        "name": issuer.name,
        "standing": issuer.standing.value,
        "sequence": issuer.sequence,
        "issued_at": issuer.issued_at,
        "received_at": issuer.received_at,
        "items": issuer.items,
    }
