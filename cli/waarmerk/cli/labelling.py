# SPDX-License-Identifier: Apache-2.0
"""One run of ``waarmerk label``: keys on first use, one file or a folder, and what is said about each."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import exits, options
from waarmerk.cli.console import Console
from waarmerk.cli.inputs import gather
from waarmerk.cli.label_text import told
from waarmerk.cli.passphrase import asker
from waarmerk.provenance.build import build_labeller
from waarmerk.provenance.credentials.signing_folder import SIGNER, load_folder
from waarmerk.provenance.errors import ConfigurationError, Error, UnsupportedAsset
from waarmerk.provenance.marking.convert import written_type
from waarmerk.provenance.marking.labeller import Labelled, Labeller, Prepared, Refused
from waarmerk.provenance.marking.plan import Says, Wishes
from waarmerk.provenance.marking.visible import Corner
from waarmerk.provenance.marking.watermark import Marker
from waarmerk.provenance.media import extension_differs, open_asset
from waarmerk.provenance.media.write import require_target
from waarmerk.provenance.report.wording import Wording, wording
from waarmerk.provenance.settings import Settings
from waarmerk.provenance.sources.watermark import load_keys
from waarmerk.watermark import Key

_NO_MEDIA = ("media.unsupported", "media.empty", "media.not-a-file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the command was told, with the profile filled in."""

    source: Path
    target: Path
    says: str
    tool: str | None
    tool_version: str | None
    title: str | None
    visible: str
    languages: tuple[str, ...]
    own_lines: tuple[str, ...]
    font: Path | None
    sidecar: bool
    allow_partial: bool
    dry_run: bool
    key_folder: Path
    watermark_key: Path
    ledger: Path | None
    platforms: tuple[str, ...]
    context: tuple[str | Mapping[str, Any], ...]
    recursive: bool
    force: bool
    yes: bool
    organisation: str | None
    timestamps: str | None
    passphrase_fd: int | None
    trust: Path | None
    at: datetime
    language: str
    quiet: bool

    @property
    def wishes(self) -> Wishes:
        """The same in the words of the library. Raises ConfigurationError."""
        corner = None if self.visible == "none" else Corner("top-right" if self.visible == "auto" else self.visible)
        return Wishes(
            says=Says(self.says),
            tool=self.tool,
            tool_version=self.tool_version,
            title=self.title,
            corner=corner,
            languages=self.languages,
            own_lines=self.own_lines,
            font=self.font,
            sidecar=self.sidecar,
            allow_partial=self.allow_partial,
            keeps_ledger=self.ledger is not None,
        )

    @property
    def settings(self) -> Settings:
        """What the verifier of the result rests on."""
        data = options.trust_folder()
        return Settings(trust=self.trust, data_folder=data, context=self.context, platforms=self.platforms)


def run(order: Order) -> int:
    """Label one file or a folder; returns the exit code. Raises UsageError, and Error for one file."""
    wishes, words = order.wishes, wording(order.language)
    folders = order.source.is_dir()
    if folders and order.target.exists() and not order.target.is_dir():
        raise click.UsageError("INPUT is a folder, so OUTPUT is one too")
    if not folders:
        require_target(order.target, source=order.source, force=order.force or order.dry_run)
    _require_keys(order, words)
    labeller = _labeller(order, words)
    work = Work(order=order, wishes=wishes, labeller=labeller, words=words, console=Console(quiet=order.quiet))
    return work.folder() if folders else work.one(order.source, order.target)


def _require_keys(order: Order, words: Wording) -> None:
    """On first use make keys, if the person agrees. Raises ConfigurationError with the commands where nobody does."""
    has_keys, has_mark = (order.key_folder / SIGNER).is_file(), order.watermark_key.exists()
    if order.dry_run or (has_keys and (has_mark or order.says == "none")):
        return
    if not order.yes and not (sys.stdin.isatty() and click.confirm(words.say("label", "make-keys"), err=True)):
        raise ConfigurationError(
            "label.no-keys", words.say("label", "no-keys", folder=order.key_folder, key=order.watermark_key)
        )
    if not has_keys:
        from waarmerk.cli.keys import init  # noqa: PLC0415 - once in a lifetime

        if init.callback is None:
            raise ConfigurationError("label.no-keys", "keys init is missing")
        if order.organisation is None and not sys.stdin.isatty():
            raise click.UsageError("nobody to ask: give --organisation")
        init.callback(
            folder=order.key_folder,
            organisation=order.organisation,
            algorithm="es256",
            no_passphrase=order.passphrase_fd is None and not sys.stdin.isatty(),
            passphrase_fd=order.passphrase_fd,
            trusts=True,
            lang=order.language,
        )
    if not has_mark:
        order.watermark_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Key.generate("ai").save(order.watermark_key)
        click.echo(words.say("label", "made-mark-key", path=order.watermark_key))


