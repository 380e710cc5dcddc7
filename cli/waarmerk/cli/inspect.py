# SPDX-License-Identifier: Apache-2.0
"""``waarmerk inspect``: the whole manifest store of one file (levels 3 and 4 of the C2PA UX guidance)."""

import json
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import exits, options
from waarmerk.cli.inputs import gather, is_folder
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.report.rubric import render as rubric_lines
from waarmerk.provenance.report.tree import render
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("--tree", "form", flag_value="tree", default="tree", help="Manifests, ingredients and actions. [default]")
@click.option("--crjson", "form", flag_value="crjson", help="The store as crJSON, for conformance tools.")
@click.option("--detailed", "form", flag_value="detailed", help="The store as the engine's detailed JSON.")
@click.option("--rubric", is_flag=True, help="The official asset rubric beside our verdict; with --crjson inside it.")
@options.trust
@options.at
@options.language
def inspect(source: str, form: str, rubric: bool, trust: Path | None, at: datetime | None, lang: str) -> int:
    """Show the whole manifest store of one file; - for standard input.

    With --crjson this is a validator harness: the asset, the folder --trust with its lists of signers and of
    time-stamp authorities and the time --at go in, the results of validation come out.
    """
    if rubric and form == "detailed":
        raise click.UsageError("--rubric goes with --crjson, or alone")
    settings = Settings(trust=trust, data_folder=options.trust_folder())
    if is_folder(source):
        raise click.UsageError("inspect takes one file, not a folder")
    with Pool(settings.to_json()) as pool, ExitStack() as held:
        item = next(gather([source], recursive=False, held=held))
        answer = pool.perform("rubric" if rubric else form, item.path, at=options.now(at), named=item.named)
    store = _store(answer)
    if rubric and form == "crjson":
        store = {**store["crjson"], "waarmerk:rubric": store["rubric"], "waarmerk:report": store["report"]}
    elif rubric:
        sys.stdout.writelines(line + "\n" for line in rubric_lines(store, language=lang))
        return exits.OK
    if form == "tree":
        sys.stdout.write(render(store, language=lang) + "\n")
    else:
        sys.stdout.write(json.dumps(store, ensure_ascii=True, indent=2) + "\n")
    return exits.OK


def _store(answer: dict[str, Any]) -> Any:
    """What the worker read. Raises UnsupportedAsset with the reason where it read nothing."""
    if "answer" in answer:
        return answer["answer"]
    code = str(answer["fault"])
    raise UnsupportedAsset(code, wording("en").say("fault", code))
