# SPDX-License-Identifier: Apache-2.0
"""A credential that says all actions are included includes them all; what is replaced is listed."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.marking.conftest import AT, Desk, saved
from tests.unit.marking.pictures import scene
from tests.unit.media.test_thumbnails import SMALL, exif
from waarmerk.provenance.build import load_trust
from waarmerk.provenance.credentials.reader import CredentialReader
from waarmerk.provenance.credentials.signing_statement import Statement, history
from waarmerk.provenance.marking.labeller import Refused
from waarmerk.provenance.media import Limits, open_asset
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.metadata import read
from waarmerk.provenance.metadata.xmp_packet import Statement as XmpStatement
from waarmerk.provenance.metadata.xmp_packet import compose
from waarmerk.provenance.metadata.xmp_write import write_packet

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
BASIC = ["c2pa.opened", "c2pa.watermarked.bound", "c2pa.addedText", "c2pa.transcoded", "c2pa.edited.metadata"]


def attested(desk: Desk, path: Path) -> Path:
    """The same picture with credentials of our own that say AI: all that is done afterwards is done by us."""
    writer, asset = desk.labeller().writer, open_asset(path, limits=Limits())
    assert writer is not None
    signed = writer.sign(asset, Statement(steps=history("generated", at=AT, has_parent=False)))
    path.write_bytes(signed.data)
    return path


def actions(desk: Desk, path: Path) -> dict[str, Any]:
    reader = CredentialReader(load_trust(desk.settings, at=AT), at=AT)
    store: Any = reader.detailed(open_asset(path, limits=Limits()))
    found = store["manifests"][store["active_manifest"]]["assertion_store"]["c2pa.actions.v2"]
    assert isinstance(found, dict)
    return found


def told(desk: Desk, path: Path) -> tuple[list[str], bool]:
    found = actions(desk, path)
    return [each["action"] for each in found["actions"]], found["allActionsIncluded"]


def test_a_picture_that_is_drawn_anew_was_transcoded(desk: Desk, tmp_path: Path) -> None:
    source = attested(desk, saved(tmp_path / "in.jpg", "JPEG", quality=90))
    done = desk.label(source, tmp_path / "out.jpg")
    assert told(desk, done.target) == (BASIC, True)


def test_print_colours_that_become_rgb_are_an_action(desk: Desk, tmp_path: Path) -> None:
    source = attested(desk, saved(tmp_path / "in.jpg", "JPEG", "CMYK", quality=90))
    done = desk.label(source, tmp_path / "out.jpg")
    assert "cmyk" in {loss.code for loss in done.plan.losses}
    assert told(desk, done.target) == ([BASIC[0], "c2pa.adjustedColor", *BASIC[1:]], True)


def test_a_tiff_that_is_turned_is_an_action(desk: Desk, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = attested(desk, saved(tmp_path / "in.tif", "TIFF", exif=exif))
    done = desk.label(source, tmp_path / "out.tif")
    assert told(desk, done.target) == ([BASIC[0], "c2pa.orientation", *BASIC[1:]], True)


def test_what_no_action_names_leaves_the_history_open(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG", quality=90)
    source.write_bytes(source.read_bytes() + b"a moving part" * 20)
    done = desk.label(attested(desk, source), tmp_path / "out.jpg")
    assert {loss.code for loss in done.plan.losses} == {"trailing-data"}
    assert told(desk, done.target) == (BASIC, False)


def test_how_ai_content_came_to_be_nobody_here_saw(desk: Desk, tmp_path: Path) -> None:
    done = desk.label(saved(tmp_path / "in.png", "PNG"), tmp_path / "out.png")
    assert told(desk, done.target)[1] is False


def test_a_declaration_that_gives_way_is_listed(desk: Desk, tmp_path: Path) -> None:
    earlier = compose(XmpStatement(source_type=IPTC + "digitalCapture", system="<b>", title="Old"))
    data = BytesIO()
    Image.fromarray(scene(480, 640, 3)).save(data, "JPEG", quality=92)
    source = tmp_path / "in.jpg"
    source.write_bytes(write_packet(data.getvalue(), "image/jpeg", earlier, Limits()))
    done = desk.label(source, tmp_path / "out.jpg", tool="Model", title="New")
    assert [loss for loss in done.plan.losses if loss.code == "declaration"] == [
        Loss("declaration", "AISystemUsed"),
        Loss("declaration", "DigitalSourceType digitalCapture"),
        Loss("declaration", "title"),
    ]
    found = read(open_asset(done.target, limits=Limits()), Limits())
    assert (found.source_types, found.ai_system) == ((IPTC + "trainedAlgorithmicMedia",), "Model")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_thumbnail_of_the_picture_before_does_not_stay(desk: Desk, tmp_path: Path, form: str) -> None:
    source = saved(tmp_path / f"in.{form.lower()}", form, exif=b"Exif\0\0" + exif("<"), quality=90)
    assert SMALL[:16] in source.read_bytes()
    done = desk.label(source, tmp_path / f"out.{form.lower()}")
    assert SMALL[:16] not in done.target.read_bytes()
    assert {loss.code for loss in done.plan.losses} == {"thumbnail"}
    with Image.open(done.target) as image:
        assert image.getexif()[0x010F] == "Maker A"


def test_the_same_declaration_is_no_loss(desk: Desk, tmp_path: Path) -> None:
    earlier = compose(XmpStatement(source_type="trainedAlgorithmicMedia"))
    data = BytesIO()
    Image.fromarray(scene(480, 640, 3)).save(data, "PNG")
    (tmp_path / "in.png").write_bytes(write_packet(data.getvalue(), "image/png", earlier, Limits()))
    assert desk.label(tmp_path / "in.png", tmp_path / "out.png").plan.losses == ()


def test_a_declaration_out_of_reach_is_not_contradicted(desk: Desk, tmp_path: Path) -> None:
    """Extended XMP (part 3, 1.1.3.1) is not rewritten here: what it declares would stand beside ours."""
    inner = compose(XmpStatement(source_type=IPTC + "digitalCapture"))
    name = "0123456789ABCDEF" * 2
    outer = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="'
        + name.encode()
        + b'"/></rdf:RDF></x:xmpmeta>'
    )
    body = b"http://ns.adobe.com/xmp/extension/\0" + name.encode() + len(inner).to_bytes(4) + bytes(4) + inner
    data = BytesIO()
    Image.fromarray(scene(480, 640, 3)).save(data, "JPEG", quality=92)
    whole = write_packet(data.getvalue(), "image/jpeg", outer, Limits())
    (tmp_path / "in.jpg").write_bytes(whole[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body + whole[2:])
    assert read(open_asset(tmp_path / "in.jpg", limits=Limits()), Limits()).source_types == (IPTC + "digitalCapture",)
    with pytest.raises(Refused) as refusal:
        desk.label(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert {gap.code for gap in refusal.value.gaps} == {"label.no-xmp"}
    assert np.asarray(Image.open(tmp_path / "in.jpg")).shape == (480, 640, 3)
