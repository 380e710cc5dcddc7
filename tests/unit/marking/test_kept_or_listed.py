# SPDX-License-Identifier: Apache-2.0
"""P8 for stills: what a picture is beyond eight bits of RGB is kept, or listed, or the picture is not drawn."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.unit.marking.conftest import Desk
from tests.unit.marking.pictures import scene
from waarmerk.provenance.errors import SigningError
from waarmerk.provenance.marking.labeller import Refused
from waarmerk.provenance.marking.plan import Says
from waarmerk.provenance.model import Integrity

RGB = scene(384, 512, 8)
PICTURE = Image.fromarray(RGB)
GREY = PICTURE.convert("L")
WIDE = b"\0\0\2\x0cappl\x04\0\0\0mntrRGB XYZ " + bytes(500)  # 524 bytes that state a profile of their own


def saved(form: str, image: Image.Image = PICTURE, **how: object) -> bytes:
    target = BytesIO()
    image.save(target, form, **how)
    return target.getvalue()


def deep(values: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    coded, data = cv2.imencode(".png", values.astype(np.uint16) * 257)
    assert coded
    return bytes(data)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


FADING = Image.fromarray(np.tile(np.linspace(0, 255, 512).astype(np.uint8), (384, 1)))
MOVING = {"save_all": True, "append_images": [PICTURE.rotate(5), PICTURE.rotate(9)]}

# what it is: the file's ending, its bytes, the losses that are listed, and what of it must still be there
DRAWN: dict[str, tuple[str, bytes, set[str], Callable[[Image.Image], bool]]] = {
    "16 bits": ("png", deep(RGB[:, :, ::-1]), {"depth"}, lambda made: made.mode == "RGB"),
    "16 bits of grey": ("png", deep(RGB[:, :, 0]), {"depth"}, lambda made: made.mode == "L"),
    "grey and alpha": ("png", saved("PNG", Image.merge("LA", (GREY, FADING))), set(), lambda made: made.mode == "LA"),
    "print colours": ("jpg", saved("JPEG", PICTURE.convert("CMYK"), quality=92), {"cmyk"}, lambda m: m.mode == "RGB"),
    "palette": ("png", saved("PNG", PICTURE.convert("P")), {"palette"}, lambda made: made.mode == "RGB"),
    "black and white": ("png", saved("PNG", PICTURE.convert("1")), {"bilevel"}, lambda made: made.mode == "L"),
    **{
        f"wide gamut {form}": (
            form,
            saved(form, quality=90, icc_profile=WIDE),
            set(),
            lambda m: m.info.get("icc_profile") == WIDE,
        )
        for form in ("jpeg", "png", "webp", "avif", "tiff")
    },
    **{
        f"turned {form}": (form, saved(form, quality=90, exif=turned()), set(), lambda m: m.getexif().get(0x0112) == 6)
        for form in ("jpeg", "png", "webp", "avif")
    },
    "turned tiff": ("tiff", saved("TIFF", exif=turned()), set(), lambda made: 0x0112 not in made.getexif()),
}


@pytest.mark.parametrize("case", DRAWN)
def test_drawn_anew_all_is_kept_or_listed(desk: Desk, tmp_path: Path, case: str) -> None:
    ending, data, lost, holds = DRAWN[case]
    (tmp_path / f"in.{ending}").write_bytes(data)
    done = desk.label(tmp_path / f"in.{ending}", tmp_path / f"out.{ending}")
    assert {loss.code for loss in done.plan.losses} == lost
    assert done.plan.gaps == ()
    with Image.open(done.target) as made:
        made.load()
        assert holds(made)
        seen = (384, 512) if case == "turned tiff" else (512, 384)
        assert made.size == seen


def test_half_transparent_stays_half_transparent(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(saved("PNG", Image.merge("LA", (GREY, FADING))))
    done = desk.label(source, tmp_path / "out.png")
    with Image.open(done.target) as made:
        alpha = np.asarray(made.getchannel("A"))
    changed = np.asarray(FADING) != alpha
    assert not changed[200:].any()  # the label stands above, and nothing shines through it
    assert (alpha[changed] > np.asarray(FADING)[changed]).all()


@pytest.mark.parametrize(
    ("ending", "data", "frames"),
    [
        ("webp", saved("WEBP", **MOVING), 3),
        ("gif", saved("GIF", **MOVING), 3),
        ("png", saved("PNG", **MOVING), 3),
        ("avif", saved("AVIF", **MOVING), 3),
        ("tiff", saved("TIFF", **MOVING), 3),
    ],
)
def test_what_moves_or_has_pages_is_refused_or_signed_whole(
    desk: Desk, tmp_path: Path, ending: str, data: bytes, frames: int
) -> None:
    source, target = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    source.write_bytes(data)
    with pytest.raises(Refused) as caught:
        desk.label(source, target)
    assert {gap.code for gap in caught.value.gaps} >= {"label.not-drawn"}
    assert not target.exists()
    done = desk.label(source, target, says=Says.GENERATED, allow_partial=True)
    report = desk.verify(done.target)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT
    notes = {note.code for note in done.signed.notes}
    assert ("signing.bare-page" in notes) == (ending == "tiff")
    with Image.open(BytesIO(data)) as before, Image.open(target) as after:
        for number in range(frames):
            before.seek(number)
            after.seek(number)
            assert before.convert("RGBA").tobytes() == after.convert("RGBA").tobytes()


def test_a_file_that_no_longer_shows_its_picture_is_not_written(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(out: bytearray, limits: object, *, behind: int, by: int) -> None:
        """The tracks keep pointing at where their samples were."""

    monkeypatch.setattr("waarmerk.provenance.metadata.xmp_heif._move_samples", breaks)
    (tmp_path / "in.avif").write_bytes(saved("AVIF", **MOVING))
    with pytest.raises(SigningError, match="pixels"):
        desk.label(tmp_path / "in.avif", tmp_path / "out.avif", allow_partial=True)
    assert not (tmp_path / "out.avif").exists()


def test_beside_a_file_of_several_pages_credentials_disturb_nothing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "in.tiff").write_bytes(saved("TIFF", **MOVING))
    done = desk.label(tmp_path / "in.tiff", tmp_path / "out.tiff", allow_partial=True, sidecar=True)
    assert "signing.bare-page" not in {note.code for note in done.signed.notes}
    with Image.open(done.target) as made:
        assert made.n_frames == 3
