# SPDX-License-Identifier: Apache-2.0
"""Two kinds of surface in a picture: drawn in one exact colour, and full of detail."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

_FLAT_RANGE = 2  # levels within 5 x 5 pixels: drawn surfaces stay exact through PNG and good JPEG
_MIN_COLOUR = 0.004  # share of the picture that makes an exact colour one of the interface


def drawn(rgb: "Pixels") -> "Mask":
    """Where a pixel has one of the exact colours in which large surfaces are drawn."""
    import cv2  # noqa: PLC0415 - as above
    import numpy as np  # noqa: PLC0415

    box = np.ones((5, 5), np.uint8)
    red, green, blue = cv2.split(cv2.subtract(cv2.dilate(rgb, box), cv2.erode(rgb, box)))
    spread = cv2.max(cv2.max(red, green), blue)  # a maximum over an axis of three is made one by one
    coarse = (rgb >> 2).astype(np.int32)
    index = (coarse[:, :, 0] << 12) | (coarse[:, :, 1] << 6) | coarse[:, :, 2]
    counts = np.bincount(index[spread <= _FLAT_RANGE], minlength=1 << 18).reshape(64, 64, 64)
    table = (counts >= _MIN_COLOUR * index.size).astype(np.uint8)
    for axis in range(3):  # compression moves a colour into a neighbouring bin
        table = np.maximum(table, np.maximum(_shifted(table, axis, 1), _shifted(table, axis, -1)))
    return np.asarray(table.reshape(-1)[index] > 0)


def _shifted(table: "NDArray[np.uint8]", axis: int, by: int) -> "NDArray[np.uint8]":
    """``table`` moved by one bin, zero at the end that gets free."""
    import numpy as np  # noqa: PLC0415

    moved = np.roll(table, by, axis)
    edge: list[slice | int] = [slice(None)] * 3
    edge[axis] = 0 if by > 0 else -1
    moved[tuple(edge)] = 0
    return moved


def detail(rgb: "Pixels") -> "NDArray[np.float32]":
    """How far each pixel stands out from its neighbours, in levels; nearly nothing where a picture was blurred."""
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=1)).astype(np.float32)


def busy(detail: "NDArray[np.float32]") -> "Mask":
    """Where there is detail: the surroundings of a story are a blurred copy or a soft gradient."""
    import cv2  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    window = max(9, min(detail.shape) // 40 | 1)
    return np.asarray(cv2.blur((detail > 4).astype(np.float32), (window, window)) > 0.12)
