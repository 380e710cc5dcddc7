# SPDX-License-Identifier: Apache-2.0
"""One call writes every layer, and what was written holds; nothing is lost in silence or claimed falsely."""

import os
import shutil
import wave
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.unit.marking.conftest import AT, Desk, saved
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_labeller, build_verifier
from waarmerk.provenance.errors import ConfigurationError, SigningError, StoreError
from waarmerk.provenance.marking.drawing import as_stored, upright
from waarmerk.provenance.marking.labeller import Refused
from waarmerk.provenance.marking.plan import Layer, Says, Wishes
from waarmerk.provenance.marking.visible import Corner
from waarmerk.provenance.marking.watermark import Marker
from waarmerk.provenance.model import Integrity, Origin, SignerStatus, Tier
from waarmerk.watermark import Key

MEDIA = ROOT / "samples" / "media"
AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
STILLS = {"JPEG": {"quality": 90}, "PNG": {}, "WEBP": {"quality": 90}, "AVIF": {"quality": 85}, "TIFF": {}}


@pytest.fixture(scope="module")
def labelled(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    source = saved(folder / "in.jpg", "JPEG", size=(900, 1600), quality=92)
    desk.label(source, folder / "out.jpg", tool="Model", tool_version="3", title="Molen", languages=("nl", "en"))
    return folder / "out.jpg"


@pytest.mark.parametrize("form", STILLS)
def test_every_format_carries_every_layer(desk: Desk, tmp_path: Path, form: str) -> None:
    source = saved(tmp_path / f"in.{form.lower()}", form, **STILLS[form])
    before = source.read_bytes()
    done = desk.label(source, tmp_path / f"out.{form.lower()}")
    assert done.plan.layers == tuple(Layer)
    assert (done.plan.gaps, done.plan.losses) == ((), ())
    report = desk.verify(done.target)
    assert report.credential is not None
    assert report.declarations is not None
    assert report.credential.integrity is Integrity.INTACT
    assert report.credential.signer.status is SignerStatus.USER
    assert (report.verdict.origin, report.verdict.tier) == (Origin.AI_GENERATED, Tier.PROVEN)
    assert report.declarations.source_types == (AI,)
    assert [(mark.payload, mark.bound) for mark in report.marks] == [(done.payload and done.payload.hex(), True)]
    assert not {"watermark.not-bound", "verdict.conflict"} & {concern.code for concern in report.verdict.concerns}
    assert source.read_bytes() == before


def test_where_the_quality_of_the_source_eats_the_mark_a_better_one_is_written(desk: Desk, tmp_path: Path) -> None:
    ramp = np.linspace(60, 200, 1200, dtype=np.float32)[None, :, None] + np.zeros((800, 1, 3), np.float32)
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "in.webp", quality=60)
    done = desk.label(tmp_path / "in.webp", tmp_path / "out.webp")
    assert (done.plan.layers, done.plan.gaps) == (tuple(Layer), ())
    assert [mark.bound for mark in desk.verify(done.target).marks] != [False]


def test_the_credential_says_what_was_done_and_no_more(desk: Desk, labelled: Path) -> None:
    report = desk.verify(labelled)
    assert report.credential is not None
    actions = [(action.action, action.source_type, action.tool) for action in report.credential.actions]
    assert actions[0] == ("c2pa.created", AI, "Model")
    assert [name for name, _, _ in actions[1:]] == [
        "c2pa.watermarked.bound",
        "c2pa.addedText",
        "c2pa.transcoded",
        "c2pa.edited.metadata",
    ]
    assert report.declarations is not None
    assert report.declarations.ai_system == "Model 3"


def test_stripped_recompressed_and_made_small_it_is_still_found_and_bound(
    desk: Desk, labelled: Path, tmp_path: Path
) -> None:
    with Image.open(labelled) as image:
        small = image.convert("RGB").resize((1080, round(1080 * image.height / image.width)), Image.Resampling.LANCZOS)
    small.save(tmp_path / "sent.jpg", quality=60)
    report = desk.verify(tmp_path / "sent.jpg")
    assert report.credential is not None
    assert report.credential.integrity is not Integrity.INTACT
    assert [mark.bound for mark in report.marks] == [True]
    assert (report.verdict.origin, report.verdict.tier) == (Origin.AI_GENERATED, Tier.PROVEN)


