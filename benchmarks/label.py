# SPDX-License-Identifier: Apache-2.0
"""How long ``label`` takes on pictures of 12 megapixels, on one core, and how large the result is.

Run: ``python benchmarks/label.py > benchmarks/label.json``. The pictures are drawn, with the grain of a photograph.
With keys and a ledger, as the command runs: then the input is searched for a mark of ours, and ``search_share`` is the
part of the median that this takes, measured in the same runs.
"""

import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["OMP_NUM_THREADS"] = "1"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from PIL import Image  # noqa: E402

from tests.unit.marking.pictures import scene  # noqa: E402
from waarmerk.provenance.build import build_labeller  # noqa: E402
from waarmerk.provenance.credentials.certificates import OwnAuthority  # noqa: E402
from waarmerk.provenance.credentials.signing_folder import load_folder, write_folder  # noqa: E402
from waarmerk.provenance.marking.plan import Says, Wishes  # noqa: E402
from waarmerk.provenance.marking.watermark import Marker  # noqa: E402
from waarmerk.provenance.model import Asset, MarkFinding  # noqa: E402
from waarmerk.provenance.settings import Settings  # noqa: E402
from waarmerk.watermark import Key  # noqa: E402

CASES = {
    "12 MP JPEG 92": ((3000, 4000), "jpg", {"quality": 92}),
    "12 MP JPEG 80": ((3000, 4000), "jpg", {"quality": 80}),
    "2 MP JPEG 90": ((1080, 1920), "jpg", {"quality": 90}),
    "2 MP PNG": ((1080, 1920), "png", {}),
    "2 MP WebP 90": ((1080, 1920), "webp", {"quality": 90}),
}
RUNS = 3


def main() -> None:
    at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = OwnAuthority.create("Benchmark", at=at)
        write_folder(folder / "keys", authority, authority.issue(at=at), about="", passphrase=None)
        key = Key.generate("ai")
        key.save(folder / "ai.key")
        labeller = build_labeller(
            Settings(keys=(folder / "ai.key",), ledger=folder / "ledger.sqlite"),
            at=at,
            signer=load_folder(folder / "keys"),
            marker=Marker(key=key, draw=os.urandom),
            ledger=folder / "ledger.sqlite",
        )
        searching: list[float] = []

        def marks(asset: Asset) -> tuple[MarkFinding, ...]:
            begun = time.perf_counter()
            seen = labeller.admission.marks(asset)
            searching.append(time.perf_counter() - begun)
            return seen

        timed = replace(labeller, admission=replace(labeller.admission, marks=marks))
        found = {}
        for case, (size, extension, how) in CASES.items():
            source = folder / f"in.{extension}"
            Image.fromarray(scene(*size, 8)).save(source, **how)
            seconds, ratio = [], 0.0
            searching.clear()
            for _ in range(RUNS):
                start = time.perf_counter()
                prepared = timed.prepare(source, Wishes(says=Says.GENERATED))
                done = timed.write(prepared, folder / f"out.{extension}", force=True)
                seconds.append(time.perf_counter() - start)
                ratio = done.bytes_after / done.bytes_before
            found[case] = {
                "seconds_first": round(seconds[0], 2),
                "seconds_median": round(sorted(seconds)[RUNS // 2], 2),
                "search_share": round(sorted(searching)[RUNS // 2] / sorted(seconds)[RUNS // 2], 3),
                "bytes_before": source.stat().st_size,
                "size_ratio": round(ratio, 3),
            }
    machine = {"python": platform.python_version(), "cores_used": 1, "processor": platform.machine()}
    versions = {
        name: version(name) for name in ("waarmerk", "pillow", "numpy", "c2pa-python", "opencv-python-headless")
    }
    print(json.dumps({"machine": machine, "versions": versions, "cases": found}, indent=2))


if __name__ == "__main__":
    main()
