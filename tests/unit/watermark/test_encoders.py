# SPDX-License-Identifier: Apache-2.0
"""The encoder stays near its source, and what it cannot keep is named."""

from __future__ import annotations

from typing import Any

import pytest

from waarmerk.watermark.containers import Container
from waarmerk.watermark.encoders import Source, choose, encoder_for

FORMATS = {"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le"}


def source(**changes: Any) -> Source:
    given = {"codec": "h264", "pixel_format": "yuv420p", "depth": 8, "width": 1280, "height": 720, "rate": 1_000_000}
    return Source(**{**given, **changes})


@pytest.mark.parametrize(
    ("codec", "container", "encoder"),
    [
        ("h264", Container.MP4, "libx264"),
        ("hevc", Container.MOV, "libx265"),
        ("av1", Container.MP4, "libsvtav1"),
        ("vp9", Container.WEBM, "libvpx-vp9"),
        ("vp8", Container.WEBM, "libvpx-vp9"),
        ("theora", Container.MATROSKA, "libx264"),
        ("h264", Container.WEBM, "libvpx-vp9"),
        ("vp9", Container.MOV, "libx264"),
    ],
)
def test_the_family_of_the_source_where_the_container_takes_it(codec: str, container: Container, encoder: str) -> None:
    assert encoder_for(source(codec=codec), container) == encoder


def test_nothing_is_lost_where_all_is_kept() -> None:
    plan = choose(source(), Container.MP4, FORMATS)
    assert (plan.encoder, plan.pixel_format, plan.losses) == ("libx264", "yuv420p", ())
    assert plan.options["maxrate"] == "2000000"


def test_what_changes_is_named() -> None:
    plan = choose(source(codec="prores", pixel_format="yuva444p12le", depth=12), Container.MOV, FORMATS)
    assert plan.pixel_format == "yuv420p10le"
    assert plan.losses == (("codec", "prores > h264"), ("pixel-format", "yuva444p12le > yuv420p10le"))


def test_an_odd_size_goes_without_subsampling() -> None:
    assert choose(source(width=321), Container.MP4, FORMATS).pixel_format == "yuv444p"
    assert choose(source(width=321, codec="vp9"), Container.WEBM, FORMATS).pixel_format == "yuv420p"


def test_a_finer_pass_knows_no_bound_on_the_rate() -> None:
    coarse, fine = choose(source(), Container.MP4, FORMATS), choose(source(), Container.MP4, FORMATS, finer=True)
    assert int(fine.options["crf"]) < int(coarse.options["crf"])
    assert "maxrate" not in fine.options


def test_a_preset_is_handed_on() -> None:
    assert choose(source(), Container.MP4, FORMATS, preset="slow").options["preset"] == "slow"
    assert choose(source(codec="vp9"), Container.WEBM, FORMATS, preset="2").options["cpu-used"] == "2"


def test_high_dynamic_range_is_told_in_the_encoders_own_words() -> None:
    hdr = {"mastering": "G(1,2)", "light": "1000,400"}
    told = choose(source(codec="hevc"), Container.MP4, FORMATS, hdr=hdr).options["x265-params"]
    assert "master-display=G(1,2)" in told
    assert "max-cll=1000,400" in told
    assert choose(source(codec="vp9"), Container.WEBM, FORMATS, hdr=hdr).losses == (("hdr", ""),)
