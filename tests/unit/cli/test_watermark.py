# SPDX-License-Identifier: Apache-2.0
"""``waarmerk watermark`` and ``verify --key`` as a user runs them."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT, Run

CLOCK = ("--at", "2026-11-21T12:00:00Z")
PAYLOAD = "0011223344556677"


def photo() -> Image.Image:
    y, x = np.mgrid[0:360, 0:480]
    noise = np.random.default_rng(2).normal(0, 8, (360, 480, 3))
    wave = 120 + 50 * np.sin(x / 31)[..., None] * np.cos(y / 23)[..., None]
    return Image.fromarray(np.clip(wave + noise, 0, 255).astype(np.uint8))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    from waarmerk.watermark import Key

    path = tmp_path / "ai.key"
    Key.generate("ai").save(path)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    photo().save(path, quality=90, exif=exif)
    return path


def test_a_new_key_is_private_and_never_replaced_unasked(waarmerk: Run, tmp_path: Path) -> None:
    path = tmp_path / "k.key"
    done = waarmerk("watermark", "keygen", path, "--purpose", "origin")
    assert done.returncode == 0, done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    assert 'purpose = "origin"' in before
    secret = before.split('secret = "')[1][:64]
    assert secret not in done.stdout + done.stderr
    again = waarmerk("watermark", "keygen", path)
    assert again.returncode == 2
    assert path.read_text() == before
    assert again.stderr.index(str(tmp_path / "k-2.key")) < again.stderr.index("--force")


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_a_key_that_is_replaced_is_kept_beside_the_new_one(waarmerk: Run, tmp_path: Path, key: Path, lang: str) -> None:
    from waarmerk.watermark import Key

    first = Key.load(key)
    stale = key.with_name(f"{key.name}.{first.key_id}")
    stale.write_text("something else")
    done = waarmerk("watermark", "keygen", key, "--force", "--lang", lang)
    kept = stale.with_name(stale.name + ".2")
    assert done.returncode == 0, done.stderr
    assert str(kept) in done.stdout
    assert {"en": "is kept", "nl": "bewaard"}[lang] in done.stdout
    second = Key.load(key)
    assert waarmerk("watermark", "keygen", key, "--force").returncode == 0
    assert Key.load(kept) == first
    assert Key.load(key.with_name(f"{key.name}.{second.key_id}")) == second
    assert len({first.key_id, second.key_id, Key.load(key).key_id}) == 3
    assert stale.read_text() == "something else"
    assert {path.stat().st_mode & 0o777 for path in (key, kept)} == {0o600}
    assert len(list(tmp_path.iterdir())) == 4


def test_what_stands_in_the_place_of_a_new_key_is_kept_whatever_it_is(waarmerk: Run, tmp_path: Path) -> None:
    path = tmp_path / "ai.key"
    path.write_text("notes")
    path.chmod(0o640)
    assert waarmerk("watermark", "keygen", path, "--force").returncode == 0
    kept = tmp_path / "ai.key.old"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("notes", 0o640)


def test_a_key_is_kept_where_there_are_no_hard_links_and_by_many_at_once(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    from concurrent.futures import ThreadPoolExecutor

    from waarmerk.cli import key_files
    from waarmerk.provenance.report.wording import wording
    from waarmerk.watermark import Key

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    first = Key.load(key)
    with monkeypatch.context() as patch:
        patch.setattr(key_files.os, "link", no_links)
        kept = key_files.put_key(Key.generate("ai"), key, force=True, words=wording("en"))
    assert kept is not None
    assert (Key.load(kept), kept.stat().st_mode & 0o777) == (first, 0o600)
    stood, made = Key.load(key), [Key.generate("ai") for _ in range(12)]
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda new: key_files.put_key(new, key, force=True, words=wording("en")), made))
    ids = {Key.load(path).key_id for path in tmp_path.iterdir()}
    assert ids == {each.key_id for each in (first, stood, *made)}


def test_embed_detect_verify(waarmerk: Run, tmp_path: Path, key: Path, source: Path) -> None:
    out = tmp_path / "out.jpg"
    done = waarmerk("watermark", "embed", source, out, "--key", key, "--payload", PAYLOAD)
    assert (done.returncode, done.stderr) == (0, "")
    assert PAYLOAD in done.stdout
    with Image.open(out) as image:
        assert image.getexif()[0x0112] == 6
    assert out.stat().st_size < 1.3 * source.stat().st_size

    other = tmp_path / "other.key"
    waarmerk("watermark", "keygen", other, "--purpose", "origin")
    found = waarmerk("watermark", "detect", out, source, "--key", key, "--key", other, "--format", "json")
    assert found.returncode == 0, found.stderr
    marked, plain = json.loads(found.stdout)
    assert [(mark["detected"], mark["payload"]) for mark in marked["watermarks"]] == [(True, PAYLOAD), (False, None)]
    assert [mark["means"] for mark in marked["watermarks"]] == ["ai", "origin"]
    assert not any(mark["detected"] for mark in plain["watermarks"])
    assert (marked["format"], marked["status"], marked["error"]) == ("waarmerk.marks/1", "searched", None)

    (report,) = json.loads(waarmerk("verify", out, "--key", key, *CLOCK, "--format", "json").stdout)
    assert (report["verdict"]["origin"], report["verdict"]["tier"]) == ("ai-generated", "claimed")
    assert report["verdict"]["claimed_by"] == ["mark"]
    (mark,) = report["watermarks"]
    assert (mark["payload"], mark["bound"]) == (PAYLOAD, None)
    states = {channel["channel"]: channel["state"] for channel in report["channels"]}
    assert states[f"watermark:{mark['key_id']}"] == "found"
    assert "watermark" not in states
    assert PAYLOAD not in waarmerk("verify", out, *CLOCK, "--format", "json").stdout


def test_results_on_standard_output_in_human_form(waarmerk: Run, tmp_path: Path, key: Path, source: Path) -> None:
    out = tmp_path / "out.jpg"
    drawn = waarmerk("watermark", "embed", source, out, "--key", key).stdout.split("payload ")[1][:16]
    done = waarmerk("watermark", "detect", "-", "--key", key, stdin=out.read_bytes())
    assert done.stdout.startswith("-: found (ai)")
    assert drawn in done.stdout
    assert "chance of a false alarm smaller than 1 in a billion (a computed bound)" in done.stdout
    assert "niet gevonden" in waarmerk("watermark", "detect", source, "--key", key, "--lang", "nl").stdout


def test_a_folder_is_searched_and_strangers_are_counted(waarmerk: Run, tmp_path: Path, key: Path, source: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(source.read_bytes())
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(60))
    (folder / "notes.txt").write_text("no picture")
    (folder / "paper.pdf").write_bytes(b"%PDF-1.7\n")
    done = waarmerk("watermark", "detect", folder, "--key", key, "--format", "jsonl")
    assert done.returncode == 3
    results = {result["asset"]["name"]: result for result in map(json.loads, done.stdout.splitlines())}
    assert set(results) == {"a.jpg", "cut.png"}
    assert results["cut.png"]["error"]["code"] == "media.undecodable"
    assert results["cut.png"]["watermarks"] == []
    assert "0 with a mark, 1 without, 1 not searched, 2 skipped" in done.stderr
    (folder / "leeg.jpg").write_bytes(b"")
    broken = waarmerk("watermark", "detect", folder, "--key", key)
    assert broken.returncode == 3
    assert "leeg.jpg: not searched, " in broken.stdout
    assert "0 with a mark, 1 without, 2 not searched, 2 skipped" in broken.stderr
    alone = waarmerk("watermark", "detect", folder / "paper.pdf", folder / "none.jpg", "--key", key)
    assert alone.returncode == 3
    assert "it is no picture" in alone.stdout


def wrong_use(name: str, source: Path, out: Path, key: Path) -> tuple[list[str | Path], str]:
    open_key = key.with_name("open.key")
    open_key.write_bytes(key.read_bytes())
    open_key.chmod(0o644)
    base: list[str | Path] = [source, out, "--key", key]
    out.write_bytes(b"here already") if name == "exists" else None
    return {
        "same": ([source, source, "--key", key, "--force"], "input itself"),
        "exists": (base, "--force"),
        "payload": ([*base, "--payload", "12"], "16 hex digits"),
        "both": ([*base, "--strength", "1", "--psnr", "44"], "not both"),
        "strength": ([*base, "--strength", "0"], "0.05"),
        "open key": ([source, out, "--key", open_key], "0600"),
        "not a key": ([source, out, "--key", source], "in.jpg"),
    }[name]


@pytest.mark.parametrize("name", ["same", "exists", "payload", "both", "strength", "open key", "not a key"])
def test_wrong_use_is_exit_2_and_changes_nothing(
    waarmerk: Run, tmp_path: Path, key: Path, source: Path, name: str
) -> None:
    before = source.read_bytes()
    out = tmp_path / "out.jpg"
    arguments, text = wrong_use(name, source, out, key)
    done = waarmerk("watermark", "embed", *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert key.read_text().split('secret = "')[1][:64] not in done.stderr
    assert source.read_bytes() == before
    assert out.exists() is (name == "exists")


@pytest.mark.parametrize("use", [("verify", "x.jpg"), ("watermark", "detect", "x.jpg")], ids=["verify", "detect"])
def test_a_key_that_cannot_be_used_is_exit_2(waarmerk: Run, source: Path, key: Path, use: tuple[str, ...]) -> None:
    key.chmod(0o644)
    done = waarmerk(*use[:-1], source, "--key", key)
    assert done.returncode == 2
    assert "0600" in done.stderr


def refusal(name: str, folder: Path) -> tuple[Path, str, int, str]:
    made = photo()
    path = folder / f"{name}.png"
    match name:
        case "small":
            made.resize((90, 90)).save(path)
            return path, "out.png", 1, "cannot carry"
        case "moving":
            made.save(path, save_all=True, append_images=[made.rotate(3)])
            return path, "out.png", 3, "moves"
        case "other name":
            made.save(path)
            return path, "out.jpg", 1, "image/png"
        case "cut":
            made.save(path)
            path.write_bytes(path.read_bytes()[:9000])
            return path, "out.png", 3, "cannot be decoded"
        case "gif":
            made.save(path, "GIF")
            return path, "out", 3, "not written"
        case _:
            return ROOT / "samples" / "media" / "ai-generated.png", "out.png", 1, "--allow-breaking-credentials"


@pytest.mark.parametrize("name", ["small", "moving", "other name", "cut", "gif", "credentials"])
def test_what_is_refused_says_why_and_writes_nothing(waarmerk: Run, tmp_path: Path, key: Path, name: str) -> None:
    path, target, code, text = refusal(name, tmp_path)
    done = waarmerk("watermark", "embed", path, tmp_path / target, "--key", key)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert not (tmp_path / target).exists()


def test_credentials_are_broken_only_on_request_and_said_to_be_lost(waarmerk: Run, tmp_path: Path, key: Path) -> None:
    path, *_ = refusal("credentials", tmp_path)
    out = tmp_path / "out.png"
    done = waarmerk("watermark", "embed", path, out, "--key", key, "--allow-breaking-credentials")
    assert done.returncode == 0, done.stderr
    assert "Not kept: Content Credentials." in done.stderr
    (report,) = json.loads(waarmerk("verify", out, "--key", key, *CLOCK, "--format", "json").stdout)
    assert report["credentials"]["state"] == "none"


def test_a_mark_that_cannot_be_read_back_is_not_written_unasked(waarmerk: Run, tmp_path: Path, key: Path) -> None:
    path, out = tmp_path / "poor.jpg", tmp_path / "out.jpg"
    photo().save(path, quality=2)
    asked = ("watermark", "embed", path, out, "--key", key, "--strength", "0.05")
    done = waarmerk(*asked)
    assert done.returncode == 1
    assert not out.exists()
    kept = waarmerk(*asked, "--best-effort")
    assert kept.returncode == 0
    assert "cannot be read back" in kept.stderr
    assert out.exists()


def test_where_the_own_compression_eats_the_mark_the_result_is_finer(waarmerk: Run, tmp_path: Path, key: Path) -> None:
    path, out = tmp_path / "sky.webp", tmp_path / "out.webp"
    y, x = np.mgrid[0:360, 0:480]
    sky = np.stack([90 + x / 12 + y / 20, 130 + y / 14 + x / 30, 200 - y / 16], 2)
    Image.fromarray(sky.astype(np.uint8)).save(path, quality=60)
    done = waarmerk("watermark", "embed", path, out, "--key", key, "--payload", PAYLOAD)
    assert done.returncode == 0, done.stderr
    assert PAYLOAD in waarmerk("watermark", "detect", out, "--key", key).stdout
    assert out.stat().st_size > 1.5 * path.stat().st_size


def test_losses_are_listed(waarmerk: Run, tmp_path: Path, key: Path) -> None:
    path = tmp_path / "in.png"
    photo().quantize(200).save(path)
    done = waarmerk("watermark", "embed", path, tmp_path / "out.png", "--key", key, "--lang", "nl")
    assert done.returncode == 0
    assert done.stderr == "Niet behouden: het palet: het werd ware kleur.\n"


def test_a_disk_without_room_leaves_nothing(tmp_path: Path, key: Path, source: Path) -> None:
    import resource
    import signal
    import subprocess
    import sys

    def bounded() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    folder = tmp_path / "full"
    folder.mkdir()
    arguments: list[Any] = ["watermark", "embed", source, folder / "out.jpg", "--key", key]
    done = subprocess.run(
        [sys.executable, "-m", "waarmerk.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bounded,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 3
    assert "was not written" in done.stderr
    assert list(folder.iterdir()) == []
