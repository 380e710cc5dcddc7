# SPDX-License-Identifier: Apache-2.0
"""Whether an index was made from this database, and not from what it was before a backup was put back.

Rows of a database that was put back get numbers that the index knows already. So the folder of the index names the last
change that it follows: the history is only ever added to, and no other database has the same change under that number.
"""

import hashlib
from pathlib import Path

from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.registry.store import Store

_FILE = "follows"


def follow(folder: Path, store: Store) -> None:
    """Note the last change of the database, before the index takes in what is there. Raises StoreError."""
    write_file(folder / _FILE, _told(store).encode("ascii"), verify=lambda _: None, force=True)


def follows(folder: Path, store: Store) -> bool:
    """Whether the index in ``folder`` is one of this database; not where nothing is noted. Raises StoreError."""
    try:
        noted = (folder / _FILE).read_bytes().decode("ascii").split()
        number, change, file = int(noted[0]), noted[1:4], noted[4]
    except (OSError, ValueError, IndexError):
        return False
    told = _told(store, number).split()
    # An entry that was removed since has no file to compare; the note of its removal is a change like others.
    return told[:4] == [str(number), *change] and (file == told[4] or told[4] == "-")


def forget(folder: Path) -> None:
    """Take the note away, after what it is about."""
    (folder / _FILE).unlink(missing_ok=True)


def _told(store: Store, number: int | None = None) -> str:
    """Number, entry, kind and moment of a change (the last one for None), and of our own entry its digest's digest."""
    change = store.change(number)
    if change is None:
        return "0 0 - - -"
    *noted, sha256 = change
    return " ".join([*map(str, noted), "-" if sha256 is None else hashlib.sha256(sha256).hexdigest()])
