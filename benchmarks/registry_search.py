# SPDX-License-Identifier: Apache-2.0
"""How fast the index answers, what it holds in memory and whom it misses: ``python benchmarks/registry_search.py
[--entries 1000000 …] FOLDER …``.

The index is made on disk as the registry writes it and searched as the registry searches it. FOLDER holds pictures.
Half of them are entries and are asked for, by copies; the other half makes a crowd: a tenth of all hashes are theirs,
some bits off. Of the rest of the local hashes those of 256,000 entries are drawn with the means and correlations of
real ones; further ones are those with an eighth of the bits turned. The rest of the whole ones is even. The database is
a stand-in that gives the local hashes of the entries that are pointed at (what reading them costs:
``registry_keeping.py``). Each engine runs in a process of its own; times are medians. Prints JSON.
"""

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from registry import ATTACKS
from registry_places import drawn, pictures

from waarmerk.provenance.registry import hamming, lineage, places
from waarmerk.provenance.registry.hamming import Rows
from waarmerk.provenance.registry.hashes import LOCAL_ASKED, LOCAL_KEPT, fingerprints, local_hashes
from waarmerk.provenance.registry.index import HASH_BYTES, REACH, Index
from waarmerk.provenance.registry.model import BindingKind
from waarmerk.provenance.registry.shards import SHARD_ENTRIES, Shard, Shards, joining

Bytes = npt.NDArray[np.uint8]
COPIES = ("crop 70 %, jpeg 60", "crop 25 %, jpeg 60", "width 400, jpeg 60", "stickers", "mirrored")
POOL = 256_000  # entries
CROWD = 10  # one hash in so many is a disturbed real one
MOST_COMPARED = 8  # of the entries that are pointed at, as the finder compares them
MIB = 1 << 20
WHOLE = (BindingKind.PHASH, BindingKind.PDQ)


class Pictures:
    """Hashes of the pictures that are entered (``known``), and of those that make the crowd."""

    def __init__(self, folders: Sequence[Path]) -> None:
        held = pictures(list(folders))
        self.crowd = {kind: np.concatenate([self.of(p, kind, LOCAL_ASKED) for p in held[::2]]) for kind in HASH_BYTES}
        self.known = [{kind: self.of(p, kind, LOCAL_KEPT) for kind in HASH_BYTES} for p in held[1::2]]
        self.copies = [
            (number, name, {kind: self.of(ATTACKS[name](p), kind, LOCAL_ASKED) for kind in HASH_BYTES})
            for number, p in enumerate(held[1::2])
            for name in COPIES
        ]

    @staticmethod
    def of(picture: Bytes, kind: BindingKind, count: int) -> Bytes:
        if kind is BindingKind.LOCAL:
            return local_hashes(picture, count)
        whole = fingerprints(picture)
        return np.frombuffer(whole.phash if kind is BindingKind.PHASH else whole.pdq or bytes(32), np.uint8)[None]


def disturbed(hashes: Bytes, count: int, random: np.random.Generator) -> Bytes:
    chosen = hashes[random.integers(0, len(hashes), count)]
    share = random.uniform(0, 0.3, (count, 1)).astype(np.float32)
    return chosen ^ np.packbits(random.random((count, chosen.shape[1] * 8), np.float32) < share, axis=1)


class Strangers:
    """Codes of local hashes that look like real ones."""

    def __init__(self, real: Bytes, random: np.random.Generator) -> None:
        self._random = random
        self._pool = drawn(np.unpackbits(real, axis=1).astype(bool))[:, places._PICKED]
        share = np.clip(self._pool.mean(axis=0), 1e-4, 1 - 1e-4)
        from scipy.stats import norm  # noqa: PLC0415 - seconds that the measuring processes do not pay

        self._limit = norm.ppf(1 - share).astype(np.float32)
        correlation = np.sin(np.pi / 2 * np.corrcoef(self._pool.T.astype(float)))
        values, vectors = np.linalg.eigh(correlation)
        mix = vectors * np.sqrt(np.clip(values, 1e-3, None))
        self._worth = places._VALUE.astype(np.float64)
        self._mix = (mix / np.sqrt((mix**2).sum(axis=1, keepdims=True))).T.astype(np.float32)

    def codes(self, count: int) -> npt.NDArray[np.uint64]:
        found = np.empty(count, np.uint64)
        for begin in range(0, count, 1 << 18):
            latent = self._random.standard_normal((min(1 << 18, count - begin), len(self._mix)), np.float32) @ self._mix
            found[begin : begin + len(latent)] = (latent > self._limit).astype(np.float64) @ self._worth
        return found


