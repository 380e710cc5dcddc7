# SPDX-License-Identifier: Apache-2.0
"""The last step of a labelling: what was signed goes into the ledger, then into place."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from waarmerk.provenance.credentials.signing import Signed
from waarmerk.provenance.errors import SigningError, StoreError
from waarmerk.provenance.marking.drawing import Drawn
from waarmerk.provenance.marking.plan import Says
from waarmerk.provenance.media import Content
from waarmerk.provenance.media.write import Piece, Uncertain, require_target, write_together
from waarmerk.provenance.model import Asset
from waarmerk.provenance.registry import Issuance, Ledger
from waarmerk.provenance.registry.hashes import chroma, fingerprints, thumbnail
from waarmerk.provenance.trust.lists import rfc3339

_SIDECAR = ".c2pa"
_BESIDE = frozenset({_SIDECAR, ".xmp"})  # files that belong to another one of their name
KNOWN = "ledger.known"  # of ``Ledger.add``


def issuance_of(drawn: Drawn, signed: Signed, *, final: Asset, says: Says, at: datetime) -> Issuance | None:
    """What the ledger remembers of a file, ``final`` when it is signed; None for one without a mark."""
    mark, rgb = drawn.mark, drawn.still if drawn.rgb is None else drawn.rgb
    if mark is None or rgb is None:
        return None
    marks = fingerprints(rgb)
    return Issuance(
        key_id=mark.key_id,
        payload=mark.payload,
        scheme=mark.scheme,
        issued_at=rfc3339(at),
        says=says.value,
        sha256=bytes.fromhex(final.sha256),
        media_type=final.media_type,
        width=rgb.shape[1],
        height=rgb.shape[0],
        phash=marks.phash,
        pdq=marks.pdq,
        thumbnail=thumbnail(rgb),
        geometry=mark.geometry,
        manifest=signed.manifest,
        chroma=chroma(rgb),
        label=drawn.label,
        stills=drawn.stills,
    )


def sidecar_of(target: Path, source: Path, *, others: Iterable[Path] = ()) -> Path:
    """Where the credentials of ``target`` stand beside it: ``x.c2pa``; ``x.jpg.c2pa`` where another file is called x.

    Both names are read (``media/sidecars.py``), the second one first. ``others`` are files that will stand there, the
    input included: neither its credentials nor those of another file are taken for these, or written over.
    """
    whole, short = target.with_name(target.name + _SIDECAR), target.with_suffix(_SIDECAR)
    names = {each.name for each in others if each.parent == target.parent}
    with suppress(OSError):
        names.update(each.name for each in target.parent.iterdir() if not each.name.startswith("."))
    with suppress(OSError):
        if source.parent.samefile(target.parent):
            names.add(source.name)
    names -= {target.name, short.name}
    shared = any(Path(name).stem == target.stem and Path(name).suffix not in _BESIDE for name in names)
    return whole if shared or whole.name in names else short


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a file goes: ``beside`` is its sidecar where it has one; ``makes_folder`` allows for one yet to be made."""

    target: Path
    source: Path
    beside: Path | None
    force: bool
    makes_folder: bool = False

    def require(self) -> None:
        """Raise ConfigurationError where it may not be written. Nothing is touched."""
        makes_folder = self.makes_folder and not self.target.parent.exists()
        for path in (self.target, self.beside):
            if path is not None and not makes_folder:
                require_target(path, source=self.source, force=self.force)

    def put(
        self, signed: Signed, *, issuance: Issuance | None, ledger: Ledger | None, at: datetime
    ) -> Uncertain | None:
        """Remember the file, then move it into place with its sidecar, both or none: no mark goes out unrecorded.

        What is returned says that the files are there but perhaps not for good. Raises SigningError, StoreError, and
        ConfigurationError of ``write_together``; then all is as it was, the ledger too.
        """
        entry = _Entry(issuance=issuance, ledger=ledger, at=at)
        pieces = [Piece(target=self.target, data=signed.content, verify=_same(signed.content))]
        if self.beside is not None:
            pieces.insert(0, Piece(target=self.beside, data=signed.store, verify=_same(Content.of(signed.store))))
        try:
            write_together(pieces, source=self.source, force=self.force, before=entry.remember, undone=entry.forget)
        except Uncertain as doubt:
            return doubt
        return None


@dataclass(slots=True, kw_only=True)
class _Entry:
    """The line in the ledger that a file gets a moment before it appears."""

    issuance: Issuance | None
    ledger: Ledger | None
    at: datetime
    may_stand: bool = False

    def remember(self) -> None:
        if self.issuance is None or self.ledger is None:
            return
        self.ledger.create()
        self.may_stand = True  # before it does: a signal may end us inside
        try:
            self.ledger.add(self.issuance)
        except StoreError as fault:
            self.may_stand = fault.code != KNOWN  # that entry is of another file
            raise

    def forget(self) -> None:
        """It never went out."""
        if self.may_stand and self.issuance is not None and self.ledger is not None:
            with suppress(StoreError):  # an entry without a file harms nobody, and what failed first is what counts
                self.ledger.forget(payload=self.issuance.payload, at=rfc3339(self.at))


def _same(content: Content) -> Callable[[Path], None]:
    def verify(path: Path) -> None:
        if not content.stands_at(path):
            raise SigningError(
                "label.not-verified", "the file system does not give back what was written; nothing is written"
            )

    return verify
