# SPDX-License-Identifier: Apache-2.0
"""The same as ``test_strangers``, with real files: what a stranger writes into a photograph, through ``verify``."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Run
from waarmerk.provenance.labelling.loader import load_packs

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


def examined(run: Run, path: Path) -> dict[str, Any]:
    facts = [part for name, value in GIVEN.items() for part in ("--context", f"{name}={value}")]
    trust = ("--trust", ROOT / "samples" / "trust", "--at", "2026-11-21T12:00:00Z", "--fail-on", "")
    done = run("verify", path, *trust, *facts, "--for", "tiktok,meta,youtube,bluesky", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("photograph", ["stripped.jpg", "camera-capture.jpg", "unknown-agency.jpg"])
@pytest.mark.parametrize("attributes", [(SOURCE_TYPE,), (TC260,), (SOURCE_TYPE, TC260)], ids=["iptc", "tc260", "both"])
def test_metadata_put_into_a_photograph(
    waarmerk: Run, tmp_path: Path, photograph: str, attributes: tuple[str, ...]
) -> None:
    path = tmp_path / photograph
    path.write_bytes(with_xmp((SAMPLES / photograph).read_bytes(), *attributes))
    report = examined(waarmerk, path)
    assert report["verdict"]["tier"] == "claimed"  # the attack arrived: it is reported, and not published
    assert not report["verdict"]["authentic_capture"]
    labels = {label["rule"]: label for label in report["labels"]}
    assert "EV-ai-any-source" in labels
    published = {rule for rule, label in labels.items() if label["automatic"] and label["shown_to"] == "public"}
    assert not published & AI_LABELS


def test_the_same_look_at_a_generators_own_file_publishes(waarmerk: Run) -> None:
    labels = {label["rule"]: label for label in examined(waarmerk, SAMPLES / "ai-generated.png")["labels"]}
    assert labels["TT-autolabel-cc"]["automatic"]
