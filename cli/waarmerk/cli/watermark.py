# SPDX-License-Identifier: Apache-2.0
"""``waarmerk watermark``: make keys, mark one picture or clip, search many for marks.

Searching decodes files of strangers and runs in worker processes. Embedding decodes the user's own picture, under the
same limits, in this process (docs/adr/0008).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from waarmerk.cli import exits, options
from waarmerk.cli.console import Console
from waarmerk.cli.inputs import Input, all_names, gather, passes_over
from waarmerk.cli.outputs import Human, Look, Printer, printer
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.report.wording import Wording, wording
from waarmerk.provenance.settings import Settings

if TYPE_CHECKING:
    from waarmerk.watermark import Payload

FORMAT = "waarmerk.marks/1"
_KEY_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PICTURE = click.Path(path_type=Path, dir_okay=False, exists=True)
_NOT_PIXELS = "watermark.not-pixels"  # a PDF or a sound in a folder is none of this search


@click.group()
def watermark() -> None:
    """Invisible marks under a key of your own: make a key, mark pictures and clips, search for marks."""


@watermark.command()
@click.argument("keyfile", type=click.Path(path_type=Path))
@click.option(
    "--purpose",
    type=click.Choice(("ai", "origin")),
    default="ai",
    show_default=True,
    help="What a mark under this key means: made with AI, or only that it comes from you.",
)
@click.option("--force", is_flag=True, help="Put a new key in KEYFILE; the old one is kept beside it.")
@options.language
def keygen(keyfile: Path, purpose: Literal["ai", "origin"], force: bool, lang: str) -> int:
    """Make a new key in KEYFILE, readable by you alone. The secret is never shown."""
    from waarmerk.cli.key_files import put_key  # noqa: PLC0415 - brings the numerics
    from waarmerk.watermark import Key  # noqa: PLC0415 - as above

    words, key = wording(lang), Key.generate(purpose=purpose)
    kept = put_key(key, keyfile, force=force, words=words)
    click.echo(words.say("watermark", "made-key", path=keyfile, key=key.key_id, means=key.purpose))
    if kept is not None:
        click.echo(words.say("watermark", "kept-key", path=kept))
    return exits.OK


class _Hex(click.ParamType["Payload"]):
    """Eight bytes as 16 hex digits."""

    name = "HEX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Payload":
        from waarmerk.watermark import Payload  # noqa: PLC0415 - as above

        try:
            return value if isinstance(value, Payload) else Payload(bytes.fromhex(value))
        except ValueError:
            self.fail(f"{value!r} is not 16 hex digits", param, ctx)


@watermark.command()
@click.argument("source", metavar="IN", type=_PICTURE)
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--key", "keyfile", required=True, type=_KEY_FILE, help="The key file.")
@click.option("--payload", type=_Hex(), help="What the mark says, 16 hex digits; random if not given.")
@click.option("--strength", type=click.FloatRange(0.05, 20), help="Times the default, which is bound by visibility.")
@click.option("--psnr", type=click.FloatRange(25, 65), metavar="DB", help="A fixed distance, for comparisons only.")
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@click.option("--best-effort", is_flag=True, help="Write OUT even if the mark cannot be read back from it.")
@click.option("--allow-breaking-credentials", is_flag=True, help="Mark a file whose Content Credentials then fail.")
@options.language
@options.quiet
def embed(
    source: Path,
    target: Path,
    keyfile: Path,
    payload: "Payload | None",
    strength: float | None,
    psnr: float | None,
    force: bool,
    best_effort: bool,
    allow_breaking_credentials: bool,
    lang: str,
    quiet: bool,
) -> int:
    """Mark the picture or clip IN and write it to OUT, in the same format, with everything around it that can be kept.

    JPEG, PNG, WebP, AVIF and TIFF; MP4, MOV, MKV and WebM, whose sound and subtitles are copied as they are. The mark
    is searched for in the finished file before OUT is touched. What is not kept is listed on standard error.

    Exit code 1: refused, nothing written (it cannot carry the mark, or carries Content Credentials);
    3: the picture cannot be read or is of a kind that is not written.
    """
    if strength is not None and psnr is not None:
        raise click.UsageError("give --strength or --psnr, not both")
    from waarmerk.cli.clip_embedding import ClipEmbedding  # noqa: PLC0415 - brings decoders and numerics
    from waarmerk.cli.embedding import Embedding  # noqa: PLC0415
    from waarmerk.provenance.media import Limits, sniff  # noqa: PLC0415
    from waarmerk.provenance.media.video import VIDEO_TYPES  # noqa: PLC0415
    from waarmerk.provenance.media.write import require_target  # noqa: PLC0415
    from waarmerk.provenance.sources.watermark import load_keys  # noqa: PLC0415
    from waarmerk.watermark import Payload  # noqa: PLC0415

    require_target(target, source=source, force=force)
    (key,) = load_keys((keyfile,))
    drawn = payload or Payload(os.urandom(8))
    parts: dict[str, Any] = {"source": source, "target": target, "key": key, "payload": drawn}
    parts |= {"words": wording(lang), "console": Console(quiet)}
    options_of_strength = {"strength": strength, "psnr": psnr, "best_effort": best_effort}
    with source.open("rb") as stream:
        media_type = sniff(stream.read(Limits().sniff_bytes))
    run: Embedding | ClipEmbedding
    if media_type in VIDEO_TYPES:
        run = ClipEmbedding(media_type=media_type, **parts)
    else:
        run = Embedding(**parts)
    return run.through(options_of_strength, force=force, allow_breaking=allow_breaking_credentials)


@watermark.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--key", "keys", multiple=True, required=True, type=_KEY_FILE, help="A key file; repeatable.")
@click.option("--recursive", "-r", is_flag=True, help="Walk folders wholly, not one level deep.")
@click.option("--files-from", metavar="FILE", help="Read names from FILE, one a line; - for standard input.")
@click.option("--null", "-0", "nul", is_flag=True, help="Names in --files-from end with NUL.")
@click.option("--format", "form", type=click.Choice(("human", "json", "jsonl")), default="human", show_default=True)
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Worker processes; one a processor if not given.")
@options.language
@options.quiet
def detect(
    inputs: tuple[str, ...],
    keys: tuple[Path, ...],
    recursive: bool,
    files_from: str | None,
    nul: bool,
    form: str,
    jobs: int | None,
    lang: str,
    quiet: bool,
) -> int:
    """Search pictures and clips for the marks of one or more keys.

    INPUT is a file, a folder, or - for standard input. A mark tells which key made it; what that means, and whether it
    was issued for this very picture, its owner knows. Found or not, the exit code is 0; 3 where a picture could not be
    searched.
    """
    names = all_names(inputs, files_from, nul=nul)
    words = wording(lang)
    out = _Lines(words) if form == "human" else printer(form, sys.stdout, Look(language=lang))
    size = jobs or len(os.sched_getaffinity(0))
    with Pool(Settings(keys=keys).to_json(), size=size) as pool, ExitStack() as held:
        pool.warm()
        run = _Search(pool=pool, out=out, words=words, console=Console(quiet))
        return run.through(gather(names, recursive=recursive, held=held))


class _Lines(Human):
    """A line for each key of each input."""

    def __init__(self, words: Wording) -> None:
        super().__init__(sys.stdout, words.language, colour=False, width=100)
        self._words = words

    def _write(self, document: dict[str, Any]) -> None:
        name = document["asset"]["name"] or "-"
        if document["error"] is not None:
            reason = self._words.say("fault", document["error"]["code"]).rstrip(".")
            self._stream.write(self._words.say("watermark", "unread", name=name, reason=reason) + "\n")
            return
        for mark in document["watermarks"]:
            key = "absent" if not mark["detected"] else "found" if mark["payload"] else "found-silent"
            parts = {"key": mark["key_id"], "means": mark["means"], "payload": mark["payload"]}
            if mark["detected"]:
                parts["p"] = self._words.chance(mark["p_value"])
            if key == "found" and mark["seconds"]:
                key, parts["seconds"] = "found-clip", ", ".join(f"{second:.1f}" for second in mark["seconds"][:5])
            self._stream.write(self._words.say("watermark", key, name=name, **parts) + "\n")


def _searched(document: dict[str, Any]) -> dict[str, Any]:
    """From the worker's report what a search for marks may say; pixels that were not searched are an error here."""
    error = document["error"]
    unread = next((c for c in document["channels"] if c["code"] and c["channel"].startswith("watermark:")), None)
    if error is None and unread is not None:
        known = wording("en")
        codes = [concern["code"] for concern in document["verdict"]["concerns"]]
        reason = next((code for code in codes if known.has("fault", code)), unread["code"])
        error = {"code": reason, "message": unread["why"]}
    return {
        "format": FORMAT,
        "tool": document["tool"],
        "asset": document["asset"],
        "status": "searched" if error is None else "unreadable",
        "error": error,
        "watermarks": document["watermarks"] if error is None else [],
    }


