# SPDX-License-Identifier: Apache-2.0
"""One run of ``waarmerk label``: one file or a folder, and what is said about each."""

import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import click

from waarmerk.cli import exits
from waarmerk.cli.console import Console, fitted
from waarmerk.cli.label_batch import Pair, pairs
from waarmerk.cli.label_keys import missing_keys, open_labeller, require_keys
from waarmerk.cli.label_order import Order
from waarmerk.cli.label_text import (
    Remaining,
    covering,
    reasons,
    refused,
    remaining,
    remaining_of_many,
    staying,
    told,
    told_refused,
)
from waarmerk.cli.said import said
from waarmerk.provenance.errors import (
    ConfigurationError,
    Error,
    LimitExceeded,
    SigningError,
    StoreError,
    UnsupportedAsset,
)
from waarmerk.provenance.marking.convert import written_type
from waarmerk.provenance.marking.labeller import Labelled, Labeller, Prepared, Refused
from waarmerk.provenance.marking.plan import Layer, Wishes
from waarmerk.provenance.media import extension_differs, open_asset, promises_media
from waarmerk.provenance.media.write import require_target, sweep
from waarmerk.provenance.model import Finding
from waarmerk.provenance.report.wording import Wording, wording

_ABOUT_THE_KEY = frozenset({"signing.signer-unlisted"})
_NO_MEDIA = ("media.unsupported", "media.empty", "media.not-a-file")


def run(order: Order) -> int:
    """Label one file or a folder; returns the exit code. Raises UsageError, and Error for one file."""
    wishes, words = order.wishes, wording(order.language)
    folders = order.source.is_dir()
    if folders and order.target.exists() and not order.target.is_dir():
        raise click.UsageError("INPUT is a folder, so OUTPUT is one too")
    found: tuple[Pair, ...] = ()
    if folders:
        converts = wishes.says.is_ai
        found = pairs(order.source, order.target, words, recursive=order.recursive, converts=converts)
    else:
        require_target(order.target, source=order.source, force=order.force)
    if not order.dry_run:
        require_keys(order, words)
    labeller = open_labeller(order, words)
    work = Work(order=order, wishes=wishes, labeller=labeller, words=words, console=Console(quiet=order.quiet))
    code = work.folder(found) if folders else work.one(order.source, order.target)
    if order.dry_run and missing_keys(order):
        work.console.warn(words.say("label", "keys-first"))
    return code


