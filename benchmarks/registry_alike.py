# SPDX-License-Identifier: Apache-2.0
"""Pictures made alike that are not copies, laid on each other.

    python benchmarks/registry_alike.py FOLDER [GROUPS [FAMILY …]]

The families are those of ``registry_pictures.py``: GROUPS groups (18 by default) of three pictures each, every one laid
on each of the two others, whether or not an index would point at it. FOLDER holds photographs for people and frames.
All families, or those that are named. Prints JSON.
"""

import io
import json
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from registry_pictures import FAMILIES, Bytes, Photos, photographs

from waarmerk.provenance.registry.resemblance import compare, look, reference_of


def jpeg(picture: Bytes, quality: int) -> Bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def confirmed(photos: Photos, name: str, group: int) -> int:
    """How many of the six pairs of one group are taken for copies."""
    random = np.random.default_rng([group, len(name)])
    pictures = [FAMILIES[name](photos, group, random) for _ in range(3)]
    kept, looks = [reference_of(each) for each in pictures], [look(jpeg(each, 75)) for each in pictures]
    return sum(compare(kept[one], looks[other]).verified for one in range(3) for other in range(3) if one != other)


def main() -> None:
    held, groups = photographs(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 18
    families = sys.argv[3:] or list(FAMILIES)
    cv2.setNumThreads(1)
    tried, wrong = Counter[str](), Counter[str]()
    for group in range(groups):
        for name in families:
            tried[name] += 6
            wrong[name] += confirmed(Photos(held, held), name, group)
        print(group, sum(tried.values()), {k: v for k, v in wrong.items() if v}, file=sys.stderr, flush=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    report = {
        "command": "python benchmarks/registry_alike.py " + shlex.join(["FOLDER", *sys.argv[2:]]),
        "commit": commit.strip(),
        "pairs": sum(tried.values()),
        "confirmed": sum(wrong.values()),
        "families": {name: {"pairs": tried[name], "confirmed": wrong[name]} for name in families},
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
