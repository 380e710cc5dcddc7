# SPDX-License-Identifier: Apache-2.0
"""Hashes and their index: exact, mapped, and blind to nothing within the distance."""

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.unit.marking.pictures import plain, scene
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.registry.hamming import Rows, rows, search
from waarmerk.provenance.registry.hashes import LOCAL_ASKED, LOCAL_KEPT, fingerprints, local_hashes
from waarmerk.provenance.registry.index import Shards, extended
from waarmerk.provenance.registry.model import Binding, BindingKind
from waarmerk.provenance.registry.places import LISTED_FROM, Places, listed, nearby

Bytes = npt.NDArray[np.uint8]


def jpeg(picture: Bytes, quality: int) -> Bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=quality)
    with Image.open(target) as image:
        return np.asarray(image)


def apart(one: Bytes, other: Bytes) -> npt.NDArray[np.int64]:
    return np.bitwise_count(one[:, None] ^ other[None]).sum(axis=2, dtype=np.int64)


@pytest.mark.parametrize(("hash_bytes", "distance"), [(8, 24), (8, 12), (16, 48), (16, 20), (32, 96), (32, 20)])
@pytest.mark.parametrize("plain", [True, False])
def test_the_search_is_exact(hash_bytes: int, distance: int, plain: bool) -> None:
    random = np.random.default_rng(hash_bytes)
    known = random.integers(0, 256, (70_000, hash_bytes), np.uint8)
    queries = np.concatenate([known[[5, 69_999]], random.integers(0, 256, (1, hash_bytes), np.uint8)])
    queries[0, 0] ^= 0b111
    known[100:130] = known[5]
    known[100:130, -1] ^= np.arange(30, dtype=np.uint8) << 1
    part = rows([row.tobytes() for row in known], range(1, 70_001), hash_bytes=hash_bytes)
    found = {(h.owner, h.query): h.distance for h in search([part], queries, max_distance=distance, plain=plain)}
    true = np.stack([np.bitwise_count(known ^ query).sum(axis=1, dtype=np.int64) for query in queries])
    expected = {(int(n) + 1, int(q)): int(true[q, n]) for q, n in zip(*np.nonzero(true <= distance), strict=True)}
    assert found == expected
    assert found[6, 0] == 3
    assert found[70_000, 1] == 0


def test_an_empty_index_finds_nothing() -> None:
    assert list(search([], np.zeros((2, 8), np.uint8), max_distance=64)) == []
    assert list(search([rows([], [], hash_bytes=8)], np.zeros((2, 8), np.uint8), max_distance=64)) == []
    assert list(search([rows([bytes(8)], [1], hash_bytes=8)], np.zeros((0, 8), np.uint8), max_distance=64)) == []
    with pytest.raises(ValueError, match="8 bytes"):
        rows([bytes(7)], [1], hash_bytes=8)


def test_shards_are_written_once_mapped_and_forgotten(tmp_path: Path) -> None:
    shards = Shards(tmp_path / "index", "phash")
    assert shards.load() == (0, [])
    for last in (3, 12):
        shards.seal(last, rows([bytes([last] * 8)] * 3, [last - 2, last - 1, last], hash_bytes=8))
    last, parts = shards.load()
    assert last == 12
    assert [int(part.owners[-1]) for part in parts] == [3, 12]
    assert isinstance(parts[0].words, np.memmap)
    assert [hit.owner for hit in nearby(parts, np.full((1, 8), 12, np.uint8), max_distance=0)] == [10, 11, 12]
    (path,) = (path for at, path in shards.files() if at == 3)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StoreError, match="damaged"):
        shards.load()
    shards.forget()
    assert list((tmp_path / "index").iterdir()) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([8, 16, 32]), st.integers(0, 300), st.floats(0, 1))
