# SPDX-License-Identifier: Apache-2.0
"""Hashes and their index: exact, mapped, and blind to nothing within the distance."""

import itertools
import json
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import waarmerk.provenance.registry.places as places_module
from tests.conftest import AT
from tests.unit.marking.pictures import plain, scene
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.registry import lineage
from waarmerk.provenance.registry.hamming import Halves, Hits, Rows, halved, rows, search
from waarmerk.provenance.registry.hashes import LOCAL_ASKED, LOCAL_KEPT, fingerprints, local_hashes
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry
from waarmerk.provenance.registry.places import Places, listed, pointed
from waarmerk.provenance.registry.shards import Shards, extended, joining, keeping
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.settings import Settings

Bytes = npt.NDArray[np.uint8]


def jpeg(picture: Bytes, quality: int) -> Bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=quality)
    with Image.open(target) as image:
        return np.asarray(image)


def triples(hits: Hits) -> list[tuple[int, int, int]]:
    return list(zip(hits.owners.tolist(), hits.queries.tolist(), hits.distances.tolist(), strict=True))


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
    found = {(o, q): d for o, q, d in triples(search([part], queries, max_distance=distance, plain=plain))}
    true = np.stack([np.bitwise_count(known ^ query).sum(axis=1, dtype=np.int64) for query in queries])
    expected = {(int(n) + 1, int(q)): int(true[q, n]) for q, n in zip(*np.nonzero(true <= distance), strict=True)}
    assert found == expected
    assert found[6, 0] == 3
    assert found[70_000, 1] == 0


def test_an_empty_index_finds_nothing() -> None:
    assert triples(search([], np.zeros((2, 8), np.uint8), max_distance=64)) == []
    assert triples(search([rows([], [], hash_bytes=8)], np.zeros((2, 8), np.uint8), max_distance=64)) == []
    assert triples(search([rows([bytes(8)], [1], hash_bytes=8)], np.zeros((0, 8), np.uint8), max_distance=64)) == []
    with pytest.raises(ValueError, match="8 bytes"):
        rows([bytes(7)], [1], hash_bytes=8)


def sealed(shards: Shards) -> None:
    """Twelve rows of ones and three of twos: so much smaller a shard stays one of its own."""
    for last, value, owners in ((10, 1, range(1, 13)), (20, 2, range(13, 16))):
        shards.seal(last, rows([bytes([value] * 8)] * len(owners), owners, hash_bytes=8))


def pointing(parts: list[Places], queries: Bytes) -> set[int]:
    """Owners of one row each: a picture asks for that row, and for one that has the same bits where it matters."""
    found: set[int] = set()
    for part in parts:
        twice = np.repeat(part.postings, 2)  # two places with equal codes
        doubled = part._replace(postings=twice, starts=part.starts * np.uint32(2))
        found |= set(pointed([doubled], np.repeat(queries, 2, axis=0), mirrored_from=len(queries) * 2)[0].tolist())
    return found


def test_shards_are_written_once_mapped_and_forgotten(tmp_path: Path) -> None:
    shards = Shards(tmp_path / "index", "phash")
    assert shards.load() == (0, [])
    sealed(shards)
    last, parts = shards.load()
    assert last == 20
    assert [int(part.owners[-1]) for part in parts] == [12, 15]
    flat = [part for part in parts if isinstance(part, Halves)]
    assert isinstance(flat[0].words.base, np.memmap)
    assert search(flat, np.full((1, 8), 2, np.uint8), max_distance=0).owners.tolist() == [13, 14, 15]
    path = tmp_path / "index" / "phash-0-10.halves.npy"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StoreError, match="damaged"):
        shards.load()
    shards.forget()
    assert list((tmp_path / "index").iterdir()) == []


@pytest.mark.parametrize("lists", [False, True])
def test_a_shard_becomes_one_with_those_that_are_not_much_smaller(tmp_path: Path, lists: bool) -> None:
    size, random = 16 if lists else 8, np.random.default_rng(2)
    shards, known = Shards(tmp_path, "x", lists=lists), random.integers(0, 256, (22 * 50, size), np.uint8)
    opened = []
    for number in range(22):
        mine = known[50 * number : 50 * (number + 1)]
        shards.seal(
            number + 1, rows([row.tobytes() for row in mine], range(50 * number + 1, 50 * number + 51), hash_bytes=size)
        )
        opened.append(shards.load()[1])  # what a reader has mapped stays readable
        assert len(shards.there()) <= 2
    assert [tuple(each) for each in shards.there()] == [(0, 18), (18, 22)]
    assert len(list(tmp_path.iterdir())) == 2 * (3 if lists else 2), "nothing is left of the smaller ones"
    last, parts = shards.load()
    assert last == 22
    assert sum(len(part.owners) - lists for part in parts) == len(known)
    assert sorted(owner for part in parts for owner in part.owners.tolist() if owner) == list(range(1, 1101))
    for seen in (parts, opened[15]):
        if lists:
            assert pointing([part for part in seen if isinstance(part, Places)], known[:700]) >= set(range(1, 701))
        else:
            hits = search([part for part in seen if isinstance(part, Halves)], known[:700], max_distance=0)
            assert (hits.owners == hits.queries + 1).all()


