# SPDX-License-Identifier: Apache-2.0
"""A photograph and what AI made of it, both known: a copy of the one never has the other as its original."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.marking.conftest import AT
from waarmerk.provenance.build import build_recovery, build_verifier
from waarmerk.provenance.model import Origin
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.registry.finder import Finder, Found, origins, strongest_first
from waarmerk.provenance.registry.model import Entry
from waarmerk.provenance.registry.resemblance import Resemblance
from waarmerk.provenance.registry.resolution import by_content
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.report.review import rows_of
from waarmerk.provenance.settings import Settings

MEDIA = Path(__file__).resolve().parents[3] / "samples" / "media"
PHOTOGRAPH, EDIT = "camera-capture.jpg", "ai-edited.jpg"
SAID = {
    PHOTOGRAPH: Wishes(origin=Origin.CAPTURED, fact_checks=("https://check.example/mill",)),
    EDIT: Wishes(origin=Origin.AI_MODIFIED, labels=("ai-modified",)),
}
WHOLE, CROP = (0, 0, 640, 480), (64, 48, 608, 456)


def copied(name: str, folder: Path, box: tuple[int, int, int, int] = WHOLE, quality: int = 60) -> Path:
    """What a platform leaves of a sample: pixels, cut to the box, as JPEG."""
    with Image.open(MEDIA / name) as image:
        image.convert("RGB").crop(box).save(folder / f"copy-{name}", "JPEG", quality=quality)
    return folder / f"copy-{name}"


@pytest.fixture(scope="module", params=[(PHOTOGRAPH, EDIT), (EDIT, PHOTOGRAPH)], ids=["photo-first", "edit-first"])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[str, str]]:
    """A registry with both, and under which name each is in it."""
    settings = Settings(registry=str(tmp_path_factory.mktemp("known") / "registry.sqlite"))
    recovery = build_recovery(settings, at=AT)
    return settings, {name: recovery.add(MEDIA / name, SAID[name], at=AT).registry_id for name in request.param}


@pytest.mark.parametrize(
    ("shown", "other", "box"),
    [
        (PHOTOGRAPH, EDIT, WHOLE),
        (EDIT, PHOTOGRAPH, WHOLE),
        (PHOTOGRAPH, EDIT, CROP),
        pytest.param(EDIT, PHOTOGRAPH, CROP, marks=pytest.mark.slow),
    ],
    ids=["photograph", "edit", "crop of the photograph", "crop of the edit"],
)
def test_what_is_shown_comes_first_and_its_credentials_come_back(
    known: tuple[Settings, dict[str, str]], tmp_path: Path, shown: str, other: str, box: tuple[int, int, int, int]
) -> None:
    settings, ids = known
    copy = copied(shown, tmp_path, box)
    recovered = build_recovery(settings, at=AT).recover(copy)
    assert recovered is not None
    assert recovered.entry.registry_id == ids[shown]
    report = build_verifier(settings, at=AT).verify(copy)
    told = [(each.registry_id, each.is_whole) for each in report.matches if each.verified]
    assert told == [(ids[shown], box == WHOLE), (ids[other], False)]
    kept = [each.about for each in report.verdict.concerns if each.code == "registry.has-manifest"]
    assert kept == [ids[shown]]
    assert [row["registry_id"] for row in rows_of(to_dict(report, tool_version="0"))] == [ids[shown], ids[other]]


def test_of_a_known_whole_without_credentials_nothing_else_is_given_back(tmp_path: Path) -> None:
    settings = Settings(registry=str(tmp_path / "registry.sqlite"))
    recovery = build_recovery(settings, at=AT)
    photograph = recovery.add(MEDIA / PHOTOGRAPH, Wishes(), at=AT)
    edit = recovery.add(copied(EDIT, tmp_path, quality=90), Wishes(), at=AT)
    assert photograph.manifest is not None
    assert edit.manifest is None
    copy = copied(EDIT, tmp_path)
    found = recovery.match(copy)
    assert [each.entry.number for each in found if each.verified] == [edit.number, photograph.number]
    assert recovery.recover(copy) is None
    report = build_verifier(settings, at=AT).verify(copy)
    assert "registry.has-manifest" not in {each.code for each in report.verdict.concerns}


def entry(number: int) -> Entry:
    made = Entry(sha256=bytes([number]) * 32, media_type="image/jpeg", added_at="2026-11-22T12:00:00Z")
    return replace(made, number=number, manifest=bytes(32), manifest_label=f"urn:c2pa:{9 - number}")


def found(number: int, distance: int | None, kind: str = "fingerprint", fills: float = 1.0, **seen: object) -> Found:
    given: dict[str, object] = {"verified": True, "share": 1.0, "overlap": 1.0, **seen}
    laid = Resemblance(**given)  # type: ignore[arg-type]
    return Found(entry=entry(number), kind=kind, distance=distance, resemblance=laid, fills=fills)


IN_ORDER = (
    Found(entry=entry(9), kind="exact", distance=0),
    found(7, 2, whole=True, overlap=0.95),  # the whole, less an edge, before all of what differs
    found(8, 4, whole=True, overlap=0.95),
    found(5, 30, whole=True, fills=0.4),  # nothing differs, and much stands beside it
    found(2, None, kind="watermark"),
    found(6, 3),
    found(1, 4),
    found(4, None, overlap=1.0, share=0.9),  # more is seen than of the next, and more of that differs
    found(3, 0, overlap=0.8),
    found(1, 0, verified=False),
)


def test_the_order_is_one_whatever_the_order_of_entry() -> None:
    assert strongest_first(reversed(IN_ORDER)) == IN_ORDER
    for four in permutations(IN_ORDER[1:5]):
        assert strongest_first(four) == IN_ORDER[1:5]
    assert origins(IN_ORDER) == IN_ORDER[:3]
    assert origins(IN_ORDER[3:]) == IN_ORDER[3:-1], "no whole: all that is verified"
    assert origins(IN_ORDER[-1:]) == ()


def test_manifests_of_one_score_are_answered_in_that_order(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = found(1, 2, whole=True), found(2, 4, whole=True)
    monkeypatch.setattr(Finder, "find", lambda *_given, **_more: (first, second))
    answer = by_content(object.__new__(Finder), sha256=bytes(32), rgb=None)
    assert [(each.manifest_id, each.similarity) for each in answer] == [("urn:c2pa:8", 100), ("urn:c2pa:7", 100)]