@dataclass(slots=True, kw_only=True)
class _Search:
    """One search through many inputs: what was seen so far, and where it goes."""

    pool: Pool
    out: Printer
    words: Wording
    console: Console
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("found", "absent", "unread", "skipped"), 0))
    codes: set[int] = field(default_factory=set)

    def through(self, inputs: Iterator[Input]) -> int:
        """Search all inputs, print every result, and return the exit code."""
        taken: list[Input] = []
        at = options.now(None)
        self.out.begin()
        for position, answer in self.pool.each("marks", _remembered(inputs, taken), at=at):
            item = taken[position]
            self._take(position, item, _searched(document_of(answer, at=at, name=item.shown_name)))
            self.console.progress(sum(self.counts.values()), None)
        self.out.end()
        self.console.clear()
        if sum(self.counts.values()) > 1:
            self.console.say(self.words.say("watermark", "counts", **self.counts))
        return exits.worst(self.codes)

    def _take(self, position: int, item: Input, document: dict[str, Any]) -> None:
        error = document["error"]
        if error is not None and (
            passes_over(item, error["code"]) or (error["code"] == _NOT_PIXELS and not item.chosen)
        ):
            self.counts["skipped"] += 1
            self.out.skip(position)
            return
        found = any(mark["detected"] for mark in document["watermarks"])
        self.counts["unread" if error is not None else "found" if found else "absent"] += 1
        if error is not None:
            self.codes.add(exits.FAULT if error["code"] == "internal.fault" else exits.UNREADABLE)
        self.console.clear()
        self.out.report(position, document)


def _remembered(inputs: Iterator[Input], taken: list[Input]) -> Iterator[tuple[Path, bool]]:
    for item in inputs:
        taken.append(item)
        yield item.path, item.named
