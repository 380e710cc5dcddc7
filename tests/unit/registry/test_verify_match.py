# SPDX-License-Identifier: Apache-2.0
"""A mark is bound to a picture only where the picture shows what was issued."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.unit.marking.pictures import clouds, plain, scene
from tests.unit.registry.test_ledger import issuance
from waarmerk.provenance.registry import Issuance, binds
from waarmerk.provenance.registry.hashes import thumbnail

Bytes = npt.NDArray[np.uint8]
Seen = tuple[Bytes, npt.NDArray[np.float64]]
PICTURES = [scene(600, 800, seed) for seed in (3, 8, 21)] + [scene(800, 500, 30)]


def issued(picture: Bytes) -> Issuance:
    """As if issued, with a reference that is not its own pixels: half their size and shifted."""
    height, width = picture.shape[:2]
    matrix = (0.5, 0.0, 3.0, 0.0, 0.5, -2.0, 0.0, 0.0, 1.0)
    return replace(issuance(), width=width, height=height, thumbnail=thumbnail(picture), geometry=matrix)


def geometry(to_issued: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """What a detector would say of a picture whose pixels lie on the issued ones by ``to_issued``."""
    matrix = np.array([[0.5, 0, 3.0], [0, 0.5, -2.0], [0, 0, 1]]) @ to_issued
    return tuple(float(v) for v in matrix.ravel())


def jpeg(picture: Bytes, quality: int) -> Bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=quality)
    with Image.open(target) as image:
        return np.asarray(image)


def smaller(picture: Bytes) -> Seen:
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width * 2 // 5, height * 2 // 5), interpolation=cv2.INTER_AREA)
    return jpeg(small, 60), np.diag([2.5, 2.5, 1.0])


def cropped(picture: Bytes) -> Seen:
    """The detector cannot know which of the mark's repetitions it sees: the shift is wrong on purpose."""
    height, width = picture.shape[:2]
    return picture[height // 4 :, : width * 3 // 4].copy(), np.array([[1, 0, 64.0], [0, 1, -128.0], [0, 0, 1]])


def turned(picture: Bytes) -> Seen:
    height, width = picture.shape[:2]
    matrix = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), 6, 1), [0, 0, 1]])
    return cv2.warpAffine(picture, matrix[:2], (width, height)), np.linalg.inv(matrix)


def flipped(picture: Bytes) -> Seen:
    return picture[:, ::-1].copy(), np.array([[-1.0, 0, picture.shape[1] - 1], [0, 1, 0], [0, 0, 1]])


def brighter(picture: Bytes) -> Seen:
    return np.clip(picture.astype(float) * 0.7 + 60, 0, 255).astype(np.uint8), np.eye(3)


CHANGES: list[Callable[[Bytes], Seen]] = [smaller, cropped, turned, flipped, brighter]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_what_was_issued_is_known_again(change: Callable[[Bytes], Seen], number: int) -> None:
    seen, matrix = change(PICTURES[number])
    assert binds(issued(PICTURES[number]), seen, geometry(matrix)) is True


@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_another_picture_is_another_picture(number: int) -> None:
    height, width = PICTURES[number].shape[:2]
    for seed in (101, 102, 103, 104):
        other = scene(height, width, seed)
        assert binds(issued(PICTURES[number]), other, geometry(np.eye(3))) is False
        part = other[: height // 2, : width // 2]  # a quarter may be too little to say so, never enough to say it is
        assert binds(issued(PICTURES[number]), part, geometry(np.eye(3))) is not True


def test_a_picture_with_another_one_pasted_into_it_is_not_bound() -> None:
    for number, picture in enumerate(PICTURES[:3]):
        mixed = picture.copy()
        mixed[:, 400:] = scene(600, 800, 200 + number)[:, 400:]
        assert binds(issued(picture), mixed, geometry(np.eye(3))) is not True


def test_without_geometry_the_whole_picture_is_laid_upon_the_whole() -> None:
    assert binds(issued(PICTURES[0]), smaller(PICTURES[0])[0], None) is True
    assert binds(replace(issued(PICTURES[0]), geometry=None), PICTURES[0], geometry(np.eye(3))) is True
    assert binds(issued(PICTURES[0]), scene(600, 800, 77), None) is False


def test_where_there_is_nothing_to_compare_nothing_is_said() -> None:
    assert binds(issued(PICTURES[0]), plain(600, 800, 90, 90, 90), geometry(np.eye(3))) is None
    assert binds(issued(plain(600, 800, 90, 90, 90)), PICTURES[0], geometry(np.eye(3))) is None
    assert binds(issued(clouds(600, 800, 2, 120, 130)), clouds(600, 800, 2, 120, 130), geometry(np.eye(3))) is None
    assert binds(issued(PICTURES[0]), PICTURES[0][:60, :60].copy(), geometry(np.eye(3))) is None


@pytest.mark.parametrize(
    "matrix", [np.zeros((3, 3)), np.diag([1e9, 1e9, 1.0]), np.diag([1e-6, 1.0, 1.0]), np.full((3, 3), np.nan)]
)
def test_an_impossible_geometry_says_nothing(matrix: npt.NDArray[np.float64]) -> None:
    assert binds(issued(PICTURES[0]), PICTURES[0], geometry(matrix)) is None


def test_a_label_drawn_on_nothing_does_not_make_it_this_picture() -> None:
    """A flat picture has only its visible label to be known by, and anybody can paste that on another one."""

    def labelled(colour: tuple[int, int, int]) -> Bytes:
        picture = np.full((600, 900, 3), colour, np.uint8)
        picture[20:70, 700:880] = 15
        cv2.putText(picture, "AI generated", (712, 53), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (245, 245, 245), 2)
        return picture

    one, other = labelled((200, 40, 40)), labelled((90, 150, 220))
    assert binds(issued(one), other, geometry(np.eye(3))) is None
