# SPDX-License-Identifier: Apache-2.0
"""Take trust lists from a folder into the user's store: whole or not at all, never backwards.

The published PEM files are not signed, so nothing here can tell a genuine list from a forged one: the digests are
returned to be shown to a person. What can be told is refused: a list that is older than the one held, and a change
of more than half of the certificates unless the caller confirms it.
"""

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from waarmerk.provenance.errors import StoreError, TrustListError
from waarmerk.provenance.trust.lists import TrustList, rfc3339
from waarmerk.provenance.trust.store import IDS, read_list

_PREFIX = ".waarmerk-trust-"  # left-over temporary files are recognised by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one list: the state held before (None if none) and the state held now."""

    file: str
    before: TrustList | None
    after: TrustList

    @property
    def added(self) -> int:
        """How many certificates the new state has that the old one had not."""
        return len(self._new - self._old)

    @property
    def removed(self) -> int:
        """How many certificates of the old state are gone."""
        return len(self._old - self._new)

    @property
    def is_drastic(self) -> bool:
        """Whether more than half of the certificates held before are gone."""
        return 2 * self.removed > len(self._old)

    @property
    def _old(self) -> frozenset[object]:
        return frozenset(self.before.certificates) if self.before is not None else frozenset()

    @property
    def _new(self) -> frozenset[object]:
        return frozenset(self.after.certificates)


def plan_import(source_folder: Path, store_folder: Path) -> tuple[Imported, ...]:
    """Compare the lists of ``source_folder`` with those held, and refuse what must not be taken.

    Raises TrustListError for a folder without lists, a list that cannot be read whole, and one that is older than
    the list held or no longer says how old it is.
    """
    if not source_folder.is_dir():
        raise TrustListError("trust.no-folder", f"{source_folder}: no such folder of trust lists")
    names = [name for name in IDS if (source_folder / name).is_file()]
    names += sorted(path.name for path in source_folder.glob("user*.pem"))
    if not names:
        raise TrustListError("trust.no-lists", f"{source_folder}: none of {', '.join(IDS)}, user*.pem in it")
    planned = []
    for name in names:
        held = store_folder / name
        one = Imported(
            file=name, before=read_list(held) if held.is_file() else None, after=read_list(source_folder / name)
        )
        _refuse_rollback(one)
        planned.append(one)
    return tuple(planned)


def import_lists(
    source_folder: Path, store_folder: Path, *, accept_drastic: bool = False, dry_run: bool = False
) -> tuple[Imported, ...]:
    """Validate everything first, then replace file by file; nothing is lost on any failure.

    ``dry_run`` only compares. Raises what ``plan_import`` raises, TrustListError for a drastic change that was not
    confirmed, and StoreError where the store cannot be written.
    """
    planned = plan_import(source_folder, store_folder)
    drastic = [one.file for one in planned if one.is_drastic]
    if drastic and not accept_drastic:
        raise TrustListError(
            "trust.drastic-change", f"{drastic[0]}: more than half of the certificates held would go; confirm to go on"
        )
    if not dry_run:
        try:
            store_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for one in planned:
                _replace(source_folder, store_folder, one)
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


def _replace(source: Path, store: Path, one: Imported) -> None:
    """Write the dates first: a crash between the two leaves the old list with a newer date, which refuses rollback.

    The other order could leave a new list under an old date, and the next import could then go backwards.
    """
    dates = one.file.removesuffix(".pem") + ".json"
    if (source / dates).is_file():
        _write(store / dates, (source / dates).read_bytes())
    elif one.before is None or one.before.sha256 != one.after.sha256:
        with contextlib.suppress(FileNotFoundError):
            (store / dates).unlink()
    _write(store / one.file, one.after.pem.encode("utf-8"))


def _write(target: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
