# SPDX-License-Identifier: Apache-2.0
"""The public interface: what comes back, what is refused, what is never claimed."""

from __future__ import annotations

import io
import subprocess
import sys

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import waarmerk.watermark as library
from tests.unit.watermark import hosts
from waarmerk.watermark import CannotCarry, Detection, Key, Payload, detect, detect_each, embed
from waarmerk.watermark.carriers import TILE
from waarmerk.watermark.quality import psnr

Bytes = npt.NDArray[np.uint8]


def jpeg(image: Bytes, quality: int) -> Bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def rotated(image: Bytes, degrees: float) -> Bytes:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC), np.uint8)


def scaled(image: Bytes, across: float, down: float) -> Bytes:
    size = (round(image.shape[1] * across), round(image.shape[0] * down))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def perspective(image: Bytes) -> Bytes:
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + np.array([[9, 6], [-10, 4], [-3, -9], [6, 5]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return np.asarray(cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_CUBIC), np.uint8)


ATTACKS = {
    "identity": lambda a: a,
    "jpeg 50": lambda a: jpeg(a, 50),
    "jpeg 25": lambda a: jpeg(a, 25),
    "crop": lambda a: a[71:300, 133:420],
    "half size": lambda a: scaled(a, 0.5, 0.5),
    "one and a half": lambda a: scaled(a, 1.5, 1.5),
    "stretched": lambda a: scaled(a, 1.15, 1.0),
    "rotated 7": lambda a: rotated(a, 7),
    "rotated 45": lambda a: rotated(a, 45),
    "upside down": lambda a: a[::-1, ::-1],
    "flipped": lambda a: a[:, ::-1],
    "quarter turn": np.rot90,
    "negative": lambda a: 255 - a,
    "median": lambda a: cv2.medianBlur(np.ascontiguousarray(a), 3),
    "grey": lambda a: np.repeat(cv2.cvtColor(a, cv2.COLOR_RGB2GRAY)[..., None], 3, 2),
    "perspective": perspective,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_payload_survives(marked: Bytes, key: Key, payload: Payload, name: str) -> None:
    found = detect(np.ascontiguousarray(ATTACKS[name](marked)), key)
    assert found.payload == payload
    assert found.detected
    assert found.p_value <= 1e-9


def test_the_default_strength_is_hardly_seen(host: Bytes, marked: Bytes) -> None:
    assert psnr(host, marked) > 38.0
    assert not np.array_equal(host, marked)


def test_equal_arguments_give_equal_bytes(host: Bytes, marked: Bytes, key: Key, payload: Payload) -> None:
    assert np.array_equal(embed(host, key, payload), marked)


@pytest.mark.parametrize("wanted", [40.0, 44.0, 48.0])
def test_a_psnr_is_met(host: Bytes, key: Key, payload: Payload, wanted: float) -> None:
    assert psnr(host, embed(host, key, payload, psnr=wanted)) == pytest.approx(wanted, abs=0.1)


def test_strength_scales_the_change(host: Bytes, marked: Bytes, key: Key, payload: Payload) -> None:
    assert psnr(host, marked) - psnr(host, embed(host, key, payload, strength=2.0)) == pytest.approx(6.0, abs=1.0)


def test_an_unmarked_image_carries_nothing(host: Bytes, key: Key) -> None:
    found = detect(host, key)
    assert (found.detected, found.payload, found.geometry) == (False, None, None)
    assert found.p_value > 1e-6


def test_another_key_sees_nothing(marked: Bytes, other_key: Key) -> None:
    found = detect(marked, other_key)
    assert (found.detected, found.payload) == (False, None)


def test_another_purpose_is_another_key(marked: Bytes, key: Key) -> None:
    twin = Key(secret=key.secret, purpose="origin", created=key.created)
    assert not detect(marked, twin).detected


def test_several_keys_in_one_search(marked: Bytes, key: Key, other_key: Key, payload: Payload) -> None:
    found = detect_each(marked, (other_key, key))
    assert [d.key_id for d in found] == [other_key.key_id, key.key_id]
    assert [d.payload for d in found] == [None, payload]
    alone = detect(marked, key)
    assert found[1].p_value >= alone.p_value


def test_two_marks_in_one_picture_are_both_read(host: Bytes, key: Key, other_key: Key) -> None:
    both = embed(embed(host, key, Payload(b"first ai")), other_key, Payload(b"second!!"))
    found = detect_each(both, (key, other_key))
    assert [bytes(d.payload or b"") for d in found] == [b"first ai", b"second!!"]


def test_the_limit_on_false_positives_is_kept(marked: Bytes, key: Key) -> None:
    strict = detect(jpeg(marked, 50), key, max_false_positive=1e-295)
    assert 1e-295 < strict.p_value < 1e-9
    assert not strict.detected
    assert strict.payload is None


def test_the_geometry_tells_what_was_done(marked: Bytes, key: Key) -> None:
    found = detect(rotated(marked, 10), key).geometry
    assert found is not None
    assert abs(found.rotation_degrees) == pytest.approx(10.0, abs=0.3)
    assert found.scale == pytest.approx(1.0, abs=0.01)
    assert not found.flipped
    mirrored = detect(np.ascontiguousarray(marked[:, ::-1]), key).geometry
    assert mirrored is not None
    assert mirrored.flipped


def test_grey_and_alpha_keep_their_shape(key: Key, payload: Payload) -> None:
    host = hosts.textured(260, 300)
    grey = embed(host[..., 1], key, payload)
    assert grey.shape == (260, 300)
    assert detect(grey, key).payload == payload
    alpha = np.random.default_rng(0).integers(0, 256, (260, 300), dtype=np.uint8)
    out = embed(np.dstack((host, alpha)), key, payload)
    assert np.array_equal(out[..., 3], alpha)
    assert detect(out, key).payload == payload


def test_a_grey_host_with_a_last_axis_of_one_keeps_it(key: Key, payload: Payload) -> None:
    host = hosts.textured(200, 240)[..., 1:2]
    out = embed(host, key, payload, best_effort=True)
    assert out.shape == (200, 240, 1)
    assert np.array_equal(out[..., 0], embed(host[..., 0], key, payload, best_effort=True))


def test_several_keys_come_in_any_iterable_but_not_alone(marked: Bytes, key: Key, payload: Payload) -> None:
    assert [d.payload for d in detect_each(marked, iter([key]))] == [payload]
    with pytest.raises(TypeError, match="got one Key"):
        detect_each(marked, key)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no key"):
        detect_each(marked, iter(()))
    with pytest.raises(TypeError, match="Key"):
        detect_each(marked, ["a key"])  # type: ignore[list-item]


@pytest.mark.parametrize("make", ["gradient", "text"])
def test_flat_art_carries_its_mark_through_jpeg(key: Key, payload: Payload, make: str) -> None:
    out = embed(getattr(hosts, make)(384, 512), key, payload)
    assert detect(jpeg(out, 60), key).payload == payload


def test_the_smallest_host_is_read_back(key: Key, payload: Payload) -> None:
    out = embed(hosts.textured(128, 128), key, payload, strength=2.0)
    assert detect(out, key).payload == payload


@pytest.mark.parametrize("level", [0, 255])
def test_a_host_that_cannot_hold_it_is_refused(key: Key, payload: Payload, level: int) -> None:
    host = np.full((128, 128, 3), level, np.uint8)
    with pytest.raises(CannotCarry, match="cannot hold"):
        embed(host, key, payload, strength=0.1)
    assert embed(host, key, payload, strength=0.1, best_effort=True).shape == host.shape


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((200, 200, 3), np.float32), TypeError),
        (np.zeros((200, 200, 3), np.uint16), TypeError),
        (np.zeros((200, 200), bool), TypeError),
        ([[1, 2], [3, 4]], TypeError),
        (np.zeros((200, 200, 2), np.uint8), ValueError),
        (np.zeros((2, 200, 200, 3), np.uint8), ValueError),
        (np.zeros((0, 200, 3), np.uint8), ValueError),
        (np.zeros(40_000, np.uint8), ValueError),
        (np.broadcast_to(np.uint8(0), (40_000, 200, 3)), ValueError),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000, 3)), ValueError),
    ],
)
def test_what_is_no_image_is_refused(image: Bytes, error: type[Exception], key: Key, payload: Payload) -> None:
    with pytest.raises(error):
        embed(image, key, payload)
    with pytest.raises(error):
        detect(image, key)


