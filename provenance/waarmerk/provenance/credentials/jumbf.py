# SPDX-License-Identifier: Apache-2.0
"""JUMBF superboxes (ISO/IEC 19566-5), read within bounds and without leniency.

The engine forgives wrong inner lengths; this reader does not. What cannot be read whole here counts as not read,
and then nothing that rests on it (leaf, time-stamp) is believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 32
MAX_BOXES = 50_000
STORE_UUID = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"  # C2PA 2.2, section 11.1.4.2
STORE_MARK = b"jumd" + STORE_UUID
STORE_LABEL = "c2pa"


class JumbfError(ValueError):
    """Not a superbox that can be read whole within the limits."""


@dataclass(frozen=True, slots=True)
class Superbox:
    """A labelled box with the boxes inside it. ``content`` are its content boxes that are no superboxes.

    ``start`` and ``end`` say where its payload stands in the store: what a claim's hash of it is over.
    """

    uuid: bytes
    label: str
    parts: tuple["Superbox", ...]
    content: tuple[tuple[bytes, bytes], ...]
    start: int = 0
    end: int = 0

    def named(self, label: str) -> "Superbox | None":
        """The superbox of that label, None if there is none or more than one: what is ambiguous is not read."""
        found = [part for part in self.parts if part.label == label]
        return found[0] if len(found) == 1 else None

    def payload(self, kind: bytes) -> bytes | None:
        """The only content box of that kind, None if there is none or more than one."""
        found = [data for name, data in self.content if name == kind]
        return found[0] if len(found) == 1 else None


def parse_store(data: bytes) -> Superbox:
    """The manifest store that ``data`` begins with. Raises JumbfError."""
    for name, start, end in _boxes(data, 0, len(data), [0]):
        if name == b"jumb":
            store = _superbox(data, start, end, 0, [0])
            if store.uuid == STORE_UUID and store.label == STORE_LABEL:
                return store
        break
    raise JumbfError("not a manifest store")


def active_label(data: bytes) -> str:
    """The label of the active manifest, the last of the store (C2PA 2.2, 11.1.4). Raises JumbfError."""
    boxes = parse_store(data).parts
    if not boxes:
        raise JumbfError("an empty store")
    return boxes[-1].label


def active_store(data: bytes) -> bytes:
    """A manifest store with the active manifest and no other, which stands in it byte for byte. Raises JumbfError."""
    store = parse_store(data)
    if not store.parts:
        raise JumbfError("an empty store")
    _, first, last = next(_boxes(data, store.start, store.end, [0]))
    active = store.parts[-1]
    return _box(b"jumb", _box(b"jumd", data[first:last]) + _box(b"jumb", data[active.start : active.end]))


def _box(name: bytes, payload: bytes) -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + name + payload


def _superbox(data: bytes, start: int, end: int, depth: int, count: list[int]) -> Superbox:
    if depth > MAX_DEPTH:
        raise JumbfError("too deep")
    boxes = _boxes(data, start, end, count)
    name, first, last = next(boxes, (b"", 0, 0))
    if name != b"jumd":
        raise JumbfError("a superbox without a description")
    uuid, label = _description(data[first:last])
    parts, content = [], []
    for name, inner, stop in boxes:
        if name == b"jumb":
            parts.append(_superbox(data, inner, stop, depth + 1, count))
        else:
            content.append((name, data[inner:stop]))
    return Superbox(uuid, label, tuple(parts), tuple(content), start, end)


def _description(data: bytes) -> tuple[bytes, str]:
    """Type and label (ISO/IEC 19566-5, section A.3): 16 bytes, toggles, a text that ends with NUL if bit 1 is set."""
    if len(data) < 17:
        raise JumbfError("a description cut short")
    if not data[16] & 0x02:
        return data[:16], ""
    end = data.find(b"\0", 17)
    if end < 0:
        raise JumbfError("a label without an end")
    try:
        return data[:16], data[17:end].decode()
    except UnicodeDecodeError as fault:
        raise JumbfError("a label that is not UTF-8") from fault


def _boxes(data: bytes, start: int, end: int, count: list[int]) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the payload of each box between ``start`` and ``end``."""
    while start < end:
        count[0] += 1
        if count[0] > MAX_BOXES or start + 8 > end:
            raise JumbfError("too many boxes, or one cut short")
        size, name, header = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if size == 1:
            size, header = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            raise JumbfError("a box that reaches past what holds it")
        yield name, start + header, start + size
        start += size
