# SPDX-License-Identifier: Apache-2.0
"""Pictures found again after an attack: by fingerprint, by mark, by both; and what was lost, with the cause.

    python benchmarks/registry_attacks.py WORK SUITE FOLDER [GROUP …]

All pictures of FOLDER are entered in one registry; every attack of the suite's groups (a file with SUITE and apply(),
as for ``watermark/attack_run.py``) is made on each and looked up. ``pointed_at`` are those that the index led to,
``verified`` those that the comparison confirmed. What the mark recovers of the same pictures after the same attacks is
taken from ``watermark/attacks.json``: a payload names its entry, and then the comparison decides as well. The table
counts the copies for which both were measured. WORK keeps what is done: a run that was stopped goes on.
"""

import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent / "watermark"))
from attack_run import load_suite

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.registry.finder import Finder, reference_file, ties
from waarmerk.provenance.registry.model import Entry
from waarmerk.provenance.registry.resemblance import compare, reference_of
from waarmerk.provenance.registry.store import Store

AT = "2026-11-22T12:00:00Z"
LEFT_OUT = {"crop_centre_10", "crop_random_10"}  # crops to 25 % are what is promised


def looked_up(work: Path, suite: Any, folder: Path, groups: list[str]) -> list[dict[str, Any]]:
    """One note for each picture and attack; what was noted before is not done again."""
    notes = work / "attacked.jsonl"
    held = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
    done = {(note["picture"], note["attack"]) for note in held}
    store = Store(str(work / "attacked.sqlite"), writing=True)
    store.create()
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg", ".jpeg"})
    for number, path in enumerate(files, start=1):
        if store.of_file(number.to_bytes(32, "big")) is None:
            rgb = np.asarray(Image.open(path).convert("RGB"))
            reference = store.files.put(reference_file(rgb))
            entry = Entry(sha256=number.to_bytes(32, "big"), media_type="image/png", added_at=AT, reference=reference)
            store.add(entry, ties(rgb))
    finder = Finder(store, Limits())
    marks = Path(__file__).parent / "watermark/attacks.json"
    report = json.loads(marks.read_text())
    lost, tried = {tuple(each) for each in report["lost"]}, report["attacks"]
    with notes.open("a") as out:
        for group in groups:
            for number, path in enumerate(files, start=1):
                wanted = [a for a in suite.names([group]) if (path.name, a) not in done and a not in LEFT_OUT]
                rgb = np.asarray(Image.open(path).convert("RGB")) if wanted else None
                for attack in wanted:
                    attacked = suite.apply(attack, rgb, 1 ^ zlib.crc32(path.name.encode()))
                    found = finder.find((1 << 200).to_bytes(32, "big"), attacked, ())
                    own = [each for each in found if store.of_file(number.to_bytes(32, "big")) == each.entry]
                    marked = None if attack not in tried else (path.name, attack) not in lost
                    verified = any(each.verified for each in own)
                    note = {
                        "picture": path.name,
                        "attack": attack,
                        "group": group,
                        "pointed": bool(own),
                        "verified": verified,
                        "mark": marked,
                        "both": verified or (bool(marked) and compare(reference_of(rgb), attacked).verified),
                        "others": [each.entry.number for each in found if each.verified and each not in own],
                    }
                    held.append(note)
                    out.write(json.dumps(note) + "\n")
                    out.flush()
                print(group, path.name, file=sys.stderr, flush=True)
    return [note for note in held if note["group"] in groups]


def table(held: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the copies for which the mark was measured too: what each way leads to, and what is then verified."""
    both = [note for note in held if note["mark"] is not None]
    return {
        "copies": len(both),
        "named": {
            "by_mark": sum(note["mark"] for note in both),
            "by_fingerprint": sum(note["pointed"] for note in both),
            "by_both": sum(note["mark"] or note["pointed"] for note in both),
        },
        "verified": {
            "by_mark": sum(note["mark"] and note["both"] for note in both),
            "by_fingerprint": sum(note["verified"] for note in both),
            "by_both": sum(note["both"] for note in both),
        },
    }


def main() -> None:
    work, suite, folder = Path(sys.argv[1]), load_suite(Path(sys.argv[2])), Path(sys.argv[3])
    cv2.setNumThreads(1)
    held = looked_up(work, suite, folder, sys.argv[4:] or ["overlay", "crop", "colour", "resize", "codec"])
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    groups = dict.fromkeys(note["group"] for note in held)
    of = {group: [note for note in held if note["group"] == group] for group in groups}
    report = {
        "command": " ".join(["python benchmarks/registry_attacks.py WORK SUITE FOLDER", *sys.argv[4:]]),
        "commit": commit.strip(),
        "pictures": len({note["picture"] for note in held}),
        "groups": {
            group: {
                "copies": len(notes),
                "attacks": len({note["attack"] for note in notes}),
                "pointed_at": sum(note["pointed"] for note in notes),
                "verified": sum(note["verified"] for note in notes),
                "mark_and_fingerprint": table(notes),
            }
            for group, notes in of.items()
        },
        "mark_and_fingerprint": table(held),
        "verified_of_other_pictures": sum(len(note["others"]) for note in held),
        "lost": [
            [n["picture"], n["attack"], "comparison" if n["pointed"] else "index"] for n in held if not n["verified"]
        ],
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
