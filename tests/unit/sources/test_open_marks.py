# SPDX-License-Identifier: Apache-2.0
"""Open marks as evidence: a claim at most, a suspicion where little is left, nothing where nothing was found."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.marks.writing import MARKS, host, mark
from waarmerk.provenance.labelling.facts import facts_of
from waarmerk.provenance.marks.search import Found
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.model import Assurance, ChannelState, Claimant, Origin, Tier
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings
from waarmerk.provenance.sources import Examination
from waarmerk.provenance.sources import open_marks as source_module
from waarmerk.provenance.sources.open_marks import (
    CODES,
    MAX_FALSE_POSITIVE,
    MAX_FALSE_SUSPICION,
    OpenMarkSource,
    examination_of,
)
from waarmerk.provenance.verdict import weigh


def png(rgb: Any) -> bytes:
    target = io.BytesIO()
    Image.fromarray(rgb).save(target, "PNG")
    return target.getvalue()


def examined(data: bytes, limits: Limits | None = None) -> Examination:
    return OpenMarkSource(limits or Limits()).examine(asset_from_bytes(data, name=None, limits=Limits()))


def found(p_value: float) -> Examination:
    return examination_of(Found(mark=MARKS["flux"], p_value=p_value, way="float bgr", blocks=4096))


def test_a_mark_that_is_found_is_a_claim_and_says_whose() -> None:
    seen = examined(png(mark(host(), "stable-diffusion-xl")))
    (one,) = seen.marks
    assert (one.scheme, one.key_id, one.detected, one.payload) == ("dwtDct:stable-diffusion-xl", None, True, None)
    assert (one.means, one.bound) == ("ai", None)
    assert one.p_value is not None
    assert 0 < one.p_value <= MAX_FALSE_POSITIVE
    assert [(channel.name, channel.state) for channel in seen.channels] == [("open-marks", ChannelState.FOUND)]
    verdict = weigh(seen.evidence)
    assert (verdict.origin, verdict.tier, verdict.claimed_by) == (Origin.AI_GENERATED, Tier.CLAIMED, (Claimant.MARK,))
    (concern,) = verdict.concerns
    assert (concern.code, concern.about) == ("open-marks.found", "Stable Diffusion XL")


def test_the_mark_of_32_bits_is_a_suspicion() -> None:
    verdict = weigh(examined(png(mark(host(), "stable-diffusion-2", depth="8-bit"))).evidence)
    assert (verdict.origin, verdict.tier) == (Origin.UNKNOWN, Tier.SUSPECTED)


def test_a_picture_without_one_is_none_and_supports_nothing() -> None:
    seen = examined(png(host()))
    assert [(channel.state, channel.why) for channel in seen.channels] == [(ChannelState.NONE, None)]
    assert seen.marks == ()
    assert weigh(seen.evidence) == weigh(())


@pytest.mark.parametrize(
    ("p_value", "assurance", "means", "state"),
    [
        (1e-13, Assurance.DECLARED, "ai", ChannelState.FOUND),
        (MAX_FALSE_POSITIVE, Assurance.DECLARED, "ai", ChannelState.FOUND),
        (MAX_FALSE_POSITIVE * 1.01, Assurance.INDIRECT, None, ChannelState.FOUND),
        (MAX_FALSE_SUSPICION, Assurance.INDIRECT, None, ChannelState.FOUND),
        (MAX_FALSE_SUSPICION * 1.01, Assurance.ABSENT, None, ChannelState.NONE),
        (1.0, Assurance.ABSENT, None, ChannelState.NONE),
    ],
)
def test_the_chance_decides_what_is_said(
    p_value: float, assurance: Assurance, means: str | None, state: ChannelState
) -> None:
    seen = found(p_value)
    assert [each.assurance for each in seen.evidence] == [assurance]
    assert seen.channels[0].state is state
    assert [each.means for each in seen.marks] == ([] if state is ChannelState.NONE else [means])


def test_the_rules_hear_of_a_claim_and_of_nothing_less() -> None:
    facts = {p: facts_of(None, None, found(p).marks, ()) for p in (1e-13, 1e-7, 1.0)}
    assert [(facts[p].wm, facts[p].wm_bound) for p in facts] == [("ai", None), ("unread", None), ("unread", None)]
    assert [facts[p].machine_marked for p in facts] == [True, False, False]


TOO_SMALL = png(host(100, 400))


@pytest.mark.parametrize(
    ("data", "limits", "why"),
    [
        (png(host())[:5000], Limits(), "open-marks.unreadable"),
        (png(host()), Limits(frame_pixels=100), "open-marks.unreadable"),
        (b"%PDF-1.7\n", Limits(), "open-marks.not-pixels"),
        (b"<svg width='10' height='10'></svg>", Limits(), "open-marks.unreadable"),
        (TOO_SMALL, Limits(), "open-marks.too-small"),
    ],
    ids=["cut", "too large", "pdf", "drawing", "too small"],
)
def test_what_cannot_be_searched_is_unread_and_supports_nothing(data: bytes, limits: Limits, why: str) -> None:
    seen = examined(data, limits)
    assert [(channel.state, channel.why) for channel in seen.channels] == [(ChannelState.UNREAD, why)]
    assert seen.marks == ()
    assert {each.assurance for each in seen.evidence} == {Assurance.UNREADABLE}
    for language in ("en", "nl"):
        assert wording(language).has("channel", why)
        assert wording(language).has("unread", why)


@pytest.mark.parametrize("fault", [MemoryError, ValueError, ZeroDivisionError, RuntimeError])
def test_a_search_that_fails_is_unread(fault: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Any:
        raise fault("some text with bytes of the file")

    monkeypatch.setattr(source_module, "search", fails)
    seen = examined(png(host()))
    assert [finding.code for finding in seen.evidence[0].findings] == ["open-marks.search-failed"]
    assert seen.channels[0].state is ChannelState.UNREAD


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (128, 5000), (9, 9, 9)),
        Image.new("1", (300, 300)),
        Image.fromarray(np.full((200, 200), 40_000, np.uint16)),
        Image.new("RGBA", (200, 200), (0, 0, 0, 0)),
        Image.new("L", (131, 257), 7),
    ],
    ids=["thin", "black and white", "sixteen bits", "clear", "grey"],
)
def test_odd_pictures_are_none(picture: Image.Image) -> None:
    target = io.BytesIO()
    picture.save(target, "PNG")
    assert examined(target.getvalue()).channels[0].state is ChannelState.NONE


def test_every_code_has_a_sentence() -> None:
    assert not [code for code in CODES for language in ("en", "nl") if not wording(language).has("concern", code)]


def test_it_is_searched_where_asked_for_and_where_pixels_are_decoded_anyway() -> None:
    asked = [Settings(open_marks=True), Settings(pixels=True), Settings(keys=(Path("k"),)), Settings(registry="r")]
    assert [settings.searches_open_marks for settings in (Settings(), *asked)] == [False, True, True, True, True]
    assert Settings.from_json(Settings(open_marks=True).to_json()).open_marks
