# SPDX-License-Identifier: Apache-2.0
"""What the registry says of a file: states, fact-checks' own pictures, and marks that were issued here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.unit.marking.conftest import Desk, desk
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_recovery, build_verifier
from waarmerk.provenance.model import ChannelState, Origin, Report
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.registry.model import Basis, Role, State
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.report.review import rows_of
from waarmerk.provenance.report.summary import summary_key
from waarmerk.provenance.settings import Settings

__all__ = ["desk"]
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHECK = "https://check.example/flood"


class Known:
    """A registry with one picture in it, and copies of that picture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(registry=str(folder / "registry.sqlite"))
        self.rgb = scene(600, 800, 5)

    def save(self, name: str, rgb: np.ndarray, quality: int = 90) -> Path:
        Image.fromarray(rgb).save(self.folder / name, "JPEG", quality=quality)
        return self.folder / name

    def add(self, path: Path, **wishes: object) -> int:
        return build_recovery(self.settings, at=AT).add(path, Wishes(**wishes), at=AT).number  # type: ignore[arg-type]

    def verify(self, path: Path, **more: object) -> Report:
        return build_verifier(replace(self.settings, **more), at=AT).verify(path)  # type: ignore[arg-type]

    def mark(self, number: int, state: State) -> None:
        assert Store(str(self.settings.registry), writing=True).mark(number, state, why="mistaken", at=AT)


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(tmp_path)


