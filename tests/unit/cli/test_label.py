# SPDX-License-Identifier: Apache-2.0
"""``label`` as a campaign runs it: first use, a profile, folders that resume, and words that say what is left to do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Run
from tests.unit.marking.conftest import saved

MEDIA = ROOT / "samples" / "media"
HERE = ("--context", "jur=EU")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys, as the first use leaves it."""
    from datetime import UTC, datetime

    from waarmerk.provenance.credentials.certificates import OwnAuthority
    from waarmerk.provenance.credentials.signing_folder import trust_files, write_folder
    from waarmerk.watermark import Key

    data, at = tmp_path_factory.mktemp("home") / "waarmerk", datetime.now(UTC)
    authority = OwnAuthority.create("Campagne Delta", at=at)
    write_folder(data / "keys", authority, authority.issue(at=at), about="", passphrase=None)
    (data / "trust").mkdir()
    for name, content in trust_files(authority, at).items():
        (data / "trust" / name).write_bytes(content)
    Key.generate("ai").save(data / "watermark.key")
    return data


@pytest.fixture
def keyed(waarmerk: Run, home: Path, tmp_path: Path) -> Run:
    shutil.copytree(home, tmp_path / "data" / "waarmerk")
    return waarmerk


def test_first_use_makes_keys_and_the_file_verifies(waarmerk: Run, tmp_path: Path) -> None:
    source, out = saved(tmp_path / "in.jpg", "JPEG", quality=90), tmp_path / "out.jpg"
    refused = waarmerk("label", source, out, "--ai", "generated")
    assert refused.returncode == 2
    assert "waarmerk keys init" in refused.stderr
    assert not out.exists()
    done = waarmerk("label", source, out, "--ai", "generated", "--yes", "--organisation", "Campagne Delta", *HERE)
    assert done.returncode == 0, done.stderr
    assert "visible label: AI-generated" in done.stdout
    assert "met by the label in the picture" in done.stdout
    assert "nobody official" in done.stdout
    key = tmp_path / "data" / "waarmerk" / "watermark.key"
    assert key.stat().st_mode & 0o777 == 0o600
    seen = waarmerk("verify", out, "--key", key, "--format", "jsonl")
    report: dict[str, Any] = json.loads(seen.stdout)
    assert report["credentials"]["integrity"] == "intact"
    assert report["credentials"]["signer"]["status"] == "user"
    assert (report["verdict"]["origin"], report["verdict"]["tier"]) == ("ai-generated", "proven")
    assert [mark["bound"] for mark in report["watermarks"]] == [True]
    assert report["metadata"]["source_types"]
    other = waarmerk("verify", out, "--key", key, "--ledger", tmp_path / "none.sqlite")
    assert other.returncode == 2


def test_a_dry_run_says_everything_and_writes_nothing(keyed: Run, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.png", "PNG")
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    done = keyed("label", source, tmp_path / "out.png", "--ai", "modified", "--dry-run", "--for", "tiktok,own", *HERE)
    assert done.returncode == 0, done.stderr
    for said in ("nothing is written", "AI-modified", "signed with your key", "TT-selflabel", "EU-50-4-deepfake"):
        assert said in done.stdout
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_refusals_are_worded_and_write_nothing(keyed: Run, tmp_path: Path) -> None:
    cases = (
        (MEDIA / "ai-generated.png", "out.png", ("--ai", "none"), 1, "says of itself"),
        (MEDIA / "audio.wav", "out.wav", ("--ai", "generated"), 1, "--allow-partial"),
        (MEDIA / "stripped.jpg", "out.png", ("--ai", "generated"), 2, "another format"),
        (MEDIA / "stripped.jpg", "out.jpg", ("--ai", "generated", "--label-lang", "xx"), 2, "no label in 'xx'"),
        (ROOT / "README.md", "out.md", ("--ai", "generated"), 3, ""),
    )
    for source, name, options, code, said in cases:
        done = keyed("label", source, tmp_path / name, *options)
        assert (done.returncode, said in done.stderr) == (code, True), (name, done.stderr)
        assert not (tmp_path / name).exists()
    shutil.copy(MEDIA / "stripped.jpg", tmp_path / "own.jpg")
    assert keyed("label", tmp_path / "own.jpg", tmp_path / "own.jpg", "--ai", "generated", "--force").returncode == 2
    (tmp_path / "there.jpg").write_bytes(b"precious")
    assert keyed("label", tmp_path / "own.jpg", tmp_path / "there.jpg", "--ai", "generated").returncode == 2
    assert (tmp_path / "there.jpg").read_bytes() == b"precious"


def test_sound_is_never_called_complete(keyed: Run, tmp_path: Path) -> None:
    done = keyed("label", MEDIA / "audio.wav", tmp_path / "out.wav", "--ai", "generated", "--allow-partial")
    assert done.returncode == 0, done.stderr
    assert "not complete" in done.stdout


def test_a_folder_resumes_and_a_profile_is_written_once(keyed: Run, tmp_path: Path) -> None:
    profile = tmp_path / "data" / "waarmerk" / "profile.toml"
    profile.write_text('language = "nl"\nlabel_languages = ["nl"]\ntool = "Model"\ncontext = ["jur=EU"]\n')
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    saved(source / "a.jpg", "JPEG", quality=85)
    saved(source / "deep" / "b.png", "PNG")
    (source / "notes.txt").write_text("not a picture")
    shutil.copy(MEDIA / "audio.wav", source / "c.wav")
    first = keyed("label", source, out, "--ai", "generated", "-r")
    assert first.returncode == 1
    assert "2 gelabeld, 0 al aanwezig, 1 geen media, 1 mislukt." in first.stdout
    made = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert sorted(made) == ["a.jpg", "deep/b.png"]
    (out / "a.jpg").unlink()
    second = keyed("label", source, out, "--ai", "generated", "-r", "--allow-partial")
    assert second.returncode == 0, second.stderr
    assert "2 gelabeld, 1 al aanwezig, 1 geen media, 0 mislukt." in second.stdout
    assert (out / "deep" / "b.png").read_bytes() == made["deep/b.png"]
    profile.write_text("colour = 'red'\n")
    broken = keyed("label", source, out, "--ai", "generated")
    assert (broken.returncode, "unknown setting colour" in broken.stderr) == (2, True)


def test_the_ledger_lists_and_forgets(keyed: Run, tmp_path: Path) -> None:
    source, out = saved(tmp_path / "in.png", "PNG"), tmp_path / "out.png"
    assert keyed("label", source, out, "--ai", "generated").returncode == 0
    listed = keyed("ledger", "list")
    assert listed.returncode == 0
    assert "generated" in listed.stdout
    assert "in.png" not in listed.stdout
    assert keyed("ledger", "forget", out).returncode == 0
    assert keyed("ledger", "forget", out).returncode == 1
    assert "nothing" in keyed("ledger", "list").stdout
    key = tmp_path / "data" / "waarmerk" / "watermark.key"
    report = json.loads(keyed("verify", out, "--key", key, "--format", "jsonl").stdout)
    assert [mark["bound"] for mark in report["watermarks"]] == [None]
