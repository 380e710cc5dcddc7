# SPDX-License-Identifier: Apache-2.0
"""``sign`` as a user runs it: signed, verified by ``verify``, nothing lost and nothing overwritten."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.conftest import ROOT, Run
from tests.own_keys import write_signing_keys, write_trust
from tests.unit.marking.pictures import scene
from waarmerk.watermark import Key, Payload, embed

MEDIA = ROOT / "samples" / "media"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys and a trust store that knows them, as ``keys init --yes`` leaves it."""
    data = tmp_path_factory.mktemp("keyed") / "waarmerk"
    write_trust(data / "trust", write_signing_keys(data / "keys"))
    return data


@pytest.fixture
def keyed(waarmerk: Run, keys: Path, tmp_path: Path) -> Run:
    """The command of somebody with keys, whose own root is trusted."""
    shutil.copytree(keys, tmp_path / "data" / "waarmerk")
    return waarmerk


def report(run: Run, path: Path) -> dict[str, Any]:
    done = run("verify", path, "--format", "jsonl", "--fail-on", "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_picture_without_credentials(keyed: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    tool = ("--tool", "Voorbeeldmodel", "--tool-version", "3")
    done = keyed("sign", MEDIA / "stripped.jpg", out, "--ai", "generated", "--title", "Molen", *tool)
    assert done.returncode == 0, done.stderr
    assert "made with AI" in done.stdout
    assert done.stderr == ""
    found = report(keyed, out)
    assert found["credentials"]["integrity"] == "intact"
    assert found["credentials"]["signer"]["status"] == "user"
    assert found["verdict"]["origin"] == "ai-generated"
    assert found["verdict"]["tier"] == "proven"
    assert found["credentials"]["generator"].startswith("waarmerk ")
    (action,) = found["credentials"]["actions"]
    assert (action["action"], action["tool"]) == ("c2pa.created", "Voorbeeldmodel")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["out.jpg"]


def test_modified_and_without_a_word(keyed: Run, tmp_path: Path) -> None:
    changed, silent = tmp_path / "changed.webp", tmp_path / "silent.webp"
    assert keyed("sign", MEDIA / "declared.webp", changed, "--ai", "modified").returncode == 0
    assert report(keyed, changed)["credentials"]["ai"]["signal"] == "modified"
    done = keyed("sign", MEDIA / "stripped.jpg", silent, "--lang", "nl")
    assert "niets in over AI" in done.stdout
    found = report(keyed, silent)["credentials"]
    assert [action["action"] for action in found["actions"]] == ["c2pa.opened"]
    assert found["chain"] == "open"


def test_earlier_credentials_are_carried(keyed: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = keyed("sign", MEDIA / "ai-generated.png", out)
    assert done.returncode == 0, done.stderr
    assert "They are kept" in done.stderr
    assert "say AI" in done.stderr
    found = report(keyed, out)
    assert found["credentials"]["ingredients"][0]["relationship"] == "parentOf"
    assert found["credentials"]["ai"]["signal"] == "generated"
    broken = tmp_path / "broken.jpg"
    done = keyed("sign", MEDIA / "tampered.jpg", broken)
    assert done.returncode == 0
    assert "do not fit the file (changed after signing)" in done.stderr
    found = report(keyed, broken)["credentials"]
    assert (found["integrity"], found["chain"]) == ("intact", "broken")


def test_signing_is_as_strict_as_labelling(keyed: Run, tmp_path: Path) -> None:
    done = keyed("sign", MEDIA / "declared.webp", tmp_path / "declared.webp", "--ai", "none")
    assert (done.returncode, "[label.ai-denied]" in done.stderr) == (2, True)
    key = Key.generate("ai")
    key.save(tmp_path / "data" / "waarmerk" / "watermark.key")
    marked, info = tmp_path / "marked.png", PngInfo()
    Image.fromarray(embed(scene(480, 640, 3), key, Payload(bytes(8)))).save(marked)
    done = keyed("sign", marked, tmp_path / "out.png", "--ai", "none", "--lang", "nl")
    assert (done.returncode, "[label.ai-marked]" in done.stderr) == (2, True)
    assert not (tmp_path / "out.png").exists()
    info.add_text("Software", "Midjourney")
    Image.fromarray(scene(480, 640, 3)).save(tmp_path / "traced.png", pnginfo=info)
    done = keyed("sign", tmp_path / "traced.png", tmp_path / "out.png", "--ai", "none")
    assert (done.returncode, "[label.ai-traces]" in done.stderr) == (2, True)
    done = keyed("sign", tmp_path / "traced.png", tmp_path / "out.png", "--ai", "none", "--despite-traces")
    assert done.returncode == 0, done.stderr


def test_ai_is_not_signed_away(keyed: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = keyed("sign", MEDIA / "ai-generated.png", out, "--ai", "none", "--lang", "nl")
    assert done.returncode == 2
    assert "[signing.ai-denied]" in done.stderr
    assert "staat AI" in done.stderr
    assert not out.exists()
    done = keyed("sign", MEDIA / "camera-capture.jpg", tmp_path / "fine.jpg", "--ai", "none")
    assert done.returncode == 0, done.stderr


def test_nothing_is_overwritten_unasked(keyed: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jpg", tmp_path / "out.jpg"
    source.write_bytes((MEDIA / "stripped.jpg").read_bytes())
    out.write_bytes(b"mine")
    assert keyed("sign", source, out, "--ai", "generated").returncode == 2
    assert out.read_bytes() == b"mine"
    link = tmp_path / "link.jpg"
    os.link(source, link)
    for target in (source, link):
        done = keyed("sign", source, target, "--ai", "generated", "--force")
        assert done.returncode == 2
        assert "[write.same-file]" in done.stderr
    assert source.read_bytes() == (MEDIA / "stripped.jpg").read_bytes()
    assert keyed("sign", source, out, "--ai", "generated", "--force").returncode == 0
    assert report(keyed, out)["credentials"]["integrity"] == "intact"


def test_what_cannot_be_signed(keyed: Run, tmp_path: Path) -> None:
    text, webm = tmp_path / "a.txt", tmp_path / "a.webm"
    text.write_text("hello")
    webm.write_bytes(b"\x1a\x45\xdf\xa3\x8b\x42\x82\x84webm" + bytes(3000))
    out = tmp_path / "out"
    assert keyed("sign", text, out).returncode == 3
    assert keyed("sign", tmp_path / "absent.jpg", out).returncode == 3
    done = keyed("sign", webm, out, "--ai", "generated")
    assert done.returncode == 2
    assert "--sidecar" in done.stderr
    assert not out.exists()
    side = tmp_path / "a.c2pa"
    done = keyed("sign", webm, side, "--ai", "generated", "--sidecar")
    assert done.returncode == 0, done.stderr
    assert side.read_bytes()[4:8] == b"jumb"
    assert "as it was" in done.stdout


def test_keys_by_name_and_keys_that_are_not_there(keyed: Run, tmp_path: Path) -> None:
    keys, out = tmp_path / "data" / "waarmerk" / "keys", tmp_path / "out.jpg"
    source = MEDIA / "stripped.jpg"
    named = ("--certificate", keys / "signer.pem", "--key", keys / "signer.key")
    assert keyed("sign", source, out, *named).returncode == 0
    assert keyed("sign", source, tmp_path / "a", "--key", keys / "signer.key").returncode == 2
    assert keyed("sign", source, tmp_path / "a", "--key-folder", tmp_path).returncode == 2
    swapped = ("--certificate", keys / "signer.pem", "--key", keys / "root.key")
    done = keyed("sign", source, tmp_path / "a", *swapped)
    assert done.returncode == 2
    assert "[signing.key-mismatch]" in done.stderr
    root = ("--certificate", keys / "root.pem", "--key", keys / "root.key")
    done = keyed("sign", source, tmp_path / "a", *root)
    assert done.returncode == 2
    assert "certificate.ca" in done.stderr
    (keys / "signer.key").chmod(0o640)
    done = keyed("sign", source, tmp_path / "a")
    assert done.returncode == 2
    assert "[signing.key-exposed]" in done.stderr
    assert not (tmp_path / "a").exists()


def test_a_title_with_controls_is_refused(keyed: Run, tmp_path: Path) -> None:
    done = keyed("sign", MEDIA / "stripped.jpg", tmp_path / "a", "--title", "a\x1b[2Jb")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert not (tmp_path / "a").exists()
