# SPDX-License-Identifier: Apache-2.0
"""What is not to go out is taken out and listed; where it cannot be, nothing is written."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.marking.conftest import Desk, saved
from tests.unit.metadata.test_personal import XMP, filled
from tests.unit.metadata.test_strip import resource, with_photoshop
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.marking.labeller import Refused
from waarmerk.provenance.marking.plan import Layer, Says, Wishes
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.model import Integrity


@pytest.mark.parametrize("says", [Says.GENERATED, Says.NONE])
def test_personal_details_go_on_request_each_listed(desk: Desk, tmp_path: Path, says: Says) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG", exif=filled().tobytes(), xmp=XMP, quality=90)
    stays = desk.label(source, tmp_path / "stays.jpg", says=says)
    assert stays.plan.personal == ("position", "author", "owner", "persons", "serial", "maker-note")
    assert not [loss for loss in stays.plan.losses if loss.code == "personal"]
    done = desk.label(source, tmp_path / "out.jpg", says=says, strips_personal=True)
    assert done.plan.personal == ()
    assert set(done.plan.losses) == {Loss("personal", kind) for kind in stays.plan.personal}
    written = done.target.read_bytes()
    assert b"A. Photographer" not in written
    assert b"0012345" not in written
    report = desk.verify(done.target)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT
    assert "c2pa.edited.metadata" in [action.action for action in report.credential.actions]


def test_where_they_cannot_go_nothing_is_written(desk: Desk, tmp_path: Path) -> None:
    target = BytesIO()
    Image.new("RGB", (64, 48)).save(target, "GIF")
    packet = b"!\xff\x0bXMP DataXMP" + XMP + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    (tmp_path / "in.gif").write_bytes(target.getvalue()[:-1] + packet + b";")
    with pytest.raises(Refused) as caught:
        desk.label(tmp_path / "in.gif", tmp_path / "out.gif", says=Says.NONE, strips_personal=True)
    assert caught.value.code == "label.personal-stays"
    assert not (tmp_path / "out.gif").exists()


def test_thumbnails_of_the_picture_before_go(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG", quality=90)
    body = resource(1005, b"0123456789abcdef") + resource(1036, b"thumbnail of before")
    source.write_bytes(with_photoshop(source.read_bytes(), body))
    done = desk.label(source, tmp_path / "out.jpg")
    assert done.plan.losses == (Loss("thumbnail"),)
    with Image.open(done.target) as image:
        assert set(image.info["photoshop"]) == {1005}
    kept = desk.label(source, tmp_path / "signed.jpg", says=Says.NONE)  # nothing was drawn: it shows what is there
    assert kept.plan.losses == ()


def test_an_alternative_text_begins_with_the_label(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.png", "PNG")
    done = desk.label(source, tmp_path / "out.png", alt="A mill at night", languages=("nl", "en"))
    assert Layer.METADATA in done.plan.layers
    with Image.open(done.target) as image:
        packet = str(image.info["XML:com.adobe.xmp"])
    assert "AltTextAccessibility" in packet
    assert ">Gemaakt met AI. A mill at night<" in packet
    with pytest.raises(ConfigurationError):
        Wishes(says=Says.NONE, alt="A mill")


def test_a_named_system_is_disclosed_and_nothing_more(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG", quality=90)
    named = desk.label(source, tmp_path / "named.jpg", tool="Example Model", tool_version="3")
    assert b"c2pa.ai-disclosure" in named.target.read_bytes()
    assert b"humanOversightLevel" not in named.target.read_bytes()
    bare = desk.label(source, tmp_path / "bare.jpg")
    assert b"c2pa.ai-disclosure" not in bare.target.read_bytes()