def turned(codes: npt.NDArray[np.uint64], random: np.random.Generator) -> npt.NDArray[np.uint64]:
    """Codes with each bit turned over with a probability of an eighth."""
    flips = np.full(len(codes), (1 << 34) - 1, np.uint64)
    for _ in range(3):
        flips &= random.integers(0, 1 << 34, len(codes), np.uint64)
    return codes ^ flips


def build_whole(folder: Path, kind: BindingKind, entries: int, held: Pictures, owners: dict[int, int]) -> float:
    random, took = np.random.default_rng(7), 0.0
    shards, first = Shards(folder, kind.value), 0
    for size in sizes(entries):
        hashes = random.integers(0, 256, (size, HASH_BYTES[kind]), np.uint8)
        mixed = random.permutation(size)[: size // CROWD]
        hashes[mixed] = disturbed(held.crowd[kind], len(mixed), random)
        for number, owner in owners.items():
            if first < owner <= first + size:
                hashes[owner - first - 1] = held.known[number][kind][0]
        started = time.perf_counter()
        part = Rows(
            np.ascontiguousarray(hashes).view(np.uint64), np.arange(first + 1, first + size + 1, dtype=np.uint32)
        )
        shards._write_flat(Shard(first, first + size), [hamming.halved(part)])
        took, first = took + time.perf_counter() - started, first + size
    return took


def build_local(folder: Path, entries: int, held: Pictures, owners: dict[int, int]) -> float:
    """Shards of local hashes as ``places.listed`` makes them, from codes; the seconds without those for drawing."""
    random, took = np.random.default_rng(8), 0.0
    seeds = places._codes(np.ascontiguousarray(held.crowd[BindingKind.LOCAL]).view(np.uint64))
    pool = Strangers(held.crowd[BindingKind.LOCAL], random).codes(min(entries, POOL) * LOCAL_KEPT)
    shards, first = Shards(folder, BindingKind.LOCAL.value, lists=True), 0
    for size in sizes(entries):
        count = size * LOCAL_KEPT
        codes = np.resize(pool, count)
        codes[len(pool) if first == 0 else 0 :] = turned(codes[len(pool) if first == 0 else 0 :], random)
        mixed = random.integers(0, count, count // CROWD)
        codes[mixed] = turned(seeds[random.integers(0, len(seeds), len(mixed))], random)
        numbers = np.repeat(np.arange(1, size + 1, dtype=np.uint64), LOCAL_KEPT)
        values = codes << np.uint64(20) | numbers
        for number, owner in owners.items():
            if first < owner <= first + size:
                mine = places._codes(np.ascontiguousarray(held.known[number][BindingKind.LOCAL]).view(np.uint64))
                at = (owner - first - 1) * LOCAL_KEPT
                values[at : at + len(mine)] = mine << np.uint64(20) | np.uint64(owner - first)
        started = time.perf_counter()
        values.sort()
        bits = places.key_bits_for(size)
        keys = (values >> np.uint64(54 - bits)).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << bits))]).astype(np.uint32)
        numbers = np.arange(first, first + size + 1, dtype=np.uint32)
        numbers[0] = 0
        written = {"owners": [numbers], "starts": [starts], "postings": [places._postings(values, bits)]}
        shards._write(Shard(first, first + size), written)
        took, first = took + time.perf_counter() - started, first + size
        print("local", first, file=sys.stderr, flush=True)
    return took


