# SPDX-License-Identifier: Apache-2.0
"""Marks as evidence: what each finding may say, and that no picture makes the source raise."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.model import Assurance, ChannelState, Claimant, Origin, Tier
from waarmerk.provenance.sources import Examination
from waarmerk.provenance.sources import watermark as sources_watermark
from waarmerk.provenance.sources.watermark import MAX_FALSE_POSITIVE, WatermarkSource, evidence_of, load_keys
from waarmerk.provenance.verdict import weigh
from waarmerk.watermark import Detection, Key, Payload, embed

KEY = Key.generate("ai", random_bytes=lambda count: bytes(range(count)))
ORIGIN = Key.generate("origin", random_bytes=lambda count: bytes(range(1, count + 1)))
PAYLOAD = Payload(b"\x00\x11\x22\x33\x44\x55\x66\x77")


def host() -> Any:
    y, x = np.mgrid[0:384, 0:384]
    noise = np.random.default_rng(2).normal(0, 8, (384, 384, 3))
    wave = 120 + 50 * np.sin(x / 31)[..., None] * np.cos(y / 23)[..., None]
    return np.clip(wave + noise, 0, 255).astype(np.uint8)


def examined(image: Image.Image | bytes, *keys: Key, form: str = "PNG", limits: Limits | None = None) -> Examination:
    if isinstance(image, Image.Image):
        target = io.BytesIO()
        image.save(target, form)
        image = target.getvalue()
    asset = asset_from_bytes(image, name=None, limits=Limits())
    source = WatermarkSource(keys or (KEY,), limits or Limits(), max_false_positive=MAX_FALSE_POSITIVE)
    return source.examine(asset)


def detection(key: Key = KEY, *, detected: bool = True, payload: Payload | None = PAYLOAD) -> Detection:
    return Detection(
        detected=detected,
        payload=payload if detected else None,
        p_value=1e-40 if detected else 1.0,
        geometry=None,
        scheme=key.scheme,
        key_id=key.key_id,
    )


@pytest.fixture(scope="module")
def marked() -> Image.Image:
    return Image.fromarray(embed(host(), KEY, PAYLOAD))


def test_a_mark_that_means_ai_is_a_claim(marked: Image.Image) -> None:
    found = examined(marked, KEY, ORIGIN)
    mine, other = found.marks
    assert (mine.detected, mine.payload, mine.means, mine.bound) == (True, "0011223344556677", "ai", None)
    assert mine.p_value is not None
    assert mine.p_value <= MAX_FALSE_POSITIVE
    assert (other.detected, other.payload, other.key_id) == (False, None, ORIGIN.key_id)
    assert [(channel.name, channel.state) for channel in found.channels] == [
        (f"watermark:{KEY.key_id}", ChannelState.FOUND),
        (f"watermark:{ORIGIN.key_id}", ChannelState.NONE),
    ]
    verdict = weigh(found.evidence)
    assert (verdict.origin, verdict.tier, verdict.claimed_by) == (Origin.AI_GENERATED, Tier.CLAIMED, (Claimant.MARK,))
    assert "watermark.binding-unchecked" in {concern.code for concern in verdict.concerns}


def test_nothing_found_says_nothing() -> None:
    found = examined(Image.fromarray(host()))
    assert not found.marks[0].detected
    assert weigh(found.evidence) == weigh(())


@pytest.mark.parametrize(
    ("key", "payload", "assurance", "origin"),
    [
        (KEY, PAYLOAD, Assurance.DECLARED, Origin.AI_GENERATED),
        (KEY, None, Assurance.INDIRECT, Origin.AI_GENERATED),
        (ORIGIN, PAYLOAD, Assurance.DECLARED, Origin.UNKNOWN),
        (ORIGIN, None, Assurance.INDIRECT, Origin.UNKNOWN),
    ],
    ids=["ai", "ai silent", "origin", "origin silent"],
)
def test_what_a_detection_may_say(key: Key, payload: Payload | None, assurance: Assurance, origin: Origin) -> None:
    evidence = evidence_of(key, detection(key, payload=payload))
    assert (evidence.assurance, evidence.origin, evidence.claimant) == (assurance, origin, Claimant.MARK)


def test_no_detection_is_absence() -> None:
    assert evidence_of(KEY, detection(detected=False)).assurance is Assurance.ABSENT


def test_a_key_for_the_origin_never_says_ai() -> None:
    verdict = weigh([evidence_of(ORIGIN, detection(ORIGIN))])
    assert (verdict.origin, verdict.tier, verdict.claimed_by) == (Origin.UNKNOWN, Tier.NONE, ())


PNG = io.BytesIO()
Image.fromarray(host()).save(PNG, "PNG")


@pytest.mark.parametrize(
    ("data", "limits", "why"),
    [
        (PNG.getvalue()[:5000], Limits(), "watermark.unreadable"),
        (PNG.getvalue(), Limits(frame_pixels=100), "watermark.unreadable"),
        (b"%PDF-1.7\n", Limits(), "watermark.not-pixels"),
        (b"<svg width='10' height='10'></svg>", Limits(), "watermark.unreadable"),
    ],
    ids=["cut", "too large", "pdf", "drawing"],
)
def test_what_cannot_be_searched_is_unread_and_supports_nothing(data: bytes, limits: Limits, why: str) -> None:
    found = examined(data, KEY, ORIGIN, limits=limits)
    assert {(channel.state, channel.why) for channel in found.channels} == {(ChannelState.UNREAD, why)}
    assert [(mark.detected, mark.payload, mark.p_value) for mark in found.marks] == [(False, None, None)] * 2
    assert {evidence.assurance for evidence in found.evidence} == {Assurance.UNREADABLE}
    assert weigh(found.evidence).origin is Origin.UNKNOWN


@pytest.mark.parametrize("fault", [MemoryError, ValueError, ZeroDivisionError, RuntimeError])
def test_a_search_that_fails_is_unread(fault: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **options: Any) -> Any:
        raise fault("some text with bytes of the file")

    monkeypatch.setattr(sources_watermark, "detect_each", fails)
    found = examined(Image.fromarray(host()))
    assert [finding.code for finding in found.evidence[0].findings] == ["watermark.search-failed"]
    assert found.channels[0].state is ChannelState.UNREAD


ODD = {
    "one pixel": Image.new("RGB", (1, 1)),
    "thin": Image.new("RGB", (900, 2), (9, 9, 9)),
    "small": Image.fromarray(host()[:100, :100]),
    "flat": Image.new("RGB", (300, 300), (128, 128, 128)),
    "black and white": Image.fromarray(host()).convert("1"),
    "sixteen bits": Image.fromarray(host()[:, :, 0].astype(np.uint16) * 257),
    "clear": Image.new("RGBA", (200, 200), (0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_give_an_answer_and_never_a_payload(name: str) -> None:
    (mark,) = examined(ODD[name]).marks
    assert (mark.detected, mark.payload) == (False, None)


def test_a_source_without_keys_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="key"):
        WatermarkSource((), Limits(), max_false_positive=1e-9)


def test_keys_are_read_once_each_and_never_quoted(tmp_path: Path) -> None:
    KEY.save(tmp_path / "a.key")
    KEY.save(tmp_path / "b.key")
    ORIGIN.save(tmp_path / "c.key")
    assert load_keys(tmp_path / f"{name}.key" for name in "abc") == (KEY, ORIGIN)
    (tmp_path / "b.key").chmod(0o644)
    (tmp_path / "c.key").write_text((tmp_path / "c.key").read_text().replace("origin", "orison"))
    for name in ("b.key", "c.key", "none.key"):
        with pytest.raises(ConfigurationError) as caught:
            load_keys([tmp_path / name])
        assert caught.value.code == "watermark.key"
        assert name in caught.value.message
        assert not any(key.secret.hex() in repr(caught.value) for key in (KEY, ORIGIN))