def test_what_a_killed_writer_left_is_not_read_and_goes(tmp_path: Path) -> None:
    shards = Shards(tmp_path, "phash")
    sealed(shards)
    (tmp_path / "phash-20-30.owners.npy").write_bytes(b"half")  # the halves, which come last, are not there
    (tmp_path / "phash-0-20.owners.npy").write_bytes(b"half")
    (tmp_path / "phash-0-10.words.npy").write_bytes(b"of an earlier version")
    assert shards.load()[0] == 20
    shards.tidy()
    assert len(list(tmp_path.iterdir())) == 4
    (tmp_path / "phash-0-10.owners.npy").unlink()
    with pytest.raises(StoreError, match="damaged"):
        shards.load()
    shards.erase([1])
    assert list(tmp_path.iterdir()) == [], "what cannot be read cannot be overwritten"


def test_a_shard_of_hashes_of_another_length_is_damaged(tmp_path: Path) -> None:
    known = np.random.default_rng(5).integers(0, 256, (20, 32), np.uint8)
    shards = Shards(tmp_path, "pdq", words=4)
    shards.seal(20, rows([row.tobytes() for row in known], range(1, 21), hash_bytes=32))
    assert shards.load()[0] == 20
    (path,) = tmp_path.glob("*.halves.npy")
    whole = np.load(path)
    for other in (whole[:1], whole[:, :, :1], whole.reshape(4, -1, 1)):
        np.save(path, other)
        with pytest.raises(StoreError, match="damaged"):
            shards.load()


def test_an_erasure_overwrites_what_an_earlier_version_kept(tmp_path: Path) -> None:
    shards = Shards(tmp_path / "index", "phash")
    sealed(shards)
    kept = tmp_path / "index" / "phash-0-10.words.npy"
    kept.write_bytes(b"hashes of an earlier version" * 100_000)
    os.link(kept, tmp_path / "seen")  # its bytes, where nothing takes them away
    shards.erase([1])
    assert not kept.exists()
    assert not (tmp_path / "seen").read_bytes().strip(b"\0")