def test_what_was_altered_later_is_bound_and_the_parts_are_named(desk: Desk, labelled: Path, tmp_path: Path) -> None:
    with Image.open(labelled) as image:
        pixels = np.asarray(image.convert("RGB")).copy()
    pixels[450:750, 300:700] = scene(300, 400, 99)
    Image.fromarray(pixels).save(tmp_path / "altered.jpg", quality=80)
    report = desk.verify(tmp_path / "altered.jpg")
    assert [mark.bound for mark in report.marks] == [True]
    concerns = {concern.code: concern.about for concern in report.verdict.concerns}
    differing, parts = concerns["watermark.parts-differ"].split("/")
    assert 3 <= int(differing) < int(parts) / 4
    assert report.verdict.tier is Tier.PROVEN


def test_a_mark_carried_to_another_picture_accuses_nobody(desk: Desk, labelled: Path, tmp_path: Path) -> None:
    with Image.open(labelled.with_name("in.jpg")) as clean, Image.open(labelled) as marked:
        residual = np.asarray(marked.convert("RGB")).astype(int) - np.asarray(clean.convert("RGB"))
    residual[np.abs(residual) > 20] = 0  # without the visible label
    other = np.clip(scene(900, 1600, 77).astype(int) + 2 * residual, 0, 255).astype(np.uint8)
    Image.fromarray(other).save(tmp_path / "pasted.png")
    report = desk.verify(tmp_path / "pasted.png")
    assert [(mark.detected, mark.bound) for mark in report.marks] == [(True, False)]
    assert (report.verdict.origin, report.verdict.tier) == (Origin.UNKNOWN, Tier.SUSPECTED)
    assert "watermark.not-bound" in {concern.code for concern in report.verdict.concerns}
    assert not any(duty.automatic and duty.uses_ai_finding for duty in report.duties)


