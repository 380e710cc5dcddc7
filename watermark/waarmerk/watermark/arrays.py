# SPDX-License-Identifier: Apache-2.0
"""Names for the arrays of this package, and the narrowing OpenCV's own annotations need."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]  # pixels
Floats = npt.NDArray[np.float32]  # planes and per-bin values
Complexes = npt.NDArray[np.complex64]  # spectra
Matrix = npt.NDArray[np.float64]  # poses, points, small linear algebra
Integers = npt.NDArray[np.int64]
Signs = npt.NDArray[np.int8]  # +1 and -1


def floats(values: npt.ArrayLike) -> Floats:
    """The same values as float32, not copied where they are so already."""
    return np.asarray(values, np.float32)


def pixels(values: npt.ArrayLike) -> Bytes:
    """The same values as uint8, not copied where they are so already."""
    return np.asarray(values, np.uint8)
