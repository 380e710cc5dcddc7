# SPDX-License-Identifier: Apache-2.0
"""``waarmerk keys``: an authority of one's own to sign with, and why a certificate is refused."""

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from waarmerk.cli import exits, options
from waarmerk.cli.passphrase import asker, descriptor_option
from waarmerk.cli.said import said
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.report.wording import Wording, wording

if TYPE_CHECKING:
    from waarmerk.provenance.credentials.certificates import Issued, OwnAuthority
    from waarmerk.provenance.credentials.signing_keys import Secret


@click.group()
def keys() -> None:
    """Keys to sign with: make your own, or learn why a certificate is refused."""


@keys.command()
@click.option("--folder", type=click.Path(path_type=Path), help="Where the keys go; your own data folder if not given.")
@click.option("--organisation", help="Who signs, as readers will see it. Never a private person's name.")
@click.option("--algorithm", type=click.Choice(("es256", "ed25519")), default="es256", show_default=True)
@click.option("--no-passphrase", is_flag=True, help="Leave the keys unencrypted, readable by you alone.")
@descriptor_option
@click.option("--yes/--no-trust", "trusts", default=None, help="Take the root into your trust store, or not, unasked.")
@options.language
def init(
    folder: Path | None,
    organisation: str | None,
    algorithm: str,
    no_passphrase: bool,
    passphrase_fd: int | None,
    trusts: bool | None,
    lang: str,
) -> int:
    """Make a root, an intermediate and a signing key of your own.

    Such keys make nobody official: whoever takes your root into a trust store sees your organisation's name, everybody
    else an unknown signer.
    """
    make(
        folder=folder,
        organisation=organisation,
        algorithm=algorithm,
        no_passphrase=no_passphrase,
        passphrase_fd=passphrase_fd,
        trusts=trusts,
        lang=lang,
    )
    return exits.OK


def make(
    *,
    folder: Path | None,
    organisation: str | None,
    algorithm: str,
    no_passphrase: bool,
    passphrase_fd: int | None,
    trusts: bool | None,
    lang: str,
    brief: bool = False,
) -> None:
    """Make the keys and say so; ``brief`` leaves the rest to the page that is written beside them."""
    from waarmerk.provenance.credentials.certificates import OwnAuthority  # noqa: PLC0415 - costs start-up
    from waarmerk.provenance.credentials.signing_folder import write_folder  # noqa: PLC0415
    from waarmerk.provenance.credentials.signing_keys import Algorithm  # noqa: PLC0415

    words = wording(lang)
    target = folder or options.trust_folder().parent / "keys"
    if organisation is None:
        organisation = _asked(words.say("keys", "organisation"), "--organisation")
    at = options.now(None)
    authority = OwnAuthority.create(organisation, at=at, algorithm=Algorithm(algorithm))
    leaf = authority.issue(at=at, algorithm=Algorithm(algorithm))
    passphrase = None if no_passphrase else _passphrase(words, passphrase_fd)
    write_folder(target, authority, leaf, about=_about(authority, at), passphrase=passphrase)
    if brief:
        _say(words.say("keys", "made-brief", organisation=authority.organisation, folder=target))
    else:
        _tell(words, authority, leaf, target)
    if passphrase is None:
        _say(words.say("keys", "unencrypted"))
    _offer_trust(words, authority, at, trusts, brief=brief)


@keys.command()
@click.argument("certificates", metavar="CERT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.at
@options.language
def lint(certificates: tuple[Path, ...], at: datetime | None, lang: str) -> int:
    """Say why certificates would be refused as signers: each CERT a PEM file, own certificate first.

    Exit code 1 if any is refused.
    """
    from waarmerk.provenance.credentials.certificate_lint import lint as reasons  # noqa: PLC0415 - costs start-up
    from waarmerk.provenance.credentials.signing_keys import load_chain  # noqa: PLC0415

    words, moment, codes = wording(lang), options.now(at), []
    for path in certificates:
        try:
            chain = load_chain(path)
        except ConfigurationError as fault:
            _say(words.say("keys", "unreadable", file=path, reason=said(fault.message, lang)))
            codes.append(exits.UNREADABLE)
            continue
        found = reasons(chain, moment)
        if not found:
            _say(words.say("keys", "accepted", file=path, until=f"{chain[0].not_valid_after_utc:%Y-%m-%d}"))
            continue
        _say(words.say("keys", "refused", file=path))
        for each in found:
            _say(f"  - {words.say('certificate', each.code, about=each.about)} [{each.code}]")
        codes.append(exits.FAILED)
    return exits.worst(codes)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _asked(question: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"nobody to ask: give {option}")
    return str(click.prompt(question, err=True))


def _passphrase(words: Wording, descriptor: int | None) -> "Secret | None":
    """What encrypts the keys, None for nothing. Raises UsageError where nobody can be asked."""
    if descriptor is None and not sys.stdin.isatty():
        raise click.UsageError("nobody to ask for a passphrase: give --passphrase-fd N or --no-passphrase")
    ask = asker(descriptor, words.say("keys", "passphrase"), again=words.say("keys", "passphrase-again"))
    secret = ask()
    return secret if secret.reveal() else None


def _about(authority: "OwnAuthority", at: datetime) -> str:
    """The page beside the root, in every language."""
    from waarmerk.provenance.credentials.signing_keys import fingerprint  # noqa: PLC0415

    root = authority.root.certificate
    parts = {
        "organisation": authority.organisation,
        "made": f"{at:%Y-%m-%d}",
        "until": f"{root.not_valid_after_utc:%Y-%m-%d}",
        "fingerprint": fingerprint(root),
    }
    return "\n".join(wording(language).say("keys", "about", **parts).lstrip("\n") for language in ("en", "nl"))


def _tell(words: Wording, authority: "OwnAuthority", leaf: "Issued", folder: Path) -> None:
    from waarmerk.provenance.credentials.signing_keys import fingerprint  # noqa: PLC0415

    who = authority.organisation
    _say(words.say("keys", "made", organisation=who, folder=folder))
    _say(words.say("keys", "fingerprint", fingerprint=fingerprint(authority.root.certificate)))
    _say(words.say("keys", "until", until=f"{leaf.certificate.not_valid_after_utc:%Y-%m-%d}"))
    _say(words.say("keys", "not-official", organisation=who))
    _say(words.say("keys", "publish"))


def _offer_trust(words: Wording, authority: "OwnAuthority", at: datetime, trusts: bool | None, *, brief: bool) -> None:
    """Take the root into the user's trust store, after asking where nobody decided beforehand."""
    from waarmerk.provenance.credentials.signing_folder import trust_files  # noqa: PLC0415
    from waarmerk.provenance.trust import import_lists  # noqa: PLC0415

    if trusts is None:
        trusts = sys.stdin.isatty() and click.confirm(words.say("keys", "trust-question"), err=True)
    if not trusts:
        _say(words.say("keys", "not-trusted"))
        return
    store = options.trust_folder()
    with tempfile.TemporaryDirectory(prefix="waarmerk-root-") as folder:
        for name, data in trust_files(authority, at).items():
            (Path(folder) / name).write_bytes(data)
        for one in import_lists(Path(folder), store):
            if not brief:
                _say(words.say("keys", "trusted", file=store / one.file))
