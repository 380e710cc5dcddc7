# SPDX-License-Identifier: Apache-2.0
"""Bytes of a file that no hash of the credential covers: anyone may change them and the credential stays intact."""

from collections.abc import Iterator
from typing import Any

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.container import is_bmff
from waarmerk.provenance.credentials.cose import OwnView
from waarmerk.provenance.credentials.status import EXTRA_EXCLUSIONS, Status
from waarmerk.provenance.media import bmff
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.model import Finding

_MAX_EXCLUSIONS = 10_000
_MAX_NAMED = 16
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


def count(
    window: Window, media_type: str, own: OwnView | None, entries: tuple[Status, ...], limits: Limits
) -> tuple[int, tuple[Finding, ...]]:
    """The number of such bytes, and a concern for each place.

    In BMFF files some boxes are left out of the hash by the specification (C2PA 2.2, section 9.2.3); in others the
    signer may exclude ranges beside the manifest, which some cameras do for metadata that they write later.
    """
    total, concerns = 0, []
    for name, size in bmff.unhashed(window, limits) if is_bmff(media_type) else ():
        total += size
        concerns.append(Finding(findings.UNHASHED_BYTES, name))
    if any(entry.code in EXTRA_EXCLUSIONS for entry in entries):
        if own is None:  # the engine says there are some; which ones could not be read
            concerns.append(Finding(findings.EXTRA_EXCLUSIONS))
        elif is_bmff(media_type):
            for path in sorted(_unusual_paths(own))[:_MAX_NAMED]:
                total += _box_bytes(window, path, limits)
                concerns.append(Finding(findings.EXTRA_EXCLUSIONS, path))
        else:
            excluded = _excluded(own, window.size)
            total += excluded
            concerns.append(Finding(findings.EXTRA_EXCLUSIONS, str(excluded)))
    return min(total, window.size), tuple(concerns)


def _exclusions(own: OwnView, prefix: str) -> Iterator[dict[Any, Any]]:
    for label in own.labels(prefix):
        assertion = own.assertion(label)
        found = assertion.get("exclusions") if isinstance(assertion, dict) else None
        for each in found[:_MAX_EXCLUSIONS] if isinstance(found, list) else ():
            if isinstance(each, dict):
                yield each


def _excluded(own: OwnView, size: int) -> int:
    """Bytes inside the data hash's exclusions and outside the range of the file that holds the manifest store."""
    return sum(_outside(each, own, size) for each in _exclusions(own, "c2pa.hash.data"))


def _outside(excluded: dict[Any, Any], own: OwnView, size: int) -> int:
    start, length = excluded.get("start"), excluded.get("length")
    if not isinstance(start, int) or not isinstance(length, int) or start < 0 or length < 0:
        return 0
    end = min(start + length, size)
    covered = max(0, min(end, own.end) - max(start, own.start))
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
