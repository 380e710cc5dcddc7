# SPDX-License-Identifier: Apache-2.0
"""The index of hashes on disk: shards, files of numpy that are written once and mapped into memory.

The database keeps the truth; shards are made anew from it. What came after the last shard is held as a tail.
"""

import io
from pathlib import Path

import numpy as np

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.registry.hamming import Rows
from waarmerk.provenance.registry.places import LISTED_FROM, Places, listed

SHARD_ENTRIES = 1 << 15  # a process that starts reads fewer than these from the database
_DAMAGED = "a shard of the index is damaged; remove the folder index, it is made anew"


class Shards:
    """Full parts of one kind of hash on disk, each written once: ``KIND-LAST.*.npy`` end with row ``LAST``.

    With ``lists`` a shard holds the lists by which places are looked up.
    """

    def __init__(self, folder: Path, kind: str, *, lists: bool = False) -> None:
        self._folder = folder
        self._kind = kind
        self._names = ("owners", "order", "starts", "words") if lists else ("owners", "words")

    def files(self) -> list[tuple[int, Path]]:
        """The shards there are, each with the number of its last row, in order."""
        found = self._folder.glob(f"{self._kind}-*.words.npy")
        return sorted((int(path.name.split("-")[1].split(".")[0]), path) for path in found)

    def load(self) -> tuple[int, list[Rows | Places]]:
        """The last row in a shard (0 without any), and the shards, mapped. Raises StoreError for damaged ones."""
        files = self.files()
        try:
            parts = [self._part(path) for _, path in files]
        except (OSError, ValueError) as error:
            raise StoreError("registry.damaged", _DAMAGED) from error
        return (files[-1][0] if files else 0), parts

    def seal(self, last: int, part: Rows) -> None:
        """Write a shard that ends with row ``last``; the words last, so that it is whole once it can be seen."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        arrays = (listed(part) if "starts" in self._names else part)._asdict()
        for name in self._names:
            data = io.BytesIO()
            np.save(data, arrays[name])
            write_file(
                self._folder / f"{self._kind}-{last}.{name}.npy", data.getvalue(), verify=lambda _: None, force=True
            )

    def forget(self) -> None:
        """Take all shards away: what was erased must not live on in them. They are made anew from the database."""
        for path in self._folder.glob(f"{self._kind}-*.npy"):
            path.unlink(missing_ok=True)

    def _part(self, path: Path) -> Rows | Places:
        held = {n: np.load(path.with_name(path.name.replace(".words.", f".{n}.")), mmap_mode="r") for n in self._names}
        part = Places(**held) if "starts" in held else Rows(**held)
        if len({len(each) for name, each in held.items() if name != "starts"}) != 1 or part.words.ndim != 2:
            raise ValueError("arrays of a shard differ in length")
        if isinstance(part, Places):
            part.require()
        return part


def extended(parts: list[Rows | Places], part: Rows, *, lists: bool) -> list[Rows | Places]:
    """``parts`` with one more. Held parts that are not much larger are joined with it, so they stay few."""
    kept = list(parts)
    while kept and not isinstance(kept[-1].words, np.memmap) and len(kept[-1].words) <= 2 * len(part.words):
        other = kept.pop()
        part = Rows(np.concatenate([other.words, part.words]), np.concatenate([other.owners, part.owners]))
    return [*kept, listed(part) if lists and len(part.words) >= LISTED_FROM else part]
