# SPDX-License-Identifier: Apache-2.0
"""The trust store: whom the reader believes, list by list, with the date and digest of each.

A store is a plain folder. What is in a folder named by hand is the whole store: a folder with ``user.pem`` alone
trusts nobody else. Only without such a folder are lists that the user's data folder lacks taken from the snapshot
that ships. The lists are never merged: a certificate of a time-stamp authority must not make a signer trusted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

from waarmerk.provenance.errors import TrustListError
from waarmerk.provenance.model import Edition, Finding
from waarmerk.provenance.trust.denylist import FILE as DENYLIST
from waarmerk.provenance.trust.denylist import Denylist, parse_denylist
from waarmerk.provenance.trust.lists import TrustList, parse_list

OFFICIAL = "C2PA-TRUST-LIST.pem"
TSA = "C2PA-TSA-TRUST-LIST.pem"
INTERIM_ANCHORS = "ITL-anchors.pem"
INTERIM_ALLOWED = "ITL-allowed.pem"
MAX_LIST_BYTES = 8 * 1024 * 1024  # the largest published list is 0.25 MB; a mail root store 1 MB

IDS = {OFFICIAL: "official", TSA: "tsa", INTERIM_ANCHORS: "interim", INTERIM_ALLOWED: "interim-allowed"}
WARN_AGE, STALE_AGE = timedelta(days=7), timedelta(days=30)  # of a list that promises no next update
_NOBODY = Finding("trust.no-lists")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """The loaded lists, kept apart. ``findings`` is what a report must say about them (undated, past their time)."""

    official: TrustList | None = None
    tsa: TrustList | None = None
    interim: TrustList | None = None
    allowed: TrustList | None = None
    user: tuple[TrustList, ...] = ()
    denylist: Denylist | None = None
    findings: tuple[Finding, ...] = field(default=(_NOBODY,))

    @property
    def editions(self) -> tuple[Edition, ...]:
        """Every loaded list with its date and digest, for the report's ``basis``."""
        return tuple(each.edition for each in (*self.lists(), *((self.denylist,) if self.denylist else ())))

    def lists(self) -> tuple[TrustList, ...]:
        """Every loaded list, in the order of the report."""
        named = (self.official, self.tsa, self.interim, self.allowed)
        return tuple(each for each in named if each is not None) + self.user

    @property
    def time_anchors(self) -> tuple[TrustList, ...]:
        """Under whom a time-stamp authority may stand.

        The interim anchors count as well, for the interim list's own store names timeStamping: nearly all content
        signed under it was stamped by an authority that is on no other list.
        """
        return tuple(each for each in (self.tsa, self.interim) if each is not None)


def load_store(folder: Path | None, *, data_folder: Path | None, at: datetime) -> TrustStore:
    """Load the store of ``folder`` alone, or of ``data_folder`` completed from the snapshot.

    Raises TrustListError where a folder named by hand is absent, a ``.pem`` in it is none of the named files, or a
    list cannot be read whole.
    """
    if folder is not None:
        if not folder.is_dir():
            raise TrustListError("trust.no-folder", f"{folder}: no such folder of trust lists")
        return _build(_read_folder(folder), read_denylist(folder), at)
    found = {each.file: each for each in _read_snapshot()}
    denied = None
    if data_folder is not None and data_folder.is_dir():
        found.update((each.file, each) for each in _read_folder(data_folder))
        denied = read_denylist(data_folder)
    return _build(iter(found.values()), denied, at)


def seen_at(store: TrustStore, at: datetime) -> TrustStore:
    """The same lists at another time: only what is past its date may differ."""
    found = {each.file: each for each in store.lists()}
    return replace(store, findings=tuple(sorted({*_findings(found, at), *_age_of(store.denylist, at)})))


