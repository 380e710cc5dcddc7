# SPDX-License-Identifier: Apache-2.0
"""Nobody signs AI away: not over credentials, metadata or an own mark. And no label stands beside another one."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.unit.marking.conftest import AT, Desk, saved
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_admission
from waarmerk.provenance.credentials.signing_statement import GENERATED, Statement, Step, history
from waarmerk.provenance.marking.admission import CODES
from waarmerk.provenance.marking.labeller import Refused
from waarmerk.provenance.marking.plan import Layer, Says
from waarmerk.provenance.media import Limits, open_asset
from waarmerk.provenance.metadata.xmp_packet import Statement as XmpStatement
from waarmerk.provenance.metadata.xmp_packet import compose
from waarmerk.provenance.metadata.xmp_write import write_packet
from waarmerk.provenance.report.wording import wording

COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"


def png(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    Image.fromarray(scene(480, 640, 11)).save(path, "PNG", pnginfo=info)
    return path


def bare(path: Path, target: Path) -> Path:
    """The picture without anything around its pixels, as a platform sends it on."""
    with Image.open(path) as image:
        image.convert("RGB").save(target, quality=85)
    return target


def refusal(desk: Desk, source: Path, target: Path, **wishes: object) -> str:
    with pytest.raises(Refused) as refused:
        desk.label(source, target, **wishes)
    assert not target.exists()
    return refused.value.code


def test_an_own_mark_is_not_labelled_away(desk: Desk, tmp_path: Path) -> None:
    done = desk.label(saved(tmp_path / "in.jpg", "JPEG", quality=92), tmp_path / "out.jpg")
    stripped = bare(done.target, tmp_path / "stripped.jpg")
    assert refusal(desk, stripped, tmp_path / "none.jpg", says=Says.NONE) == "label.ai-marked"
    assert desk.ledger.forget(payload=done.payload, at="2026-11-21T12:00:00Z") == 1  # then nobody knows whose it is
    assert refusal(desk, stripped, tmp_path / "none.jpg", says=Says.NONE) == "label.ai-marked"


@pytest.mark.parametrize(
    "term", ["compositeSynthetic", "trainedAlgorithmicData", "compositeWithTrainedAlgorithmicMedia"]
)
def test_every_source_type_that_means_ai_counts(desk: Desk, tmp_path: Path, term: str) -> None:
    data = BytesIO()
    Image.fromarray(scene(480, 640, 3)).save(data, "JPEG", quality=92)
    packet = compose(XmpStatement(source_type=term))
    (tmp_path / "in.jpg").write_bytes(write_packet(data.getvalue(), "image/jpeg", packet, Limits()))
    assert refusal(desk, tmp_path / "in.jpg", tmp_path / "out.jpg", says=Says.NONE) == "label.ai-denied"


def test_composites_in_credentials_count(desk: Desk, tmp_path: Path) -> None:
    writer, source = desk.labeller().writer, saved(tmp_path / "in.jpg", "JPEG", quality=92)
    assert writer is not None
    steps = (Step(action="c2pa.created", source_type=COMPOSITE),)
    source.write_bytes(writer.sign(open_asset(source, limits=Limits()), Statement(steps=steps)).data)
    assert refusal(desk, source, tmp_path / "out.jpg", says=Says.NONE) == "label.ai-denied"


TRACES = [{"parameters": "a hill\nSteps: 20, Sampler: Euler"}, {"Software": "Midjourney"}, {"AIGC": '{"Label": "2"}'}]


@pytest.mark.parametrize("texts", TRACES, ids=lambda texts: next(iter(texts)))
def test_traces_of_a_generator_stop_until_somebody_knows_why(desk: Desk, tmp_path: Path, texts: dict[str, str]) -> None:
    source = png(tmp_path / "in.png", **texts)
    assert refusal(desk, source, tmp_path / "out.png", says=Says.NONE) == "label.ai-traces"
    done = desk.label(source, tmp_path / "out.png", says=Says.NONE, despite_traces=True)
    assert done.plan.layers == (Layer.CREDENTIALS,)


def test_what_says_ai_is_denied_whatever_is_known(desk: Desk, tmp_path: Path) -> None:
    source = png(tmp_path / "in.png", AIGC='{"Label": "1"}')
    assert refusal(desk, source, tmp_path / "out.png", says=Says.NONE, despite_traces=True) == "label.ai-denied"


@pytest.mark.parametrize("says", [Says.GENERATED, Says.MODIFIED])
def test_no_label_stands_beside_another(desk: Desk, tmp_path: Path, says: Says) -> None:
    done = desk.label(saved(tmp_path / "in.jpg", "JPEG", seed=21, quality=92), tmp_path / "out.jpg")
    assert refusal(desk, done.target, tmp_path / "again.jpg", says=says) == "label.labelled-already"
    stripped = bare(done.target, tmp_path / "stripped.jpg")
    assert refusal(desk, stripped, tmp_path / "again.jpg", says=says) == "label.labelled-already"


def test_generated_is_not_labelled_as_modified(desk: Desk, tmp_path: Path) -> None:
    writer, source = desk.labeller().writer, saved(tmp_path / "in.png", "PNG")
    assert writer is not None
    asset = open_asset(source, limits=Limits())
    source.write_bytes(writer.sign(asset, Statement(steps=history("generated", at=AT, has_parent=False))).data)
    assert refusal(desk, source, tmp_path / "out.png", says=Says.MODIFIED) == "label.says-generated"
    done = desk.label(source, tmp_path / "out.png", says=Says.GENERATED)
    assert done.report.credential is not None
    assert GENERATED in done.report.credential.source_types


def test_without_keys_nothing_is_searched_and_nothing_invented(desk: Desk, tmp_path: Path) -> None:
    source = open_asset(saved(tmp_path / "in.jpg", "JPEG"), limits=Limits())
    survey = desk.labeller().survey(source)
    assert build_admission(desk.settings).against_none(source, survey) is None
    assert build_admission(desk.settings).against_label(source, survey, says="modified") is None


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_refusal_has_a_sentence(language: str) -> None:
    assert not [code for code in CODES if not wording(language).has("label", code)]