@dataclass(slots=True, kw_only=True)
class Work:
    """The files of one run."""

    order: Order
    wishes: Wishes
    labeller: Labeller
    words: Wording
    console: Console
    counts: Counter[str] = field(default_factory=Counter)
    notes: dict[Finding, None] = field(default_factory=dict)  # about the key, the same for every file of a folder
    left: dict[Path, Remaining] = field(default_factory=dict)  # what each file of a folder still owes
    stores: set[str] = field(default_factory=set)  # what remembers something of this run: ledger, registry

    @property
    def _has_key(self) -> bool:
        return "mark-key" not in missing_keys(self.order)

    def one(self, source: Path, target: Path) -> int:
        """Label one file and say everything about it. Raises Error, which ``main`` shows."""
        prepared = None
        try:
            prepared = self._prepared(source, target)
            done = self._done(prepared, target, ())
        except Refused as refusal:
            return self._refuse_one(source, prepared, refusal)
        except (SigningError, StoreError) as error:
            way = "would-be-refused" if self.order.dry_run else "refused"
            self.console.warn(self.words.say("label", way, path=source, why=self._worded(error)))
            return exits.FAILED
        except (UnsupportedAsset, LimitExceeded) as error:
            raise type(error)(error.code, f"{source}: {self._worded(error)}") from error
        self._note_stores(prepared, done)
        self._print(
            [*told(prepared, done, self.words, platforms=self.order.platforms, has_key=self._has_key), *self._stores()]
        )
        return (
            exits.FAILED if done is not None and (self._is_unregistered(done) or done.doubt is not None) else exits.OK
        )

    def folder(self, found: Collection[Pair]) -> int:
        """Label what is in the folder. What was done in an earlier run is kept: a file appears only when complete."""
        codes, targets = [exits.OK], [pair.target for pair in found]
        if not self.order.dry_run:
            self._sweep({target.parent for target in targets})
        for pair in found:
            if pair.target.exists() and not self.order.force:
                self.counts["kept"] += 1
                continue
            codes.append(self._next(pair, targets))
            self.console.progress(sum(self.counts.values()), len(found))
        self.console.clear()
        for note in self.notes:
            self.console.warn(self.words.say("signing", note.code, about=note.about))
        numbers = {name: self.counts[name] for name in ("done", "kept", "skipped", "failed")}
        kind = "would-summary" if self.order.dry_run else "summary"
        owed = remaining_of_many(self.left, self.words, self.order.platforms)
        left = [self.words.say("label", "kept-as-it-was")] if numbers["kept"] else []
        self._print([self.words.say("label", kind, **numbers), *left, *self._stores(), *owed])
        if not sum(self.counts.values()):
            codes.append(exits.UNREADABLE)
        return exits.worst(codes)

    def _sweep(self, folders: Collection[Path]) -> None:
        """End what a killed run left, where nothing else would be written: a file that is kept may want its sidecar."""
        for folder in folders:
            if folder.is_dir():
                sweep(folder)

    def _next(self, pair: Pair, targets: Collection[Path]) -> int:
        """Label one file of many; a fault in it never stops the others."""
        source = pair.source
        try:
            if not self.order.dry_run:
                _make_folder(pair.target.parent)
            prepared = self._prepared(source, pair.target)
            done = self._done(prepared, pair.target, targets)
        except Refused as refusal:
            self.counts["failed"] += 1
            return self._refuse(source, refusal)
        except Error as error:
            if error.code in _NO_MEDIA and not promises_media(source.name):
                self.counts["skipped"] += 1
                return exits.OK
            why = self.words.say("label", "not-readable") if error.code in _NO_MEDIA else self._worded(error)
            self.console.warn(f"{source}: {why} [{error.code}]")
            self.counts["failed"] += 1
            return exits.UNREADABLE if isinstance(error, UnsupportedAsset) else exits.FAILED
        self._tell(source, prepared, done)
        self._note_stores(prepared, done)
        self.left[source] = remaining(prepared, done, self.words, self.order.platforms)
        self.counts["done"] += 1
        left_out = done is not None and self._is_unregistered(done)
        if done is None or done.doubt is None:
            return exits.FAILED if left_out else exits.OK
        self.console.warn(self.words.say("label", "verdict-uncertain", path=pair.target))
        return exits.FAILED

    def _tell(self, source: Path, prepared: Prepared, done: Labelled | None) -> None:
        """What became of one file of many; what is about the key is the same for all of them and said at the end."""
        for line in (*reasons(prepared.plan.gaps, self.words), *covering(prepared, self.words)):
            self.console.warn(f"{source}: {line}")
        for loss in prepared.plan.losses:
            lost = self.words.say("label", "lost", loss=self.words.loss(loss.code, loss.about))
            self.console.warn(f"{source}: {lost}")
        for line in staying(prepared, self.words):
            self.console.warn(f"{source}: {line}")
        for note in prepared.plan.notes if done is None else done.signed.notes:
            if note.code in _ABOUT_THE_KEY:
                self.notes[note] = None
            else:
                self.console.warn(f"{source}: {self.words.say('signing', note.code, about=note.about)}")

    def _note_stores(self, prepared: Prepared, done: Labelled | None) -> None:
        if done is not None and Layer.LEDGER in prepared.plan.layers:
            self.stores.add("ledger")
        if done is not None and done.registered is not None:
            self.stores.add("registry")

    def _stores(self) -> list[str]:
        """Where the ledger and the registry are that took something in."""
        places = {"ledger": str(self.order.ledger), "registry": _without_password(self.order.registry or "")}
        return [self.words.say("label", f"{name}-is", path=places[name]) for name in sorted(self.stores)]

    def _prepared(self, source: Path, target: Path) -> Prepared:
        try:
            media_type = open_asset(source, limits=self.labeller.limits).media_type
        except OSError as fault:
            raise UnsupportedAsset("media.unreadable", fault.strerror or "not readable") from None
        if self.wishes.says.is_ai:
            media_type = written_type(media_type)
        if extension_differs(target.name, media_type):
            raise ConfigurationError(
                "label.other-format", self.words.say("label", "other-format", path=target, format=media_type)
            )
        return self.labeller.prepare(source, self.wishes)

    def _done(self, prepared: Prepared, target: Path, others: Collection[Path]) -> Labelled | None:
        """The file that was written; None in a dry run, which raises what writing would raise."""
        if not self.order.dry_run:
            return self.labeller.write(prepared, target, force=self.order.force, others=others)
        makes_folder = self.order.source.is_dir()
        self.labeller.rehearse(prepared, target, force=self.order.force, others=others, makes_folder=makes_folder)
        return None

    def _is_unregistered(self, done: Labelled) -> bool:
        """Whether the registry did not take the file, which is said."""
        if done.unregistered is not None:
            parts = {"path": done.target, "code": done.unregistered}
            self.console.warn(self.words.say("label", "not-registered", **parts))
        return done.unregistered is not None

    def _refuse_one(self, source: Path, prepared: Prepared | None, refusal: Refused) -> int:
        """In a dry run the rest of the plan is a result, told where results go."""
        if prepared is None or not self.order.dry_run:
            return self._refuse(source, refusal)
        self._print(told_refused(prepared, refusal, self.words, platforms=self.order.platforms, has_key=self._has_key))
        return exits.FAILED

    def _refuse(self, source: Path, refusal: Refused) -> int:
        for line in refused(source, refusal, self.words, is_plan=self.order.dry_run):
            self.console.warn(line)
        return exits.FAILED

    def _print(self, lines: list[str]) -> None:
        sys.stdout.write("\n".join(fitted(lines, sys.stdout)) + "\n")

    @property
    def _sections(self) -> tuple[str, ...]:
        """Where sentences for codes stand; in English what was raised often says more than that of its code."""
        return ("label", "signing") if self.words.language == "en" else ("label", "signing", "fault")

    def _worded(self, error: Error) -> str:
        found = (section for section in self._sections if self.words.has(section, error.code))
        section = next(found, None)
        return (
            said(error.message, self.words.language)
            if section is None
            else self.words.say(section, error.code, message=error.message)
        )


def _without_password(address: str) -> str:
    """A path as it is; of the address of a server neither the password nor the parameters."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    user, at, host = rest.partition("?")[0].rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{host}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("write.failed", f"the folder {folder} cannot be made: {error.strerror or error}") from error
