# SPDX-License-Identifier: Apache-2.0
"""A genuine photograph and packages of strangers: no combination brings an automatic AI label, or a badge.

With real files: the photograph as it is, with injected metadata, with a pasted mark, with a certificate nobody lists,
signed by a trusted camera; the packages name its very bytes, its hashes and its marks, in quarantine and accepted.
"""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.unit.labelling.test_strangers_files import AI_LABELS, GIVEN, SOURCE_TYPE, TC260, with_xmp
from tests.unit.registry.test_exchange import Sender, taken
from waarmerk.provenance.build import build_verifier
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.model import Origin
from waarmerk.provenance.registry.finder import ties, upright
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.settings import Settings
from waarmerk.watermark import Key, Payload, embed

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SAMPLES = ROOT / "samples" / "media"
LIMITS = Limits()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One photograph, and what a stranger may have made of it."""
    folder = tmp_path_factory.mktemp("photographs")
    stripped, camera = (SAMPLES / name for name in ("stripped.jpg", "camera-capture.jpg"))
    (folder / "stripped.jpg").write_bytes(stripped.read_bytes())
    (folder / "camera.jpg").write_bytes(camera.read_bytes())
    (folder / "unlisted.jpg").write_bytes((SAMPLES / "unknown-agency.jpg").read_bytes())
    (folder / "metadata.jpg").write_bytes(with_xmp(stripped.read_bytes(), SOURCE_TYPE, TC260))
    key = Key.generate(purpose="ai")
    key.save(folder / "ai.key")
    with Image.open(stripped) as picture:
        marked = embed(np.asarray(picture.convert("RGB")), key, Payload(b"pasted!!"))
    Image.fromarray(marked).save(folder / "marked.png")
    return folder


def poison(path: Path, key: Key, origin: Origin) -> tuple[Entry, tuple[Binding, ...]]:
    """What a package says of a file: its digest, its hashes, and a mark of ours that was never issued for it."""
    asset = open_asset(path, limits=LIMITS)
    hashes = [tie for tie in ties(upright(decode_rgb(asset, LIMITS))) if tie.kind is not BindingKind.LOCAL]
    mark = Binding(kind=BindingKind.WATERMARK, value=b"pasted!!", key_id=key.key_id)
    entry = Entry(
        sha256=bytes.fromhex(asset.sha256),
        media_type=asset.media_type,
        added_at="2026-11-22T12:00:00Z",
        origin=origin,
        labels=("ai-generated",),
        fact_checks=("https://check.example/fake",),
    )
    return entry, (*hashes, mark)


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        (Origin.AI_GENERATED, False),
        (Origin.AI_GENERATED, True),
        (Origin.CAPTURED, True),
        pytest.param(Origin.CAPTURED, False, marks=pytest.mark.slow),
    ],
)
def test_no_package_labels_a_photograph_by_itself(
    photographs: Path, tmp_path: Path, origin: Origin, accepted: bool
) -> None:
    key = Key.load(photographs / "ai.key")
    files = sorted(each for each in photographs.iterdir() if each.suffix != ".key")
    sender = Sender(tmp_path)
    for path in files:
        sender.add(*poison(path, key, origin))
    store = Store(str(tmp_path / "own.sqlite"), writing=True)
    store.create()
    taken(store, sender.send(), accept=accepted)
    settings = Settings(
        trust=ROOT / "samples" / "trust",
        registry=str(tmp_path / "own.sqlite"),
        context=tuple(f"{name}={value}" for name, value in GIVEN.items()),
        platforms=("tiktok", "meta", "youtube", "bluesky"),
    )
    for path, keys in product(files, ((), (photographs / "ai.key",))):
        report = build_verifier(replace(settings, keys=keys), at=AT).verify(path)
        published = {duty.rule for duty in report.duties if duty.automatic and duty.shown_to == "public"}
        assert not published & AI_LABELS, (path.name, published & AI_LABELS)
        assert not published & {"FC-exact", "FC-near-copy"}, path.name
        assert report.verdict.tier.value != "proven"
        assert all(mark.bound is not True for mark in report.marks)
        matches = [each for each in report.matches if each.verified]
        assert bool(matches) == accepted, "the attack arrives once it is accepted, and not before"
        if accepted:
            assert {each.basis for each in matches} == {"package"}
            assert (report.verdict.authentic_capture, origin is Origin.AI_GENERATED) != (True, True)
        if path.name != "camera.jpg":
            assert not report.verdict.authentic_capture
        elif not accepted and not keys:
            assert report.verdict.authentic_capture, "the genuine capture keeps its badge whatever waits in quarantine"
