# SPDX-License-Identifier: Apache-2.0
"""Whether a picture is a pattern: cloth, tiles, a grid. It looks the same a step aside, so its structure names no one
picture: another piece of it, and any other pattern of that step, has the same.
"""

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_SIDE = 192  # pixels of the longer side
_COARSEST, _FINEST = 6.0, 0.8  # pixels; structure is what lies between
_ASIDE = 5  # pixels: nearer than that everything looks like itself
_ALIKE, _ACROSS = 0.9, 0.5  # correlation of the middle with other places; sine between two ways to such
_EVEN = 1.0  # grey levels, standard deviation: there is no structure to repeat


def is_pattern(grey: Bytes) -> bool:
    """Whether the middle of H x W grey is elsewhere in it as well, in two directions: a mast is like itself along one.

    By normalised cross-correlation (Lewis 1995).
    """
    scale = min(1.0, _SIDE / max(grey.shape))
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    plane = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    structure = cv2.GaussianBlur(plane, (0, 0), _FINEST) - cv2.GaussianBlur(plane, (0, 0), _COARSEST)
    height, width = structure.shape
    middle = structure[height // 4 : height - height // 4, width // 4 : width - width // 4]
    if min(middle.shape) < 4 * _ASIDE or float(middle.std()) < _EVEN:
        return False
    alike = np.nan_to_num(cv2.matchTemplate(structure, middle, cv2.TM_CCOEFF_NORMED), posinf=0, neginf=0)
    steps = np.argwhere(alike >= _ALIKE) - (height // 4, width // 4)
    steps = steps[np.abs(steps).max(axis=1) > _ASIDE]
    if not len(steps):
        return False
    ways = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return bool(np.abs(ways[:, 0] * ways[0, 1] - ways[:, 1] * ways[0, 0]).max() >= _ACROSS)
