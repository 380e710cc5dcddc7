# SPDX-License-Identifier: Apache-2.0
"""Several look at the pixels of one file: they are decoded for the first of them."""

import weakref
from typing import TYPE_CHECKING

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Asset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


class DecodedOnce:
    """Gives the pixels of an asset, or says why there are none, and keeps that for as long as the asset is in use.

    Safe to use from several threads, which then may decode for themselves.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._last: tuple[weakref.ref[Asset], Pixels | UnsupportedAsset | LimitExceeded] | None = None

    def __call__(self, asset: Asset) -> "Pixels":
        """The first frame, H x W x 3 uint8, not to be written to. Raises as ``decode_rgb`` does."""
        last = self._last
        found = last[1] if last is not None and last[0]() is asset else self._decoded(asset)
        if isinstance(found, UnsupportedAsset | LimitExceeded):
            raise type(found)(found.code, found.message)  # one that was raised would hold the asset by its traceback
        return found

    def _decoded(self, asset: Asset) -> "Pixels | UnsupportedAsset | LimitExceeded":
        found: Pixels | UnsupportedAsset | LimitExceeded
        try:
            found = decode_rgb(asset, self._limits).rgb
            found.flags.writeable = False
        except (UnsupportedAsset, LimitExceeded) as error:
            found = type(error)(error.code, error.message)
        self._last = weakref.ref(asset, self._forget), found
        return found

    def _forget(self, gone: "weakref.ref[Asset]") -> None:
        last = self._last
        if last is not None and last[0] is gone:
            self._last = None
