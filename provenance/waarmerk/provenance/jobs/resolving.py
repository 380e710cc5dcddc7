# SPDX-License-Identifier: Apache-2.0
"""What a worker does where others ask by content: the fingerprints of a file, and the manifests that belong to it."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from waarmerk.provenance.build import build_store, mark_searches
from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.open import File, open_asset
from waarmerk.provenance.settings import Settings

if TYPE_CHECKING:
    from waarmerk.provenance.registry.finder import Finder


class Resolving:
    """Looks files up for ``registry.resolution``. Keeps the index of the registry between them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._finder: Finder | None = None

    def hashes(self, file: File) -> dict[str, str]:
        """The fingerprints of a picture, in hex, under the names that they have in resolution."""
        from waarmerk.provenance.media.image import decode_rgb  # noqa: PLC0415 - only where they are sent
        from waarmerk.provenance.registry.finder import ties, upright  # noqa: PLC0415
        from waarmerk.provenance.registry.resolution import FINGERPRINTS  # noqa: PLC0415

        limits = self._settings.limits
        tied = {tie.kind: tie.value for tie in ties(upright(decode_rgb(open_asset(file, limits=limits), limits)))}
        return {alg: tied[kind].hex() for alg, (kind, _) in FINGERPRINTS.items() if kind in tied}

    def matches(self, file: File, wishes: Mapping[str, Any]) -> dict[str, Any]:
        """Which manifests belong to what a file shows, as ``registry.resolution.by_content`` says."""
        from waarmerk.provenance.media.image import decode_rgb  # noqa: PLC0415 - only where there is a registry
        from waarmerk.provenance.registry.finder import Finder, upright  # noqa: PLC0415
        from waarmerk.provenance.registry.hashes import pdq_orientations  # noqa: PLC0415
        from waarmerk.provenance.registry.resolution import by_content  # noqa: PLC0415

        settings = self._settings
        asset = open_asset(file, limits=settings.limits)
        searches = () if wishes.get("withhold") else mark_searches(replace(settings, ledger=None))
        seen = [mark for search in searches for mark in search.examine(asset).marks]
        marks = [(m.key_id, bytes.fromhex(m.payload)) for m in seen if m.key_id is not None and m.payload is not None]
        rgb = None
        if asset.media_type.startswith("image/"):
            with contextlib.suppress(UnsupportedAsset, LimitExceeded):
                rgb = decode_rgb(asset, settings.limits)
        if self._finder is None:
            self._finder = Finder(build_store(settings), settings.limits)
        found = by_content(
            self._finder,
            sha256=bytes.fromhex(asset.sha256),
            rgb=None if rgb is None else upright(rgb),
            marks=marks,
            alg=wishes.get("alg"),
            max_results=int(wishes["max_results"]),
        )
        return {
            "sha256": asset.sha256,
            "matches": [{"manifestId": each.manifest_id, "similarityScore": each.similarity} for each in found],
            "tells_marks": bool(seen),
            "fingerprint": None if rgb is None else [each.hex() for each in pdq_orientations(rgb.rgb)],
        }