def test_a_host_below_128_pixels_is_refused_but_may_be_searched(key: Key, payload: Payload) -> None:
    small = np.full((127, 300, 3), 90, np.uint8)
    with pytest.raises(ValueError, match="128"):
        embed(small, key, payload)
    for side in (1, 20, 127):
        assert not detect(np.full((side, 300, 3), 90, np.uint8), key).detected


@pytest.mark.parametrize(
    "arguments",
    [{"strength": 0.0}, {"strength": 99.0}, {"psnr": 10.0}, {"psnr": 90.0}, {"psnr": 44.0, "strength": 1.0}],
)
def test_senseless_strengths_are_refused(host: Bytes, key: Key, payload: Payload, arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"strength|psnr"):
        embed(host, key, payload, **arguments)  # type: ignore[arg-type]


def test_a_payload_is_eight_bytes() -> None:
    assert bytes(Payload(b"12345678")) == b"12345678"
    assert Payload(b"12345678") == Payload(b"12345678")
    with pytest.raises(ValueError, match="8 bytes"):
        Payload(b"1234567")
    with pytest.raises(TypeError):
        Payload("12345678")  # type: ignore[arg-type]


def test_payloads_and_keys_are_not_mixed_up(host: Bytes, key: Key) -> None:
    with pytest.raises(TypeError, match="Payload"):
        embed(host, key, b"12345678")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Key"):
        detect(host, b"secret")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no key"):
        detect_each(host, ())


