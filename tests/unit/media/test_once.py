# SPDX-License-Identifier: Apache-2.0
"""Pixels are decoded once for all who look at a file, and are gone with it."""

import gc
import io
import weakref

import numpy as np
import pytest
from PIL import Image

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import once
from waarmerk.provenance.media.image import Picture, decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.once import DecodedOnce
from waarmerk.provenance.media.open import asset_from_bytes
from waarmerk.provenance.model import Asset


def asset(value: int) -> Asset:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (value, 0, 0)).save(stream, "PNG")
    return asset_from_bytes(stream.getvalue(), name=None, limits=Limits())


def test_the_same_asset_is_decoded_once_and_another_is_another() -> None:
    pixels, first, second = DecodedOnce(Limits()), asset(1), asset(2)
    seen = pixels(first)
    assert pixels(first) is seen
    assert pixels(second)[0, 0, 0] == 2
    assert np.array_equal(pixels(first), seen)
    with pytest.raises(ValueError, match="read-only"):
        seen[0, 0, 0] = 9  # the next who looks would see it


def test_an_equal_asset_is_not_taken_for_the_same() -> None:
    pixels = DecodedOnce(Limits())
    one, other = asset(1), asset(1)
    assert one == other
    assert pixels(one) is not pixels(other)


def test_nothing_is_kept_of_a_file_that_is_done() -> None:
    pixels, one = DecodedOnce(Limits()), asset(1)
    kept = weakref.ref(pixels(one))
    assert kept() is not None
    del one
    gc.collect()
    assert kept() is None


def test_what_does_not_decode_is_tried_once_and_refused_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Asset] = []

    def counted(given: Asset, limits: Limits) -> Picture:
        tried.append(given)
        return decode_rgb(given, limits)

    monkeypatch.setattr(once, "decode_rgb", counted)
    pixels = DecodedOnce(Limits())
    broken = asset_from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40), name=None, limits=Limits())
    for _ in range(3):
        with pytest.raises(UnsupportedAsset) as refused:
            pixels(broken)
        assert refused.value.code == "media.undecodable"
    assert tried == [broken]
    large = DecodedOnce(Limits(frame_pixels=9))
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            large(asset(1))


def test_nothing_is_kept_of_a_file_that_does_not_decode() -> None:
    pixels = DecodedOnce(Limits())
    broken = asset_from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40), name=None, limits=Limits())
    with pytest.raises(UnsupportedAsset):
        pixels(broken)
    kept = weakref.ref(broken)
    gc.disable()  # no cycle holds it either
    try:
        del broken
        assert kept() is None
    finally:
        gc.enable()
