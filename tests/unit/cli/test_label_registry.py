# SPDX-License-Identifier: Apache-2.0
"""What is labelled is found again: ``label`` enters it into the registry, unless it is told not to."""

import json
from pathlib import Path

from PIL import Image

from tests.conftest import Run
from tests.unit.marking.conftest import AT as CLOCK
from tests.unit.marking.conftest import Desk, desk
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_recovery, build_verifier
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.registry.model import Basis, BindingKind
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.report.summary import summary
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings

__all__ = ["desk"]
AT = ("--at", "2026-11-21T12:00:00Z")


def options(desk: Desk) -> tuple[str | Path, ...]:
    """The options that name what is the campaign's own."""
    at = desk.folder
    return ("--key-folder", at / "keys", "--watermark-key", at / "mark.key", "--trust", at / "trust")


def test_labelled_entered_stripped_and_bound_by_the_registry_alone(desk: Desk, tmp_path: Path, waarmerk: Run) -> None:
    Image.fromarray(scene(600, 800, 5)).save(tmp_path / "source.jpg", quality=92)
    out = tmp_path / "out.jpg"
    done = waarmerk("label", tmp_path / "source.jpg", out, "--ai", "generated", *options(desk), *AT)
    assert done.returncode == 0, done.stderr
    assert "in your registry as r1" in " ".join(done.stdout.split())
    own = tmp_path / "data" / "waarmerk" / "registry" / "registry.sqlite"
    assert f"Your registry: {own}" in done.stdout
    assert f"Your ledger: {own.parents[1] / 'ledger.sqlite'}" in done.stdout
    store = Store(str(own))
    (entry,) = store.entries()
    assert (entry.basis, entry.labels, entry.published) == (Basis.ISSUED, ("ai-generated",), False)
    assert entry.manifest is not None
    assert entry.manifest_label is not None
    kinds = {tie.kind for tie in store.bindings_of(1)[1]}
    assert kinds == {BindingKind.WATERMARK, BindingKind.PHASH, BindingKind.PDQ, BindingKind.LOCAL}

    with Image.open(out) as image:
        image.convert("RGB").save(tmp_path / "copy.jpg", quality=75)
    settings = Settings(trust=desk.folder / "trust", keys=(desk.folder / "mark.key",), registry=str(own))
    report = build_verifier(settings).verify(tmp_path / "copy.jpg")
    assert [(mark.detected, mark.bound) for mark in report.marks] == [(True, True)]
    assert (report.verdict.tier.value, report.verdict.origin.value) == ("proven", "ai-generated")
    assert "parts of it may have been changed" in summary(report, wording("en"))

    # The very file that was issued: by the registry alone, and by the ledger alone.
    for source in ({"registry": str(own)}, {"ledger": tmp_path / "data" / "waarmerk" / "ledger.sqlite"}):
        issued = build_verifier(Settings(keys=(desk.folder / "mark.key",), **source)).verify(out)
        assert [(mark.detected, mark.bound) for mark in issued.marks] == [(True, True)]
        assert "byte for byte the file as it was issued" in summary(issued, wording("en"))
        assert not [each for each in issued.verdict.concerns if each.code.startswith("watermark.")]

    back = waarmerk("registry", "recover", tmp_path / "copy.jpg", "--trust", desk.folder / "trust", *AT)
    assert (back.returncode, "signature holds" in back.stdout) == (0, True), back.stderr

    # What was issued stays that, whatever a fact-check says of it later.
    review = build_recovery(settings, at=CLOCK)
    assert review.add(tmp_path / "copy.jpg", Wishes(), at=CLOCK).basis is Basis.ENTERED
    Store(str(own), writing=True).check(1, labels=["x"], fact_checks=["https://check.example/1"], at=CLOCK)
    assert store.entries()[0].basis is Basis.ISSUED


def test_opting_out_and_a_registry_that_does_not_take_it(desk: Desk, tmp_path: Path, waarmerk: Run) -> None:
    Image.fromarray(scene(400, 500, 6)).save(tmp_path / "source.png")
    label = ("label", tmp_path / "source.png")
    for number, out in enumerate((("--no-registry",), ("--no-ledger",), ("--dry-run",))):
        done = waarmerk(*label, tmp_path / f"{number}.png", "--ai", "modified", *options(desk), *out, *AT)
        assert done.returncode == 0, done.stderr
        assert not (tmp_path / "data" / "waarmerk" / "registry").exists()
    known = tmp_path / "known.sqlite"
    done = waarmerk(*label, tmp_path / "none.png", "--ai", "none", *options(desk), "--registry", known, *AT)
    assert (done.returncode, known.exists()) == (0, False), "what is not AI proposes nothing"

    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database" * 100)
    done = waarmerk(*label, tmp_path / "out.png", "--ai", "generated", *options(desk), "--registry", broken, *AT)
    assert (done.returncode, "registry add" in done.stderr) == (1, True)
    assert (tmp_path / "out.png").exists()
    (report,) = json.loads(waarmerk("verify", tmp_path / "out.png", "--format", "json", *AT).stdout)
    assert report["credentials"]["integrity"] == "intact"
