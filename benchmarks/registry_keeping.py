# SPDX-License-Identifier: Apache-2.0
"""What keeping costs: ``python benchmarks/registry_keeping.py FOLDER [postgresql://…]``.

Prints JSON: time to add one entry to a small and to a larger registry, on each engine; to export and take in a package;
to read one entry. Ratios within one run count, absolute times are those of a shared machine.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from waarmerk.provenance.model import Origin
from waarmerk.provenance.registry import exchange, package
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry
from waarmerk.provenance.registry.store import Store

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
MANY, FEW = 3000, 200


def entry(number: int) -> tuple[Entry, tuple[Binding, ...]]:
    made = Entry(
        sha256=number.to_bytes(32),
        media_type="image/jpeg",
        added_at="2026-11-22T12:00:00Z",
        width=800,
        height=600,
        origin=Origin.AI_GENERATED,
        labels=("ai-generated",),
        published=True,
    )
    sizes = ((BindingKind.PHASH, 8), (BindingKind.PDQ, 32), (BindingKind.LOCAL, 1024))
    return made, tuple(Binding(kind=kind, value=os.urandom(size)) for kind, size in sizes)


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def adding(store: Store, start: int, count: int) -> float:
    """Milliseconds an entry."""

    def add() -> None:
        for number in range(start, start + count):
            store.add(*entry(number))

    return round(1000 * timed(add) / count, 2)


def measure(url: str, folder: Path) -> dict[str, object]:
    store = Store(url, folder=folder / "index", writing=True)
    store.create()
    small = adding(store, 1, FEW)
    adding(store, FEW + 1, MANY)
    large = adding(store, FEW + MANY + 1, FEW)
    key = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public_key = key.public_key().public_bytes(serialization.Encoding.DER, form)
    made: list[bytes] = []
    told = {"name": "Bench", "public_key": public_key, "algorithm": "Ed25519", "sign": key.sign, "at": AT}
    exporting = timed(lambda: made.append(exchange.export(store, **told)[0]))  # type: ignore[arg-type]
    other = Store(str(folder / f"taken-{store.engine.dialect.name}.sqlite"), writing=True)
    other.create()
    taking = timed(lambda: exchange.take(other, package.read(made[0]), at=AT))
    reading = timed(lambda: [store.of_file(number.to_bytes(32)) for number in range(1, 201)]) / 200
    erasing = timed(lambda: store.remove(range(1, 11), at=AT))
    store.close()
    return {
        "entries": 2 * FEW + MANY,
        "add_ms_at_start": small,
        "add_ms_at_end": large,
        "add_ratio": round(large / small, 2),
        "read_by_digest_ms": round(1000 * reading, 2),
        "export_s": round(exporting, 2),
        "package_bytes_an_item": round(len(made[0]) / (2 * FEW + MANY)),
        "take_s": round(taking, 2),
        "erase_10_ms": round(1000 * erasing, 1),
    }


def main() -> None:
    folder = Path(sys.argv[1])
    found = {"sqlite": measure(str(folder / "bench.sqlite"), folder)}
    if len(sys.argv) > 2:
        found["postgresql"] = measure(sys.argv[2], folder)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