def test_without_a_ledger_a_mark_is_a_claim_and_after_forgetting_it_is_unknown(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.png", "PNG", seed=9)
    done = desk.label(source, tmp_path / "out.png", keeps_ledger=False)
    assert Layer.LEDGER not in done.plan.layers
    with Image.open(tmp_path / "out.png") as image:
        image.convert("RGB").save(tmp_path / "bare.png")
    report = desk.verify(tmp_path / "bare.png")
    assert [(mark.detected, mark.bound) for mark in report.marks] == [(True, None)]
    assert report.verdict.tier is Tier.CLAIMED
    assert "watermark.not-issued" in {concern.code for concern in report.verdict.concerns}


def test_earlier_credentials_become_the_parent(desk: Desk, tmp_path: Path) -> None:
    done = desk.label(MEDIA / "camera-capture.jpg", tmp_path / "out.jpg", says=Says.MODIFIED)
    report = desk.verify(done.target)
    assert report.credential is not None
    assert [part.relationship for part in report.credential.ingredients] == ["parentOf"]
    assert [action.action for action in report.credential.actions][:2] == ["c2pa.opened", "c2pa.edited"]
    assert report.verdict.origin is Origin.AI_MODIFIED
    assert "credentials" not in {loss.code for loss in done.plan.losses}


@pytest.mark.parametrize("name", ["ai-generated.png", "declared.webp"])
def test_what_says_ai_is_not_labelled_without(desk: Desk, tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="says otherwise of itself"):
        desk.label(MEDIA / name, tmp_path / name, says=Says.NONE)
    assert list(tmp_path.iterdir()) == []


def test_content_without_ai_is_only_signed(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG")
    done = desk.label(source, tmp_path / "out.jpg", says=Says.NONE)
    assert done.plan.layers == (Layer.CREDENTIALS,)
    report = desk.verify(done.target)
    assert report.verdict.origin is Origin.UNKNOWN
    assert report.credential is not None
    assert [action.action for action in report.credential.actions] == ["c2pa.opened"]
    with Image.open(source) as before, Image.open(done.target) as after:
        assert before.tobytes() == after.tobytes()


def test_what_stands_around_the_pixels_stays(desk: Desk, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    profile = b"\0\0\1\0fake profile" + bytes(120)
    source = saved(tmp_path / "in.jpg", "JPEG", exif=exif, icc_profile=profile, quality=92)
    done = desk.label(source, tmp_path / "out.jpg")
    assert done.plan.losses == ()
    with Image.open(done.target) as image:
        assert image.info["icc_profile"] == profile
        assert (image.getexif()[0x0112], image.getexif()[0x010F]) == (6, "Maker")
        stored = np.asarray(image.convert("RGB")).astype(int)
    with Image.open(source) as image:
        changed = np.abs(stored - np.asarray(image.convert("RGB")).astype(int)).max(axis=2) > 60
    down, across = np.nonzero(upright(changed.astype(np.uint8)[:, :, None].repeat(3, 2), 6)[:, :, 0])
    assert across.max() - across.min() > 2 * (down.max() - down.min())  # the label lies level for who looks at it


def test_nothing_shines_through_the_label(desk: Desk, tmp_path: Path) -> None:
    pixels = np.dstack((scene(480, 640, 5), np.full((480, 640), 40, np.uint8)))
    Image.fromarray(pixels).save(tmp_path / "in.png")
    done = desk.label(tmp_path / "in.png", tmp_path / "out.png", corner=Corner.BOTTOM_LEFT)
    with Image.open(done.target) as image:
        alpha = np.asarray(image)[:, :, 3]
    assert {40, 255} <= set(alpha.ravel().tolist())
    assert (alpha == 40).mean() > 0.9
    with Image.open(tmp_path / "in.png") as image:
        assert (np.asarray(image)[:, :, 3] == 40).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_and_turning_back(orientation: int) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)[:, :, None].repeat(3, 2)
    exif, target = Image.Exif(), BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(target, "TIFF", exif=exif)
    with Image.open(target) as image:  # Pillow turns a TIFF upright as it loads it
        assert np.array_equal(np.asarray(image), upright(pixels, orientation))
    assert np.array_equal(as_stored(upright(pixels, orientation), orientation), pixels)


def test_a_layer_that_cannot_be_written_stops_the_work_unless_less_is_allowed(desk: Desk, tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (128, 128, 128)).save(tmp_path / "flat.gif")
    with pytest.raises(Refused) as refusal:
        desk.label(tmp_path / "flat.gif", tmp_path / "out.gif")
    assert {gap.layer for gap in refusal.value.gaps} == {Layer.WATERMARK, Layer.VISIBLE, Layer.METADATA}
    assert not (tmp_path / "out.gif").exists()
    done = desk.label(tmp_path / "flat.gif", tmp_path / "out.gif", allow_partial=True)
    assert done.plan.layers == (Layer.CREDENTIALS,)
    assert desk.verify(done.target).verdict.origin is Origin.AI_GENERATED


def test_sound_says_that_speech_is_owed(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    with wave.open(str(source), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    with pytest.raises(Refused) as refusal:
        desk.label(source, tmp_path / "out.wav")
    codes = {gap.code for gap in refusal.value.gaps}
    assert "label.not-spoken" in codes
    done = desk.label(source, tmp_path / "out.wav", allow_partial=True)
    assert {gap.code for gap in done.plan.gaps} == codes
    report = desk.verify(done.target)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT


def test_a_signed_clip_gets_every_layer_and_keeps_its_credentials(desk: Desk, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the extra `video` is not installed")
    done = desk.label(MEDIA / "clip.mp4", tmp_path / "out.mp4")
    assert done.plan.gaps == ()
    report = desk.verify(done.target)
    assert report.declarations is not None
    assert report.declarations.source_types == (AI,)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT


def test_a_sidecar_stands_beside_the_file(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG")
    done = desk.label(source, tmp_path / "out.jpg", sidecar=True)
    assert (tmp_path / "out.c2pa").read_bytes() == done.signed.store
    assert done.target.read_bytes() == done.signed.data
    (tmp_path / "there.jpg").write_bytes(b"precious")
    with pytest.raises(ConfigurationError, match="there already"):
        desk.label(source, tmp_path / "there.jpg", sidecar=True)
    assert not (tmp_path / "there.c2pa").exists()


class Machine:
    """A machine on which one of the calls that put files in place fails."""

    def __init__(self, patch: pytest.MonkeyPatch, name: str, fail_at: int) -> None:
        self.left = fail_at
        call = getattr(os, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise OSError(5, "Input/output error")
            return call(*arguments, **options)

        patch.setattr(os, name, counted)


def test_a_failed_run_leaves_the_old_file_with_its_old_sidecar(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG", seed=11)
    desk.label(source, tmp_path / "out.jpg", sidecar=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    labeller, known = desk.labeller(), len(list(desk.ledger.entries()))
    prepared = labeller.prepare(source, Wishes(says=Says.GENERATED, sidecar=True))
    for fail_at in (2, 3):  # of the moves: the sidecar's, the picture's
        with monkeypatch.context() as patch:
            Machine(patch, "replace", fail_at)
            with pytest.raises(StoreError, match="was not written"):
                labeller.write(prepared, tmp_path / "out.jpg", force=True)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        assert len(list(desk.ledger.entries())) == known
    done = labeller.write(prepared, tmp_path / "out.jpg", force=True)
    assert (tmp_path / "out.c2pa").read_bytes() == done.signed.store
    assert [mark.bound for mark in desk.verify(done.target).marks] == [True]


def test_a_sidecar_is_never_that_of_another_file(desk: Desk, tmp_path: Path) -> None:
    drawn = saved(tmp_path / "in.png", "PNG", seed=12)
    first = desk.label(drawn, tmp_path / "x.png", sidecar=True, says=Says.NONE)
    assert first.beside is not None
    earlier = first.beside.read_bytes()
    done = desk.label(first.target, tmp_path / "x.PNG", sidecar=True, force=True, says=Says.MODIFIED)
    assert done.beside == tmp_path / "x.PNG.c2pa"
    assert first.beside.read_bytes() == earlier
    report = desk.verify(done.target)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT
    assert [part.relationship for part in report.credential.ingredients] == ["parentOf"]
    source = saved(tmp_path / "in.jpg", "JPEG", seed=12)
    one = desk.label(source, tmp_path / "a.jpg", sidecar=True, others=(tmp_path / "a.png",), says=Says.NONE)
    two = desk.label(tmp_path / "in.png", tmp_path / "a.png", sidecar=True, says=Says.NONE)
    assert (one.beside, two.beside) == (tmp_path / "a.jpg.c2pa", tmp_path / "a.png.c2pa")


def test_a_file_that_is_there_is_not_called_unwritten(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = saved(tmp_path / "in.png", "PNG", seed=13)
    labeller = desk.labeller()
    prepared = labeller.prepare(source, Wishes(says=Says.GENERATED))
    with monkeypatch.context() as patch:
        Machine(patch, "fsync", 2)  # the file's own, then the folder's
        done = labeller.write(prepared, tmp_path / "out.png")
    assert done.doubt is not None
    assert (tmp_path / "out.png").read_bytes() == done.signed.data
    assert [mark.bound for mark in desk.verify(done.target).marks] == [True]  # the ledger still has it


def test_a_new_file_has_the_mode_of_any_new_file(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.png", "PNG", seed=14)
    source.chmod(0o600)
    before = os.umask(0o022)
    try:
        desk.label(source, tmp_path / "out.png", says=Says.NONE, sidecar=True)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out.png", tmp_path / "out.c2pa")} == {0o644}


def test_a_rehearsal_refuses_what_the_writing_would(desk: Desk, tmp_path: Path) -> None:
    labeller, known = desk.labeller(), len(list(desk.ledger.entries()))
    tiny = labeller.prepare(saved(tmp_path / "tiny.png", "PNG", size=(20, 20)), Wishes(says=Says.GENERATED))
    with pytest.raises(Refused):
        labeller.rehearse(tiny, tmp_path / "out.png")
    signed = labeller.prepare(MEDIA / "camera-capture.jpg", Wishes(says=Says.NONE, sidecar=True))
    with pytest.raises(SigningError, match="inside"):
        labeller.rehearse(signed, tmp_path / "out.jpg")
    fine = labeller.prepare(saved(tmp_path / "in.png", "PNG"), Wishes(says=Says.GENERATED))
    (tmp_path / "there.png").write_bytes(b"precious")
    with pytest.raises(ConfigurationError, match="there already"):
        labeller.rehearse(fine, tmp_path / "there.png")
    with pytest.raises(ConfigurationError, match="no folder"):
        labeller.rehearse(fine, tmp_path / "new" / "out.png")
    labeller.rehearse(fine, tmp_path / "new" / "out.png", makes_folder=True)
    with pytest.raises(StoreError, match="no folder"):
        labeller.rehearse(fine, tmp_path / "in.png" / "deep" / "out.png", makes_folder=True)
    labeller.rehearse(fine, tmp_path / "out.png")
    assert len(list(desk.ledger.entries())) == known
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "there.png", "tiny.png"]


def test_keys_and_texts_that_do_not_fit_are_refused(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG")
    origin = Marker(key=Key.generate("origin"), draw=bytes)
    labeller = build_labeller(desk.settings, at=AT, signer=None, marker=origin, ledger=None)
    with pytest.raises(ConfigurationError, match="origin only"):
        labeller.prepare(source, Wishes(says=Says.GENERATED))
    bare = build_labeller(desk.settings, at=AT, signer=None, marker=None, ledger=None)
    prepared = bare.prepare(source, Wishes(says=Says.NONE))
    with pytest.raises(ConfigurationError, match="no keys"):
        bare.write(prepared, tmp_path / "out.jpg")
    wrong: list[dict[str, Any]] = [
        {"tool_version": "3"},
        {"languages": ("nl", "en", "de")},
        {"own_lines": ("a" * 61,)},
        {"own_lines": ("a\nb",)},
    ]
    for wish in wrong:
        with pytest.raises(ConfigurationError):
            Wishes(says=Says.GENERATED, **wish)


def test_a_failing_machine_leaves_neither_file_nor_entry(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = saved(tmp_path / "in.png", "PNG", seed=4)
    labeller = desk.labeller()
    prepared = labeller.prepare(source, Wishes(says=Says.GENERATED))
    known = len(list(desk.ledger.entries()))

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.link", full)
        patch.setattr("os.replace", full)
        with pytest.raises(StoreError):
            labeller.write(prepared, tmp_path / "out.png")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StoreError):
            labeller.write(prepared, tmp_path / "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]
    assert len(list(desk.ledger.entries())) == known
    repeated = desk.labeller(draw=bytes)
    repeated.write(repeated.prepare(source, Wishes(says=Says.GENERATED)), tmp_path / "one.png")
    with pytest.raises(StoreError, match="issued before"):
        repeated.write(repeated.prepare(source, Wishes(says=Says.GENERATED)), tmp_path / "two.png")
    assert not (tmp_path / "two.png").exists()


def test_what_does_not_verify_is_not_written(desk: Desk, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.png", "PNG", seed=6)
    labeller = desk.labeller()
    prepared = labeller.prepare(source, Wishes(says=Says.GENERATED))
    assert prepared.drawn.rgb is not None
    wrong = replace(prepared, drawn=replace(prepared.drawn, rgb=prepared.drawn.rgb ^ 1))
    with pytest.raises(SigningError, match="pixels"):
        labeller.write(wrong, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_a_tampered_parent_is_carried_as_it_is(desk: Desk, tmp_path: Path) -> None:
    shutil.copy(MEDIA / "tampered.jpg", tmp_path / "in.jpg")
    done = desk.label(tmp_path / "in.jpg", tmp_path / "out.jpg", says=Says.MODIFIED)
    assert "signing.parent-broken" in {note.code for note in done.signed.notes}
    report = build_verifier(desk.settings, at=AT).verify(done.target)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT
    assert report.credential.chain.value == "broken"


@pytest.mark.parametrize("name", ["c2pa-python_CA_ct.jpg", "c2pa-node_testv2.jpg", "c2pa-node_CAICAI.jpg"])
def test_credentials_of_several_segments_become_the_parent(desk: Desk, shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "corpus" / "c2pa" / name
    if not source.is_file():
        pytest.skip("not in this copy of the corpus")
    done = desk.label(source, tmp_path / "out.jpg", says=Says.MODIFIED)
    report = desk.verify(done.target)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT
    assert "parentOf" in [part.relationship for part in report.credential.ingredients]


def test_heic_becomes_jpeg_with_everything_kept_or_listed(desk: Desk, tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    picture = heif.from_pillow(Image.fromarray(scene(480, 640, 8)))
    picture.save(tmp_path / "in.heic", quality=85, exif=exif.tobytes())
    done = desk.label(tmp_path / "in.heic", tmp_path / "out.jpg")
    assert done.plan.layers == tuple(Layer)
    assert not {"exif", "icc", "xmp"} & {loss.code for loss in done.plan.losses}
    with Image.open(done.target) as image:
        assert (image.format, image.size, image.getexif()[0x010F]) == ("JPEG", (640, 480), "Maker")
    report = desk.verify(done.target)
    assert report.credential is not None
    assert "c2pa.transcoded" in [action.action for action in report.credential.actions]
    assert [mark.bound for mark in report.marks] == [True]
