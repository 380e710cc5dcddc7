# SPDX-License-Identifier: Apache-2.0
"""Peers beside us, each in its own environment (they pull torch and a second OpenCV), never a dependency.

    python -m venv /tmp/peers
    /tmp/peers/bin/pip install torch==2.13.0 && /tmp/peers/bin/pip install invisible-watermark blind-watermark
    python benchmarks/watermark/peers.py --peers-python /tmp/peers/bin/python --json peers.json

All take turns on one 1 MP image, one thread each, so that the load of the machine falls on all; ``--image`` replaces
the texture made from numbers.  Every method carries the same 64 bits at its own default strength and is asked for all
of them back.  ``blind-watermark`` is told the number of bits and its passwords, as its own interface wants it; it gives
bits back whatever it is shown, so that "recovered" means exactly the bits that were sent.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hosts import make_host
from PIL import Image
from provenance_of_run import describe_run

THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
REPEATS = 5
MADE = ("texture", 1024, 1024, 1)  # the image unless another is given

PEER = """
import json, sys, time, cv2, io, numpy as np
from PIL import Image
cv2.setNumThreads(1)
from imwatermark import WatermarkDecoder, WatermarkEncoder
image = cv2.imread(sys.argv[1]); mark = b"12345678"
mp = image.shape[0] * image.shape[1] / 1e6
rows = {}
for method in ("dwtDct", "dwtDctSvd"):
    coder = WatermarkEncoder(); coder.set_watermark("bytes", mark)
    t = time.perf_counter(); marked = coder.encode(image, method); embed = time.perf_counter() - t
    t = time.perf_counter(); clean = WatermarkDecoder("bytes", 64).decode(marked, method)
    detect = time.perf_counter() - t
    def back(picture):
        try: return WatermarkDecoder("bytes", 64).decode(picture, method) == mark
        except Exception: return False
    ok, data = cv2.imencode(".jpg", marked, [cv2.IMWRITE_JPEG_QUALITY, 50])
    h, w = marked.shape[:2]
    turn = cv2.warpAffine(marked, cv2.getRotationMatrix2D((w / 2, h / 2), 10, 1), (w, h))
    rows[method] = {"embed_ms_per_mp": 1e3 * embed / mp, "detect_ms_per_mp": 1e3 * detect / mp,
        "psnr": cv2.PSNR(image, marked), "identity": clean == mark, "jpeg_50": back(cv2.imdecode(data, 1)),
        "resize_0.75": back(cv2.resize(marked, (int(w * .75), int(h * .75)), interpolation=cv2.INTER_AREA)),
        "crop_shift_3px": back(marked[3:, 3:]), "rotate_10": back(turn)}
print(json.dumps(rows))
"""

BLIND = """
import json, sys, time, cv2, numpy as np
cv2.setNumThreads(1)
from blind_watermark import WaterMark
image = cv2.imread(sys.argv[1]); mark = np.unpackbits(np.frombuffer(b"12345678", np.uint8)).astype(bool)
mp = image.shape[0] * image.shape[1] / 1e6
def make():
    return WaterMark(password_img=1, password_wm=1)
t = time.perf_counter()
coder = make(); coder.read_img(img=image); coder.read_wm(mark.copy(), mode="bit")
marked = np.clip(np.rint(coder.embed()), 0, 255).astype(np.uint8)
embed = time.perf_counter() - t
def back(picture):
    try: return bool(np.array_equal(np.asarray(make().extract(embed_img=picture, wm_shape=64, mode="bit")) > 0.5, mark))
    except Exception: return False
t = time.perf_counter(); clean = back(marked); detect = time.perf_counter() - t
ok, data = cv2.imencode(".jpg", marked, [cv2.IMWRITE_JPEG_QUALITY, 50])
h, w = marked.shape[:2]
turn = cv2.warpAffine(marked, cv2.getRotationMatrix2D((w / 2, h / 2), 10, 1), (w, h))
print(json.dumps({"blind-watermark": {"embed_ms_per_mp": 1e3 * embed / mp, "detect_ms_per_mp": 1e3 * detect / mp,
    "psnr": cv2.PSNR(image, marked), "identity": clean, "jpeg_50": back(cv2.imdecode(data, 1)),
    "resize_0.75": back(cv2.resize(marked, (int(w * .75), int(h * .75)), interpolation=cv2.INTER_AREA)),
    "crop_shift_3px": back(marked[3:, 3:].copy()), "rotate_10": back(turn)}}))
