# SPDX-License-Identifier: Apache-2.0
"""``waarmerk export``: what others read of a file, as JSON. Nothing in it comes from the file's name or its texts."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import context, exits, options
from waarmerk.cli.inputs import gather, is_folder
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.report.exports import statement_of_reasons as dsa
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_GROUNDS = {"incompatible": dsa.INCOMPATIBLE, "illegal": dsa.ILLEGAL}
_AUTOMATION = {"fully": dsa.AUTOMATION[0], "partially": dsa.AUTOMATION[1], "not": dsa.AUTOMATION[2]}

_source = click.argument("source", metavar="INPUT")
_content_url = click.option("--content-url", metavar="URL", help="Where the publisher shows it; never fetched.")
_reviewed = click.option(
    "--reviewed", is_flag=True, help="A person has looked: state an AI finding that is a mere claim."
)


def _basis(command: Callable[..., int]) -> Callable[..., int]:
    """The options that say what the examination rests on, gathered into ``settings``, ``at`` and ``lang``."""
    offered = (
        options.trust,
        options.at,
        click.option("--context", "facts", multiple=True, metavar="FILE|k=v", help="Facts a file cannot tell."),
        click.option("--for", "platforms", metavar="PLATFORM,...", help="The platforms it goes to."),
        click.option("--key", "keys", multiple=True, type=_FILE, help="Search for the marks of this key file."),
        click.option("--ledger", type=_FILE, help="The ledger of what was issued under the keys."),
        click.option("--rules", "packs", multiple=True, type=_FOLDER, help="A rule pack of your own, a folder."),
        options.language,
    )

    def gathered(
        *,
        trust: Path | None,
        facts: tuple[str, ...],
        platforms: str | None,
        keys: tuple[Path, ...],
        ledger: Path | None,
        packs: tuple[Path, ...],
        **rest: Any,
    ) -> int:
        settings = context.settings_of(
            trust=trust, facts=facts, platforms=platforms, packs=packs, keys=keys, ledger=ledger
        )
        return command(settings=settings, **rest)

    gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
    gathered.__click_params__ = list(getattr(command, "__click_params__", ()))  # type: ignore[attr-defined]
    for option in reversed(offered):
        gathered = option(gathered)
    return gathered


@click.group()
def export() -> None:
    """Print what others read of a file, as JSON: for a page, a fact-checker, the DSA database, a labeler.

    An AI finding that is a mere claim of the file is left out, or goes to a review queue, unless --reviewed.
    """


@export.command("schema-org")
@_source
@_content_url
@click.option("--credit", help="The credit line, in the publisher's words.")
@_reviewed
@_basis
def schema_org(source: str, content_url: str | None, credit: str | None, **basis: Any) -> int:
    """Print JSON-LD for the page that shows INPUT (schema.org digitalSourceType)."""
    return _print(source, "schema-org", {"content_url": content_url, "credit": credit}, **basis)


@export.command("media-review")
@_source
@_content_url
@_reviewed
@_basis
def media_review(source: str, content_url: str | None, **basis: Any) -> int:
    """Print the draft of a MediaReview; the category stays empty, it is a fact-checker's."""
    return _print(source, "media-review", {"content_url": content_url}, **basis)


@export.command("claim-review")
@_source
@click.option("--claim", required=True, metavar="TEXT", help="The sentence to be checked, in your words.")
@_content_url
@_reviewed
@_basis
def claim_review(source: str, claim: str, content_url: str | None, **basis: Any) -> int:
    """Print the draft of a ClaimReview; the rating stays empty, it is a fact-checker's."""
    return _print(source, "claim-review", {"claim": claim, "content_url": content_url}, **basis)


