# SPDX-License-Identifier: Apache-2.0
"""Take trust lists from a folder into the user's store: whole or not at all, never backwards.

The published PEM files are not signed, so nothing here can tell a genuine list from a forged one: the digests are
returned to be shown to a person. What can be told is refused: a list that is older than the one held, and a change
of more than half of a list unless the caller confirms it.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from waarmerk.provenance.errors import StoreError, TrustListError
from waarmerk.provenance.trust.denylist import FILE as DENYLIST
from waarmerk.provenance.trust.denylist import Denylist
from waarmerk.provenance.trust.lists import TrustList, rfc3339
from waarmerk.provenance.trust.store import IDS, read_denylist, read_list

Held = TrustList | Denylist
_PREFIX = ".waarmerk-trust-"  # left-over temporary files are recognised by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one list: the state held before (None if none) and the state held now."""

    file: str
    before: Held | None
    after: Held

    @property
    def added(self) -> int:
        """How many entries the new state has that the old one had not."""
        return len(self._new - self._old)

    @property
    def removed(self) -> int:
        """How many entries of the old state are gone."""
        return len(self._old - self._new)

    @property
    def is_change(self) -> bool:
        """Whether the bytes differ from those held."""
        return self.before is None or self.before.sha256 != self.after.sha256

    @property
    def is_drastic(self) -> bool:
        """Whether as many go, or as many come, as more than half of those held. Whoever adds roots adds believers."""
        return self.before is not None and 2 * max(self.added, self.removed) > len(self._old)

    @property
    def _old(self) -> frozenset[object]:
        return frozenset(self.before.members) if self.before is not None else frozenset()

    @property
    def _new(self) -> frozenset[object]:
        return frozenset(self.after.members)


def plan_import(source_folder: Path, store_folder: Path) -> tuple[Imported, ...]:
    """Compare the lists of ``source_folder`` with those held, and refuse what must not be taken.

    Raises TrustListError for a folder without lists, a list that cannot be read whole, and one that is older than
    the list held or no longer says how old it is.
    """
    if not source_folder.is_dir():
        raise TrustListError("trust.no-folder", f"{source_folder}: no such folder of trust lists")
    names = [name for name in IDS if (source_folder / name).is_file()]
    names += sorted(path.name for path in source_folder.glob("user*.pem"))
    planned = [
        Imported(
            file=name,
            before=read_list(store_folder / name) if (store_folder / name).is_file() else None,
            after=read_list(source_folder / name),
        )
        for name in names
    ]
    denied = read_denylist(source_folder)
    if denied is not None:
        planned.append(Imported(file=DENYLIST, before=read_denylist(store_folder), after=denied))
    if not planned:
        known = ", ".join((*IDS, "user*.pem", DENYLIST))
        raise TrustListError("trust.no-lists", f"{source_folder}: none of {known} in it")
    for one in planned:
        _refuse_rollback(one)
    return tuple(planned)


def import_lists(
    source_folder: Path, store_folder: Path, *, accept_drastic: bool = False, dry_run: bool = False
) -> tuple[Imported, ...]:
    """Validate everything first, write everything beside its place, then replace; nothing is lost on any failure.

    ``dry_run`` only compares. Raises what ``plan_import`` raises, TrustListError for a drastic change that was not
    confirmed, and StoreError where the store cannot be written.
    """
    planned = plan_import(source_folder, store_folder)
    drastic = [one.file for one in planned if one.is_drastic]
    if drastic and not accept_drastic:
        raise TrustListError(
            "trust.drastic-change", f"{drastic[0]}: more than half of it would change; confirm to go on"
        )
    if not dry_run:
        try:
            store_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(source_folder, store_folder, planned)
        except OSError as fault:
            raise StoreError("trust.not-written", f"{store_folder}: {fault.strerror or 'not written'}") from fault
    return planned


def _refuse_rollback(one: Imported) -> None:
    held = one.before.dates.issued if one.before is not None else None
    if held is None or (one.before is not None and one.before.sha256 == one.after.sha256):
        return
    offered = one.after.dates.issued
    if offered is None:
        raise TrustListError(
            "trust.rollback", f"{one.file}: it states no date, and the list held was issued {rfc3339(held)}"
        )
    if offered < held:
        raise TrustListError(
            "trust.rollback", f"{one.file}: issued {rfc3339(offered)}, older than the list held ({rfc3339(held)})"
        )


def _files_of(source: Path, one: Imported) -> Iterator[tuple[str, bytes | None]]:
    """What is written for one list, and what goes (None): its dates first.

    A crash between the two leaves the old list with a newer date, which refuses a rollback. The other order could
    leave a new list under an old date, and the next import could then go backwards.
    """
    dates = one.file.removesuffix(".pem") + ".json"
    if one.file != DENYLIST:
        if (source / dates).is_file():
            yield dates, (source / dates).read_bytes()
        elif one.is_change:
            yield dates, None
    yield one.file, one.after.text.encode("utf-8")


def _replace(source: Path, store: Path, planned: Iterable[Imported]) -> None:
    """Write every file beside its place first, and only then put them there: a full disk changes nothing."""
    staged: list[tuple[Path | None, Path]] = []
    try:
        for one in planned:
            for name, data in _files_of(source, one):
                staged.append((None if data is None else _stage(store, data), store / name))
        for temporary, target in staged:
            if temporary is not None:
                temporary.replace(target)
            else:
                target.unlink(missing_ok=True)
        _sync(store)
    finally:
        for temporary, _ in staged:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)


def _stage(folder: Path, data: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
