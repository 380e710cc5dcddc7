# SPDX-License-Identifier: Apache-2.0
"""Find the original of a stripped file, and its manifest store.

What comes back is the manifest of the ORIGINAL. It was intact when it was entered, it proves nothing of the file that
was examined, and no program that compares it with that file will find the two equal.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from waarmerk.provenance.credentials.container import find_stores
from waarmerk.provenance.credentials.jumbf import JumbfError, active_label
from waarmerk.provenance.errors import ConfigurationError, Error, LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import File
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import Asset, Credential, CredentialState, Integrity, Origin
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.registry.claim_review import Review, is_address
from waarmerk.provenance.registry.clip_finder import ClipFinder, Traces, clip_frames, clip_stretches, traces_of
from waarmerk.provenance.registry.features import Features
from waarmerk.provenance.registry.finder import Bytes, Finder, Found, origins, reference_file, ties, upright
from waarmerk.provenance.registry.model import Basis, Binding, BindingKind, Entry, Role, State
from waarmerk.provenance.registry.package import is_label
from waarmerk.provenance.registry.store import Store

_SEALED_EVERY = 1024  # entries: adding one then costs the same whether the registry holds ten or a million
Marks = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is said of a file that is entered: see ``registry.model.Entry``.

    Raises ConfigurationError for a fact-check that is no address (``registry.address``), a label that says nothing, and
    one that no package can carry where it is published (``registry.label``).
    """

    origin: Origin | None = None
    labels: tuple[str, ...] = ()
    fact_checks: tuple[str, ...] = ()
    source: str = "own"
    keep_until: datetime | None = None
    role: Role = Role.ITEM
    basis: Basis = Basis.ENTERED
    published: bool = False

    def __post_init__(self) -> None:
        for each in self.fact_checks:
            if not is_address(each):  # it is shown as an address, and leaves in packages as one
                raise ConfigurationError("registry.address", f"{each!r} is no address of a fact-check: http or https")
        if not all(each.strip() for each in self.labels):
            raise ConfigurationError("registry.label", "a label says something; this one is empty")
        unfit = next((each for each in self.labels if self.published and not is_label(each)), None)
        if unfit is not None:
            raise ConfigurationError(
                "registry.label",
                f"{unfit!r} cannot be published as a label: a-z, 0-9, dot, dash and underscore, at most 64",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The manifest store of an original: ``data`` are its bytes, ``label`` names its active manifest.

    ``entry.sha256`` is the digest of the original, the only file that the manifest is about.
    """

    entry: Entry
    data: bytes
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An entry that a file was found to equal or to show. ``is_whole``: nothing of note differs."""

    number: int
    is_exact: bool
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extractor:
    """Takes from a file what a registry keeps of it. ``read`` gives its credential, ``marks`` what is found in it."""

    open_asset: Callable[[File], Asset]
    read: Callable[[Asset], Credential]
    marks: Callable[[Asset], Marks]
    limits: Limits

    def features(self, file: File) -> Features:
        """What is kept of a file, its manifest store only if it holds for it.

        Raises UnsupportedAsset, LimitExceeded, OSError.
        """
        asset = self.open_asset(file)
        return self.of(asset, _intact_store(asset, self.read(asset), self.limits), self.marks(asset))

    def of(self, asset: Asset, manifest: bytes | None, marks: Marks) -> Features:
        """The same of an asset whose credentials and marks are known."""
        tied = [Binding(kind=BindingKind.WATERMARK, value=value, key_id=key) for key, value in marks]
        try:
            label = None if manifest is None else active_label(manifest)
        except JumbfError:
            manifest = label = None  # what we cannot read again is not given back either
        seen = self._traces(asset)
        return Features(
            sha256=bytes.fromhex(asset.sha256),
            media_type=asset.media_type,
            width=seen.width or asset.width,
            height=seen.height or asset.height,
            bindings=(*tied, *seen.ties),
            reference=seen.reference,
            manifest=manifest,
            manifest_label=label,
        )

    def _traces(self, asset: Asset) -> Traces:
        """What is kept to find and to compare: of a picture its own, of a clip those of its frames, or nothing."""
        if asset.media_type in VIDEO_TYPES:
            return traces_of(clip_frames(asset, self.limits))
        rgb = pixels(asset, self.limits)
        return Traces() if rgb is None else Traces(ties=tuple(ties(rgb)), reference=reference_file(rgb))


class Recovery:
    """One registry at work: enter files, look files up, give manifests back."""

    def __init__(self, store: Store, extractor: Extractor) -> None:
        self._store = store
        self._extractor = extractor
        self._limits = extractor.limits
        self._finder = Finder(store, extractor.limits)
        self.index_fault: str | None = None  # the code of what the index failed with after the last entry, if it did

    def add(self, path: Path, wishes: Wishes, *, at: datetime) -> Entry:
        """Enter the file at ``path``, which is parsed in this process. Raises as ``enter`` and ``features`` do."""
        return self.enter(self._extractor.features(path), wishes, at=at)

    def enter(self, features: Features, wishes: Wishes, *, at: datetime) -> Entry:
        """Enter a file: digest, hashes, a small picture, marks, and its manifest store if intact.

        What is due for removal is removed first. Raises StoreError (``registry.known``: it is there already).
        """
        over = self.due(at=at)
        if over:  # kept until then means not kept any longer
            self.remove(over, at=at, tidy=False)
        known = self._store.own_of_file(features.sha256)
        if known is not None:
            name = known.registry_id
            if known.state is State.WITHDRAWN:
                raise StoreError(
                    "registry.known",
                    f"this file is in the registry already, as {name}, withdrawn; registry reinstate undoes that",
                )
            raise StoreError(
                "registry.known",
                f"this file is in the registry already, as {name}; to say something else of it, remove that and add it"
                " again",
            )
        return self._enter(features, wishes, at=at)

    def issue(self, asset: Asset, manifest: bytes, marks: Marks, origin: Origin, *, at: datetime) -> Entry:
        """Enter what was labelled here a moment ago and read again: nothing of it is searched for once more.

        Raises StoreError.
        """
        label = "ai-generated" if origin is Origin.AI_GENERATED else "ai-modified"
        wishes = Wishes(origin=origin, labels=(label,) if origin.is_ai else (), basis=Basis.ISSUED)
        return self._enter(self._extractor.of(asset, manifest, marks), wishes, at=at)

    def _enter(self, features: Features, wishes: Wishes, *, at: datetime) -> Entry:
        manifest, reference = features.manifest, features.reference
        entry = Entry(
            sha256=features.sha256,
            media_type=features.media_type,
            added_at=rfc3339(at),
            width=features.width,
            height=features.height,
            origin=wishes.origin or Origin.UNKNOWN,
            labels=wishes.labels,
            fact_checks=wishes.fact_checks,
            source=wishes.source,
            keep_until=None if wishes.keep_until is None else rfc3339(wishes.keep_until),
            role=wishes.role,
            basis=wishes.basis,
            published=wishes.published,
            manifest=None if manifest is None else self._store.files.put(manifest),
            manifest_label=features.manifest_label,
            reference=None if reference is None else self._store.files.put(reference),
        )
        added = self._store.add(entry, features.bindings)
        self.index_fault = None
        if added.number % _SEALED_EVERY == 0:
            try:
                self._finder.index.settle()
                self._finder.index.seal()
            except Error as error:  # the entry is there: whoever was told otherwise would enter it again
                self.index_fault = error.code
            except OSError:
                self.index_fault = "registry.failed"
        return added

    def check(
        self, features: Features, seen: Iterable[Seen], review: Review, role: Role, *, at: datetime
    ) -> tuple[Entry | None, bool]:
        """Enter what a fact-check is about, or shows; its entry, and whether anything is new.

        ``seen`` is what is verified of the file. None for a picture that a fact-check shows as it was: it says nothing
        that the picture itself does not, and as the fact-check's own it would hide copies. So does a picture that was
        entered as a fact-check's own before it was known to be what one is about: it is an item from then on. What is
        known as an item stays as it is where a fact-check only shows it, for it need not be about that. Raises as
        ``enter`` does.
        """
        found = [(each, self._store.entry(each.number)) for each in seen]
        if role is Role.DEBUNK and any(each.is_whole and _is_item(entry, review) for each, entry in found):
            return None, False
        own = (entry for each, entry in found if each.is_exact and entry is not None and entry.issuer is None)
        held = next(own, None)
        if held is None:
            wishes = Wishes(
                labels=review.labels if role is Role.ITEM else (),
                fact_checks=(review.address,),
                source=review.publisher,
                role=role,
                basis=Basis.FACT_CHECK,
                published=True,
            )
            return self.enter(features, wishes, at=at), True
        if role is Role.DEBUNK and held.role is Role.ITEM:
            return held, False
        labels = review.labels if role is Role.ITEM else ()
        return held, self._store.check(held.number, role, labels=labels, fact_checks=(review.address,), at=at)

    def match(self, path: Path, *, by_marks: bool = True, by_pixels: bool = True) -> tuple[Found, ...]:
        """What the registry knows of the file at ``path``, verified entries first. Raises as ``features`` does."""
        asset = self._extractor.open_asset(path)
        marks = self._extractor.marks(asset) if by_marks else ()
        digest = bytes.fromhex(asset.sha256)
        if asset.media_type in VIDEO_TYPES and by_pixels:
            return ClipFinder(self._store, self._finder).find(digest, clip_stretches(asset, self._limits), marks)
        rgb = pixels(asset, self._limits)
        return self._finder.find(digest, rgb, marks, by_pixels=by_pixels)

    def recover(self, path: Path, *, by_marks: bool = True, by_pixels: bool = True) -> Recovered | None:
        """The stored manifest of the original of ``path``, None where none may be given back: see ``origins``.

        Raises as ``add``.
        """
        found = self.match(path, by_marks=by_marks, by_pixels=by_pixels)
        return self.manifest_of([each.entry.number for each in origins(found)])

    def manifest_of(self, numbers: Sequence[int]) -> Recovered | None:
        """The stored manifest of the first of these entries that has one, None without any.

        It held for its original when it was entered, and its bytes are the same now. Raises StoreError where they are
        not, or no longer read as a manifest store.
        """
        for entry in filter(None, map(self._store.entry, numbers)):
            if entry.manifest is not None:
                data = self._store.files.get(entry.manifest, max_bytes=self._limits.manifest_bytes)
                return Recovered(entry=entry, data=data, label=_active_label(data))
        return None

    def remove(self, numbers: Sequence[int], *, at: datetime, tidy: bool = True) -> int:
        """Erase entries with all that is held of them; how many there were.

        The database goes first. Killed between, the index is made good by the next removal, with or without entries.
        With ``tidy`` what killed writers left is looked for as well, in all bytes that are kept.
        """
        count = self._store.remove(numbers, at=at, tidy=tidy)
        self._finder.index.settle()
        return count

    def due(self, *, at: datetime) -> tuple[int, ...]:
        """The numbers of the entries whose time is over."""
        return self._store.due(at=at)


def pixels(asset: Asset, limits: Limits) -> Bytes | None:
    """The upright pixels of a picture, None for what has none that can be decoded."""
    if not asset.media_type.startswith("image/"):
        return None
    try:
        return upright(decode_rgb(asset, limits))
    except (UnsupportedAsset, LimitExceeded):
        return None


def _intact_store(asset: Asset, credential: Credential, limits: Limits) -> bytes | None:
    """The manifest store of a file whose credential holds for it; what is altered or malformed is not kept."""
    if credential.integrity is not Integrity.INTACT:
        return None
    if credential.state is CredentialState.SIDECAR:
        beside = asset.sidecar("c2pa")
        return None if beside is None else beside.data
    with asset.open() as stream:
        stores = find_stores(Window(stream, asset.bytes), asset.media_type, limits)
    return stores[0].data if len(stores) == 1 else None


def _is_item(entry: Entry | None, review: Review) -> bool:
    """Whether this is what the review is about."""
    return entry is not None and entry.role is Role.ITEM and review.address in entry.fact_checks


def upgraded(url: str) -> bool:
    """Bring the registry at ``url`` up to this version; whether there was anything to do. Raises StoreError.

    Manifests that were kept before their names were are named now: others ask for them by name.
    """
    store = Store(url, writing=True)
    if store.path is not None and not store.path.is_file():
        store.require()
    changed = store.upgrade()
    for entry in store.entries():
        if entry.manifest is not None and entry.manifest_label is None:
            with suppress(StoreError):  # what no longer reads as a manifest has no name; recover says so
                data = store.files.get(entry.manifest, max_bytes=Limits().manifest_bytes)
                store.label_manifest(entry.number, _active_label(data))
    return changed


def _active_label(data: bytes) -> str:
    try:
        return active_label(data)
    except JumbfError as error:
        raise StoreError("registry.damaged", "the stored manifest no longer reads as one") from error
