# SPDX-License-Identifier: Apache-2.0
"""Which bits of a local hash the index keeps, and in which order: ``python benchmarks/registry_places.py FOLDER …``.

Of each picture (near copies left out) places are matched with those of its crops and of a small copy. A bit is worth
having where copies leave it alone and where it tells places apart: chosen is, one after the other, the bit that lowers
the logarithm of the chance that two places share all bits so far, plus ``PRICE`` times its share of errors. Chance is
that of places drawn with the means and correlations of the real ones (a Gaussian copula), of which there are too few
to count. Errors are checked on pictures that had no part in the choice: those with even numbers choose, those with odd
ones are told. Prints JSON; the order that all pictures choose stands in ``registry/places.py``.
"""

import json
import subprocess
import sys
from pathlib import Path

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from registry import ATTACKS
from scipy.stats import norm

from waarmerk.provenance.registry.hashes import LOCAL_ASKED, LOCAL_KEPT, local_hashes

Bits = npt.NDArray[np.bool_]
COPIES = ("crop 70 %, jpeg 60", "crop 25 %, jpeg 60", "width 400, jpeg 60")
PRICE, BITS, DRAWN, KEY = 4.0, 34, 100_000, 22
REACH = 16


def pictures(folders: list[Path]) -> list[npt.NDArray[np.uint8]]:
    held: list[tuple[imagehash.ImageHash, npt.NDArray[np.uint8]]] = []
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        try:
            with Image.open(path) as image:
                image.thumbnail((1600, 1600))
                picture = image.convert("RGB")
        except (OSError, ValueError):
            continue
        mark = imagehash.phash(picture)
        if min(picture.size) >= 300 and all(mark - other > 12 for other, _ in held):
            held.append((mark, np.asarray(picture)))
    return [picture for _, picture in held]


def errors_of(picture: npt.NDArray[np.uint8]) -> list[Bits]:
    """Of each copy the bits that differ, of pairs of places within reach."""
    kept, found = local_hashes(picture, LOCAL_KEPT), []
    for name in COPIES:
        asked = local_hashes(ATTACKS[name](picture), LOCAL_ASKED)
        apart = np.bitwise_count(asked[:, None] ^ kept[None]).sum(axis=2, dtype=np.int64)
        a, b = np.nonzero(apart <= REACH)
        if len(a):
            found.append(np.unpackbits(asked[a] ^ kept[b], axis=1).astype(bool))
    return found


def drawn(places: Bits) -> Bits:
    """Places with the means and the correlations of ``places``."""
    correlation = np.sin(np.pi / 2 * np.corrcoef(places.T.astype(float)))
    values, vectors = np.linalg.eigh(correlation)
    mix = vectors * np.sqrt(np.clip(values, 1e-3, None))
    mix /= np.sqrt((mix**2).sum(axis=1, keepdims=True))
    latent = np.random.default_rng(3).standard_normal((DRAWN, places.shape[1])) @ mix.T
    return np.asarray(latent > norm.ppf(1 - places.mean(axis=0)))


def chosen(groups: list[Bits], strangers: Bits) -> list[int]:
    """Every picture and copy counts alike, however many places of it match."""
    share = np.mean([group.mean(axis=0) for group in groups], axis=0)
    order: list[int] = []
    code = np.zeros(len(strangers), np.int64)
    for _ in range(BITS):
        costs = np.full(strangers.shape[1], np.inf)
        for bit in set(range(strangers.shape[1])) - set(order):
            costs[bit] = np.log(chance(code * 2 + strangers[:, bit])) + PRICE * share[bit]
        order.append(int(costs.argmin()))
        _, code = np.unique(code * 2 + strangers[:, order[-1]], return_inverse=True)
    return order


def chance(codes: npt.NDArray[np.int64]) -> float:
    counts = np.unique(codes, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1)).sum() / len(codes) ** 2 + 1e-12)


def unharmed(groups: list[Bits], order: list[int]) -> float:
    return round(float(np.mean([(~group[:, order].any(axis=1)).mean() for group in groups])), 3)


def main() -> None:
    held = pictures([Path(each) for each in sys.argv[1:]])
    strangers = drawn(np.concatenate([np.unpackbits(local_hashes(p, LOCAL_KEPT), axis=1) for p in held]).astype(bool))
    errors = [errors_of(picture) for picture in held]
    even, odd = ([group for groups in errors[part::2] for group in groups] for part in (0, 1))
    half, whole = chosen(even, strangers), chosen([*even, *odd], strangers)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    packed = strangers[:, half[:KEY]] @ (1 << np.arange(KEY))
    report = {
        "command": "python benchmarks/registry_places.py FOLDER …",
        "commit": commit.strip(),
        "pictures": len(held),
        "pairs_of_places": sum(len(group) for groups in errors for group in groups),
        "order": whole,
        "key_bits": KEY,
        "unharmed_where_chosen": unharmed(even, half[:KEY]),
        "unharmed_elsewhere": unharmed(odd, half[:KEY]),
        "chance_of_strangers": float(f"{chance(packed):.2g}"),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