def _labeller(order: Order, words: Wording) -> Labeller:
    """With the keys that are there; a dry run without any uses a mark that is thrown away."""
    marker = signer = None
    if order.says != "none":
        key = load_keys((order.watermark_key,))[0] if order.watermark_key.exists() else Key.generate("ai")
        marker = Marker(key=key, draw=os.urandom)
    if not order.dry_run:
        signer = load_folder(order.key_folder, asker(order.passphrase_fd, words.say("keys", "passphrase-open")))
    return build_labeller(
        order.settings, at=order.at, signer=signer, marker=marker, ledger=order.ledger, timestamps=order.timestamps
    )


@dataclass(slots=True, kw_only=True)
class Work:
    """The files of one run."""

    order: Order
    wishes: Wishes
    labeller: Labeller
    words: Wording
    console: Console
    counts: Counter[str] = field(default_factory=Counter)

    def one(self, source: Path, target: Path) -> int:
        """Label one file and say everything about it. Raises Error, which ``main`` shows."""
        try:
            prepared, done = self._labelled(source, target)
        except Refused as refusal:
            self._refuse(source, refusal)
            return exits.FAILED
        lines = told(prepared, done, self.words, platforms=self.order.platforms)
        sys.stdout.write("\n".join(lines) + "\n")
        return exits.OK

    def folder(self) -> int:
        """Label what is in the folder. What was done in an earlier run is kept: a file appears only when complete."""
        codes = [exits.OK]
        for source, target in self._pairs():
            if target.exists() and not self.order.force:
                self.counts["kept"] += 1
                continue
            codes.append(self._next(source, target))
            self.console.progress(sum(self.counts.values()), None)
        self.console.clear()
        numbers = {name: self.counts[name] for name in ("done", "kept", "skipped", "failed")}
        sys.stdout.write(self.words.say("label", "summary", **numbers) + "\n")
        if not sum(self.counts.values()):
            codes.append(exits.UNREADABLE)
        return exits.worst(codes)

    def _pairs(self) -> Iterator[tuple[Path, Path]]:
        start, end = self.order.source, self.order.target
        for item in gather([str(start)], recursive=self.order.recursive, held=ExitStack()):
            if not item.path.is_relative_to(end):  # an output folder inside the input folder
                target = end / item.path.relative_to(start)
                heic = self.wishes.says.is_ai and target.suffix.lower() in (".heic", ".heif")
                yield item.path, target.with_suffix(".jpg") if heic else target

    def _next(self, source: Path, target: Path) -> int:
        """Label one file of many; a fault in it never stops the others."""
        try:
            if not self.order.dry_run:
                target.parent.mkdir(parents=True, exist_ok=True)
            prepared, _ = self._labelled(source, target)
        except Refused as refusal:
            self._refuse(source, refusal)
            self.counts["failed"] += 1
            return exits.FAILED
        except Error as error:
            if error.code in _NO_MEDIA:
                self.counts["skipped"] += 1
                return exits.OK
            self.console.warn(f"{source}: {error.message} [{error.code}]")
            self.counts["failed"] += 1
            return exits.UNREADABLE if isinstance(error, UnsupportedAsset) else exits.FAILED
        for gap in prepared.plan.gaps:
            self.console.warn(f"{source}: {self.words.say('label', gap.code)}")
        for loss in prepared.plan.losses:
            self.console.warn(f"{source}: {self.words.say('loss', loss.code, about=loss.about)}")
        self.counts["done"] += 1
        return exits.OK

    def _labelled(self, source: Path, target: Path) -> tuple[Prepared, Labelled | None]:
        media_type = open_asset(source, limits=self.labeller.limits).media_type
        if self.wishes.says.is_ai:
            media_type = written_type(media_type)
        if extension_differs(target.name, media_type):
            raise ConfigurationError(
                "label.other-format", self.words.say("label", "other-format", path=target, format=media_type)
            )
        prepared = self.labeller.prepare(source, self.wishes)
        if self.order.dry_run:
            return prepared, None
        return prepared, self.labeller.write(prepared, target, force=self.order.force)

    def _refuse(self, source: Path, refusal: Refused) -> None:
        self.console.warn(self.words.say("label", refusal.code, path=source))
        for gap in refusal.gaps:
            self.console.warn(f"  - {self.words.say('label', gap.code)}")
