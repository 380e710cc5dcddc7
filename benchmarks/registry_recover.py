# SPDX-License-Identifier: Apache-2.0
"""Strip, crop to 70 %, JPEG 60, ``registry recover``: ``python benchmarks/registry_recover.py FOLDER [PICTURES]``.

Each picture of FOLDER is labelled (mark, credentials) as JPEG, PNG or WebP in turn and entered, by the command line as
a user runs it. Of its copy nothing but pixels is left. The manifest is asked for three times: with a key from a
registry that holds no fingerprint, without a key from one that holds no mark, and with both from the whole one. Counted
are those where the stored bytes came back as they were, their signature held, and the copy with them in it reads as a
file whose credentials are about another. Prints JSON.
"""

import argparse
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from waarmerk.provenance.credentials.container import find_stores
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window

FORMS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
WAYS = ("mark alone", "fingerprint alone", "both")
AT = f"{datetime.now(UTC) + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"  # no certificate of this run may begin later
SIDE = 2000  # pixels: larger ones are shrunk, which saves time and nothing else


def command(home: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    env["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    words = [sys.executable, "-m", "waarmerk.cli", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=env, timeout=600)


def labelled(home: Path, source: Path, form: str, number: int) -> Path:
    """The picture labelled and entered; its file."""
    plain, made = home / f"plain{number}.{form}", home / f"original{number}.{form}"
    with Image.open(source) as image:
        image.thumbnail((SIDE, SIDE))
        how = {"lossless": True} if form == "webp" else {"quality": 92} if form == "jpg" else {}
        image.convert("RGB").save(plain, **how)
    done = command(
        home, "label", "--ai", "generated", plain, made, "--yes", "--organisation", "Bench", "--visible", "none",
        "--registry", home / "known" / "both.sqlite", "--allow-partial", "--at", AT,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{source.name}: {done.stderr}")
    return made


def copied(original: Path) -> Path:
    """What a platform leaves: 70 % of the area, from near the middle, as JPEG 60, no metadata."""
    target = original.with_suffix(".copy.jpg")
    with Image.open(original) as image:
        wide, high = (round(side * 0.7**0.5) for side in image.size)
        left, top = (image.width - wide) * 2 // 3, (image.height - high) // 3
        image.convert("RGB").crop((left, top, left + wide, top + high)).save(target, "JPEG", quality=60)
    return target


def without(home: Path, way: str) -> Path:
    """The registry itself, or a copy that holds only marks, or only fingerprints."""
    whole = home / "known" / "both.sqlite"
    if way == "both":
        return whole
    other = home / way.replace(" ", "-") / "registry.sqlite"
    other.parent.mkdir()
    shutil.copy(whole, other)
    shutil.copytree(whole.with_name(whole.name + ".files"), other.with_name(other.name + ".files"))
    shutil.rmtree(other.with_name(other.name + ".files") / "index", ignore_errors=True)
    kept = "=" if way == "mark alone" else "<>"
    with sqlite3.connect(other) as connection:
        connection.execute(f"DELETE FROM binding WHERE NOT kind {kept} 'watermark'")
    connection.close()
    return other


def comes_back(home: Path, original: Path, copy: Path, registry: Path, *, keyed: bool) -> str:
    """``found``, or what was missing."""
    form = FORMS[original.suffix[1:]]
    data = original.read_bytes()
    with original.open("rb") as stream:
        (store,) = find_stores(Window(stream, len(data)), form, Limits())
    key = ("--key", home / "data" / "waarmerk" / "watermark.key") if keyed else ()
    asked = ("registry", "recover", copy, "--registry", registry, *key, "--at", AT)
    side, whole = copy.with_suffix(".c2pa"), copy.with_suffix(".attached.jpg")
    for path in (side, whole):
        path.unlink(missing_ok=True)
    done = command(home, *asked, "--sidecar", side)
    if done.returncode:
        return "not found"
    if side.read_bytes() != store.data:
        return "another manifest"
    if "Their signature holds" not in " ".join(done.stdout.split()):
        return "signature"
    if command(home, *asked, "--attach", whole).returncode:
        return "not attached"
    (document,) = json.loads(command(home, "verify", whole, "--format", "json", "--at", AT).stdout)
    return "found" if document["credentials"]["integrity"] == "altered" else "read otherwise"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pictures", type=int, nargs="?", default=24)
    chosen = parser.parse_args()
    sources = [path for path in sorted(chosen.folder.iterdir()) if path.suffix.lower() in {".jpg", ".png", ".webp"}]
    with tempfile.TemporaryDirectory() as name:
        home, pairs, missed = Path(name), [], []
        (home / "known").mkdir()
        for number, source in enumerate(sources[: chosen.pictures]):
            original = labelled(home, source, list(FORMS)[number % 3], number)
            pairs.append((source.name, original, copied(original)))
            print(source.name, file=sys.stderr, flush=True)
        table: dict[str, dict[str, int]] = {}
        for way in WAYS:
            registry, counts = without(home, way), Counter[str]()
            for shown, original, copy in pairs:
                ended = comes_back(home, original, copy, registry, keyed=way != "fingerprint alone")
                counts[ended] += 1
                if ended != "found":
                    missed.append({"way": way, "picture": shown, "as": original.suffix[1:], "ended": ended})
                print(way, shown, ended, file=sys.stderr, flush=True)
            table[way] = dict(counts)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    report = {
        "what": "stripped, cut to 70 % of the area, JPEG 60: how often registry recover gave the manifest back",
        "command": f"python benchmarks/registry_recover.py FOLDER {chosen.pictures}",
        "commit": commit.strip(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "pictures": len(pairs),
        "formats": dict(Counter(original.suffix[1:] for _, original, _ in pairs)),
        "recovered": table,
        "missed": missed,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
