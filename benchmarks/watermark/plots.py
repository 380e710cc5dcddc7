# SPDX-License-Identifier: Apache-2.0
"""Draw the committed results: python benchmarks/watermark/plots.py (matplotlib; reads and writes its own folder)."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent
TRANSLATIONS = 125 * 125 * 4


def draw_curves(report: dict[str, dict[str, list[int]]]) -> None:
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, (hit, tried) in report["curves"].items():
        label, value = name.rsplit("=", 1)
        curves[label].append((float(value), hit / tried))
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.5), sharey=True, layout="constrained")
    for axis, (label, points) in zip(axes.flat, curves.items(), strict=True):
        xs, ys = zip(*sorted(points), strict=True)
        axis.plot(xs, ys, "o-", color="#16508c")
        axis.set_xlabel(label)
        axis.set_ylim(-0.03, 1.03)
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("exact payload recovered")
    axes[1, 0].set_ylabel("exact payload recovered")
    figure.savefig(HERE / "curves.png", dpi=100)


def draw_tail(report: dict[str, object]) -> None:
    points = [(t, p) for t, p in report["pilot_tail"] if p > 0]
    poses = report["mean_poses"]
    xs = [3 + 0.05 * n for n in range(100)]
    figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    axis.semilogy(
        *zip(*points, strict=True), "o", color="#16508c", label=f"best pilot z of {report['searches']} searches"
    )
    bound = [min(1.0, poses * TRANSLATIONS * math.exp(-t * t / 2)) for t in xs]
    axis.semilogy(xs, bound, "-", color="#a03020", label="bound: hypotheses tried × exp(−z²/2)")
    axis.axhline(1 / report["searches"], color="grey", lw=0.6)
    axis.set_xlabel("z")
    axis.set_ylabel("share of searches above z")
    axis.set_ylim(1e-6, 2)
    axis.legend()
    axis.grid(alpha=0.3)
    figure.savefig(HERE / "false_positives.png", dpi=100)


def write_table(report: dict[str, object]) -> None:
    lines = [
        f"Recovery of the exact 64-bit payload at {report['psnr'][0]} to {report['psnr'][1]} dB, "
        f"{report['images']} images, commit {report['run']['commit']}; wrong payloads: {report['wrong_payloads']}.",
        "",
        "| attack | recovered | rate |",
        "|---|---|---|",
    ]
    rates = sorted(report["attacks"].items(), key=lambda e: (not e[0].startswith(("all", "group")), e[1][0] / e[1][1]))
    lines += [f"| {name} | {hit}/{tried} | {hit / tried:.3f} |" for name, (hit, tried) in rates]
    (HERE / "attacks.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    for name, draw in (("attacks", draw_curves), ("attacks", write_table), ("false_positives", draw_tail)):
        path = HERE / f"{name}.json"
        if path.exists():
            draw(json.loads(path.read_text()))


if __name__ == "__main__":
    main()
