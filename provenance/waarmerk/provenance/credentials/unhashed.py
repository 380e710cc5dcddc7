# SPDX-License-Identifier: Apache-2.0
"""Bytes of a file that no hash of the credential covers: anyone may change them and the credential stays intact."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.container import is_bmff
from waarmerk.provenance.credentials.cose import OwnView
from waarmerk.provenance.credentials.status import EXTRA_EXCLUSIONS, Status
from waarmerk.provenance.media import bmff
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import Part, jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.model import Finding

_MAX_EXCLUSIONS = 10_000
_MAX_NAMED = 16
_PIECE = 1 << 20
_OPEN_BOXES = frozenset({b"free", b"skip", b"mfra", b"ftyp"})
_Walk = Callable[[Window, Limits], Iterator[Part]]
# By container: the walk, the names of its metadata, and the bytes that stand before and behind a payload.
_METADATA: dict[str, tuple[_Walk, frozenset[bytes], int, int]] = {
    "image/jpeg": (jpeg_segments, frozenset({b"\xe1", b"\xed", b"\xfe"}), 4, 0),
    "image/png": (png_chunks, frozenset({b"eXIf", b"iTXt", b"tEXt", b"zTXt", b"tIME"}), 8, 4),
    "image/webp": (riff_chunks, frozenset({b"EXIF", b"XMP "}), 8, 0),
}
# C2PA 2.2, section 9.2.3, and what the reference implementation excludes beside it: tables of positions, which a
# manifest of another length moves. The engine reports these too, on files of its own making, so they are no news.
_USUAL = frozenset(
    {
        "/uuid",
        "/ftyp",
        "/mfra",
        "/mfra/tfra",
        "/free",
        "/skip",
        "/meta/iloc",
        "/moov/trak/mdia/minf/stbl/stco",
        "/moov/trak/mdia/minf/stbl/co64",
        "/moof/traf/tfhd",
        "/moof/traf/trun",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhashed:
    """How many such bytes there are, a concern for each place, and what of it keeps a capture from being authentic."""

    total: int = 0
    concerns: tuple[Finding, ...] = ()
    bars: tuple[Finding, ...] = ()


def count(
    window: Window, media_type: str, own: OwnView | None, entries: tuple[Status, ...], limits: Limits
) -> Unhashed:
    """The bytes that no hash covers.

    In BMFF files some boxes are left out of the hash by the specification (C2PA 2.2, section 9.2.3); in others the
    signer may exclude ranges beside the manifest, which some cameras do for metadata that they write later. Padding
    of zeros, which writers leave behind, and metadata are no bar.
    """
    total, concerns, bars = 0, [], []
    for name, size in bmff.unhashed(window, limits) if is_bmff(media_type) else ():
        total += size
        concerns.append(Finding(findings.UNHASHED_BYTES, name))
    if total and _holds_something(window, limits):
        bars.append(Finding(findings.BAR_UNHASHED, str(total)))
    if any(entry.code in EXTRA_EXCLUSIONS for entry in entries):
        extra, places, is_metadata = _extra(window, media_type, own, limits)
        total += extra
        concerns += [Finding(findings.EXTRA_EXCLUSIONS, place) for place in places]
        if places and not is_metadata:
            bars.append(Finding(findings.BAR_EXTRA_EXCLUSIONS))
    return Unhashed(total=min(total, window.size), concerns=tuple(concerns), bars=tuple(bars))


def _extra(window: Window, media_type: str, own: OwnView | None, limits: Limits) -> tuple[int, list[str], bool]:
    """What this signer left out beside the usual: bytes, places, and whether all of it is metadata."""
    if own is None:  # the engine says there are some; which ones could not be read
        return 0, [""], False
    if is_bmff(media_type):
        paths = sorted(_unusual_paths(own))[:_MAX_NAMED]
        return sum(_box_bytes(window, path, limits) for path in paths), paths, False
    mine = (own.start, own.end)
    excluded = _excluded(own, window.size, [mine])
    beyond = _excluded(own, window.size, [mine, *_metadata(window, media_type, limits)])
    return excluded, [str(excluded)], beyond == 0


def _holds_something(window: Window, limits: Limits) -> bool:
    """Whether a byte other than zero stands in those boxes."""
    is_first = True
    for box in bmff.intact_boxes(window, bmff.Steps(limits.parts)):
        if box.name == b"ftyp" and is_first:
            is_first = False
        elif box.name in _OPEN_BOXES:
            for at in range(0, box.body.size, _PIECE):
                if box.body.up_to(at, _PIECE).strip(b"\0"):
                    return True
    return False


def _metadata(window: Window, media_type: str, limits: Limits) -> list[tuple[int, int]]:
    """Where the container keeps its metadata, wrapping included."""
    found: list[tuple[int, int]] = []
    if media_type not in _METADATA:
        return found
    walk, names, before, after = _METADATA[media_type]
    with suppress(Truncated):
        for part in walk(window, limits):
            if part.name in names:
                found.append((part.offset - before, part.offset + part.size + after))
    return found


def _exclusions(own: OwnView, prefix: str) -> Iterator[dict[Any, Any]]:
    for label in own.labels(prefix):
        assertion = own.assertion(label)
        found = assertion.get("exclusions") if isinstance(assertion, dict) else None
        for each in found[:_MAX_EXCLUSIONS] if isinstance(found, list) else ():
            if isinstance(each, dict):
                yield each


def _excluded(own: OwnView, size: int, allowed: list[tuple[int, int]]) -> int:
    """Bytes inside the data hash's exclusions and outside the ranges, which do not overlap."""
    return sum(_outside(each, size, allowed) for each in _exclusions(own, "c2pa.hash.data"))


def _outside(excluded: dict[Any, Any], size: int, allowed: list[tuple[int, int]]) -> int:
    start, length = excluded.get("start"), excluded.get("length")
    if not isinstance(start, int) or not isinstance(length, int) or start < 0 or length < 0:
        return 0
    end = min(start + length, size)
    covered = sum(max(0, min(end, last) - max(start, first)) for first, last in allowed)
    return max(0, end - start - covered)


def _unusual_paths(own: OwnView) -> set[str]:
    """Boxes that this signer excluded and others do not; ``uuid`` boxes are usual only with our type as condition."""
    found = set()
    for each in _exclusions(own, "c2pa.hash.bmff"):
        path = each.get("xpath")
        if isinstance(path, str) and (path not in _USUAL or (path == "/uuid" and not each.get("data"))):
            found.add(path[:256])
    return found


def _box_bytes(window: Window, path: str, limits: Limits) -> int:
    """The bytes of all boxes at the path, as far as the file can be walked; ``[n]`` in a path counts for any n."""
    names = [part.partition("[")[0].encode("latin-1", "replace") for part in path.strip("/").split("/")]
    level, steps = [(0, window.size)], [limits.parts]
    for depth, name in enumerate(names):
        found = [
            (body, end) for start, end in level for kind, body, end in _boxes(window, start, end, steps) if kind == name
        ]
        if depth + 1 == len(names):
            return sum(end - body for body, end in found)
        level = [(body + 4 if name == b"meta" else body, end) for body, end in found]
    return 0


def _boxes(window: Window, at: int, end: int, steps: list[int]) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end and steps[0] > 0:
        steps[0] -= 1
        try:
            size, name, header = int.from_bytes(window.at(at, 4), "big"), window.at(at + 4, 4), 8
            if size == 1:
                size, header = int.from_bytes(window.at(at + 8, 8), "big"), 16
        except Truncated:
            return
        size = end - at if size == 0 else size
        if size < header or at + size > end:
            return
        yield name, at + header, at + size
        at += size
