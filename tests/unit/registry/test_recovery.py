# SPDX-License-Identifier: Apache-2.0
"""What was stripped is found again: by the mark, by the fingerprint, by both; the manifest is the original's own."""

import hashlib
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import waarmerk.provenance.recovery as recovery_module
from tests.unit.marking.conftest import AT, Desk, desk, saved
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_recovery, build_verifier
from waarmerk.provenance.credentials.container import find_stores
from waarmerk.provenance.credentials.embed import write_sidecar
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import ChannelState, CredentialState, Integrity, Origin, Report
from waarmerk.provenance.recovery import Recovery, Wishes
from waarmerk.provenance.registry.index import Index
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.report.summary import summary_key
from waarmerk.provenance.settings import Settings

__all__ = ["desk"]


class Case:
    """A labelled picture in a registry, and a copy that a platform stripped, cropped and compressed."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.folder = folder
        saved(folder / "source.jpg", "JPEG", seed=5, size=(900, 1200), quality=92)
        self.original = folder / "original.jpg"
        desk.label(folder / "source.jpg", self.original)
        self.settings = Settings(
            trust=desk.folder / "trust",
            keys=(desk.folder / "mark.key",),
            registry=str(folder / "registry" / "registry.sqlite"),
        )
        with Image.open(self.original) as image:
            left, top = round(image.width * 0.08), round(image.height * 0.1)
            box = (left, top, left + round(image.width * 0.837), top + round(image.height * 0.837))  # 70 % of the area
            image.convert("RGB").crop(box).save(folder / "copy.jpg", "JPEG", quality=60)
        self.copy = folder / "copy.jpg"

    def recovery(self) -> Recovery:
        return build_recovery(self.settings, at=AT)

    def verify(self, path: Path, **more: object) -> Report:
        return build_verifier(Settings(**{**self._given(), **more}), at=AT).verify(path)  # type: ignore[arg-type]

    def _given(self) -> dict[str, object]:
        return {"trust": self.settings.trust, "registry": self.settings.registry}


@pytest.fixture(scope="module")
def case(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Case:
    made = Case(desk, tmp_path_factory.mktemp("registry"))
    made.recovery().add(
        made.original, Wishes(origin=Origin.AI_GENERATED, labels=("ai-generated",), source="desk"), at=AT
    )
    return made


@pytest.mark.parametrize(("by_marks", "by_pixels"), [(True, False), (False, True), (True, True)])
def test_strip_crop_compress_and_the_manifest_comes_back(case: Case, by_marks: bool, by_pixels: bool) -> None:
    recovery = case.recovery()
    found = recovery.match(case.copy, by_marks=by_marks, by_pixels=by_pixels)
    assert [(each.kind, each.verified) for each in found if each.verified] == [
        ("watermark" if by_marks else "fingerprint", True)
    ]
    recovered = recovery.recover(case.copy, by_marks=by_marks, by_pixels=by_pixels)
    assert recovered is not None
    assert recovered.entry.sha256 == hashlib.sha256(case.original.read_bytes()).digest()
    data = case.original.read_bytes()
    (store,) = find_stores(Window(BytesIO(data), len(data)), "image/jpeg", Limits())
    assert recovered.data == store.data
    assert recovered.label.encode() in store.data
    assert recovery.recover(case.copy, by_marks=False, by_pixels=False) is None


def test_what_comes_back_holds_for_the_original_and_not_for_the_copy(case: Case, tmp_path: Path) -> None:
    recovered = case.recovery().recover(case.copy)
    assert recovered is not None
    with Image.open(case.copy) as image:
        (tmp_path / "copy.jpg").write_bytes(case.copy.read_bytes())
        image.save(tmp_path / "other.jpg")
    write_sidecar(recovered.data, tmp_path / "copy.jpg.c2pa")
    credential = case.verify(tmp_path / "copy.jpg").credential
    assert credential is not None
    assert credential.state is CredentialState.SIDECAR
    assert credential.integrity is not Integrity.INTACT, "a manifest of the original is none of the copy"
    with pytest.raises(ConfigurationError, match=r"\.c2pa"):
        write_sidecar(recovered.data, tmp_path / "copy.jpg")
    with pytest.raises(ConfigurationError):
        write_sidecar(recovered.data, tmp_path / "copy.jpg.c2pa")
    write_sidecar(recovered.data, tmp_path / "copy.jpg.c2pa", force=True)
    assert (tmp_path / "copy.jpg.c2pa").read_bytes() == recovered.data


def test_verify_proposes_the_label_and_imposes_nothing(case: Case) -> None:
    report = case.verify(case.copy)
    (match,) = (each for each in report.matches if each.verified)
    assert (match.kind, match.labels) == ("fingerprint", ("ai-generated",))
    assert (report.verdict.origin, report.verdict.tier.value) == (Origin.AI_GENERATED, "claimed")
    assert [str(claimant) for claimant in report.verdict.claimed_by] == ["registry"]
    assert summary_key(report) == "ai-generated-known-part", "the file itself says nothing"
    assert [c.state for c in report.channels if c.name == "registry"] == [ChannelState.FOUND]
    assert not [duty.rule for duty in report.duties if duty.automatic and duty.uses_ai_finding]
    assert {"registry.known-part", "registry.has-manifest"} <= {each.code for each in report.verdict.concerns}


def test_verify_with_keys_finds_it_by_the_mark(case: Case) -> None:
    report = case.verify(case.copy, keys=case.settings.keys)
    assert [match.kind for match in report.matches if match.verified] == ["watermark"]
    assert [mark.detected for mark in report.marks] == [True]


def test_a_stranger_is_not_known(case: Case, tmp_path: Path) -> None:
    Image.fromarray(scene(600, 800, 44)).save(tmp_path / "other.jpg")
    report = case.verify(tmp_path / "other.jpg")
    assert not [match for match in report.matches if match.verified or match.labels]
    assert report.verdict.origin is Origin.UNKNOWN
    assert case.recovery().recover(tmp_path / "other.jpg") is None


def test_a_registry_that_is_none_stops_the_run(case: Case, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no registry"):
        case.verify(case.copy, registry=str(tmp_path / "none.sqlite"))
    with pytest.raises(ConfigurationError, match="nothing is fetched"):
        case.verify(case.copy, registry="postgresql://host/name")
    with pytest.raises(ConfigurationError):
        build_recovery(Settings(), at=AT)


def test_known_already_altered_not_kept_and_removed_for_good(desk: Desk, tmp_path: Path) -> None:
    case = Case(desk, tmp_path)
    recovery = case.recovery()
    altered = bytearray(case.original.read_bytes())
    altered[-200] ^= 1
    (tmp_path / "altered.jpg").write_bytes(altered)
    assert recovery.add(tmp_path / "altered.jpg", Wishes(), at=AT).manifest is None
    added = recovery.add(case.original, Wishes(), at=AT)
    assert added.manifest is not None
    with pytest.raises(StoreError, match="already"):
        recovery.add(case.original, Wishes(), at=AT)
    assert recovery.remove([added.number], at=AT) == 1
    assert recovery.recover(case.copy) is None
    store = Store(str(case.settings.registry))
    assert [one.number for one in store.entries()] == [1]
    assert len(list(store.folder.glob("bytes/??/*"))) == 1


def test_a_sound_file_is_known_by_its_digest_alone(desk: Desk, tmp_path: Path) -> None:
    out = BytesIO()
    Image.fromarray(scene(100, 120, 1)).save(out, "PNG")
    (tmp_path / "x.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    recovery = build_recovery(Settings(registry=str(tmp_path / "r.sqlite")), at=AT)
    recovery.add(tmp_path / "x.svg", Wishes(), at=AT)
    assert [each.kind for each in recovery.match(tmp_path / "x.svg")] == ["exact"]


def test_without_a_registry_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys; from waarmerk.provenance.build import build_verifier; build_verifier();"
        "print([m for m in ('sqlalchemy', 'cv2', 'numpy', 'imagehash', 'pdqhash') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_fails_in_the_index_after_an_entry_is_noted_and_the_entry_stands(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recovery = build_recovery(Settings(trust=case.settings.trust, registry=str(tmp_path / "own.sqlite")), at=AT)
    monkeypatch.setattr(recovery_module, "_SEALED_EVERY", 1)
    for number, error in enumerate((StoreError("registry.damaged", "no"), PermissionError("no"), None), start=1):

        def failing(_: Index, error: Exception | None = error) -> None:
            if error is not None:
                raise error

        monkeypatch.setattr(Index, "seal", failing)
        Image.fromarray(scene(120, 160, number)).save(tmp_path / "one.png")
        assert recovery.add(tmp_path / "one.png", Wishes(), at=AT).number == number
        assert recovery.index_fault == ["registry.damaged", "registry.failed", None][number - 1]