def stamped(rgb: np.ndarray) -> np.ndarray:
    """As a fact-check shows it: the word across it, and a frame."""
    shown = rgb.copy()
    height, width = shown.shape[:2]
    cv2.putText(shown, "FALSE", (width // 10, height // 2), cv2.FONT_HERSHEY_DUPLEX, 6.0, (220, 0, 0), 26)
    return np.ascontiguousarray(cv2.copyMakeBorder(shown, 12, 60, 12, 12, cv2.BORDER_CONSTANT, value=(200, 0, 0)))


def codes(report: Report) -> set[str]:
    return {each.code for each in report.verdict.concerns}


def test_a_match_says_where_the_known_picture_lies_and_what_of_it_is_there(known: Known) -> None:
    known.add(known.save("item.jpg", known.rgb), labels=("ai-generated",))
    poster = np.full((900, 1000, 3), 255, np.uint8)
    poster[200:800, 100:900] = known.rgb
    (match,) = known.verify(known.save("poster.png", poster)).matches
    assert match.verified
    assert match.region is not None
    assert all(abs(a - b) <= 3 for a, b in zip(match.region, (100, 200, 800, 600), strict=True))
    assert (match.seen, match.mirrored) == ((0.0, 0.0, 1.0, 1.0), False)
    written = to_dict(known.verify(known.save("crop.png", known.rgb[300:, 400:])), tool_version="1")["matches"][0]
    assert written["region"] == [0, 0, 400, 300]
    assert all(abs(share - 0.5) <= 0.03 for share in written["seen"])
    turned = known.verify(known.save("turned.png", known.rgb[:, ::-1])).matches[0]
    assert (turned.verified, turned.mirrored) == (True, True)
    exact = known.verify(known.folder / "item.jpg").matches[0]
    assert (exact.region, exact.seen, exact.mirrored) == (None, None, None)


def test_the_picture_of_a_fact_check_is_no_copy_of_what_it_is_about(known: Known) -> None:
    known.add(known.save("item.jpg", known.rgb), labels=("fact-checked",), fact_checks=(CHECK,), basis=Basis.FACT_CHECK)
    known.add(known.save("debunk.jpg", stamped(known.rgb)), fact_checks=(CHECK,), role=Role.DEBUNK)
    repost = known.verify(known.save("repost.jpg", known.rgb[20:-20, 30:-30], 60))
    (match,) = (each for each in repost.matches if each.labels)
    assert (match.registry_id, match.labels, match.fact_checks) == ("r1", ("fact-checked",), (CHECK,))
    assert (match.basis, match.verified) == ("fact-check", True)
    assert "registry.fact-checked-part" in codes(repost), "86 per cent of it is seen"

    shared = known.verify(known.save("shared.jpg", stamped(known.rgb), 70))
    assert "registry.debunk" in codes(shared)
    assert not {"registry.fact-checked", "registry.known", "registry.known-part"} & codes(shared)
    assert [each for each in shared.matches if each.labels or each.fact_checks] == []
    exact = known.verify(known.folder / "debunk.jpg")
    assert [each.registry_id for each in exact.matches] == ["r2"]


def barred(rgb: np.ndarray) -> np.ndarray:
    """As a fact-check shows it whose stamp stands above it: whoever cuts that off has the picture without it."""
    bar = np.full((rgb.shape[0] // 5, rgb.shape[1], 3), (200, 0, 0), np.uint8)
    cv2.putText(bar, "FALSE", (60, bar.shape[0] - 30), cv2.FONT_HERSHEY_DUPLEX, 2.5, (255, 255, 255), 8)
    return np.vstack([bar, rgb])


@pytest.mark.parametrize(
    ("of", "least", "most"),
    [
        (lambda shown: shown[120:], 80, 88),  # the stamp is off
        (lambda shown: shown[120:550, 100:], 45, 60),
        (lambda shown: np.vstack([shown, captioned(shown)[:90]]), 90, 99),  # a text is below it
    ],
    ids=["cut", "half", "more"],
)
def test_a_part_of_what_a_fact_check_published_is_not_the_fact_check(
    known: Known, of: Callable[..., np.ndarray], least: int, most: int
) -> None:
    """A debunked picture with its stamp cut off was "the fact-check, not a copy", and no sweep listed it."""
    number = known.add(known.save("debunk.jpg", barred(known.rgb)), fact_checks=(CHECK,), role=Role.DEBUNK)
    part = known.save("part.jpg", of(barred(known.rgb)), 85)
    report = known.verify(part, context=("role=platform",))
    assert codes(report) & {"registry.debunk", "registry.debunk-part"} == {"registry.debunk-part"}
    (about,) = (each.about for each in report.verdict.concerns if each.code == "registry.debunk-part")
    (match,) = report.matches
    assert match.seen_percent is not None
    assert least <= match.seen_percent <= most
    assert about.startswith(f"r1, {match.seen_percent} % (")
    assert about.endswith(CHECK)
    assert (match.labels, match.origin, match.is_whole) == ((), Origin.UNKNOWN, False)
    assert not [each for each in report.duties if each.rule.startswith("FC-") and each.status == "recommended"]
    (row,) = rows_of(to_dict(report, tool_version="1"))
    assert (row["registry_id"], row["role"], row["fact_checks"]) == ("r1", "debunk", [CHECK])

    whole = known.verify(known.save("whole.jpg", barred(known.rgb), 60))
    assert codes(whole) == {"registry.debunk"}
    assert list(rows_of(to_dict(whole, tool_version="1"))) == []
    known.mark(number, State.DISPUTED)
    assert codes(known.verify(part)) == {"registry.disputed-part"}
    for path in (part, known.folder / "whole.jpg", known.folder / "debunk.jpg"):
        disputed = known.verify(path)
        assert codes(disputed) <= {"registry.disputed", "registry.disputed-part"}
        assert codes(disputed) == {"registry.disputed"} or path == part
        assert list(rows_of(to_dict(disputed, tool_version="1"))) == []


def test_the_part_of_a_fact_check_that_is_the_item_is_told_as_the_item(known: Known) -> None:
    known.add(known.save("item.jpg", known.rgb), fact_checks=(CHECK,), basis=Basis.FACT_CHECK)
    known.add(known.save("debunk.jpg", barred(known.rgb)), fact_checks=(CHECK,), role=Role.DEBUNK)
    report = known.verify(known.save("copy.jpg", barred(known.rgb)[120:], 70))
    item = report.matches[0]
    assert (item.registry_id, item.is_whole, item.fact_checks) == ("r1", True, (CHECK,))
    assert codes(report) >= {"registry.known", "registry.fact-checked"}
    assert "registry.debunk" not in codes(report)


def test_what_is_disputed_proposes_nothing_and_what_is_withdrawn_is_not_found(known: Known) -> None:
    number = known.add(known.save("item.jpg", known.rgb), labels=("satire",), origin=Origin.AI_GENERATED)
    copy = known.save("copy.jpg", known.rgb, 60)
    assert known.verify(copy).verdict.origin is Origin.AI_GENERATED
    known.mark(number, State.DISPUTED)
    disputed = known.verify(copy)
    assert [(each.verified, each.labels, each.origin) for each in disputed.matches] == [(True, (), Origin.UNKNOWN)]
    assert (disputed.verdict.origin, codes(disputed) >= {"registry.disputed"}) == (Origin.UNKNOWN, True)
    known.mark(number, State.WITHDRAWN)
    for path in (copy, known.folder / "item.jpg"):
        assert known.verify(path).matches == ()
    known.mark(number, State.ACTIVE)
    assert known.verify(copy).verdict.origin is Origin.AI_GENERATED
    store = Store(str(known.settings.registry))
    assert [(what, why) for _, what, _, why in store.notes()] == [
        ("added", None),
        ("disputed", "mistaken"),
        ("withdrawn", "mistaken"),
        ("active", "mistaken"),
    ]


def test_a_fact_checked_picture_asks_for_a_label_exactly_or_after_review(known: Known) -> None:
    item = known.save("item.jpg", known.rgb)
    known.add(item, fact_checks=(CHECK,), basis=Basis.FACT_CHECK)
    near = known.save("near.jpg", known.rgb, 50)
    other = known.save("other.jpg", scene(600, 800, 44))
    owed = {}
    for path in (item, near, other):
        report = known.verify(path, context=("role=platform",))
        owed[path.name] = {
            duty.rule for duty in report.duties if duty.rule.startswith("FC-") and duty.status == "recommended"
        }
    assert owed == {"item.jpg": {"FC-exact"}, "near.jpg": {"FC-near-copy"}, "other.jpg": set()}


def test_a_mark_is_bound_by_what_was_issued_here_and_by_nothing_else(desk: Desk, tmp_path: Path) -> None:
    known = Known(tmp_path)
    source, issued = known.save("source.jpg", known.rgb), tmp_path / "issued.jpg"
    desk.label(source, issued)
    keys = (desk.folder / "mark.key",)
    known.settings = replace(known.settings, keys=keys, trust=desk.folder / "trust")
    with Image.open(issued) as image:
        copy = known.save("copy.jpg", np.asarray(image.convert("RGB")), 80)
    origin = {"origin": Origin.AI_GENERATED}
    number = known.add(issued, **origin)
    (mark,) = known.verify(copy).marks
    assert (mark.detected, mark.bound) == (True, None), "entered, which is not issued"
    build_recovery(known.settings, at=AT).remove([number], at=AT)

    number = known.add(issued, basis=Basis.ISSUED, **origin)
    proven = known.verify(copy)
    assert [mark.bound for mark in proven.marks] == [True]
    assert (proven.verdict.tier.value, proven.verdict.origin) == ("proven", Origin.AI_GENERATED)
    known.mark(number, State.DISPUTED)
    assert [mark.bound for mark in known.verify(copy).marks] == [None]
    known.mark(number, State.ACTIVE)

    # The marked picture as a small part of another: whatever the mark says, it is not about most of this picture.
    collage = scene(1800, 2400, 9)
    with Image.open(issued) as image:
        collage[100:700, 100:900] = np.asarray(image.convert("RGB"))[:600, :800]
    pasted = known.verify(known.save("collage.jpg", collage, 92))
    assert [mark.bound for mark in pasted.marks] != [True]
    assert pasted.verdict.tier.value != "proven"


def poster(photograph: np.ndarray, *, size: tuple[int, int] = (700, 900)) -> np.ndarray:
    """A poster that somebody made around a photograph, which is most of it."""
    made = scene(size[0], size[1], 61)
    made[40:440, 60:660] = np.asarray(cv2.resize(photograph, (600, 400), interpolation=cv2.INTER_AREA), np.uint8)
    return made


@pytest.mark.parametrize("labels", [("ai-modified",), ("made with artificial intelligence", "satire"), ()])
def test_a_photograph_in_a_poster_is_not_called_ai_for_what_the_poster_is(
    known: Known, labels: tuple[str, ...]
) -> None:
    photograph = scene(400, 600, 7)
    entered = known.save("poster.jpg", poster(photograph))
    known.add(entered, origin=Origin.AI_MODIFIED, labels=labels)
    report = known.verify(known.save("photograph.jpg", photograph))
    (match,) = report.matches
    assert (match.verified, match.origin) == (True, Origin.UNKNOWN)
    assert (match.labels, match.not_carried) == ((), labels or ("ai-modified",))
    assert (report.verdict.origin, report.verdict.tier.value) == (Origin.UNKNOWN, "none")
    assert {"registry.known-part", "registry.not-carried"} <= codes(report)
    assert "38 %" in next(each.about for each in report.verdict.concerns if each.code == "registry.known-part")
    assert summary_key(report) == "nothing"
    assert not [duty for duty in report.duties if duty.uses_ai_finding and duty.status == "required"]
    exact = known.verify(entered)
    assert exact.verdict.origin is Origin.AI_MODIFIED, "the poster itself is what was entered"
    assert (exact.matches[0].labels, exact.matches[0].not_carried) == (labels, ())
    again = known.verify(known.save("again.jpg", poster(photograph), 70))
    assert (again.verdict.origin, summary_key(again)) == (Origin.AI_MODIFIED, "ai-modified-known"), "nor is a copy less"


@pytest.mark.parametrize("camera", [Origin.CAPTURED, None])
def test_an_edit_is_named_and_asks_nothing_of_the_photograph_it_was_made_from(
    known: Known, camera: Origin | None
) -> None:
    """The photograph is known too: the edit's label and its fact-check are about the edit."""
    changed = known.rgb.copy()
    cv2.circle(changed, (560, 420), 46, (230, 60, 40), -1)
    known.add(known.save("edit.jpg", changed), origin=Origin.AI_MODIFIED, labels=("ai-modified",), fact_checks=(CHECK,))
    alone = known.verify(known.save("copy.jpg", known.rgb, 60))
    assert [each.labels for each in alone.matches] == [("ai-modified",)], "nothing else is known: it may be the edit"
    (part,) = alone.matches
    assert part.seen is not None
    assert part.seen[2:] == (1.0, 1.0), "the box around what is seen is all of it"
    assert part.seen_percent is not None
    assert 90 <= part.seen_percent < 100, "what differs is not seen"

    known.add(known.save("photograph.jpg", known.rgb), origin=camera)
    report = known.verify(known.save("copy.jpg", known.rgb, 60))
    photograph, edit = report.matches
    assert (photograph.registry_id, photograph.is_whole, photograph.edit_of) == ("r2", True, None)
    assert (edit.registry_id, edit.edit_of, edit.labels, edit.origin) == ("r1", "r2", (), Origin.UNKNOWN)
    assert edit.not_carried == ("ai-modified",)
    assert {"registry.known", "registry.edit", "registry.fact-checked-edit"} <= codes(report)
    assert not {"registry.known-part", "registry.not-carried", "registry.fact-checked"} & codes(report)
    assert "r1 (ai-modified), r2" in {each.about for each in report.verdict.concerns if each.code == "registry.edit"}
    assert report.verdict.tier.value == "none"
    assert not [duty for duty in report.duties if duty.rule.startswith("FC-") and duty.status == "required"]
    rows = list(rows_of(to_dict(report, tool_version="0")))
    assert [(row["registry_id"], row["labels"], row["edit_of"]) for row in rows] == [("r2", [], None), ("r1", [], "r2")]

    again = known.verify(known.save("again.jpg", changed, 60))
    edit, photograph = again.matches
    assert (edit.registry_id, edit.labels, edit.edit_of, photograph.edit_of) == ("r1", ("ai-modified",), None, None)
    assert again.verdict.origin is Origin.AI_MODIFIED, "a copy of the edit is as known as before"


@pytest.mark.parametrize("label", ["ai-generated", "deepfake", "satire"])
def test_the_label_of_an_entry_without_an_origin_is_proposed_and_states_none(known: Known, label: str) -> None:
    photograph = scene(400, 600, 7)
    known.add(known.save("poster.jpg", poster(photograph)), labels=(label,))
    report = known.verify(known.save("photograph.jpg", photograph))
    (match,) = report.matches
    assert (match.labels, match.not_carried) == ((label,), ())
    assert (match.origin, report.verdict.tier.value) == (Origin.UNKNOWN, "none")
    assert "registry.known-part" in codes(report)


def test_the_photograph_that_was_changed_is_not_called_changed(known: Known) -> None:
    changed = known.rgb.copy()
    cv2.circle(changed, (560, 420), 46, (230, 60, 40), -1)
    known.add(known.save("changed.jpg", changed), origin=Origin.AI_MODIFIED, labels=("ai-modified",))
    report = known.verify(known.save("photograph.jpg", known.rgb))
    (match,) = report.matches
    assert match.verified, "they are the same but for a place"
    assert (match.origin, report.verdict.origin, report.verdict.tier.value) == (Origin.UNKNOWN, Origin.UNKNOWN, "none")
    assert match.labels == ("ai-modified",), "a person is asked, and told that something differs"
    assert "registry.known-part" in codes(report)
    assert not [duty for duty in report.duties if duty.uses_ai_finding and duty.status == "required"]


def captioned(rgb: np.ndarray) -> np.ndarray:
    bar = np.full((90, rgb.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, "SEEN THIS YET?", (30, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 20, 20), 4)
    return np.vstack([bar, rgb])


@pytest.mark.parametrize("of", [captioned, lambda rgb: rgb[60:540, 80:720]])
def test_a_repost_of_what_was_changed_is_proposed_its_label(known: Known, of: Callable[..., np.ndarray]) -> None:
    known.add(known.save("item.jpg", known.rgb), origin=Origin.AI_MODIFIED, labels=("ai-modified",))
    report = known.verify(known.save("repost.jpg", of(known.rgb), 70))
    (match,) = report.matches
    assert (match.verified, match.labels) == (True, ("ai-modified",))


def test_what_was_changed_and_has_no_label_is_named(known: Known) -> None:
    known.add(known.save("item.jpg", known.rgb), origin=Origin.AI_MODIFIED)
    (match,) = known.verify(known.save("cut.jpg", known.rgb[60:540, 80:720])).matches
    assert (match.labels, match.origin, match.not_carried) == ((), Origin.UNKNOWN, ("ai-modified",))


def test_a_crop_of_what_is_all_ai_is_ai_and_says_that_it_is_a_part(known: Known) -> None:
    known.add(known.save("item.jpg", known.rgb), origin=Origin.AI_GENERATED, labels=("ai-generated",))
    report = known.verify(known.save("crop.jpg", known.rgb[150:, 200:]))
    (match,) = report.matches
    assert (match.labels, match.origin, match.not_carried) == (("ai-generated",), Origin.AI_GENERATED, ())
    assert (report.verdict.tier.value, summary_key(report)) == ("claimed", "ai-generated-known-part")
    whole = known.verify(known.save("copy.jpg", known.rgb, 60))
    assert summary_key(whole) == "ai-generated-known"


def test_a_part_that_is_finer_than_what_was_entered_may_be_its_source(known: Known) -> None:
    photograph = scene(800, 1200, 7)
    known.add(known.save("poster.jpg", poster(photograph)), origin=Origin.AI_GENERATED, labels=("ai-generated",))
    report = known.verify(known.save("photograph.jpg", photograph))
    (match,) = report.matches
    assert (match.verified, match.labels, match.not_carried) == (True, (), ("ai-generated",))
    assert report.verdict.tier.value == "none"


def test_the_row_of_a_sweep_says_what_it_does_not_propose(known: Known) -> None:
    photograph = scene(400, 600, 7)
    known.add(known.save("poster.jpg", poster(photograph)), origin=Origin.AI_MODIFIED, labels=("ai-modified",))
    document = to_dict(known.verify(known.save("photograph.jpg", photograph)), tool_version="1")
    (row,) = rows_of(document)
    assert (row["labels"], row["not_carried"], row["is_whole"]) == ([], ["ai-modified"], False)
    assert 36 <= row["seen_percent"] <= 40


def test_a_page_with_a_small_picture_by_ai_is_not_by_ai(known: Known) -> None:
    known.add(known.save("item.jpg", known.rgb), origin=Origin.AI_GENERATED, labels=("ai-generated",))
    page = scene(1600, 1400, 23)
    page[1050:1350, 60:460] = cv2.resize(known.rgb, (400, 300), interpolation=cv2.INTER_AREA)
    report = known.verify(known.save("page.jpg", page))
    (match,) = report.matches
    assert (match.verified, match.labels, match.origin) == (True, ("ai-generated",), Origin.UNKNOWN)
    assert "registry.known-part" in codes(report)
    assert report.verdict.tier.value == "none"


def test_pictures_beside_each_other_contradict_nothing(known: Known) -> None:
    capture = scene(600, 800, 31)
    known.add(known.save("ai.jpg", known.rgb), origin=Origin.AI_GENERATED)
    known.add(known.save("photograph.jpg", capture), origin=Origin.CAPTURED)
    collage = np.vstack([np.hstack([known.rgb, capture]), np.hstack([scene(600, 800, 41), scene(600, 800, 42)])])
    report = known.verify(known.save("collage.jpg", collage, 92))
    assert {match.registry_id for match in report.matches if match.verified} == {"r1", "r2"}
    assert (report.verdict.conflict, report.verdict.origin) == (False, Origin.UNKNOWN)
    assert "registry.known" not in codes(report)


def test_what_is_known_as_a_capture_is_not_ai_for_a_poster_it_stands_in(known: Known) -> None:
    photograph = scene(400, 600, 7)
    known.add(known.save("photograph.jpg", photograph), origin=Origin.CAPTURED)
    known.add(known.save("poster.jpg", poster(photograph)), origin=Origin.AI_GENERATED, labels=("ai-generated",))
    report = known.verify(known.save("cut.jpg", photograph[60:, 90:]))
    capture, made = report.matches
    assert (capture.registry_id, made.registry_id, made.verified) == ("r1", "r2", True)
    assert (made.labels, made.not_carried, made.origin) == ((), ("ai-generated",), Origin.UNKNOWN)
    assert (report.verdict.tier.value, report.verdict.conflict) == ("none", False)
    whole = known.verify(known.save("copy.jpg", photograph, 70))
    assert "registry.capture" in codes(whole)
    assert (whole.verdict.origin, whole.verdict.conflict) == (Origin.UNKNOWN, False)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"no picture")], ids=["gone", "damaged"])
def test_what_cannot_be_compared_is_not_called_another_picture(known: Known, damage: Callable[[Path], object]) -> None:
    """A registry without its small pictures said that it had compared, and that it knew nothing."""
    known.add(known.save("item.jpg", known.rgb), fact_checks=(CHECK,), origin=Origin.AI_GENERATED)
    copy = known.save("copy.jpg", known.rgb, 60)
    entry = Store(str(known.settings.registry)).entry(1)
    assert entry is not None
    assert entry.reference is not None
    (kept,) = known.folder.rglob(f"bytes/*/{entry.reference.hex()[2:]}")
    damage(kept)
    report = known.verify(copy)
    assert codes(report) == {"registry.lost"}
    assert [(each.verified, each.fact_checks) for each in report.matches] == [(False, ())]
    (channel,) = (each for each in report.channels if each.name == "registry")
    assert (channel.state.value, channel.why) == ("unread", "registry.incomplete")

    known.add(known.save("other.jpg", scene(500, 700, 44)))
    exact = known.verify(known.folder / "other.jpg")
    assert [each.state.value for each in exact.channels if each.name == "registry"] == ["found"]
    assert "registry.known" in codes(known.verify(known.folder / "item.jpg")), "that very file is known by its digest"
    collage = known.verify(known.save("collage.jpg", np.vstack([known.rgb[:, :700], scene(500, 700, 44)])))
    assert "registry.known" not in codes(collage)


def test_fact_checkers_need_not_have_written_about_a_part(known: Known) -> None:
    known.add(known.save("item.jpg", known.rgb), labels=("fact-checked",), fact_checks=(CHECK,), basis=Basis.FACT_CHECK)
    assert "registry.fact-checked" in codes(known.verify(known.save("copy.jpg", known.rgb, 60)))
    cut = codes(known.verify(known.save("cut.jpg", known.rgb[200:560, 300:760])))
    assert "registry.fact-checked-part" in cut
    assert "registry.fact-checked" not in cut
    changed = known.rgb.copy()
    cv2.circle(changed, (560, 420), 46, (230, 60, 40), -1)
    report = known.verify(known.save("changed.jpg", changed))
    assert {"registry.fact-checked-part", "registry.known-part"} <= codes(report), "nor about another picture"
    assert "registry.fact-checked" not in codes(report)
    assert report.matches[0].seen_percent != 100


def test_of_a_part_that_is_disputed_no_more_is_said_than_a_part(known: Known) -> None:
    """A collage with one disputed picture in it was said to be known."""
    number = known.add(known.save("item.jpg", known.rgb), labels=("satire",))
    known.mark(number, State.DISPUTED)
    beside = np.concatenate([known.rgb, scene(600, 800, 9)], axis=1)
    report = known.verify(known.save("collage.jpg", beside))
    assert codes(report) & {"registry.disputed-part", "registry.disputed"} == {"registry.disputed-part"}
    (about,) = (each.about for each in report.verdict.concerns if each.code == "registry.disputed-part")
    assert about.startswith(f"r1, {report.matches[0].seen_percent} % (")
    assert codes(known.verify(known.folder / "item.jpg")) == {"registry.disputed"}


def test_of_a_picture_that_cannot_be_decoded_it_is_not_said_that_it_is_unknown(known: Known) -> None:
    item = known.save("item.jpg", known.rgb)
    known.add(item)
    cut = known.folder / "cut.jpg"
    cut.write_bytes(item.read_bytes()[:-2000])
    report = known.verify(cut)
    (channel,) = (each for each in report.channels if each.name == "registry")
    assert (channel.state, channel.why) == (ChannelState.UNREAD, "registry.undecodable")
    assert "registry.undecodable" in codes(report)
    number = known.add(cut)
    again = known.verify(cut)
    assert [(match.registry_id, match.kind) for match in again.matches] == [(f"r{number}", "exact")]
    assert codes(again) & {"registry.known", "registry.undecodable"} == {"registry.known"}
