# SPDX-License-Identifier: Apache-2.0
"""``waarmerk sign``: credentials alone, onto a file as it is. For mark, label and metadata as well: ``label``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from waarmerk.cli import exits, options
from waarmerk.cli.console import Console
from waarmerk.cli.passphrase import asker, descriptor_option
from waarmerk.cli.said import said
from waarmerk.provenance.errors import ConfigurationError, SigningError, UnsupportedAsset
from waarmerk.provenance.report.wording import Wording, wording
from waarmerk.provenance.settings import Settings

if TYPE_CHECKING:
    from waarmerk.provenance.credentials.signing import CredentialWriter, Signed
    from waarmerk.provenance.credentials.signing_keys import Signer
    from waarmerk.provenance.credentials.signing_statement import Statement, Tool
    from waarmerk.provenance.media.limits import Limits
    from waarmerk.provenance.model import Asset

_ASKED_FOR = frozenset({"signing.ai-denied", "signing.needs-sidecar", "signing.text"})  # the caller's, not the file's


@click.command()
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option("--key-folder", type=click.Path(path_type=Path), help="Folder of keys init; your own if not given.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Certificates, PEM, own first; with --key.")
@click.option("--key", help="Private key, PEM, readable by you alone; or a pkcs11: URI (RFC 7512).")
@descriptor_option
@click.option("--ai", type=click.Choice(("generated", "modified", "none")), help="What AI did, as you declare it.")
@click.option("--despite-traces", is_flag=True, help="With --ai none: the metadata name a generator, and you know why.")
@click.option(
    "--watermark-key", type=click.Path(path_type=Path), help="With --ai none: the key of your mark, if not your own."
)
@click.option(
    "--ledger", type=click.Path(path_type=Path), help="With --ai none: the ledger of what you issue, if not your own."
)
@click.option("--title", help="A title that stays in the file. Nothing is taken from the file's name.")
@click.option("--tool", help="The program that made or changed it.")
@click.option("--tool-version", help="The version of that program.")
@click.option("--sidecar", is_flag=True, help="Write the credentials to OUTPUT (.c2pa), beside a file left as it is.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there; never the input.")
@click.option("--timestamp", metavar="URL", help="Ask this RFC 3161 authority for a time-stamp (uses the network).")
@options.trust
@options.at
@options.language
@options.quiet
def sign(
    source: Path,
    target: Path,
    key_folder: Path | None,
    certificate: Path | None,
    key: str | None,
    passphrase_fd: int | None,
    ai: str | None,
    despite_traces: bool,
    watermark_key: Path | None,
    ledger: Path | None,
    title: str | None,
    tool: str | None,
    tool_version: str | None,
    sidecar: bool,
    force: bool,
    timestamp: str | None,
    trust: Path | None,
    at: datetime | None,
    lang: str,
    quiet: bool,
) -> int:
    """Sign INPUT and write it to OUTPUT. Credentials that are there already are kept and named as the earlier file.

    Without --ai the credentials say only who signed.
    """
    from waarmerk.provenance.build import load_trust  # noqa: PLC0415 - costs start-up
    from waarmerk.provenance.build import tool_version as own_version  # noqa: PLC0415
    from waarmerk.provenance.credentials.signing import CredentialWriter  # noqa: PLC0415
    from waarmerk.provenance.credentials.signing_statement import Tool  # noqa: PLC0415
    from waarmerk.provenance.media.write import Uncertain, require_target, write_file  # noqa: PLC0415

    if (certificate is None) != (key is None) or (key is not None and key_folder is not None):
        raise click.UsageError("give --key-folder, or --certificate and --key together")
    if tool is None and tool_version is not None:
        raise click.UsageError("--tool-version needs --tool")
    words, moment = wording(lang), options.now(at)
    settings = Settings(trust=trust, data_folder=options.trust_folder())
    require_target(target, source=source, force=force)
    content = _opened(source, settings.limits)
    with _signer(words, key_folder, certificate, key, passphrase_fd) as signer, _worded(words):
        writer = CredentialWriter(
            signer,
            trust=load_trust(settings, at=moment),
            at=moment,
            generator=Tool(name="waarmerk", version=own_version()),
            timestamps=timestamp,
            limits=settings.limits,
        )
        if ai == "none":
            marks = options.own_marks(watermark_key, ledger)
            _admit(writer, content, replace(settings, **marks), words, despite_traces=despite_traces)
        made_with = None if tool is None else Tool(name=tool, version=tool_version)
        statement, parent = _statement(writer, content, ai, title, made_with, moment)
        signed = writer.sign(content, statement, parent=parent, sidecar=sidecar)
    code = exits.OK
    try:
        write_file(target, signed.output, verify=signed.require_at, source=source, force=force)
    except Uncertain as doubt:  # it is there
        Console(quiet=quiet).warn(doubt.message)
        code = exits.FAILED
    _tell(words, signed, source, target, quiet=quiet)
    return code


def _opened(source: Path, limits: "Limits") -> "Asset":
    from waarmerk.provenance.media import open_asset  # noqa: PLC0415

    try:
        return open_asset(source, limits=limits)
    except OSError as fault:
        raise UnsupportedAsset("media.unreadable", f"{source}: {fault.strerror or 'not readable'}") from None


@contextmanager
def _signer(
    words: Wording, folder: Path | None, certificate: Path | None, key: str | None, descriptor: int | None
) -> Iterator["Signer"]:
    """The signer that the options name; a session with a token ends with the block."""
    from waarmerk.provenance.credentials.signing_folder import load_folder  # noqa: PLC0415
    from waarmerk.provenance.credentials.signing_keys import load_chain, load_signer  # noqa: PLC0415
    from waarmerk.provenance.credentials.signing_token import SCHEME, TokenAddress, TokenSigner  # noqa: PLC0415

    ask = asker(descriptor, words.say("keys", "passphrase-open"))
    if certificate is None or key is None:
        yield load_folder(folder or options.trust_folder().parent / "keys", ask)
    elif key.startswith(SCHEME):
        with TokenSigner(TokenAddress.parse(key), load_chain(certificate), ask) as token:
            yield token
    else:
        yield load_signer(certificate, Path(key), ask)


@contextmanager
def _worded(words: Wording) -> Iterator[None]:
    """Refusals in the language asked for; those that lie with what was asked are wrong usage."""
    try:
        yield
    except SigningError as fault:
        message = (
            words.say("signing", fault.code)
            if words.has("signing", fault.code)
            else said(fault.message, words.language)
        )
        kind = ConfigurationError if fault.code in _ASKED_FOR else SigningError
        raise kind(fault.code, message) from fault


def _admit(
    writer: "CredentialWriter", content: "Asset", settings: Settings, words: Wording, *, despite_traces: bool
) -> None:
    """Raise ConfigurationError where the file says otherwise: as strict as ``label --ai none``."""
    from waarmerk.provenance.build import build_admission  # noqa: PLC0415

    survey = writer.survey(content)
    code = build_admission(settings).against_none(content, survey, despite_traces=despite_traces)
    if code is not None and not survey.says_ai:  # that is refused by the writer itself, by its own name
        raise ConfigurationError(code, words.say("label", code))


def _statement(
    writer: "CredentialWriter", content: "Asset", ai: str | None, title: str | None, tool: "Tool | None", at: datetime
) -> "tuple[Statement, Asset | None]":
    """What is to be said, and what is opened: nothing for AI content that begins here."""
    from waarmerk.provenance.credentials.signing_statement import Statement, history  # noqa: PLC0415

    survey = writer.survey(content)
    steps = history(ai, at=at, has_parent=survey.has_credentials, parent_says_it=survey.establishes(ai), tool=tool)
    # Opened and signed as it is: nothing else was done. How AI content came to be, nobody here saw.
    statement = Statement(steps=steps, title=title, denies_ai=ai == "none", is_complete=len(steps) == 1)
    return statement, content if statement.opens else None


def _tell(words: Wording, signed: "Signed", source: Path, target: Path, *, quiet: bool) -> None:
    found = signed.credential
    said = {
        "path": target,
        "source": source,
        "signer": found.signer.name or "",
        "status": words.say("signer", found.signer.status.value),
    }
    lines = [words.say("signing", "done-sidecar" if signed.is_sidecar else "done", **said)]
    lines.append(
        words.say(
            "signing",
            {"generated": "says-generated", "modified": "says-modified"}.get(found.signal.value, "says-nothing"),
        )
    )
    if found.signer.time is not None:
        status = "stamp-trusted" if found.signer.time_status.value == "trusted" else "stamp-untrusted"
        lines.append(words.say("signing", "stamped", time=found.signer.time, status=words.say("signing", status)))
    sys.stdout.write("\n".join(lines) + "\n")
    console = Console(quiet=quiet)
    for note in signed.notes:
        about = words.say("integrity", note.about) if words.has("integrity", note.about) else note.about
        console.say(words.say("signing", note.code, about=about))