def test_a_detection_never_contradicts_itself() -> None:
    with pytest.raises(ValueError, match="only with a detection"):
        Detection(
            detected=False, payload=Payload(bytes(8)), p_value=0.5, geometry=None, scheme="ring/1", key_id="0" * 16
        )
    with pytest.raises(ValueError, match="p_value"):
        Detection(detected=False, payload=None, p_value=1.5, geometry=None, scheme="ring/1", key_id="0" * 16)


def test_folding_and_subtracting_does_not_erase_the_payload(marked: Bytes, key: Key, payload: Payload) -> None:
    """An attacker who knows the tile but not the key takes the average tile out, twice as strongly as it was."""
    plane = cv2.cvtColor(marked, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rest = np.clip(plane - cv2.bilateralFilter(plane, 9, 18.0, 4.0), -6, 6)
    rows, columns = -(-plane.shape[0] // TILE), -(-plane.shape[1] // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    count = np.zeros_like(padded)
    padded[: plane.shape[0], : plane.shape[1]], count[: plane.shape[0], : plane.shape[1]] = rest, 1.0
    folds = (a.reshape(rows, TILE, columns, TILE).sum((0, 2)) for a in (padded, count))
    average = np.tile(np.divide(*folds), (rows, columns))[: plane.shape[0], : plane.shape[1]]
    attacked = np.clip(np.rint(marked - 2.0 * average[..., None]), 0, 255).astype(np.uint8)
    assert psnr(marked, attacked) < 48.0
    assert detect(attacked, key).payload == payload


def test_the_public_names_are_the_documented_ones() -> None:
    assert sorted(library.__all__) == ["CannotCarry", "Detection", "Key", "Payload", "detect", "detect_each", "embed"]


def test_importing_the_library_loads_no_signal_processing() -> None:
    code = "import sys, waarmerk.watermark; print([m for m in ('cv2', 'scipy', 'numpy', 'numba') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