def test_both_engines_give_the_same_rows(seed: int, size: int, count: int, reach: float) -> None:
    pytest.importorskip("faiss")
    random = np.random.default_rng(seed)
    known = random.integers(0, 256, (count, size), np.uint8)
    known[count // 2 :] = known[: count - count // 2]  # equal rows, and rows a few bits off
    known[1::3, 0] ^= random.integers(0, 256, len(known[1::3]), np.uint8)
    part = Rows(np.ascontiguousarray(known).view(np.uint64), random.integers(1, 2**32 - 1, count).astype(np.uint32))
    queries = np.concatenate([known[:4], random.integers(0, 256, (3, size), np.uint8)])
    limit = int(reach * size * 8)
    one, other = (sorted(search([part], queries, max_distance=limit, plain=plain)) for plain in (True, False))
    assert one == other


def disturbed(hashes: Bytes, bits: int, random: np.random.Generator) -> Bytes:
    apart = np.argsort(random.random((len(hashes), 128)), axis=1) < bits
    return hashes ^ np.packbits(apart, axis=1)


def test_lists_of_places_invent_nothing_and_find_most(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    known = random.integers(0, 256, (3 * LISTED_FROM, 16), np.uint8)
    part = rows([row.tobytes() for row in known], range(1, len(known) + 1), hash_bytes=16)
    shards = Shards(tmp_path, "local", lists=True)
    shards.seal(7, part)
    last, (mapped,) = shards.load()
    assert last == 7
    assert isinstance(mapped, Places)
    near = disturbed(known[:400], 8, random)
    exact = set(search([part], near, max_distance=16))
    for places in (mapped, listed(part), *extended([part], part, lists=True)):
        found = list(nearby([places], near, max_distance=16))
        assert len(found) == len(set(found))
        assert set(found) <= exact
    assert len(set(nearby([mapped], near, max_distance=16))) >= 0.8 * len(exact)
    assert list(nearby([mapped], known[:0], max_distance=16)) == []
    (tmp_path / "local-7.starts.npy").unlink()
    with pytest.raises(StoreError, match="damaged"):
        shards.load()


def test_held_parts_are_joined_and_mapped_ones_left_alone(tmp_path: Path) -> None:
    def one(number: int) -> Rows:
        return rows([bytes([number] * 16)], [number], hash_bytes=16)

    shards = Shards(tmp_path, "local", lists=True)
    shards.seal(1, one(1))
    parts = shards.load()[1]
    for number in range(2, 130):
        parts = extended(parts, one(number), lists=True)
        assert len(parts) <= 9
    assert isinstance(parts[0].words, np.memmap)
    assert sorted(owner for part in parts for owner in part.owners.tolist()) == list(range(1, 130))


def test_local_hashes_outlive_a_crop_and_a_low_quality() -> None:
    for seed in (3, 8, 21):
        picture, other = scene(600, 800, seed), scene(600, 800, seed + 100)
        kept = local_hashes(picture, LOCAL_KEPT)
        asked = local_hashes(jpeg(picture[90:510, 150:710], 60), LOCAL_ASKED)
        assert kept.shape[1] == 16
        assert len(kept) <= LOCAL_KEPT
        same = (apart(asked, kept).min(axis=1) <= 16).sum()
        assert same >= 12
        # Drawings share corners and discs, so another one has hits too; the order of candidates is what counts.
        assert (apart(local_hashes(other, LOCAL_ASKED), kept).min(axis=1) <= 16).sum() < same
    assert local_hashes(plain(300, 400, 9, 9, 9), LOCAL_KEPT).shape == (0, 16)
    assert (local_hashes(picture, LOCAL_KEPT) == kept).all()


def test_whole_hashes_are_near_after_compression_and_far_for_others() -> None:
    one, same, other = (fingerprints(p) for p in (scene(600, 800, 3), jpeg(scene(600, 800, 3), 40), scene(600, 800, 9)))
    assert one.pdq is not None
    assert same.pdq is not None
    assert other.pdq is not None
    for a, b, c, limit in ((one.phash, same.phash, other.phash, 10), (one.pdq, same.pdq, other.pdq, 31)):
        near, far = (int.from_bytes(a) ^ int.from_bytes(x) for x in (b, c))
        assert near.bit_count() <= limit < far.bit_count()


def test_a_binding_has_its_size_and_a_mark_its_key() -> None:
    assert Binding(kind=BindingKind.WATERMARK, value=bytes(8), key_id="00").key_id == "00"
    for kind, size, key_id in (("phash", 9, None), ("local", 15, None), ("local", 0, None), ("watermark", 8, None)):
        with pytest.raises(ValueError, match=r"bytes|key"):
            Binding(kind=BindingKind(kind), value=bytes(size), key_id=key_id)
    with pytest.raises(ValueError, match="nothing else"):
        Binding(kind=BindingKind.PHASH, value=bytes(8), key_id="00")


def test_rows_hold_what_they_were_given() -> None:
    part = rows([bytes(range(8))], [4], hash_bytes=8)
    assert isinstance(part, Rows)
    assert part.words.tobytes() == bytes(range(8))
