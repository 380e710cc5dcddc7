# SPDX-License-Identifier: Apache-2.0
"""Image file directories of TIFF 6.0 and BigTIFF, as used by TIFF, EXIF and raw formats.

Offsets come from the file: a directory is read once, whatever points at it, and counts are bounded.
"""

from dataclasses import dataclass

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window

SUBFILE, WIDTH, HEIGHT, MAKE, ORIENTATION, SUB_IFDS, DNG_VERSION = 254, 256, 257, 271, 274, 330, 50706
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a directory; ``offset`` is where its value stands."""

    tag: int
    kind: int
    count: int
    offset: int

    @property
    def size(self) -> int:
        """Bytes of the value; 0 for a type TIFF does not define."""
        return _SIZES.get(self.kind, 0) * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory: fields by tag, the first of each, and the offset of the next directory."""

    fields: dict[int, Entry]
    following: int


@dataclass(frozen=True, slots=True)
class Tiff:
    """The header: byte order, flavour and the first directory's offset."""

    window: Window
    order: str
    big: bool
    first: int

    def directory(self, offset: int, limits: Limits) -> Directory:
        """The directory at ``offset``; Truncated if it reaches past the end."""
        pointer = "Q" if self.big else "I"
        count, entries = self.entries(offset, limits)
        fields: dict[int, Entry] = {}
        for entry in entries:
            fields.setdefault(entry.tag, entry)
        try:
            (following,) = self.window.unpack(self.order + pointer, offset + self.head + count * self.width)
        except Truncated:
            following = 0  # the last pointer is often cut off in EXIF; the fields still stand
        return Directory(fields, following)

    @property
    def head(self) -> int:
        """Bytes of the number of entries that begins a directory."""
        return 8 if self.big else 2

    @property
    def width(self) -> int:
        """Bytes of one entry."""
        return 20 if self.big else 12

    def entries(self, offset: int, limits: Limits) -> tuple[int, list[Entry]]:
        """How many entries the directory at ``offset`` states, and those within the limit, in file order.

        Raises Truncated as ``directory`` does.
        """
        (count,) = self.window.unpack(self.order + ("Q" if self.big else "H"), offset)
        size = min(count, limits.ifd_entries) * self.width
        table = self.window.part(offset + self.head, size)
        return count, [self._entry(table, at, offset + self.head) for at in range(0, size, self.width)]

    def _entry(self, table: Window, at: int, base: int) -> Entry:
        layout = self.order + ("HHQ" if self.big else "HHI")
        tag, kind, count = table.unpack(layout, at)
        inline = at + (12 if self.big else 8)
        entry = Entry(tag, kind, count, base + inline)
        if entry.size <= (8 if self.big else 4):
            return entry
        (offset,) = table.unpack(self.order + ("Q" if self.big else "I"), inline)
        return Entry(tag, kind, count, offset)

    def value(self, entry: Entry, max_bytes: int) -> bytes:
        """The first ``max_bytes`` of a value, as many as there are."""
        return self.window.up_to(entry.offset, min(entry.size, max_bytes))

    def numbers(self, entry: Entry | None, at_most: int = 1) -> tuple[int, ...]:
        """The first whole numbers of a field; none for a missing or other field."""
        if entry is None or entry.kind not in _NUMBERS:
            return ()
        count = min(entry.count, at_most)
        try:
            return self.window.unpack(f"{self.order}{count}{_NUMBERS[entry.kind]}", entry.offset)
        except Truncated:
            return ()

    def directories(self, limits: Limits) -> list[Directory]:
        """The chain of directories and their SubIFDs, each once; as far as it can be read."""
        waiting, seen, found = [self.first], set[int](), list[Directory]()
        while waiting and len(found) < limits.ifds:
            offset = waiting.pop(0)
            if offset == 0 or offset in seen:
                continue
            seen.add(offset)
            try:
                directory = self.directory(offset, limits)
            except Truncated:
                continue
            found.append(directory)
            waiting += [directory.following, *self.numbers(directory.fields.get(SUB_IFDS), 16)]
        return found


def read_tiff(window: Window) -> Tiff | None:
    """The TIFF header at the start of ``window``, None if there is none."""
    order = {b"II": "<", b"MM": ">"}.get(window.up_to(0, 2))
    if order is None:
        return None
    try:
        (version,) = window.unpack(order + "H", 2)
        if version == 43:
            return Tiff(window, order, True, window.unpack(order + "Q", 8)[0])
        return Tiff(window, order, False, window.unpack(order + "I", 4)[0]) if version == 42 else None
    except Truncated:
        return None


def raw_type(window: Window) -> str | None:
    """The raw format built on a TIFF structure, None for plain TIFF or where the directory lies further on.

    DNG 1.7 requires DNGVersion. NEF and ARW begin with a reduced picture (NewSubfileType 1) and keep the raw one in
    a SubIFD, which a TIFF exported from such a picture does not.
    """
    tiff = read_tiff(window)
    if tiff is None:
        return None
    try:
        first = tiff.directory(tiff.first, Limits()).fields
    except Truncated:
        return None
    if DNG_VERSION in first:
        return "image/x-adobe-dng"
    if tiff.numbers(first.get(SUBFILE)) != (1,) or SUB_IFDS not in first or MAKE not in first:
        return None
    make = tiff.value(first[MAKE], 16).upper()
    if make.startswith(b"NIKON"):
        return "image/x-nikon-nef"
    return "image/x-sony-arw" if make.startswith(b"SONY") else None
