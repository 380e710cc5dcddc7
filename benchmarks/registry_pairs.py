# SPDX-License-Identifier: Apache-2.0
"""Pairs of different pictures through index and comparison as deployed: how many are confirmed. It must be none.

    python benchmarks/registry_pairs.py REGISTERED ASKED WORK [COUNT [COUNT]]

COUNT pictures (10,200 by default) are entered in a registry, COUNT others (1,000) are looked up in it: every pair is
one that the index may propose, and whatever it proposes is compared. REGISTERED and ASKED are folders of photographs
that have no picture in common; a photograph is cut into pieces that do not overlap, and all pieces of one go to one
side, so that no sky lies beside its own sky. The rest is drawn: families of ``registry_pictures.py`` with one number on
either side (the template is shared, the content is not; grounds are drawn, so that none is a registered photograph),
scenes, pages, textures, strokes, grids. WORK keeps what is done: a run that was stopped goes on. Prints JSON.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from registry_pictures import FAMILIES, Bytes, Photos, photographs, scene

sys.path.insert(0, str(Path(__file__).parent / "watermark"))
from hosts import KINDS, make_host

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.registry.finder import Finder, reference_file, ties
from waarmerk.provenance.registry.model import Entry
from waarmerk.provenance.registry.store import Store

SIDE, PIECES = 240, 24  # pixels of a piece of a photograph; of one photograph
SIDE_DRAWN, SIDE_SMALL = 400, 208  # pixels of the longer side of what is drawn
REGISTERED, ASKED = 0, 1
ROUNDS = (197, 12)  # of everything
Maker = Callable[[Photos, int, np.random.Generator], Bytes]


def pieces(folder: Path) -> Iterator[tuple[str, Callable[[], Bytes]]]:
    """Pieces of the photographs of a folder, one of each in turn, none with next to nothing in it."""
    queues = []
    for path in sorted(folder.iterdir()):
        try:
            with Image.open(path) as image:
                image.thumbnail((2200, 2200))
                picture = np.asarray(image.convert("RGB"))
        except OSError:
            continue
        places = [
            (top, left)
            for top in range(0, picture.shape[0] - SIDE + 1, SIDE)
            for left in range(0, picture.shape[1] - SIDE + 1, SIDE)
        ][:PIECES]
        queues.append([np.ascontiguousarray(picture[t : t + SIDE, le : le + SIDE]) for t, le in places])
    while any(queues):
        for queue in queues:
            if queue:
                piece = queue.pop(0)
                yield "piece of a photograph", lambda piece=piece: piece


def drawn(side: int, photos: Photos) -> Iterator[tuple[str, Callable[[], Bytes]]]:
    """Pictures by code without end; those of one side have other content than those of the other.

    First some rounds of everything. Then what shares no template, and smaller: that takes less time.
    """
    for number in range(ROUNDS[side]):
        for name, make in {**FAMILIES, "scene": scene}.items():
            random = np.random.default_rng([number, len(name), side])
            yield name, partial(of_size, SIDE_DRAWN, make, photos, number, random)
        for kind in KINDS:
            yield kind, partial(make_host, kind, 270, 360, 2 * number + side)
    for number in count(ROUNDS[side]):
        random = np.random.default_rng([number, 0, side])
        yield "scene, small", partial(of_size, SIDE_SMALL, scene, photos, number, random)
        for kind in KINDS:
            yield f"{kind}, small", partial(make_host, kind, 156, 208, 2 * number + side)


def of_size(side: int, make: Maker, photos: Photos, number: int, random: np.random.Generator) -> Bytes:
    picture = make(photos, number, random)
    scale = side / max(picture.shape[:2])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def pictures(side: int, folder: Path, wanted: int) -> Iterator[tuple[int, str, Callable[[], Bytes]]]:
    """``wanted`` pictures of one side: what the photographs give, first or (asked) each fourth, and what is drawn.

    They are made where they are asked for: what was done in an earlier run is not made again.
    """
    grounds = [scene(Photos([], []), 0, np.random.default_rng([9999, number])) for number in range(17)]
    made, photos = drawn(side, Photos(grounds, photographs(folder))), pieces(folder)
    for number in range(wanted):
        found = next(photos, None) if side == REGISTERED or number % 4 == 0 else None
        yield number, *(found if found is not None else next(made))


def enter(store: Store, folder: Path, wanted: int) -> None:
    known = Entry(sha256=bytes(32), media_type="image/png", added_at="2026-11-22T12:00:00Z")
    for number, kind, make in pictures(REGISTERED, folder, wanted):
        digest = (number + 1).to_bytes(32, "big")
        if store.of_file(digest) is None:
            picture = make()
            reference = store.files.put(reference_file(picture))
            entry = Entry(sha256=digest, media_type=known.media_type, added_at=known.added_at, reference=reference)
            store.add(entry, ties(picture))
            if number % 100 == 0:
                print("entered", number, kind, file=sys.stderr, flush=True)


def ask(store: Store, folder: Path, wanted: int, notes: Path) -> None:
    done = len(notes.read_text().splitlines()) if notes.exists() else 0
    finder = Finder(store, Limits())
    with notes.open("a") as out:
        for number, kind, make in pictures(ASKED, folder, wanted):
            if number < done:
                continue
            found = finder.find((1 << 200 | number).to_bytes(32, "big"), make(), ())
            confirmed = [each.entry.number for each in found if each.verified]
            out.write(json.dumps({"kind": kind, "candidates": len(found), "confirmed": confirmed}) + "\n")
            out.flush()
            if number % 100 == 0:
                print("asked", number, len(found), confirmed, file=sys.stderr, flush=True)


def main() -> None:
    registered, asked, work = (Path(each) for each in sys.argv[1:4])
    counts = [int(each) for each in sys.argv[4:]] or [10_200, 1_000]
    cv2.setNumThreads(1)
    store = Store(str(work / "registry.sqlite"), writing=True)
    store.create()
    enter(store, registered, counts[0])
    ask(store, asked, counts[1], work / "asked.jsonl")
    notes = [json.loads(line) for line in (work / "asked.jsonl").read_text().splitlines()]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    kinds = Counter(note["kind"] for note in notes)
    report = {
        "command": "python benchmarks/registry_pairs.py REGISTERED ASKED WORK " + " ".join(sys.argv[4:]),
        "commit": commit.strip(),
        "registered": counts[0],
        "asked": len(notes),
        "pairs": counts[0] * len(notes),
        "asked_by_kind": dict(kinds),
        "compared": sum(note["candidates"] for note in notes),
        "compared_by_kind": {k: sum(n["candidates"] for n in notes if n["kind"] == k) for k in kinds},
        "confirmed": sum(len(note["confirmed"]) for note in notes),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
