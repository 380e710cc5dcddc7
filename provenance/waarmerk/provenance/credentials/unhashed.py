# SPDX-License-Identifier: Apache-2.0
"""Bytes of a file that no hash of the credential covers: anyone may change them and the credential stays intact."""

from typing import Any

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.container import is_bmff
from waarmerk.provenance.credentials.cose import OwnView
from waarmerk.provenance.credentials.status import EXTRA_EXCLUSIONS, Status
from waarmerk.provenance.media import bmff
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import Finding

_MAX_EXCLUSIONS = 10_000


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
        excluded = 0 if own is None else _excluded(own, window.size)
        total += excluded
        concerns.append(Finding(findings.EXTRA_EXCLUSIONS, str(excluded) if excluded else ""))
    return total, tuple(concerns)


def _excluded(own: OwnView, size: int) -> int:
    """Bytes inside the data hash's exclusions and outside the range of the file that holds the manifest store."""
    total = 0
    for label in own.labels("c2pa.hash.data"):
        assertion = own.assertion(label)
        ranges = assertion.get("exclusions") if isinstance(assertion, dict) else None
        for each in ranges[:_MAX_EXCLUSIONS] if isinstance(ranges, list) else ():
            total += _outside(each, own, size)
    return total


def _outside(excluded: Any, own: OwnView, size: int) -> int:
    start = excluded.get("start") if isinstance(excluded, dict) else None
    length = excluded.get("length") if isinstance(excluded, dict) else None
    if not isinstance(start, int) or not isinstance(length, int) or start < 0 or length < 0:
        return 0
    end = min(start + length, size)
    covered = max(0, min(end, own.end) - max(start, own.start))
    return max(0, end - start - covered)
