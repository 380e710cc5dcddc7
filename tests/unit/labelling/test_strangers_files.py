# SPDX-License-Identifier: Apache-2.0
"""The same as ``test_strangers``, with real files: what a stranger writes into a photograph, through ``verify``."""

import json
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import AT, ROOT, Run
from tests.unit.marks.writing import MARKS, mark
from waarmerk.provenance.credentials.certificates import OwnAuthority
from waarmerk.provenance.credentials.signing_folder import write_folder
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.watermark import Key, Payload, embed

SAMPLES = ROOT / "samples" / "media"
PACKS = load_packs()
AI_LABELS = {rule.id for rule in PACKS.rules if rule.shown_to == "public" and rule.uses_ai_finding} - {"EV-unknown"}
GIVEN = {
    "jur": "NL,CN,IN,KR",
    "role": "platform",
    "professional": "yes",
    "vlop": "yes",
    "exists_or_plausible": "yes",
    "appears_authentic": "yes",
    "election_period": "yes",
    "political_ad": "no",
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TERM = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SOURCE_TYPE = f'xmlns:e="{IPTC}" e:DigitalSourceType="{TERM}"'
TC260 = 'xmlns:t="http://www.tc260.org.cn/ns/AIGC/1.0/" t:AIGC="{&quot;Label&quot;:&quot;1&quot;}"'


def with_xmp(jpeg: bytes, *attributes: str) -> bytes:
    """The picture with an XMP packet put right behind its first marker."""
    description = f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description {" ".join(attributes)}/></rdf:RDF>'
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{description}</x:xmpmeta>'
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


Reports = list[dict[str, Any]]


def examined(run: Run, *paths: Any, trust: Path = ROOT / "samples" / "trust") -> Reports:
    facts = [part for name, value in GIVEN.items() for part in ("--context", f"{name}={value}")]
    basis = ("--trust", trust, "--at", "2026-11-21T12:00:00Z", "--fail-on", "")
    done = run("verify", *paths, *basis, *facts, "--for", "tiktok,meta,youtube,bluesky", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_reported_and_not_published(report: dict[str, Any], *, tier: str = "claimed") -> None:
    """The attack arrived, as a claim at most, and nothing goes out without a person."""
    assert report["verdict"]["tier"] == tier
    assert not report["verdict"]["authentic_capture"]
    labels = {label["rule"]: label for label in report["labels"]}
    assert ("EV-ai-any-source" in labels) == (tier == "claimed")
    published = {rule for rule, label in labels.items() if label["automatic"] and label["shown_to"] == "public"}
    assert not published & AI_LABELS


def test_metadata_put_into_a_photograph(waarmerk: Run, tmp_path: Path) -> None:
    for name, attributes in {"iptc": (SOURCE_TYPE,), "tc260": (TC260,), "both": (SOURCE_TYPE, TC260)}.items():
        for photograph in ("stripped.jpg", "camera-capture.jpg", "unknown-agency.jpg"):
            (tmp_path / f"{name}-{photograph}").write_bytes(with_xmp((SAMPLES / photograph).read_bytes(), *attributes))
    reports = examined(waarmerk, *sorted(tmp_path.iterdir()))
    assert len(reports) == 9
    for report in reports:
        assert_reported_and_not_published(report)


def test_a_certificate_that_nobody_lists(waarmerk: Run, tmp_path: Path) -> None:
    """The generator's own file, its authority not trusted: as good as a self-made certificate."""
    (report,) = examined(waarmerk, SAMPLES / "ai-generated.png", trust=tmp_path)
    assert report["credentials"]["signer"]["status"] == "unknown"
    assert_reported_and_not_published(report)
    required = {label["rule"] for label in report["labels"] if label["status"] == "required"}
    assert "TT-autolabel-cc" in required


def test_a_mark_pasted_onto_a_photograph(waarmerk: Run, tmp_path: Path) -> None:
    key = Key.generate(purpose="ai")
    key.save(tmp_path / "ai.key")
    with Image.open(SAMPLES / "camera-capture.jpg") as picture:
        marked = embed(np.asarray(picture.convert("RGB")), key, Payload(b"pasted!!"))
    Image.fromarray(marked).save(tmp_path / "pasted.png")
    (report,) = examined(waarmerk, tmp_path / "pasted.png", "--key", tmp_path / "ai.key")
    assert report["watermarks"][0]["detected"]
    assert report["watermarks"][0]["bound"] is not True
    assert_reported_and_not_published(report)


ALIKE = tuple(
    each for each in MARKS if each not in ("stable-diffusion-1", "stable-diffusion-2")
)  # as the first of them


@pytest.mark.parametrize(
    "which",
    [
        "stable-diffusion-1",
        "stable-diffusion-2",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ALIKE),
    ],
)
def test_an_open_mark_pasted_onto_a_photograph(waarmerk: Run, tmp_path: Path, which: str) -> None:
    for name in ("stripped.jpg", "camera-capture.jpg"):
        with Image.open(SAMPLES / name) as picture:
            Image.fromarray(mark(np.asarray(picture.convert("RGB")), which)).save(tmp_path / f"{name}.png")
    reports = examined(waarmerk, *sorted(tmp_path.glob("*.png")), "--open-marks")
    assert len(reports) == 2
    for report in reports:
        assert [each["scheme"] for each in report["watermarks"]] == [f"dwtDct:{which}"]
        assert_reported_and_not_published(report, tier="suspected" if which == "stable-diffusion-2" else "claimed")


TOGETHER = tuple(product((False, True), repeat=4))
# Any three of the four occur in every combination among the eight with an even number of them.
EVERY_THREE = tuple(case for case in TOGETHER if sum(case) % 2 == 0)


@pytest.mark.parametrize("cases", [EVERY_THREE, pytest.param(TOGETHER, marks=pytest.mark.slow)], ids=["three", "all"])
def test_everything_at_once(waarmerk: Run, tmp_path: Path, cases: tuple[tuple[bool, ...], ...]) -> None:
    """Marks, metadata, a self-made certificate and a registry with a lie in it, in combination, on one photograph."""
    key, folder = Key.generate(purpose="ai"), tmp_path / "files"
    key.save(tmp_path / "ai.key")
    folder.mkdir()
    authority = OwnAuthority.create("Persbureau Nergens", at=AT - timedelta(days=1))
    leaf = authority.issue(at=AT - timedelta(days=1))
    write_folder(tmp_path / "self-made", authority, leaf, about="", passphrase=None)
    with Image.open(SAMPLES / "stripped.jpg") as picture:
        plain = np.asarray(picture.convert("RGB"))
    for own, opened, metadata, signed in cases:
        pixels = embed(plain, key, Payload(b"pasted!!")) if own else plain
        pixels = mark(pixels, "stable-diffusion-1") if opened else pixels
        path = folder / f"{own:d}{opened:d}{metadata:d}{signed:d}.jpg"
        Image.fromarray(pixels).save(path, quality=97, subsampling=0)
        if metadata:
            path.write_bytes(with_xmp(path.read_bytes(), SOURCE_TYPE, TC260))
        if signed:
            unsigned = path.rename(tmp_path / path.name)
            keys = ("--key-folder", tmp_path / "self-made", "--at", "2026-11-21T11:00:00Z")
            done = waarmerk("sign", unsigned, path, "--ai", "generated", *keys)
            assert done.returncode == 0, done.stderr
    lie = ("--origin", "generated", "--label", "ai-generated", "--source", "a stranger's list")
    done = waarmerk("registry", "add", SAMPLES / "stripped.jpg", "--registry", tmp_path / "lie.sqlite", *lie)
    assert done.returncode == 0, done.stderr
    searches = ("--key", tmp_path / "ai.key", "--open-marks")
    everything = sorted(folder.iterdir())
    lied_about = [path for path in everything if path.stem in ("0000", "0110", "1011", "0111", "1111")]
    for registry, files in (((), everything), (("--registry", tmp_path / "lie.sqlite"), lied_about)):
        reports = examined(waarmerk, *files, *searches, *registry)
        assert len(reports) == (3 + 2 * (cases is TOGETHER) if registry else len(cases))
        for report in reports:
            own, opened, metadata, signed = (letter == "1" for letter in report["asset"]["name"][:4])
            expected = {
                "unknown-signer": signed,
                "unsigned-metadata": metadata,
                "mark": own or opened,
                "registry": bool(registry),
            }
            assert report["verdict"]["claimed_by"] == [name for name, said in expected.items() if said]
            assert_reported_and_not_published(report, tier="claimed" if any(expected.values()) else "none")
            found = {each["scheme"].split(":")[0] for each in report["watermarks"] if each["detected"]}
            assert ("dwtDct" in found, len(found)) == (opened, own + opened)


def test_the_same_look_at_a_generators_own_file_publishes(waarmerk: Run) -> None:
    (report,) = examined(waarmerk, SAMPLES / "ai-generated.png")
    labels = {label["rule"]: label for label in report["labels"]}
    assert labels["TT-autolabel-cc"]["automatic"]
