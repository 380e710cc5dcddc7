# SPDX-License-Identifier: Apache-2.0
"""A registered picture is found again, compared, and only then counts; the source proposes and never imposes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

import waarmerk.provenance.registry.finder as finder_module
import waarmerk.provenance.registry.index as index_module
from tests.unit.marking.pictures import scene
from tests.unit.registry.test_resemblance import Bytes, ballot, in_a_collage, jpeg, preimage, smaller
from waarmerk.provenance.media.image import Picture
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Assurance, Claimant, Origin
from waarmerk.provenance.registry.finder import Finder, Found, reference_file, ties, upright
from waarmerk.provenance.registry.hashes import LOCAL_KEPT, fingerprints, local_hashes
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry, State
from waarmerk.provenance.registry.resemblance import Resemblance
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.sources.told import evidence_of, match_of
from waarmerk.provenance.verdict import weigh

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = "2026-11-22T12:00:00Z"
ONE, OTHER = scene(600, 800, 3), scene(600, 800, 9)


def entry(number: int, **more: object) -> Entry:
    known = Entry(sha256=number.to_bytes(32), media_type="image/jpeg", added_at=DAY)
    return replace(known, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "registry.sqlite"), writing=True)
    made.create()
    return made


def enter(store: Store, number: int, picture: Bytes, **more: object) -> Entry:
    reference = store.files.put(reference_file(picture))
    return store.add(entry(number, reference=reference, **more), ties(picture))


@pytest.mark.parametrize(
    "copy", [smaller, in_a_collage, lambda p: jpeg(p[60:510, 90:690], 60), lambda p: jpeg(p[60:, ::-1], 60)]
)
def test_a_copy_is_found_among_others(store: Store, copy: Callable[[Bytes], Bytes]) -> None:
    for number, seed in enumerate((11, 3, 21), start=1):
        enter(store, number, scene(600, 800, seed))
    finder = Finder(store, Limits())
    (found,) = (each for each in finder.find(bytes(32), copy(ONE), ()) if each.verified)
    assert (found.entry.number, found.kind) == (2, "fingerprint")
    assert not any(each.verified for each in finder.find(bytes(32), copy(OTHER), ()))


def test_what_was_withdrawn_takes_nobodys_place(store: Store) -> None:
    for number in range(1, 13):
        enter(store, number, ONE)
        store.mark(number, State.WITHDRAWN, why="mistaken", at=AT)
    enter(store, 20, ONE)
    (found,) = Finder(store, Limits()).find(bytes(32), smaller(ONE), ())
    assert (found.entry.sha256, found.verified) == ((20).to_bytes(32), True)


def test_exact_is_found_without_pixels_and_what_came_later_too(store: Store) -> None:
    finder = Finder(store, Limits())
    assert finder.find((1).to_bytes(32), ONE, ()) == ()
    held = enter(store, 1, ONE)
    assert finder.find((1).to_bytes(32), None, ()) == (Found(entry=held, kind="exact", distance=0),)
    assert [each.verified for each in finder.find(bytes(32), ONE, ())] == [True]


def test_a_mark_counts_only_for_the_picture_it_was_entered_with(store: Store) -> None:
    held = enter(store, 1, ONE)
    tie = Binding(kind=BindingKind.WATERMARK, value=b"payload8", key_id="00")
    marked = store.add(entry(2, reference=held.reference), [tie])
    finder, marks = Finder(store, Limits()), [("00", b"payload8")]
    (found,) = finder.find(bytes(32), smaller(ONE), marks, by_pixels=False)
    assert (found.entry, found.kind, found.verified) == (marked, "watermark", True)
    (pasted,) = finder.find(bytes(32), OTHER, marks, by_pixels=False)
    assert not pasted.verified
    (blind,) = finder.find(bytes(32), None, marks)
    assert not blind.verified
    assert finder.find(bytes(32), ONE, [("01", b"payload8")], by_pixels=False) == ()


def test_a_hash_alone_never_counts(store: Store) -> None:
    """The collision attack through the whole path: the hash points there, the pixels say no, no label comes."""
    enter(store, 1, ONE, labels=("ai-generated",), origin=Origin.AI_GENERATED)
    enter(store, 2, ballot("Bakker, C."), labels=("fake",), origin=Origin.AI_GENERATED)
    finder = Finder(store, Limits())
    for picture in (preimage(ONE, scene(600, 800, 61)), preimage(ONE, scene(600, 800, 62)), ballot("Visser, C.")):
        found = finder.find(bytes(32), picture, ())
        assert found, "the attack is not one"
        assert not any(each.verified for each in found)
        assert all(match_of(each).labels == () for each in found)
        verdict = weigh(evidence_of(each) for each in found)
        assert verdict.origin is Origin.UNKNOWN
        assert {concern.code for concern in verdict.concerns} == {"registry.candidate"}


def test_an_entry_without_a_picture_to_compare_with_stays_a_candidate(store: Store) -> None:
    store.add(entry(1), ties(ONE))
    enter(store, 2, OTHER)
    for path in store.folder.glob("bytes/??/*"):
        path.write_bytes(b"damaged")
    finder = Finder(store, Limits())
    for picture, number in ((ONE, 1), (OTHER, 2)):
        found = finder.find(bytes(32), picture, ())
        assert number in {each.entry.number for each in found}
        assert not any(each.verified for each in found)


def test_shards_hold_what_the_database_holds_and_forget_what_it_forgets(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "SHARD_ENTRIES", 2)
    finder = Finder(store, Limits())
    enter(store, 1, ONE)
    for number in range(2, 6):
        enter(store, number, scene(300, 400, 100 + number))
    finder.index.seal()
    assert list((store.folder / "index").glob("local-*"))
    fresh = Finder(store, Limits())
    crop = jpeg(ONE[90:510, 100:660], 60)
    assert [each.entry.number for each in fresh.find(bytes(32), crop, ()) if each.verified] == [1]
    lasting = Finder(store, Limits())
    assert dict(lasting.near(BindingKind.PHASH, fingerprints(ONE).phash)) == {1: 0}
    store.remove([1], at=AT)
    fresh.index.settle()
    assert list((store.folder / "index").glob("local-*")), "of the others nothing has to be made anew"
    for each in (fresh, lasting, Finder(store, Limits())):
        assert not [found for found in each.find(bytes(32), crop, ()) if found.verified]
        assert not each.near(BindingKind.PHASH, fingerprints(ONE).phash), "a process that has it mapped included"
    other = scene(300, 400, 102)
    assert [found.entry.number for found in lasting.find(bytes(32), other, ()) if found.verified] == [2]
    fresh.index.forget()
    assert not list((store.folder / "index").glob("*.npy"))


def test_a_process_that_lasts_reads_what_others_sealed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "SHARD_ENTRIES", 2)
    lasting, writer = Finder(store, Limits()), Finder(store, Limits())
    pictures = {number: scene(300, 400, 100 + number) for number in range(1, 8)}
    for number, picture in pictures.items():
        enter(store, number, picture)
        assert number in dict(lasting.near(BindingKind.PHASH, fingerprints(picture).phash)), "seen with the next search"
        writer.index.seal()
    assert len(list((store.folder / "index").glob("phash-*.halves.npy"))) == 1
    assert 1 in dict(lasting.near(BindingKind.PHASH, fingerprints(pictures[1]).phash))
    assert max(lasting.index.votes(local_hashes(pictures[2], LOCAL_KEPT)).items(), key=lambda pair: pair[1])[0] == 2


def test_an_index_of_an_earlier_version_is_not_read_and_is_made_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It kept whole hashes row by row; here they are of another picture, so that reading them would show."""
    monkeypatch.setattr(index_module, "SHARD_ENTRIES", 2)
    pictures = {number: scene(300, 400, 100 + number) for number in range(1, 6)}
    for number in range(1, 5):
        enter(store, number, pictures[number])
    Finder(store, Limits()).index.seal()
    index = store.folder / "index"
    before = {path.name: path.read_bytes() for path in index.glob("p*.npy")}
    for path in index.glob("p*.halves.npy"):
        halves = np.load(path)
        rows = np.zeros_like(halves).transpose(1, 0, 2).reshape(halves.shape[1], -1)
        np.save(index / path.name.replace("halves", "words"), rows)
        path.unlink()
    finder = Finder(store, Limits())
    for number in range(1, 5):
        whole = fingerprints(pictures[number])
        assert whole.pdq is not None
        for kind, value in ((BindingKind.PHASH, whole.phash), (BindingKind.PDQ, whole.pdq)):
            assert dict(finder.near(kind, value))[number] == 0, "from the database"
    assert finder.index.held(BindingKind.PDQ).sealed == ()
    assert finder.index.held(BindingKind.LOCAL).sealed, "these are as they were"
    finder.index.seal()
    assert {path.name: path.read_bytes() for path in index.glob("p*.npy")} == before
    store.remove([1], at=AT)
    for path in index.glob("p*.halves.npy"):
        path.rename(index / path.name.replace("halves", "words"))
    finder.index.settle()
    assert list(index.glob("p*.npy")) == [], "what was erased is not left in it"
    assert list(index.glob("local-*"))


