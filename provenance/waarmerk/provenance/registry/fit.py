# SPDX-License-Identifier: Apache-2.0
"""One rule for all of a picture, as most of it says: what does not belong is not fitted."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

_LEAST = 16  # rows
_NEAR = 1.0  # levels: what is as near as that always fits


def fitted(
    terms: Floats | Doubles,
    wanted: Floats | Doubles,
    *,
    share: float,
    rounds: int,
    among: Truths | None = None,
    held: float = 0.0,
) -> Doubles | None:
    """The rule (K x C) that makes ``wanted`` (N x C) of ``terms`` (N x K); None where too few rows say so.

    Least squares over the ``share`` of the rows that fits best so far, in a few rounds (least trimmed squares,
    Rousseeuw 1984), of those ``among`` which it is looked for. It is ``held`` to zero as in ridge regression.
    """
    design, target = terms.astype(np.float64), wanted.astype(np.float64)
    open_to_see = np.ones(len(design), np.bool_) if among is None else among
    near, nothing = np.sqrt(held) * np.eye(design.shape[1]), np.zeros((design.shape[1], target.shape[1]))
    kept, rule = open_to_see, None
    for _ in range(rounds):
        if kept.sum() < _LEAST:
            return None
        rule = np.linalg.lstsq(np.vstack([design[kept], near]), np.vstack([target[kept], nothing]), rcond=None)[0]
        rest = np.linalg.norm(target - design @ rule, axis=1)
        kept = open_to_see & (rest <= max(float(np.quantile(rest[open_to_see], share)), _NEAR))
    return rule
