# SPDX-License-Identifier: Apache-2.0
"""A look at the pixels for a picture inside the picture. Supports no claim about an origin; it says what to ask for."""

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.copies import PICTURE_WITHIN, SCREENSHOT
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.once import DecodedOnce
from waarmerk.provenance.media.screenshot import layout
from waarmerk.provenance.model import Asset, Assurance, Claimant, Evidence, Finding
from waarmerk.provenance.sources import Examination


class ScreenshotSource:
    """Finds even areas with text around a picture. Costs a decoding: asked only where pixels are wanted anyway.

    An interface has such areas, and so has a poster: which of them it is, is not told.
    """

    def __init__(self, limits: Limits, pixels: DecodedOnce | None = None) -> None:
        """``pixels`` decodes for others too; one of its own where none is given."""
        self._pixels = pixels or DecodedOnce(limits)

    def examine(self, asset: Asset) -> Examination:
        """A hint with its reasons, or nothing; what the header told already is not said twice."""
        if any(hint.code == SCREENSHOT for hint in asset.hints) or not self._shows_interface(asset):
            return Examination()
        finding = Finding(PICTURE_WITHIN)
        evidence = Evidence(
            channel="asset", claimant=Claimant.CLASSIFIER, assurance=Assurance.ABSENT, findings=(finding,)
        )
        return Examination(evidence=(evidence,))

    def _shows_interface(self, asset: Asset) -> bool:
        try:
            found = layout(self._pixels(asset))
        except (UnsupportedAsset, LimitExceeded):
            return False
        return found is not None and found.has_interface
