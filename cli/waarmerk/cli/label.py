# SPDX-License-Identifier: Apache-2.0
"""``waarmerk label``: watermark, visible label, metadata, signed credentials and ledger in one call."""

from datetime import datetime
from pathlib import Path

import click

from waarmerk.cli import options
from waarmerk.cli.context import platforms_in, read_context
from waarmerk.cli.passphrase import descriptor_option
from waarmerk.cli.profile import Profile

_PATH = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_PLACES = ("auto", "none", "top-left", "top-right", "bottom-left", "bottom-right")


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


@click.command()
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path, exists=True))
@click.argument("target", metavar="OUTPUT", type=_PATH)
@click.option(
    "--ai",
    "says",
    required=True,
    type=click.Choice(("generated", "modified", "none")),
    help="What AI did, as you declare.",
)
@click.option("--tool", help="The AI system that did it, as its maker calls it.")
@click.option("--tool-version", help="Its version.")
@click.option("--title", help="A title that stays in the file. Nothing is taken from the file's name.")
@click.option("--alt", help="What it shows, for who cannot see it; the label is put before it.")
@click.option("--strip-personal", is_flag=True, help="Take places, names and serial numbers out of the metadata.")
@click.option(
    "--visible",
    type=click.Choice(_PLACES),
    help="Where the visible label stands; auto is where it covers the least detail.",
)
@click.option(
    "--stands",
    "timing",
    default="auto",
    show_default=True,
    type=click.Choice(("auto", "start", "repeated", "throughout")),
    help="In clips: when the visible label stands; auto is throughout up to a minute, then repeated.",
)
@click.option(
    "--label-lang",
    metavar="LANG,...",
    help="Languages of the visible label, one or two, e.g. nl,en; that of the messages if not given.",
)
@click.option(
    "--profile", "profile_file", type=_FILE, help="Settings of your organisation (TOML); your own if not given."
)
@click.option("--sidecar", is_flag=True, help="Write the credentials beside OUTPUT (.c2pa) instead of into it.")
@click.option("--allow-partial", is_flag=True, help="Go on where a layer cannot be written, and say which.")
@click.option("--despite-traces", is_flag=True, help="With --ai none: the metadata name a generator, and you know why.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be written and lost and what remains to be done; write nothing."
)
@click.option("--key-folder", type=_PATH, help="Folder of keys init; your own if not given.")
@click.option("--watermark-key", type=_PATH, help="Key file of the mark; your own if not given.")
@click.option("--ledger", type=_PATH, help="The ledger of what you issue; your own if not given.")
@click.option(
    "--no-ledger", is_flag=True, help="Remember nothing. Then nobody can tell later that the mark belongs here."
)
@click.option("--registry", metavar="URL", help="Where copies of it will be found again; your own if not given.")
@click.option("--no-registry", is_flag=True, help="Enter it nowhere; --no-ledger does that as well.")
@click.option("--for", "platforms", metavar="PLATFORM,...", help="Where it will be published, e.g. tiktok,meta,own.")
@click.option("--context", "facts", multiple=True, metavar="FILE|k=v", help="Facts a file cannot tell, e.g. jur=EU.")
@click.option("--recursive", "-r", is_flag=True, help="INPUT and OUTPUT are folders; what is there already is kept.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there; never the input.")
@click.option("--yes", is_flag=True, help="On first use, make keys without asking; needs --organisation.")
@click.option("--organisation", help="On first use: who signs, as readers see it. Never a private person's name.")
@click.option("--timestamp", metavar="URL", help="Ask this RFC 3161 authority for a time-stamp (uses the network).")
@descriptor_option
@options.trust
@options.at
@click.option("--lang", type=click.Choice(("en", "nl")), help="Language of the messages.")
@options.quiet
def label(
    source: Path,
    target: Path,
    says: str,
    tool: str | None,
    tool_version: str | None,
    title: str | None,
    alt: str | None,
    strip_personal: bool,
    visible: str | None,
    timing: str,
    label_lang: str | None,
    profile_file: Path | None,
    sidecar: bool,
    allow_partial: bool,
    despite_traces: bool,
    dry_run: bool,
    key_folder: Path | None,
    watermark_key: Path | None,
    ledger: Path | None,
    no_ledger: bool,
    registry: str | None,
    no_registry: bool,
    platforms: str | None,
    facts: tuple[str, ...],
    recursive: bool,
    force: bool,
    yes: bool,
    organisation: str | None,
    timestamp: str | None,
    passphrase_fd: int | None,
    trust: Path | None,
    at: datetime | None,
    lang: str | None,
    quiet: bool,
) -> int:
    """Label INPUT and write it to OUTPUT, in the same format, with every layer that the Code of Practice asks for.

    An invisible mark, a visible label, a declaration in the metadata, signed Content Credentials. Earlier credentials
    are kept; what else a rewrite drops is listed. OUTPUT appears only once it was read back and holds.

    Exit code 1: refused, nothing written; 3: a file that cannot be read.
    """
    from waarmerk.cli.label_order import Order  # noqa: PLC0415 - brings decoders and numerics
    from waarmerk.cli.labelling import run  # noqa: PLC0415

    own = options.trust_folder().parent
    profile = _profile(profile_file, own)
    order = Order(
        source=source,
        target=target,
        says=says,
        tool=tool or profile.tool,
        tool_version=tool_version or (None if tool else profile.tool_version),
        title=title,
        alt=alt,
        strips_personal=strip_personal or profile.strip_personal,
        visible=visible or profile.visible or "auto",
        timing=timing,
        languages=_listed(label_lang) or profile.label_languages or (lang or profile.language or "en",),
        own_lines=() if label_lang else profile.label_words,
        font=profile.label_font,
        sidecar=sidecar,
        allow_partial=allow_partial,
        despite_traces=despite_traces,
        dry_run=dry_run,
        key_folder=key_folder or profile.key_folder or own / "keys",
        watermark_key=watermark_key or profile.watermark_key or own / "watermark.key",
        ledger=None if no_ledger else ledger or profile.ledger or options.own_ledger(),
        registry=None if no_registry or no_ledger else registry or str(options.own_registry()),
        platforms=platforms_in(platforms) or profile.platforms,
        context=read_context((*profile.context, *facts)),
        recursive=recursive,
        force=force,
        yes=yes,
        organisation=organisation or profile.organisation,
        timestamps=timestamp,
        passphrase_fd=passphrase_fd,
        trust=trust or profile.trust,
        at=options.now(at),
        language=lang or profile.language or "en",
        quiet=quiet,
    )
    if order.visible not in _PLACES or order.language not in ("en", "nl"):
        raise click.UsageError(f"visible is one of {', '.join(_PLACES)}; language is en or nl")
    return run(order)


def _profile(named: Path | None, own: Path) -> Profile:
    """The profile that is named, else the user's own where there is one."""
    path = named or own / "profile.toml"
    return Profile.read(path) if named is not None or path.is_file() else Profile()
