# SPDX-License-Identifier: Apache-2.0
"""``registry recover`` from one's own registry: beside the copy, within it, and what is said of either."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run
from tests.unit.marking.conftest import AT, Desk, desk
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_recovery, build_verifier
from waarmerk.provenance.credentials.container import find_stores
from waarmerk.provenance.credentials.embed import embedded
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import CredentialState, Integrity, SignerStatus
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.settings import Settings

__all__ = ["desk"]
CLOCK = ("--at", "2026-11-22T12:00:00Z")
TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


def store_in(data: bytes, kind: str) -> tuple[bytes, int, int]:
    (found,) = find_stores(Window(BytesIO(data), len(data)), TYPES[kind], Limits())
    return found.data, found.start, found.end


def without_store(data: bytes, kind: str) -> bytes:
    """Nothing but the store taken away, as a careful stripper does."""
    _, start, end = store_in(data, kind)
    bare = data[:start] + data[end:]
    return bare[:4] + (len(bare) - 8).to_bytes(4, "little") + bare[8:] if kind == "webp" else bare


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_what_only_lost_its_credentials_gets_them_back_whole(desk: Desk, tmp_path: Path, kind: str) -> None:
    how = {"lossless": True} if kind == "webp" else {}
    Image.fromarray(scene(400, 500, 5)).save(tmp_path / f"source.{kind}", **how)
    desk.label(tmp_path / f"source.{kind}", tmp_path / f"original.{kind}")
    data = (tmp_path / f"original.{kind}").read_bytes()
    store, _, _ = store_in(data, kind)
    bare = without_store(data, kind)
    (tmp_path / f"bare.{kind}").write_bytes(bare)
    back = embedded(bare, TYPES[kind], store, Limits())
    assert back == data
    with pytest.raises(UnsupportedAsset, match="of its own"):
        embedded(data, TYPES[kind], store, Limits())
    with pytest.raises(UnsupportedAsset, match="JPEG, PNG and WebP"):
        embedded(b"GIF89a", "image/gif", store, Limits())


def test_beside_and_within_a_changed_copy(desk: Desk, tmp_path: Path, waarmerk: Run) -> None:
    Image.fromarray(scene(600, 800, 5)).save(tmp_path / "source.jpg", quality=92)
    desk.label(tmp_path / "source.jpg", tmp_path / "original.jpg")
    where, trust = ("--registry", tmp_path / "known.sqlite"), desk.folder / "trust"
    settings = Settings(registry=str(tmp_path / "known.sqlite"), trust=trust)
    build_recovery(settings, at=AT).add(tmp_path / "original.jpg", Wishes(), at=AT)
    with Image.open(tmp_path / "original.jpg") as image:
        image.convert("RGB").save(tmp_path / "copy.jpg", quality=70)
    out, side = tmp_path / "back.jpg", tmp_path / "side.c2pa"
    recovering = ("registry", "recover", tmp_path / "copy.jpg", *where, "--trust", trust, *CLOCK)
    done = waarmerk(*recovering, "--attach", out)
    assert (done.returncode, done.stderr) == (0, "")
    told = " ".join(done.stdout.split())
    assert "Their signature holds" in told
    assert "about another file than" in told
    report = build_verifier(Settings(trust=trust), at=AT).verify(out)
    assert report.credential is not None
    assert report.credential.state is CredentialState.EMBEDDED
    assert (report.credential.integrity, report.credential.signer.status) == (Integrity.ALTERED, SignerStatus.USER)
    assert not report.verdict.authentic_capture
    assert waarmerk(*recovering, "--sidecar", side, "--lang", "nl").returncode == 0
    assert side.read_bytes() == store_in((tmp_path / "original.jpg").read_bytes(), "jpg")[0]
    assert waarmerk(*recovering, "--attach", out).returncode == 2, "never overwritten"
    assert waarmerk(*recovering, "--attach", out, "--sidecar", side).returncode == 2
    assert waarmerk(*recovering, "--attach", tmp_path / "copy.jpg", "--force").returncode == 2, "nor the input"
    assert json.loads(waarmerk("verify", out, "--format", "json", *CLOCK).stdout)[0]["status"] == "examined"


def test_of_a_known_whole_without_credentials_nothing_else_is_written(tmp_path: Path, waarmerk: Run) -> None:
    media = Path(__file__).resolve().parents[3] / "samples" / "media"
    recovery = build_recovery(Settings(registry=str(tmp_path / "known.sqlite")), at=AT)
    recovery.add(media / "camera-capture.jpg", Wishes(), at=AT)
    with Image.open(media / "ai-edited.jpg") as image:
        image.convert("RGB").save(tmp_path / "edit.jpg", quality=90)
        image.convert("RGB").save(tmp_path / "copy.jpg", quality=60)
    recovery.add(tmp_path / "edit.jpg", Wishes(), at=AT)
    done = waarmerk("registry", "recover", tmp_path / "copy.jpg", "--registry", tmp_path / "known.sqlite", *CLOCK)
    assert done.returncode == 1
    assert "is the whole of r2, of which no Content Credentials are kept" in " ".join(done.stdout.split())
    assert not (tmp_path / "copy.jpg.original.c2pa").exists()


@pytest.mark.slow
def test_what_differs_is_said_and_the_others_are_named(tmp_path: Path, waarmerk: Run) -> None:
    media = Path(__file__).resolve().parents[3] / "samples" / "media"
    settings = Settings(registry=str(tmp_path / "known.sqlite"))
    recovery = build_recovery(settings, at=AT)
    recovery.add(media / "camera-capture.jpg", Wishes(), at=AT)
    with Image.open(media / "ai-edited.jpg") as image:
        edit = image.convert("RGB")
    edit.save(tmp_path / "edit.jpg", quality=90)  # its credentials are lost
    edit.save(tmp_path / "whole.jpg", quality=60)
    edit.crop((64, 48, 608, 456)).save(tmp_path / "crop.jpg", quality=60)

    def recovered(name: str, *more: str) -> tuple[int, str]:
        done = waarmerk("registry", "recover", tmp_path / name, "--registry", tmp_path / "known.sqlite", *CLOCK, *more)
        return done.returncode, " ".join(done.stdout.split())

    status, told = recovered("whole.jpg")
    assert status == 0
    assert "is not the whole of r1: 100 % of it is seen, and something differs" in told
    assert "Also confirmed" not in told
    (tmp_path / "whole.jpg.original.c2pa").unlink()
    recovery.add(tmp_path / "edit.jpg", Wishes(), at=AT)
    status, told = recovered("whole.jpg")
    assert status == 1
    assert "is the whole of r2, of which no Content Credentials are kept" in told
    assert "Also confirmed: r1 (not the whole: 100 % of it seen)." in told
    assert not (tmp_path / "whole.jpg.original.c2pa").exists()
    status, told = recovered("whole.jpg", "--format", "json")
    document = json.loads(told)
    assert (status, document["recovered"]) == (1, None)
    assert [(each["registry_id"], each["is_whole"]) for each in document["others"]] == [("r2", True), ("r1", False)]
    status, told = recovered("crop.jpg", "--lang", "nl")
    assert status == 0
    assert "is niet het geheel van r1" in told
    assert "lijkt meer op r2 dan op r1, en van r2 zijn geen Content Credentials bewaard" in told
    assert "Ook bevestigd: r2 (niet het geheel: 72 % ervan te zien)." in told
    (tmp_path / "crop.jpg.original.c2pa").unlink()
    recovery.add(media / "ai-edited.jpg", Wishes(), at=AT)
    status, told = recovered("crop.jpg", "--format", "json")
    document = json.loads(told)
    assert status == 0
    assert (document["recovered"]["from"], document["recovered"]["match"]["is_whole"]) == ("r3", False)
    assert [each["registry_id"] for each in document["others"]] == ["r2", "r1"]