def state_of(folder: Path | None, *, data_folder: Path | None) -> tuple[tuple[str, int, int, int], ...]:
    """What tells whether the files of a store were changed since: name, number, size and time of each."""
    chosen = folder or data_folder
    if chosen is None or not chosen.is_dir():
        return ()
    entries = [(path.name, path.stat()) for path in chosen.iterdir()]
    return tuple(sorted((name, found.st_ino, found.st_size, found.st_mtime_ns) for name, found in entries))


def list_id(name: str) -> str | None:
    """What a report calls the list in the file ``name``; None for a file that is no list."""
    if name.startswith("user") and name.endswith(".pem"):
        return f"user:{name}"
    return IDS.get(name)


def _read_folder(folder: Path) -> Iterator[TrustList]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".pem":
            continue
        if list_id(path.name) is None:
            known = ", ".join(IDS)
            raise TrustListError("trust.unknown-file", f"{path}: a trust folder holds {known} and user*.pem only")
        yield read_list(path)


def read_list(path: Path) -> TrustList:
    """Read one list file and the dates beside it; the file's name decides which list it is."""
    dates = path.with_suffix(".json")
    return _parse(path.name, lambda: _bounded(path), (lambda: _bounded(dates)) if dates.is_file() else None, str(path))


def read_denylist(folder: Path) -> Denylist | None:
    """The denylist of the folder, None where it has none. Raises TrustListError where it cannot be read whole."""
    path = folder / DENYLIST
    if not path.exists():
        return None
    try:
        return parse_denylist(_bounded(path), str(path))
    except OSError as fault:
        raise TrustListError("trust.unreadable", f"{path}: {fault.strerror or 'cannot be read'}") from fault


def _read_snapshot() -> Iterator[TrustList]:
    folder = resources.files("waarmerk.provenance.trust").joinpath("snapshot")
    for name in IDS:
        entry, dates = folder.joinpath(name), folder.joinpath(name.removesuffix(".pem") + ".json")
        if entry.is_file():
            yield _parse(name, entry.read_bytes, dates.read_bytes if dates.is_file() else None, name)


def _parse(name: str, pem: Callable[[], bytes], dates: Callable[[], bytes] | None, shown: str) -> TrustList:
    try:
        return parse_list(id=list_id(name) or name, file=name, pem=pem(), dates=None if dates is None else dates())
    except OSError as fault:
        raise TrustListError("trust.unreadable", f"{shown}: {fault.strerror or 'cannot be read'}") from fault
    except TrustListError as fault:
        raise TrustListError(fault.code, fault.message.replace(name, shown, 1)) from fault


def _bounded(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(MAX_LIST_BYTES + 1)
    if len(data) > MAX_LIST_BYTES:
        raise TrustListError("trust.too-large", f"{path.name}: larger than any trust list")
    return data


def _build(lists: Iterator[TrustList], denied: Denylist | None, at: datetime) -> TrustStore:
    found = {each.file: each for each in lists}
    return TrustStore(
        official=found.get(OFFICIAL),
        tsa=found.get(TSA),
        interim=found.get(INTERIM_ANCHORS),
        allowed=found.get(INTERIM_ALLOWED),
        user=tuple(each for name, each in sorted(found.items()) if name not in IDS),
        denylist=denied,
        findings=tuple(sorted({*_findings(found, at), *_age_of(denied, at)})),
    )


def _findings(found: dict[str, TrustList], at: datetime) -> Iterator[Finding]:
    if not (found.keys() - {TSA}):
        yield _NOBODY
    for each in found.values():
        if each.dates.next_update is not None and each.dates.next_update < at:
            yield Finding("trust.expired", each.id)
        if each.dates.issued is None:
            yield Finding("trust.undated", each.id)


def _age_of(denied: Denylist | None, at: datetime) -> Iterator[Finding]:
    """A denylist nobody renews goes on letting through what was withdrawn since."""
    if denied is None or denied.dates.issued is None:
        return
    promised = denied.dates.next_update
    if promised is not None and promised < at:
        yield Finding("trust.expired", denied.id)
    if promised is None and at - denied.dates.issued > STALE_AGE:
        yield Finding("trust.stale", denied.id)
