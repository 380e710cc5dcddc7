# SPDX-License-Identifier: Apache-2.0
"""Bytes: what a file is, how large it may be, and how its header describes it. No decoder runs on opening."""

from waarmerk.provenance.media.bmff import Movie, read_movie, unhashed
from waarmerk.provenance.media.content import Content
from waarmerk.provenance.media.extension import extension_differs, promises_media
from waarmerk.provenance.media.image import Header, Picture, decode_rgb, read_header
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes, asset_of, open_asset
from waarmerk.provenance.media.sniff import CREDENTIAL_TYPES, MEDIA_TYPES, Kind, carries_credentials, kind_of, sniff
from waarmerk.provenance.media.window import Truncated, Window

# Every finding that opening an asset may leave in ``Asset.hints``; each has a sentence in ``report/wording``.
CODES = frozenset(
    {"media.duration-contradicted", "media.name-differs", "media.too-many-parts", "media.too-many-samples"}
    | {
        "media.looks-like-screenshot",
        "media.picture-within",
        "media.looks-like-messenger-copy",
        "media.cut-off",
        "metadata.sidecar",
    }
)

__all__ = [
    "CODES",
    "CREDENTIAL_TYPES",
    "MEDIA_TYPES",
    "Content",
    "Header",
    "Kind",
    "Limits",
    "Movie",
    "Picture",
    "Truncated",
    "Window",
    "asset_from_bytes",
    "asset_of",
    "carries_credentials",
    "decode_rgb",
    "extension_differs",
    "kind_of",
    "open_asset",
    "promises_media",
    "read_header",
    "read_movie",
    "sniff",
    "unhashed",
]
