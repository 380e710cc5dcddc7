# SPDX-License-Identifier: Apache-2.0
"""Which entries were kept in grey: an earlier version did so, and nothing can be held against the colours of a copy."""

from waarmerk.provenance.errors import LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes
from waarmerk.provenance.registry.model import Entry
from waarmerk.provenance.registry.store import Store


def is_grey(store: Store, entry: Entry, limits: Limits) -> bool:
    """Whether the picture that is kept of an entry has no colours; it is decoded for that, about a millisecond.

    Clips are kept in another way, and what cannot be read is not said to be grey.
    """
    if entry.reference is None or not entry.media_type.startswith("image/"):
        return False
    try:
        data = store.files.get(entry.reference, max_bytes=limits.image_bytes)
        return decode_rgb(asset_from_bytes(data, name=None, limits=limits), limits).mode == "L"
    except (StoreError, UnsupportedAsset, LimitExceeded):
        return False
