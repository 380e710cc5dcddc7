# SPDX-License-Identifier: Apache-2.0
"""Verify the samples from Python: ``python samples/quickstart.py``."""

from datetime import UTC, datetime
from pathlib import Path

from waarmerk.provenance import Settings, build_verifier

HERE = Path(__file__).parent


def main() -> None:
    verifier = build_verifier(Settings(trust=HERE / "trust"), at=datetime(2026, 11, 21, 12, tzinfo=UTC))
    for path in sorted((HERE / "media").iterdir()):
        report = verifier.verify(path)
        verdict = report.verdict
        print(f"{path.name:28} {verdict.origin:12} {verdict.tier:9} authentic capture: {verdict.authentic_capture}")


if __name__ == "__main__":
    main()