def test_a_database_that_was_put_back_is_not_hidden_by_its_index(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows get the numbers again of rows that were entered after the backup, and that the index holds."""
    monkeypatch.setattr(index_module, "SHARD_ENTRIES", 4)
    path, backup = tmp_path / "registry.sqlite", tmp_path / "backup"
    for number in (1, 2):
        enter(store, number, scene(300, 400, 10 + number))
    store.close()
    backup.write_bytes(path.read_bytes())
    for number in (3, 4):
        enter(store, number, scene(300, 400, 10 + number))
    Finder(store, Limits()).index.seal()
    store.remove([1], at=AT)
    Finder(store, Limits()).index.settle()
    index = store.folder / "index"
    assert list(index.glob("phash-*"))
    store.close()
    path.write_bytes(backup.read_bytes())
    store.files.put(reference_file(scene(300, 400, 11)))  # with the folder of its bytes

    def shows(picture: Bytes) -> list[int]:
        return [each.entry.number for each in Finder(store, Limits()).find(bytes(32), picture, ()) if each.verified]

    assert shows(scene(300, 400, 11)) == [1], "removed after the backup, and there again"
    enter(store, 5, ONE)
    enter(store, 6, OTHER)
    assert shows(smaller(ONE)) == [3], "entered under the number of another"
    before = {path.name: path.read_bytes() for path in index.glob("*.npy")}
    store.remove([2], at=AT)
    Finder(store, Limits()).index.settle()
    assert not list(index.glob("*.npy")), "what is of another database goes"
    enter(store, 7, scene(300, 400, 17))
    Finder(store, Limits()).index.seal()
    assert list(index.glob("phash-*"))
    assert before != {path.name: path.read_bytes() for path in index.glob("*.npy")}
    assert shows(smaller(ONE)) == [3]
    assert shows(scene(300, 400, 12)) == []


def test_an_index_that_says_nothing_of_its_database_is_not_believed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "SHARD_ENTRIES", 1)
    enter(store, 1, ONE)
    Finder(store, Limits()).index.seal()
    (note,) = (store.folder / "index").glob("follows")
    told = note.read_text("ascii")
    for broken in ("", "1 1", "x y z", told.replace("added", "removed"), told.replace("1 1 ", "9 1 "), "\xe9"):
        note.write_text(broken, "utf-8")
        finder = Finder(store, Limits())
        assert dict(finder.near(BindingKind.PHASH, fingerprints(ONE).phash)) == {1: 0}
        assert finder.index.held(BindingKind.PHASH).sealed == ()
    note.write_text(told, "ascii")
    finder = Finder(store, Limits())
    assert dict(finder.near(BindingKind.PHASH, fingerprints(ONE).phash)) == {1: 0}
    assert finder.index.held(BindingKind.PHASH).sealed


def test_a_search_that_fails_does_not_lose_the_file_itself(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(store, 1, ONE)

    def failing(_: Bytes) -> None:
        raise cv2.error("failed")

    monkeypatch.setattr(finder_module, "fingerprints", failing)
    finder = Finder(store, Limits())
    assert [each.kind for each in finder.find((1).to_bytes(32), ONE, ())] == ["exact"]
    with pytest.raises(cv2.error):
        finder.find(bytes(32), ONE, ())


@pytest.mark.parametrize("shape", [(10, 8000), (3000, 8), (1, 200), (1, 2), (1, 1), (7, 9)])
def test_a_thin_picture_is_entered_and_looked_up(store: Store, shape: tuple[int, int]) -> None:
    thin = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    enter(store, 1, thin)
    enter(store, 2, ONE)
    finder = Finder(store, Limits())
    assert [each.verified for each in finder.find((1).to_bytes(32), thin, ())][:1] == [True]
    assert not any(each.verified for each in finder.find(bytes(32), thin, ())), "too little of it to say"
    assert [each.entry.number for each in finder.find(bytes(32), smaller(ONE), ()) if each.verified] == [2]


def test_pixels_are_turned_as_they_are_meant_to_be_seen() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    stored = {1: picture, 3: picture[::-1, ::-1], 6: np.rot90(picture, 1), 8: np.rot90(picture, 3)}
    stored |= {2: picture[:, ::-1], 4: picture[::-1], 5: picture.transpose(1, 0, 2)}
    stored |= {7: np.rot90(picture, 2).transpose(1, 0, 2)}
    for orientation, rgb in stored.items():
        held = Picture(rgb=rgb, alpha=None, mode="RGB", orientation=orientation, frames=1, icc_profile=None, exif=None)
        assert (upright(held) == picture).all(), orientation


def found_as(origin: Origin, *, kind: str = "fingerprint", whole: bool = True) -> Found:
    held = entry(1, origin=origin, labels=("label",), fact_checks=("https://check.example/1",))
    return Found(entry=held, kind=kind, distance=4, resemblance=Resemblance(verified=True, whole=whole, overlap=1.0))


def test_known_ai_is_a_claim_by_the_registry_and_no_more() -> None:
    stated = evidence_of(found_as(Origin.AI_GENERATED))
    assert (stated.assurance, stated.claimant) == (Assurance.DECLARED, Claimant.REGISTRY)
    verdict = weigh([stated])
    assert (verdict.origin, verdict.tier.value) == (Origin.AI_GENERATED, "claimed")
    assert match_of(found_as(Origin.AI_GENERATED)).labels == ("label",)
    assert {f.code for f in stated.findings} == {"registry.known", "registry.fact-checked"}


def test_a_known_capture_speaks_against_ai_only_where_nothing_differs() -> None:
    assert evidence_of(found_as(Origin.CAPTURED)).contradicts_ai
    assert evidence_of(found_as(Origin.CAPTURED)).origin is Origin.UNKNOWN, "a registry makes nothing authentic"
    part = evidence_of(found_as(Origin.CAPTURED, whole=False))
    assert not part.contradicts_ai
    assert {f.code for f in part.findings} == {"registry.known-part", "registry.fact-checked-part"}
    assert match_of(found_as(Origin.CAPTURED, whole=False)).origin is Origin.UNKNOWN


def test_a_busy_page_does_not_hide_what_is_on_it(store: Store) -> None:
    """The page has more and clearer places than the picture: all that were asked with were its own."""
    for number, seed in enumerate((11, 3), start=1):
        enter(store, number, smooth(seed))
    page = np.random.default_rng(5).integers(0, 256, (57, 76, 3), np.uint8)
    canvas = np.asarray(cv2.resize(page, (1200, 900), interpolation=cv2.INTER_CUBIC), np.uint8).copy()
    canvas[180:780, 300:1100] = smooth(3)
    assert 2 in {each.entry.number for each in Finder(store, Limits()).find(bytes(32), canvas, ())}


def smooth(seed: int) -> Bytes:
    return np.asarray(cv2.GaussianBlur(scene(600, 800, seed), (0, 0), 2.5), np.uint8) // 2 + 60


def test_a_smooth_picture_within_a_border_is_found(store: Store) -> None:
    """A border changes the hashes of the whole, and a smooth picture has no places of its own."""
    for number, seed in enumerate((1, 2, 3), start=1):
        enter(store, number, smooth(seed))
    framed = np.pad(smooth(2), ((60, 60), (80, 80), (0, 0)), constant_values=255)
    (found,) = (each for each in Finder(store, Limits()).find(bytes(32), jpeg(framed, 80), ()) if each.verified)
    assert found.entry.number == 2


def test_a_known_picture_does_not_hide_another_beside_it(store: Store) -> None:
    """A picture in a frame is most of nothing: what else is on the page is looked for as well."""
    known, hidden = scene(300, 600, 31), scene(300, 600, 41)
    enter(store, 1, known)
    enter(store, 2, hidden)
    page = np.full((800, 640, 3), 255, np.uint8)
    page[30:330, 20:620], page[400:700, 20:620] = known, hidden
    found = Finder(store, Limits()).find(bytes(32), jpeg(page, 85), ())
    assert {each.entry.number for each in found if each.verified} == {1, 2}
