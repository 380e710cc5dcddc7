# SPDX-License-Identifier: Apache-2.0
"""Which pictures are more work than picture, and which only look so to who counts bytes."""

import struct

import numpy as np
import pytest
from PIL import Image

from tests.hostile.makers import saved, scans, segment
from waarmerk.provenance.errors import LimitExceeded
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.media.image import decode_rgb

LIMITS = Limits()
RANDOM = np.random.default_rng(0)
PLAIN = saved(Image.fromarray(RANDOM.integers(0, 256, (120, 160, 3), np.uint8)), "JPEG", progressive=True)
START_OF_SCAN = b"\xff\xda" * 200

BESIDE = {
    "the film of a motion photo": PLAIN + struct.pack(">I4s", 16, b"ftyp") + RANDOM.bytes(1 << 20) + START_OF_SCAN,
    "a second picture behind the first": PLAIN + scans(160, 60),
    "bytes in a segment": PLAIN[:2] + segment(0xEB, START_OF_SCAN) + PLAIN[2:],
    "a picture in a segment": PLAIN[:2] + segment(0xE1, scans(16, 60)) + PLAIN[2:],
    "fill bytes": PLAIN[:2] + b"\xff" * 5000 + PLAIN[2:],
}


@pytest.mark.parametrize("name", BESIDE)
def test_what_stands_beside_a_picture_is_no_scan_of_it(name: str) -> None:
    rgb = decode_rgb(asset_from_bytes(BESIDE[name], name=None, limits=LIMITS), LIMITS).rgb
    assert np.array_equal(rgb, decode_rgb(asset_from_bytes(PLAIN, name=None, limits=LIMITS), LIMITS).rgb)


@pytest.mark.parametrize(
    "data",
    [scans(160, 60), PLAIN[:-2] + scans(160, 60)[2:], PLAIN[:2] + segment(0xE1, b"x") + scans(160, 60)[2:]],
    ids=["alone", "after others", "after a segment"],
)
def test_a_picture_with_more_scans_than_encoders_write_is_not_decoded(data: bytes) -> None:
    with pytest.raises(LimitExceeded) as refused:
        decode_rgb(asset_from_bytes(data, name=None, limits=LIMITS), LIMITS)
    assert refused.value.code == "media.too-many-parts"


def test_as_many_scans_as_are_allowed_are_decoded_over_blocks_of_the_search() -> None:
    """Markers that lie across the pieces in which a file is searched are seen, once."""
    few = scans(160, 5)
    wide = few[:-2] + b"\0" * ((1 << 20) - len(few) + 1) + b"\xff\xd9" + START_OF_SCAN
    assert decode_rgb(asset_from_bytes(wide, name=None, limits=LIMITS), LIMITS).rgb.shape == (160, 160, 3)
