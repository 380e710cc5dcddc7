# SPDX-License-Identifier: Apache-2.0
"""How fast the index answers and what it holds in memory: ``python benchmarks/registry_search.py FOLDER [ENTRIES …]``.

FOLDER holds pictures: a tenth of all rows are their hashes, a few bits off; the rest is random. Shards are written to
disk as the registry writes them and mapped. Each kind runs in a process of its own; times are medians of 31 searches
of pictures that are not in it. Prints JSON.
"""

import json
import multiprocessing
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from waarmerk.provenance.registry.hamming import Rows, search
from waarmerk.provenance.registry.hashes import LOCAL_ASKED, LOCAL_KEPT, fingerprints, local_hashes, mirrored
from waarmerk.provenance.registry.index import SHARD_ENTRIES, Shards
from waarmerk.provenance.registry.places import nearby

Bytes = npt.NDArray[np.uint8]
REACH = {"phash": 10, "pdq": 40, "local": 16}
SIZES = {"phash": 8, "pdq": 32, "local": 16}
MIB = 1 << 20


def real(folder: Path) -> dict[str, Bytes]:
    found: dict[str, list[bytes]] = {kind: [] for kind in SIZES}
    for path in sorted(folder.iterdir()):
        try:
            with Image.open(path) as image:
                image.thumbnail((800, 800))
                picture = np.asarray(image.convert("RGB"))
        except OSError:
            continue
        whole = fingerprints(picture)
        found["phash"].append(whole.phash)
        found["pdq"].append(whole.pdq or bytes(32))
        found["local"] += [row.tobytes() for row in local_hashes(picture, LOCAL_ASKED)]
    return {kind: np.frombuffer(b"".join(each), np.uint8).reshape(-1, SIZES[kind]) for kind, each in found.items()}


def disturbed(hashes: Bytes, count: int, random: np.random.Generator) -> Bytes:
    chosen = hashes[random.integers(0, len(hashes), count)]
    share = random.uniform(0, 0.3, (count, 1))
    return chosen ^ np.packbits(random.random((count, chosen.shape[1] * 8), np.float32) < share, axis=1)


def build(folder: Path, kind: str, entries: int, seeds: Bytes) -> None:
    random, per = np.random.default_rng(7), LOCAL_KEPT if kind == "local" else 1
    shards = Shards(folder, kind, lists=kind == "local")
    for last in range(SHARD_ENTRIES, entries + SHARD_ENTRIES, SHARD_ENTRIES):
        count = min(SHARD_ENTRIES, entries - last + SHARD_ENTRIES) * per
        hashes = random.integers(0, 256, (count, SIZES[kind]), np.uint8)
        mixed = random.permutation(count)[: count // 10]
        hashes[mixed] = disturbed(seeds, len(mixed), random)
        owners = np.repeat(np.arange(last - SHARD_ENTRIES, last)[: count // per], per).astype(np.uint32)
        shards.seal(last, Rows(np.ascontiguousarray(hashes).view(np.uint64), owners))


def ask(folder: str, kind: str, seeds: Bytes, plain: bool, answer: "multiprocessing.Queue[dict[str, float]]") -> None:
    _, parts = Shards(Path(folder), kind, lists=kind == "local").load()
    random, took, found = np.random.default_rng(9), [], 0
    for number in range(32):
        if kind == "local":
            places = disturbed(seeds, LOCAL_ASKED, random)
            start = time.perf_counter()
            asked = np.concatenate([places, mirrored(places)])
            found += sum(1 for _ in nearby(parts, asked, max_distance=REACH[kind]))
        else:
            asked = disturbed(seeds, 1, random)
            start = time.perf_counter()
            flat = [part for part in parts if isinstance(part, Rows)]
            found += sum(1 for _ in search(flat, asked, max_distance=REACH[kind], plain=plain))
        if number:  # the first one maps the files
            took.append((time.perf_counter() - start) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    answer.put(
        {
            "p50_ms": round(float(np.median(took)), 2),
            "p95_ms": round(float(np.quantile(took, 0.95)), 2),
            "hits_a_search": round(found / 32, 1),
            "peak_mib": round(peak),
        }
    )


def measured(folder: str, kind: str, seeds: Bytes, *, plain: bool) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[dict[str, float]] = context.Queue()
    process = context.Process(target=ask, args=(folder, kind, seeds, plain, answer))
    process.start()
    found = answer.get()
    process.join()
    return found


def main() -> None:
    seeds = real(Path(sys.argv[1]))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    report: dict[str, object] = {
        "command": "python benchmarks/registry_search.py FOLDER " + " ".join(sys.argv[2:]),
        "commit": commit.strip(),
        "machine": f"{platform.machine()}, two shared cores, Python {platform.python_version()}",
        "reach": REACH,
    }
    for entries in map(int, sys.argv[2:] or ["1000000"]):
        for kind in SIZES:
            if kind == "local" and entries > 10**6:
                continue
            with tempfile.TemporaryDirectory() as folder:
                build(Path(folder), kind, entries, seeds[kind])
                disk = sum(path.stat().st_size for path in Path(folder).iterdir()) / MIB
                rows: dict[str, object] = {"disk_mib": round(disk)}
                if kind == "local":
                    rows["lists"] = measured(folder, kind, seeds[kind], plain=True)
                else:
                    rows["numpy"] = measured(folder, kind, seeds[kind], plain=True)
                    rows["faiss"] = measured(folder, kind, seeds[kind], plain=False)
                report[f"{kind}, {entries:,}"] = rows
                print(kind, entries, rows, file=sys.stderr, flush=True)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