@pytest.mark.parametrize("lists", [False, True])
def test_what_is_erased_is_overwritten_where_it_stands(tmp_path: Path, lists: bool) -> None:
    size, random = 16 if lists else 8, np.random.default_rng(3)
    shards, known = Shards(tmp_path, "x", lists=lists), random.integers(0, 256, (600, size), np.uint8)
    known[300:] = known[:300]  # rows with equal codes stand beside each other
    for at in (0, 300):
        owners = [at + n // 10 + 1 for n in range(300)]
        shards.seal(at + 1, rows([row.tobytes() for row in known[at : at + 300]], owners, hash_bytes=size))
    before = shards.load()[1]
    shards.erase([2, 30, 301, 999])
    for seen in (before, shards.load()[1]):  # whoever has it mapped does not see it any more either
        if lists:
            places = [part for part in seen if isinstance(part, Places)]
            owners, votes = pointed(places, known[:300], mirrored_from=300)
            assert dict(zip(owners.tolist(), votes.tolist(), strict=True)) == {
                at + n + 1: 10 for n in range(30) for at in (0, 300) if at + n + 1 not in (2, 30, 301)
            }
            for part in places:
                part.require()
                key, rest = part.key_bits, 34 - part.key_bits
                codes = part.postings >> np.uint32(key - 2)
                stands = [codes[a:b] for a, b in itertools.pairwise(part.starts.tolist())]
                assert all((np.diff(each.astype(np.int64)) >= 0).all() for each in stands), "still in order"
                assert rest > 0
        else:
            hits = search([part for part in seen if isinstance(part, Halves)], known[:300], max_distance=0)
            pairs = {(o, q) for o, q, _ in triples(hits) if o}
            expected = {(at + n // 10 + 1, n) for n in range(300) for at in (0, 300)}
            assert pairs == {(o, q) for o, q in expected if o not in (2, 30, 301)}
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    if not lists:
        assert known[15].tobytes() in held, "another has it as well"
        assert held.count(known[15].tobytes()) == 1


def test_a_damaged_shard_of_lists_is_said_to_be_damaged_and_goes(tmp_path: Path) -> None:
    known = np.random.default_rng(4).integers(0, 256, (400, 16), np.uint8)
    shards = Shards(tmp_path, "local", lists=True)

    def seal(number: int) -> None:
        part = known[100 * number : 100 * number + 100]
        shards.seal(number + 1, rows([row.tobytes() for row in part], range(1, 101), hash_bytes=16))

    def damage(name: str, bits: int) -> None:
        held = np.load(tmp_path / f"local-0-1.{name}.npy", mmap_mode="r+")
        held[1:-1] ^= np.uint32(bits)
        held.flush()

    seal(0)
    damage("starts", 2**31)
    with pytest.raises(StoreError, match="damaged"):
        shards.load()
    damage("starts", 2**31)
    damage("postings", 0x7F)  # a hundred owners, who have seven bits
    (part,) = shards.load()[1]
    assert isinstance(part, Places)
    with pytest.raises(StoreError, match="damaged"):
        pointed([part], np.repeat(known[:100], 2, axis=0), mirrored_from=200)
    shards.erase([5])
    assert list(tmp_path.iterdir()) == [], "what cannot be read cannot be overwritten"
    seal(0)
    damage("postings", 0x7F)
    seal(1)
    assert (shards.last, list(tmp_path.iterdir())) == (0, []), "nor joined"
    for name, kind, size in (("owners", float, 3), ("starts", np.uint32, 257), ("postings", np.uint32, 0)):
        np.save(tmp_path / f"local-0-1.{name}.npy", np.zeros(size, kind))
    with pytest.raises(StoreError, match="damaged"):
        shards.load()


def test_shards_stay_few_and_are_not_written_often() -> None:
    sizes: list[int] = []
    written = most = 0
    for _ in range(2500):  # ten million entries
        sizes.append(4000)
        at = joining(sizes)
        written += 4000 + (sum(sizes[at:]) if at < len(sizes) - 1 else 0)
        sizes[at:] = [sum(sizes[at:])]
        most = max(most, len(sizes) - sum(sizes) // 950_000)
        assert max(sizes) < 1 << 20
    assert sum(sizes) == 10_000_000
    assert (len(sizes), most) == (11, 4)
    assert written < 9 * 10_000_000


REAL = [fingerprints(scene(300, 400, seed)) for seed in (3, 8, 21)]


def clustered(count: int, size: int, random: np.random.Generator) -> Bytes:
    """Hashes by chance, of pictures, near those, and many equal ones: also ones whose first halves alone are equal."""
    known = random.integers(0, 256, (count, size), np.uint8)
    real = np.array([list((each.pdq or bytes(32)) if size == 32 else each.phash * 2)[:size] for each in REAL], np.uint8)
    for at in range(0, count, 3):
        known[at] = real[at % len(real)]
        bits = random.integers(0, size * 8, random.integers(0, 50))
        np.bitwise_xor.at(known[at], bits // 8, np.uint8(1) << (bits % 8).astype(np.uint8))
    known[1::5, : size // 2] = known[:1, : size // 2]
    known[2::5] = known[:1]
    return known


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(8, 10), (32, 40), (32, 31), (16, 16), (32, 200), (8, 64), (32, 256)]),
    st.integers(1, 400),
    st.booleans(),
)
def test_a_search_gives_what_comparing_all_gives(seed: int, kind: tuple[int, int], count: int, plain: bool) -> None:
    size, limit = kind
    random = np.random.default_rng(seed)
    known, owners = clustered(count, size, random), random.integers(1, 2**32 - 1, count).astype(np.uint32)
    queries = np.concatenate([known[:4], ~known[:1], random.integers(0, 256, (3, size), np.uint8)])
    part = Rows(known.view(np.uint64), owners)
    apart_ = halved(part)
    mapped = Halves(np.ascontiguousarray(apart_.words), owners)  # as shards have them
    true = apart(queries, known)
    expected = sorted(
        (int(owners[n]), int(q), int(true[q, n])) for q, n in zip(*np.nonzero(true <= limit), strict=True)
    )
    for parts in ([part], [mapped], [apart_]):
        assert sorted(triples(search(parts, queries, max_distance=limit, plain=plain))) == expected
    assert sorted(triples(search([part, mapped], queries[:1], max_distance=limit, plain=plain))) == sorted(
        2 * [each for each in expected if each[1] == 0]
    )


def disturbed(hashes: Bytes, bits: int, random: np.random.Generator) -> Bytes:
    apart = np.argsort(random.random((len(hashes), 128)), axis=1) < bits
    return hashes ^ np.packbits(apart, axis=1)


@pytest.mark.parametrize("entries", [30, 700, 20_000])
def test_lists_of_places_find_most_and_point_at_little_else(entries: int) -> None:
    random = np.random.default_rng(5)
    known = random.integers(0, 256, (64 * entries, 16), np.uint8)
    part = Rows(np.ascontiguousarray(known).view(np.uint64), np.repeat(np.arange(1, entries + 1, dtype=np.uint32), 64))
    places = listed(part)
    places.require()
    asked = disturbed(known[:64], 8, random)
    owners, votes = pointed([places], asked, mirrored_from=64)
    assert len(set(owners.tolist())) == len(owners)
    assert owners[0] == 1
    assert votes[0] >= 12
    assert (votes[1:] < 4).all()
    assert pointed([places], np.concatenate([known[64:128], asked]), mirrored_from=64)[0][:2].tolist() == [2, 1]
    assert [len(each) for each in pointed([places], known[:0], mirrored_from=0)] == [0, 0]
    assert [len(each) for each in pointed([], asked, mirrored_from=64)] == [0, 0]
    for broken in (places._replace(postings=places.postings[:-1]), places._replace(starts=places.starts[:-1])):
        with pytest.raises(ValueError, match="lists"):
            broken.require()


def test_a_crowd_of_equal_rows_costs_little_and_hides_nobody_else() -> None:
    random = np.random.default_rng(6)
    known = random.integers(0, 256, (30_000 * 64, 16), np.uint8)
    known[64 : 20_000 * 64] = known[:64][random.integers(0, 64, 20_000 * 64 - 64)]  # a picture that all have
    part = Rows(np.ascontiguousarray(known).view(np.uint64), np.repeat(np.arange(1, 30_001, dtype=np.uint32), 64))
    places = listed(part)
    owners, votes = pointed([places], known[:64], mirrored_from=64)
    assert votes.sum() <= 64 * 64
    both = np.concatenate([known[:64], known[25_000 * 64 : 25_001 * 64]])
    owners, votes = pointed([places], both, mirrored_from=len(both))
    assert dict(zip(owners.tolist(), votes.tolist(), strict=True))[25_001] >= 60


def test_what_asks_the_same_often_counts_once() -> None:
    random = np.random.default_rng(8)
    known = random.integers(0, 256, (3 * 64, 16), np.uint8)
    known[:64] = known[0]
    part = Rows(np.ascontiguousarray(known).view(np.uint64), np.repeat(np.arange(1, 4, dtype=np.uint32), 64))
    bricks = np.repeat(known[64:66], 50, axis=0)
    owners, votes = pointed([listed(part)], bricks, mirrored_from=100)
    assert dict(zip(owners.tolist(), votes.tolist(), strict=True)) == {2: 2}
    assert pointed([listed(part)], known[:1], mirrored_from=1)[0].tolist() == [], "nor what is answered often"


def test_the_bits_that_are_kept_are_those_that_were_measured() -> None:
    told = json.loads((Path(__file__).parents[3] / "benchmarks" / "registry_places.json").read_text("utf-8"))
    assert told["order"] == places_module._PICKED.tolist()
    assert len(set(told["order"])) == 34
    assert told["unharmed_elsewhere"] > 0.2, "on pictures that had no part in the choice"


def test_held_rows_are_joined() -> None:
    parts: list[Rows] = []
    for number in range(1, 130):
        parts = extended(parts, rows([bytes([number] * 16)], [number], hash_bytes=16))
        assert len(parts) <= 8
    assert sorted(owner for part in parts for owner in part.owners.tolist()) == list(range(1, 130))


def test_one_at_a_time_writes_the_index(tmp_path: Path) -> None:
    with keeping(tmp_path / "index", wait=True) as is_first, keeping(tmp_path / "index", wait=False) as is_second:
        assert (is_first, is_second) == (True, False)
    with keeping(tmp_path / "index", wait=False) as is_third:
        assert is_third


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


def test_a_confined_process_maps_an_index_larger_than_its_memory_may_be(tmp_path: Path) -> None:
    known, index, rows_there = tmp_path / "known.sqlite", tmp_path / "known.sqlite.files" / "index", 1 << 29
    store = Store(str(known), writing=True)
    store.create()
    store.add(Entry(sha256=bytes(32), media_type="image/jpeg", added_at=rfc3339(AT)), [])
    index.mkdir()
    lineage.follow(index, store)
    store.close()
    np.save(index / "local-0-3.owners.npy", np.array([0, 1], np.uint32))
    np.save(index / "local-0-3.starts.npy", np.linspace(0, rows_there, 257).astype(np.uint32))
    held = np.lib.format.open_memmap(index / "local-0-3.postings.npy", "w+", np.uint32, (rows_there,))
    held[0] = 1  # two gigabytes of nothing, of which the disk keeps nothing
    held.flush()
    Image.fromarray(scene(220, 260, 90)).save(tmp_path / "other.png")
    with Pool(Settings(registry=str(known)).to_json(), size=1) as pool:
        document = pool.verify(tmp_path / "other.png", at=AT)
    assert {each["channel"]: each["state"] for each in document["channels"]}["registry"] == "none"
