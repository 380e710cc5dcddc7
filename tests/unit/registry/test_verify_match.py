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
from waarmerk.provenance.marking.visible import Corner, show
from waarmerk.provenance.registry import Issuance, Likeness, compare
from waarmerk.provenance.registry.hashes import chroma, thumbnail

Bytes = npt.NDArray[np.uint8]
Seen = tuple[Bytes, npt.NDArray[np.float64]]
PICTURES = [scene(600, 800, seed) for seed in (3, 8, 21)] + [scene(800, 500, 30)]


def issued(picture: Bytes, label: tuple[int, int, int, int] | None = None) -> Issuance:
    """As if issued, with a reference that is not its own pixels: half their size and shifted."""
    height, width = picture.shape[:2]
    matrix = (0.5, 0.0, 3.0, 0.0, 0.5, -2.0, 0.0, 0.0, 1.0)
    seen = {"thumbnail": thumbnail(picture), "chroma": chroma(picture), "label": label}
    return replace(issuance(), width=width, height=height, geometry=matrix, **seen)


def binds(entry: Issuance, picture: Bytes, matrix: tuple[float, ...] | None) -> bool | None:
    return compare(entry, picture, matrix).bound


def labelled(picture: Bytes) -> tuple[Bytes, tuple[int, int, int, int]]:
    shown = show(picture, ("AI-generated",), corner=Corner.TOP_RIGHT)
    return shown.pixels, (shown.box.left, shown.box.top, shown.box.width, shown.box.height)


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


FLAT = [plain(600, 900, 200, 40, 40), plain(600, 900, 90, 150, 220), clouds(600, 900, 4, 200, 225)]


def test_a_label_drawn_on_nothing_does_not_make_it_this_picture() -> None:
    """A flat picture has only its visible label to be known by, and all pictures of one maker share that."""
    pictures = [labelled(picture) for picture in FLAT]
    for one, (drawn, box) in enumerate(pictures):
        for other, (seen, _) in enumerate(pictures):
            if one != other:
                assert binds(issued(drawn, box), seen, geometry(np.eye(3))) is not True
                old = replace(issued(drawn), chroma=None)  # as it stood in the ledger before
                assert binds(old, seen, geometry(np.eye(3))) is not True


def test_the_label_is_no_part_of_the_comparison() -> None:
    """Covered or cut away it makes no difference; a picture never issued does not gain by wearing one."""
    for picture in PICTURES:
        drawn, box = labelled(picture)
        entry = issued(drawn, box)
        assert compare(entry, picture, geometry(np.eye(3))) == compare(entry, drawn, geometry(np.eye(3)))
        assert compare(entry, picture, geometry(np.eye(3))).differing == 0


def soft(picture: Bytes, other: Bytes, area: float) -> Bytes:
    """``other`` in the middle of ``picture``, blended in at its edges."""
    height, width = picture.shape[:2]
    side, mask = np.sqrt(area), np.zeros((height, width, 1), np.float32)
    down, across = int(height * (1 - side) / 2), int(width * (1 - side) / 2)
    mask[down : height - down, across : width - across] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), 5)[:, :, None]
    return np.rint(picture * (1 - mask) + other * mask).astype(np.uint8)


def inverted(picture: Bytes) -> Bytes:
    """The same light with the opposite colours."""
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    planes[:, :, 1:] = 255 - planes[:, :, 1:]
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), np.uint8)


def written_on(picture: Bytes) -> Bytes:
    height, width = picture.shape[:2]
    drawn = picture.copy()
    for number, words in enumerate(("VOTE ON", "THURSDAY")):
        place = (width // 12, height * (2 + number) // 4)
        cv2.putText(drawn, words, place, cv2.FONT_HERSHEY_SIMPLEX, height / 160, (255, 255, 255), height // 50)
    return drawn


@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_what_was_changed_is_counted(number: int) -> None:
    picture = PICTURES[number]
    height, width = picture.shape[:2]
    entry, at = issued(picture), geometry(np.eye(3))
    changes = {
        "another picture pasted in": soft(picture, scene(height, width, 300 + number), 0.15),
        "painted over": soft(picture, plain(height, width, 20, 90, 200), 0.10),
        "other colours in a part": soft(picture, inverted(picture), 0.15),
        "darker in a part": soft(picture, (picture * 0.3).astype(np.uint8), 0.15),
        "text across": written_on(picture),
    }
    for name, seen in changes.items():
        found = compare(entry, jpeg(seen, 80), at)
        assert found.is_altered, name
        assert found.bound is not False, name
        assert found.parts > 60
    small = compare(entry, jpeg(soft(picture, scene(height, width, 400), 0.08), 80), at)
    assert (small.bound, small.is_altered) == (True, True)
    large = compare(entry, jpeg(soft(picture, scene(height, width, 500), 0.40), 80), at)
    assert large.bound is not True
    assert large.differing > 0.3 * large.parts


@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_a_filter_over_the_whole_picture_changes_no_part(number: int) -> None:
    picture, at = PICTURES[number], geometry(np.eye(3))
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    warm = np.clip(picture * np.array([1.1, 1.0, 0.75]), 0, 255).astype(np.uint8)
    curve = (255 * (np.arange(256) / 255) ** 1.3).astype(np.uint8)
    for seen in (np.asarray(grey, np.uint8), warm, curve[picture], jpeg(picture, 40)):
        found = compare(issued(picture), seen, at)
        assert (found.bound, found.is_altered, found.colours_turned) == (True, False, False)


@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_opposite_colours_are_named(number: int) -> None:
    found = compare(issued(PICTURES[number]), inverted(PICTURES[number]), geometry(np.eye(3)))
    assert found.colours_turned
    assert found.bound is not False


def test_an_earlier_entry_still_works_and_says_what_was_not_compared() -> None:
    picture = PICTURES[0]
    old = replace(issued(picture), chroma=None)
    found = compare(old, jpeg(picture, 60), geometry(np.eye(3)))
    assert (found.bound, found.colours_compared, found.colours_turned) == (True, False, False)
    assert binds(old, scene(600, 800, 77), geometry(np.eye(3))) is False
    assert compare(old, inverted(picture), geometry(np.eye(3))).colours_turned is False


def test_what_was_told_of_nothing_is_nothing() -> None:
    assert Likeness() == compare(issued(PICTURES[0]), plain(600, 800, 9, 9, 9), geometry(np.eye(3)))
