# SPDX-License-Identifier: Apache-2.0
"""A small picture of a picture, encoded anew: what a page may show of a stranger's file.

Of the file nothing is passed on but the colours of a reduced frame: no metadata, no profile, no trailing bytes.
"""

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from waarmerk.provenance.media.image import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

MAX_SIDE = 640  # pixels; sharp at 320 CSS pixels on a dense screen, some 60 KB
_QUALITY = 82
_TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
_TURNS |= {6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A JPEG of at most ``MAX_SIDE`` pixels a side; ``data`` holds no byte of the file it shows."""

    data: bytes = field(repr=False)
    width: int
    height: int


def preview(picture: Picture, *, max_side: int = MAX_SIDE) -> Preview:
    """The small picture of a decoded one, turned as it is meant to be seen; what is transparent is shown white."""
    from PIL import Image  # noqa: PLC0415 - loaded already, where there are pixels

    turn = _TURNS.get(picture.orientation)
    return _encoded(Image.fromarray(_opaque(picture)), max_side, None if turn is None else Image.Transpose[turn])


def _encoded(image: "Image.Image", max_side: int, turn: "Image.Transpose | None" = None) -> Preview:
    from PIL import Image  # noqa: PLC0415 - as above

    image.thumbnail((max_side, max_side), Image.Resampling.BOX, reducing_gap=None)
    if turn is not None:
        image = image.transpose(turn)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return Preview(data=out.getvalue(), width=image.width, height=image.height)


def preview_of(rgb: "NDArray[np.uint8]", *, max_side: int = MAX_SIDE) -> Preview:
    """The small picture of RGB pixels as they are."""
    from PIL import Image  # noqa: PLC0415 - as above

    return _encoded(Image.fromarray(rgb), max_side)


def _opaque(picture: Picture) -> "NDArray[np.uint8]":
    import numpy as np  # noqa: PLC0415 - as above

    if picture.alpha is None:
        return picture.rgb
    share = picture.alpha[:, :, None].astype(np.uint16)
    mixed = (picture.rgb * share + 255 * (255 - share) + 127) // 255
    return mixed.astype(np.uint8)
