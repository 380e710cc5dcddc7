# SPDX-License-Identifier: Apache-2.0
"""Several look at the pixels of one file: they are decoded for the first of them."""

import weakref
from typing import TYPE_CHECKING

from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Asset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


class DecodedOnce:
    """Gives the pixels of an asset, and keeps those it gave last for as long as that asset is in use, no longer.

    Safe to use from several threads, which then may decode for themselves.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._last: tuple[weakref.ref[Asset], Pixels] | None = None

    def __call__(self, asset: Asset) -> "Pixels":
        """The first frame, H x W x 3 uint8, not to be written to. Raises as ``decode_rgb`` does."""
        last = self._last
        if last is not None and last[0]() is asset:
            return last[1]
        rgb = decode_rgb(asset, self._limits).rgb
        rgb.flags.writeable = False
        self._last = weakref.ref(asset, self._forget), rgb
        return rgb

    def _forget(self, gone: "weakref.ref[Asset]") -> None:
        last = self._last
        if last is not None and last[0] is gone:
            self._last = None