@export.command("atproto")
@_source
@click.option("--labeler", required=True, metavar="DID", help="The labeler that will sign the label.")
@click.option("--uri", required=True, help="The record or account that is labelled: at://... or a DID.")
@click.option("--cid", help="The version of that record.")
@_reviewed
@_basis
def atproto(source: str, labeler: str, uri: str, cid: str | None, **basis: Any) -> int:
    """Print the AT-proto label for INPUT, unsigned; 'rules withdraw --atproto' takes it back."""
    return _print(source, "atproto", {"labeler": labeler, "uri": uri, "cid": cid}, **basis)


@export.command("statement-of-reasons")
@_source
@click.option("--action", required=True, type=click.Choice(dsa.ACTIONS), help="What the platform did with the item.")
@click.option("--ground", required=True, type=click.Choice(tuple(_GROUNDS)), help="Against the terms, or the law.")
@click.option(
    "--provision", "rule", required=True, metavar="TEXT", help="The term of service, or the provision of law."
)
@click.option("--explanation", required=True, metavar="TEXT", help="Why it applies. The statement is public.")
@click.option("--category", required=True, help=f"STATEMENT_CATEGORY_..., for instance {dsa.ELECTIONS}.")
@click.option("--keyword", "specification", multiple=True, help="KEYWORD_...; repeatable.")
@click.option("--content-date", required=True, metavar="DAY", help="When it was placed, YYYY-MM-DD.")
@click.option("--application-date", metavar="DAY", help="From when the decision applies; the day of --at if not given.")
@click.option("--territory", "territories", multiple=True, required=True, help="Country code; repeatable.")
@click.option("--content-language", "language", required=True, help="The language of the item, e.g. NL.")
@click.option("--content-type", type=click.Choice(("image", "video", "audio", "text")), help="From INPUT if not given.")
@click.option("--source-type", type=click.Choice(dsa.SOURCE_TYPES), default="SOURCE_VOLUNTARY", show_default=True)
@click.option("--automated-detection", is_flag=True, help="It was found by automated means.")
@click.option(
    "--automated-decision", "automation", type=click.Choice(tuple(_AUTOMATION)), default="not", show_default=True
)
@click.option("--reference-url", "rule_url", metavar="URL", help="Where the term or provision stands.")
@click.option("--asked", is_flag=True, help="Print it although DSA-17-sor does not ask for one.")
@_basis
def statement_of_reasons(source: str, at: datetime | None, **given: Any) -> int:
    """Print a DSA statement of reasons for the public database. No names, accounts, addresses or links of persons.

    Only where the rule DSA-17-sor applies (--context jur=NL --context role=platform), or with --asked.
    """
    moment = options.now(at)
    basis = {"settings": given.pop("settings"), "lang": given.pop("lang"), "at": moment}
    fields = given | {
        "ground": _GROUNDS[given["ground"]],
        "automation": _AUTOMATION[given["automation"]],
        "language": given["language"].upper(),
        "territories": [code.upper() for code in given["territories"]],
        "specification": list(given["specification"]),
        "application_date": given["application_date"] or moment.date().isoformat(),
    }
    return _print(source, "statement-of-reasons", fields, facts=(f"platform_action={given['action']}",), **basis)


def _print(
    source: str,
    form: str,
    fields: Mapping[str, Any],
    *,
    settings: Settings,
    at: datetime | None,
    lang: str,
    reviewed: bool = False,
    facts: tuple[str, ...] = (),
) -> int:
    asked = {"form": form, "fields": dict(fields), "reviewed": reviewed}
    with Pool(settings.to_json()) as pool, ExitStack() as held:
        item = None if is_folder(source) else next(gather([source], recursive=False, held=held), None)
        if item is None:
            raise click.UsageError("export takes one file")
        answer = pool.perform("export", item.path, at=options.now(at), named=False, facts=facts, options=asked)
    if "answer" not in answer:
        code = str(answer["fault"])
        raise UnsupportedAsset(code, wording(lang).say("fault", code))
    made = answer["answer"]
    click.echo(json.dumps(made["export"], indent=2, sort_keys=True, ensure_ascii=True))
    if made["withheld"]:
        click.echo("waarmerk: " + wording(lang).say("export", "withheld"), err=True)
    return exits.OK
