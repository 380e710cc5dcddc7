# SPDX-License-Identifier: Apache-2.0
"""What a block says, against the definition of the scheme, block by block."""

import numpy as np

from waarmerk.provenance.marks import dwtdct


def test_a_block_says_what_its_largest_entry_but_the_first_says() -> None:
    band = np.random.default_rng(5).normal(0, 90, (10, 15)).astype(np.float32)  # two rows of three blocks, and a rest
    band[4, 8] = -900  # entry 0 of a block never carries
    for reading, offset in zip(dwtdct._read("way", band), (1.0, 256.0), strict=True):
        blocks = (band[:8, :12] + np.float32(offset)).reshape(2, 4, 3, 4).swapaxes(1, 2).reshape(2, 3, 16)
        largest = np.abs(blocks[:, :, 1:]).max(axis=2)
        assert np.array_equal(reading.scores, -np.sin(largest * np.float32(2 * np.pi / dwtdct.STEP)))