"""

OURS = """
import json, sys, time, cv2, io, resource, numpy as np
from PIL import Image
cv2.setNumThreads(1)
from waarmerk.watermark import Key, Payload, detect, embed
image = np.asarray(Image.open(sys.argv[1]).convert("RGB")); mark = Payload(b"12345678")
key, other = (Key.generate(random_bytes=lambda n, s=s: bytes(range(s, s + n))) for s in (0, 9))
mp = image.shape[0] * image.shape[1] / 1e6
h, w = image.shape[:2]
def timed(call):
    t = time.perf_counter(); out = call(); return 1e3 * (time.perf_counter() - t) / mp, out
embed(image[:256, :256], key, mark, best_effort=True)
e, marked = timed(lambda: embed(image, key, mark))
turn = cv2.warpAffine(marked, cv2.getRotationMatrix2D((w / 2, h / 2), 10, 1), (w, h), flags=cv2.INTER_CUBIC)
def jpeg(a):
    b = io.BytesIO(); Image.fromarray(a).save(b, "JPEG", quality=50); return np.asarray(Image.open(b))
d, found = timed(lambda: detect(marked, key))
r, turned = timed(lambda: detect(turn, key))
x, empty = timed(lambda: detect(image, key))
small = cv2.resize(marked, (int(w * .75), int(h * .75)), interpolation=cv2.INTER_AREA)
back = lambda a: detect(np.ascontiguousarray(a), key).payload == mark
print(json.dumps({"ring/1": {"embed_ms_per_mp": e, "detect_ms_per_mp": d, "rotated_ms_per_mp": r, "empty_ms_per_mp": x,
    "psnr": cv2.PSNR(image, marked), "identity": found.payload == mark, "jpeg_50": back(jpeg(marked)),
    "resize_0.75": back(small), "crop_shift_3px": back(marked[3:, 3:]), "rotate_10": turned.payload == mark,
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""


def run(python: str, code: str, image: Path) -> dict[str, dict[str, float]]:
    out = subprocess.run(
        [python, "-c", code, str(image)], env={**os.environ, **THREADS}, capture_output=True, text=True, check=True
    )
    return json.loads(out.stdout.strip().splitlines()[-1])


def take_turns(peers_python: str, image: Path, repeats: int) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for _ in range(repeats):
        for python, code in ((sys.executable, OURS), (peers_python, PEER), (peers_python, BLIND)):
            for name, row in run(python, code, image).items():
                best = rows.setdefault(name, row)
                best.update({k: min(best[k], v) for k, v in row.items() if k.endswith("ms_per_mp")})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", required=True)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = arguments.image
        if image is None:
            image = Path(folder) / "host.png"
            Image.fromarray(make_host(*MADE)).save(image)
        rows = take_turns(arguments.peers_python, image, arguments.repeats)
    theirs, ours = rows["dwtDctSvd"], rows["ring/1"]
    ratios = {
        "embed": ours["embed_ms_per_mp"] / theirs["embed_ms_per_mp"],
        "detect_upright": ours["detect_ms_per_mp"] / theirs["detect_ms_per_mp"],
        "detect_rotated": ours["rotated_ms_per_mp"] / theirs["detect_ms_per_mp"],
        "empty_search": ours["empty_ms_per_mp"] / theirs["detect_ms_per_mp"],
    }
    host = "an image of its own" if arguments.image else f"hosts.make_host{MADE}"
    run_of = {**describe_run(), "host": host, "repeats": arguments.repeats}
    report = {"run": run_of, "rows": rows, "ratios_to_dwtDctSvd": ratios}
    arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