def sizes(entries: int) -> list[int]:
    """The shards that so many entries have, the first ones first."""
    found: list[int] = []
    for _ in range(entries // SHARD_ENTRIES):
        found.append(SHARD_ENTRIES)
        at = joining(found)
        found[at:] = [sum(found[at:])]
    return found


class StandIn:
    """A database without rows beyond the shards."""

    def __init__(self, folder: Path, held: Pictures, owners: dict[int, int]) -> None:
        self.folder = folder
        self._random = np.random.default_rng(11)
        self._held = {owner: held.known[number][BindingKind.LOCAL].tobytes() for number, owner in owners.items()}

    def change(self, _number: int | None = None) -> None:
        """It never changed."""

    def bindings(self, kind: BindingKind, *, after: int) -> list[tuple[int, int, bytes]]:
        return []

    def values(self, kind: BindingKind, numbers: Sequence[int]) -> list[tuple[int, int, bytes]]:
        return [(0, n, self._held.get(n) or self._random.bytes(HASH_BYTES[kind] * LOCAL_KEPT)) for n in numbers]


def resident() -> float:
    """The most MiB that this process had in memory, mapped pages that it touched included."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def ask(folder: str, held: Pictures, owners: dict[int, int], plain: bool, answer: "multiprocessing.Queue[Any]") -> None:
    if plain:
        hamming._faiss = lambda: None  # type: ignore[assignment]
    base = resident()
    store: Any = StandIn(Path(folder), held, owners)
    lineage.follow(store.folder / "index", store)  # or the index is not believed
    index = Index(store)
    took: dict[str, list[float]] = {"phash": [], "pdq": [], "local": [], "all": []}
    busy: list[float] = []
    found, pointing = dict.fromkeys(COPIES, 0), []
    for turn in range(2):  # the first maps the files
        for number, name, hashes in held.copies if turn else held.copies[:3]:
            times, processor = [], time.process_time()
            for kind in WHOLE:
                started = time.perf_counter()
                index.nearest(kind, hashes[kind][0].tobytes())
                times.append((time.perf_counter() - started) * 1000)
            started = time.perf_counter()
            votes = index.votes(hashes[BindingKind.LOCAL])
            times.append((time.perf_counter() - started) * 1000)
            if turn:
                busy.append((time.process_time() - processor) * 1000)
                for kind, each in zip(took, [*times, sum(times)], strict=True):
                    took[kind].append(each)
                ranked = sorted(votes, key=lambda each: (-votes[each], each))
                found[name] += owners[number] in ranked[:MOST_COMPARED]
                pointing.append(len(votes))
    asked = resident()
    for kind in HASH_BYTES:
        for part in index.held(kind).sealed:
            for array in part:
                int(array.ravel()[::512].sum())  # every page
    answer.put(
        {
            "p50_ms": {kind: round(float(np.median(each)), 2) for kind, each in took.items()},
            "p50_ms_of_processor_time": round(float(np.median(busy)), 2),
            "quickest_tenth_ms": {kind: round(float(np.quantile(each, 0.1)), 2) for kind, each in took.items()},
            "p95_ms": {kind: round(float(np.quantile(each, 0.95)), 2) for kind, each in took.items()},
            "entries_pointed_at": float(np.median(pointing)),
            "found": found,
            "mib": {
                "of the program": round(base),
                "after the searches": round(asked),
                "with all pages touched": round(resident()),
            },
        }
    )


def measured(folder: Path, held: Pictures, owners: dict[int, int], *, plain: bool) -> Any:
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[Any] = context.Queue()
    process = context.Process(target=ask, args=(str(folder), held, owners, plain, answer))
    process.start()
    found = answer.get()
    process.join()
    return found


def flat(held: Pictures) -> dict[str, int]:
    """Copies of which three local hashes are within reach of those of the entry: what a search of all rows can find."""
    from waarmerk.provenance.registry.hashes import mirrored  # noqa: PLC0415

    found = dict.fromkeys(COPIES, 0)
    for number, name, hashes in held.copies:
        kept, asked = held.known[number][BindingKind.LOCAL], hashes[BindingKind.LOCAL]
        near = [
            int(
                (np.bitwise_count(each[:, None] ^ kept[None]).sum(axis=2) <= REACH[BindingKind.LOCAL]).any(axis=1).sum()
            )
            for each in (asked, mirrored(asked))
        ]
        found[name] += max(near) >= 3
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--entries", type=int, nargs="*", default=[1_000_000])
    parser.add_argument("--scratch", type=Path, help="where the index is made; a temporary folder if not given")
    chosen = parser.parse_args()
    held = Pictures(chosen.folders)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    report: dict[str, Any] = {
        "command": f"python benchmarks/registry_search.py --entries {' '.join(map(str, chosen.entries))} FOLDER …",
        "commit": commit.strip(),
        "machine": f"{platform.machine()}, two shared cores, Python {platform.python_version()}",
        "pictures_entered": len(held.known),
        "copies_of_each": len(COPIES),
        "found_by_comparing_all_rows": flat(held),
    }
    for entries in chosen.entries:
        random = np.random.default_rng(5)
        owners = {n: int(o) + 1 for n, o in enumerate(random.choice(entries, len(held.known), replace=False))}
        with tempfile.TemporaryDirectory(dir=chosen.scratch) as name:
            folder = Path(name, "index")
            took = sum(build_whole(folder, kind, entries, held, owners) for kind in WHOLE)
            took += build_local(folder, entries, held, owners)
            disk = {kind.value: sum(p.stat().st_size for p in folder.glob(f"{kind}-*")) // MIB for kind in HASH_BYTES}
            row = {"entries": sum(sizes(entries)), "shards": len(sizes(entries)), "disk_mib": disk}
            row["sorting_and_writing_s"] = round(took, 1)
            row["load_average"] = round(os.getloadavg()[0], 1)
            row["faiss"] = measured(Path(name), held, owners, plain=False)
            row["numpy"] = measured(Path(name), held, owners, plain=True)
            report[f"{entries:,}"] = row
            print(entries, row, file=sys.stderr, flush=True)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
