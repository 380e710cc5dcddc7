# SPDX-License-Identifier: Apache-2.0
"""How long ``label`` takes on pictures of 12 megapixels, on one core, and how large the result is.

Run: ``python benchmarks/label.py > benchmarks/label.json``. The pictures are drawn, with the grain of a photograph.
With keys and a ledger, as the command runs: then the input is searched for a mark of ours, and ``search_share`` is the
part of the median that this takes, measured in the same runs.

Afterwards ``python benchmarks/label.py --clips benchmarks/label.json [--before CHECKOUT]`` puts the memory that the
command takes for clips into that file: the most that was resident, of ``label``, of ``watermark embed`` alone, and of
``label`` as another checkout has it.
"""

import argparse
import json
import os
import platform
import subprocess
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

import numpy as np  # noqa: E402
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


CLIPS = {"1280 x 720, 20 s": 20, "1280 x 720, 40 s": 40}
RATE, HEIGHT, WIDTH = 25, 720, 1280


def filmed(path: Path, seconds: int) -> None:
    """A clip of moving waves under noise, which no codec makes small: some 4 MB a second."""
    import av  # noqa: PLC0415 - an extra, for clips alone

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    noise = np.random.default_rng(1).normal(0, 8, (HEIGHT, WIDTH, 3)).astype(np.float32)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(seconds * RATE):
            wave = 110 + 50 * np.sin((x + 3 * number) / 31)[..., None] * np.cos(y / 23)[..., None]
            frame = np.clip(wave + np.roll(noise, 7 * number, axis=1), 0, 255).astype(np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        out.mux(video.encode(None))


def peak_mib(home: Path, *arguments: object, checkout: Path | None = None) -> int:
    """The most memory that was resident while a command ran, its children included; one after the other."""
    roots = ("provenance", "watermark", "api", "cli")
    ground = checkout or Path(__file__).resolve().parent.parent
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    environment["PYTHONPATH"] = os.pathsep.join(str(ground / root) for root in roots)
    command = [sys.executable, "-m", "waarmerk.cli", *map(str, arguments)]
    with subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"waarmerk {arguments[0]} ended with {process.returncode}")
    return round(used.ru_maxrss / 1024)


def clips(target: Path, before: Path | None) -> None:
    document = json.loads(target.read_text("utf-8"))
    commit = ["git", "rev-parse", "--short", "HEAD"]
    here = Path(__file__).resolve().parent
    found: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        key = home / "ai.key"
        peak_mib(home, "watermark", "keygen", key)
        peak_mib(home, "keys", "init", "--folder", home / "keys", "--organisation", "Benchmark", "--no-passphrase")
        keys = ("--key-folder", home / "keys", "--watermark-key", key, "--ledger", home / "ledger.sqlite")
        for case, seconds in CLIPS.items():
            source, out = home / "in.mp4", home / "out.mp4"
            filmed(source, seconds)
            label = ("label", source, out, "--ai", "generated", "--no-registry", "--force", *keys)
            told: dict[str, object] = {"peak_mib": peak_mib(home, *label)}
            told |= {"bytes_before": source.stat().st_size, "bytes_after": out.stat().st_size}
            told["peak_mib_embed"] = peak_mib(home, "watermark", "embed", source, home / "marked.mp4", "--key", key)
            (home / "marked.mp4").unlink()
            if before is not None:
                told["peak_mib_earlier"] = peak_mib(home, *label, checkout=before)
            found[case] = told
    run = subprocess.run(commit, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    names = ("waarmerk", "c2pa-python", "av", "numpy")
    document["clips"] = {
        "command": "python benchmarks/label.py --clips benchmarks/label.json --before CHECKOUT",
        "commit": run,
        "versions": {name: version(name) for name in names},
        "cases": found,
    }
    target.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def run() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--clips", type=Path, metavar="JSON")
    asked.add_argument("--before", type=Path, metavar="CHECKOUT")
    given = asked.parse_args()
    if given.clips is None:
        main()
    else:
        clips(given.clips, given.before)


if __name__ == "__main__":
    run()
