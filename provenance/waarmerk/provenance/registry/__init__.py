# SPDX-License-Identifier: Apache-2.0
"""Known assets: what was issued under our own keys, and whether a marked picture is what was issued."""

from waarmerk.provenance.registry.clip_match import ClipFrame, ClipLikeness, compare_clip, compare_still
from waarmerk.provenance.registry.ledger import Ledger
from waarmerk.provenance.registry.model import Chroma, Issuance, Still, Thumbnail
from waarmerk.provenance.registry.verify_match import Likeness, compare

__all__ = [
    "Chroma",
    "ClipFrame",
    "ClipLikeness",
    "Issuance",
    "Ledger",
    "Likeness",
    "Still",
    "Thumbnail",
    "compare",
    "compare_clip",
    "compare_still",
]
