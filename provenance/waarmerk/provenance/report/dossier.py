# SPDX-License-Identifier: Apache-2.0
"""What a dossier shows beside the report: a small picture made anew, a picture found inside it, the manifest tree.

Made in the process that parses the file and passed on as plain data; nothing in it is a byte of the file.
"""

import base64
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.image import Picture, decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.preview import Preview, preview, preview_of
from waarmerk.provenance.media.screenshot import inner_picture
from waarmerk.provenance.model import Asset, Manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_MANIFESTS = 200  # more than anybody reads; keeps an answer well below the limit of a frame


def payload(asset: Asset, manifests: Iterable[Manifest], limits: Limits) -> dict[str, Any]:
    """``picture`` (``uri``, ``width``, ``height``), ``inner`` (left, top, width, height) and ``manifests``.

    The first two are None where there is no picture to decode, or none inside it.
    """
    picture = _decoded(asset, limits)
    region = None if picture is None else inner_picture(picture.rgb)
    return {
        "picture": None if picture is None else _small(picture),
        "inner": None if region is None else [region.left, region.top, region.width, region.height],
        "manifests": [asdict(manifest) for manifest in list(manifests)[:MAX_MANIFESTS]],
    }


def small_picture(asset: Asset, limits: Limits) -> dict[str, Any] | None:
    """``uri``, ``width`` and ``height`` of a small re-encoding; None where there is no picture to decode."""
    picture = _decoded(asset, limits)
    return None if picture is None else _small(picture)


def _decoded(asset: Asset, limits: Limits) -> Picture | None:
    try:
        return decode_rgb(asset, limits)
    except (UnsupportedAsset, LimitExceeded):
        return None


def small_frame(rgb: "NDArray[np.uint8]") -> dict[str, Any]:
    """The same of one frame of a clip: H x W x 3, as people see it."""
    return _told(preview_of(rgb))


def _small(picture: Picture) -> dict[str, Any]:
    return _told(preview(picture))


def _told(small: Preview) -> dict[str, Any]:
    encoded = base64.b64encode(small.data).decode("ascii")
    return {"uri": f"data:image/jpeg;base64,{encoded}", "width": small.width, "height": small.height}
