# SPDX-License-Identifier: Apache-2.0
"""Soft Binding Resolution (C2PA API 1.0.0 and 2.4.0) over a registry, without HTTP.

A client asks which manifests belong to a mark, a fingerprint or a file, and fetches them by their name. A mark or a
fingerprint only points somewhere, and is answered as that: the score says how well the bindings agree, never that the
pictures do. A file is answered by what its pixels confirm and by nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.registry.finder import Bytes, Finder, Found
from waarmerk.provenance.registry.model import PAYLOAD_BYTES, PDQ_BYTES, PHASH_BYTES, BindingKind, Entry, Role
from waarmerk.provenance.registry.store import Store

# Names of ours: none of them stands in the public list of algorithms, and none of that list is claimed.
WATERMARKS = {"org.waarmerk.ring.1": PAYLOAD_BYTES}
FINGERPRINTS = {
    "org.waarmerk.phash.1": (BindingKind.PHASH, PHASH_BYTES),
    "org.waarmerk.pdq.1": (BindingKind.PDQ, PDQ_BYTES),
}
SPECIFICATION = "2.4.0"
# Nothing is fetched for anybody (queryByReference), and nobody writes into a registry from outside.
CAPABILITIES = ("queryByContent",)
DEFAULT_RESULTS, MOST_RESULTS = 10, 100
_ALL_OF_IT = 90  # the score from which a file is all of what is known, and nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One answer: the name of an active manifest, and how well what was asked for agrees with it, 0 to 100."""

    manifest_id: str
    similarity: int


def supported() -> dict[str, list[dict[str, str]]]:
    """The body of ``GET /services/supportedAlgorithms``."""
    return {
        "watermarks": [{"alg": name} for name in WATERMARKS],
        "fingerprints": [{"alg": name} for name in FINGERPRINTS],
    }


def capabilities() -> dict[str, object]:
    """The body of ``GET /services/capabilities``."""
    return {"c2paSpecificationVersion": SPECIFICATION, "supportedCapabilities": list(CAPABILITIES)}


def by_binding(
    store: Store, finder: Finder, *, alg: str, value: bytes, max_results: int = DEFAULT_RESULTS
) -> tuple[Resolved, ...]:
    """Manifests that a soft binding points at, the nearest first.

    ``value`` is the payload of a mark (8 bytes) or the hash itself. Raises ConfigurationError:
    ``resolution.algorithm`` for one that is not supported, ``resolution.value`` for a value of another size,
    ``resolution.max-results``; StoreError.
    """
    _require_count(max_results)
    if alg in WATERMARKS:
        _require_size(alg, value, WATERMARKS[alg])
        return _named(((entry, 100) for entry in store.of_payload(value)), max_results)
    if alg not in FINGERPRINTS:
        raise ConfigurationError("resolution.algorithm", "this algorithm is not supported here")
    kind, size = FINGERPRINTS[alg]
    _require_size(alg, value, size)
    near = ((store.entry(number), apart) for number, apart in finder.near(kind, value))
    return _named(
        ((entry, round(100 * (1 - apart / (8 * size)))) for entry, apart in near if entry is not None), max_results
    )


def by_content(
    finder: Finder,
    *,
    sha256: bytes,
    rgb: Bytes | None,
    marks: Sequence[tuple[str, bytes]] = (),
    alg: str | None = None,
    max_results: int = DEFAULT_RESULTS,
) -> tuple[Resolved, ...]:
    """Manifests of what a file shows: by its digest, its upright pixels (H x W x 3 RGB), its marks.

    ``marks`` are pairs of key id and payload. ``alg`` narrows the search to marks or to fingerprints; digests always
    count. Only what the pixels confirm is answered. Raises as ``by_binding`` does.
    """
    _require_count(max_results)
    if alg is not None and alg not in WATERMARKS and alg not in FINGERPRINTS:
        raise ConfigurationError("resolution.algorithm", "this algorithm is not supported here")
    asked = marks if alg is None or alg in WATERMARKS else ()
    found = finder.find(sha256, rgb, asked, by_pixels=alg is None or alg in FINGERPRINTS)
    return _named(((each.entry, _score(each)) for each in found if each.verified), max_results)


def manifest(store: Store, manifest_id: str, *, max_bytes: int) -> bytes | None:
    """The manifest store whose active manifest has this name, None where there is none. Raises StoreError."""
    for entry in store.of_manifest(manifest_id):
        if entry.manifest is not None:
            return store.files.get(entry.manifest, max_bytes=max_bytes)
    return None


def _named(found: Iterable[tuple[Entry, int]], most: int) -> tuple[Resolved, ...]:
    """Each manifest once, with its best score, equal ones as ``found`` has them.

    What has no manifest, or is a fact-check's own picture, is left out.
    """
    best: dict[str, int] = {}
    for entry, score in found:
        if entry.manifest is not None and entry.manifest_label is not None and entry.role is Role.ITEM:
            best[entry.manifest_label] = max(score, best.get(entry.manifest_label, 0))
    ranked = sorted(best.items(), key=lambda pair: -pair[1])
    return tuple(Resolved(manifest_id=name, similarity=score) for name, score in ranked[:most])


def _score(found: Found) -> int:
    """How much of the entry and of the file is the same, in per cents: 90 and more only where that is all of both.

    A crop shows a part of the entry, a collage fills the file with other things, a mirrored copy or an edit is not the
    picture itself.
    """
    same = min(found.share, found.fills) * found.agreement
    if found.of_all:
        return max(_ALL_OF_IT, round(100 * same))
    return max(1, min(_ALL_OF_IT - 1, round(100 * same)))


def _require_size(alg: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise ConfigurationError("resolution.value", f"a value of {alg} has {size} bytes")


def _require_count(count: int) -> None:
    if not 1 <= count <= MOST_RESULTS:
        raise ConfigurationError("resolution.max-results", f"between 1 and {MOST_RESULTS} results")
