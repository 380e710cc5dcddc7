# SPDX-License-Identifier: Apache-2.0
"""``label`` as a campaign runs it: first use, a profile, folders that resume, and words that say what is left to do."""

import json
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tests.conftest import ROOT, Run
from tests.own_keys import write_signing_keys, write_trust
from tests.unit.marking.conftest import saved
from tests.unit.marking.pictures import scene
from waarmerk.watermark import Key

MEDIA = ROOT / "samples" / "media"
HERE = ("--context", "jur=EU")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys, as the first use leaves it."""
    data = tmp_path_factory.mktemp("home") / "waarmerk"
    write_trust(data / "trust", write_signing_keys(data / "keys"))
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
    assert "met by the visible label" in done.stdout
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
    assert "EU-50-4-legacy" not in done.stdout, "that no label is owed is not perhaps owed"
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_a_label_that_covers_letters_says_so(keyed: Run, tmp_path: Path) -> None:
    poster = Image.new("RGB", (900, 700), (240, 240, 230))
    for top in range(10, 700, 60):
        ImageDraw.Draw(poster).text((8, top), "MEER ZORG EN VEILIGHEID NU " * 2, fill=(20, 20, 90), font_size=36)
    poster.save(tmp_path / "poster.png")
    (tmp_path / "many").mkdir()
    shutil.copy(tmp_path / "poster.png", tmp_path / "many" / "poster.png")
    dry = ("--ai", "generated", "--dry-run", *HERE)
    told = keyed("label", tmp_path / "poster.png", tmp_path / "out.png", *dry)
    assert told.returncode == 0, told.stderr
    assert "the visible label stands top right and covers some of it" in " ".join(told.stdout.split())
    many = keyed("label", tmp_path / "many", tmp_path / "out", *dry, "--lang", "nl")
    assert many.returncode == 0, many.stderr
    assert "het zichtbare label staat rechtsboven en bedekt daar iets van" in many.stderr
    named = keyed("label", tmp_path / "poster.png", tmp_path / "out.png", *dry, "--visible", "top-right")
    assert "covers some of it" not in " ".join(named.stdout.split())


def test_a_dry_run_names_no_key_that_nobody_has(keyed: Run, waarmerk: Run, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.png", "PNG")
    command = ("label", source, tmp_path / "out.png", "--ai", "modified", "--dry-run")
    assert "invisible mark under key " in keyed(*command).stdout
    done = waarmerk(*command, "--watermark-key", tmp_path / "none.key", "--key-folder", tmp_path / "none")
    assert "invisible mark under a key that is still to be made" in done.stdout
    assert "under key" not in done.stdout


def test_a_political_advertisement_is_told_what_whoever_publishes_it_owes(keyed: Run, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG", quality=90)
    command = ("label", source, tmp_path / "out.jpg", "--ai", "generated", "--dry-run", "--context", "jur=NL")
    assert "TTPA" not in keyed(*command).stdout
    told = keyed(*command, "--context", "political_ad=true").stdout
    assert "[TTPA-11-label]" in told
    assert "[TTPA-12-notice]" in told


def test_a_platform_that_is_named_gets_an_answer(keyed: Run, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.jpg", "JPEG", quality=90)
    command = ("label", source, tmp_path / "out.jpg", "--ai", "generated", "--dry-run", "--for", "meta")
    silent = "  i Facebook, Instagram, Threads: by what is known, no rule here that names it asks anything of you"
    assert "[META-political-ad-ai]" in keyed(*command).stdout
    told = keyed(*command, "--context", "jur=NL", "--context", "political_ad=false").stdout
    assert silent + "; the rules above that name no platform hold there too" in told
    assert "EU-50-4-deepfake" in told
    dutch = keyed(*command, "--context", "jur=NL", "--context", "political_ad=false", "--lang", "nl").stdout
    assert "iets van u; de regels hierboven die geen platform noemen, gelden ook daar" in dutch
    none = keyed(*command[:4], "none", *command[5:], "--context", "jur=NL", "--context", "political_ad=false").stdout
    assert silent + "\n" in none, "nothing is asked anywhere"
    refused = keyed(*command, "--context", "jur=NL", "--context", "political_ad=true").stdout
    assert "forbidden: In the EU this platform takes no political advertising. [PLAT-no-political-ads-EU]" in refused
    assert silent not in refused


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_what_is_owed_is_told_of_a_folder_too(keyed: Run, tmp_path: Path, dry: tuple[str, ...]) -> None:
    source = tmp_path / "in"
    source.mkdir()
    saved(source / "a.jpg", "JPEG", quality=90)
    saved(source / "b.jpg", "JPEG", quality=90)
    shutil.copy(MEDIA / "audio.wav", source / "c.wav")
    facts = ("--context", "jur=NL", "--context", "political_ad=true")
    done = keyed("label", source, tmp_path / "out", "--ai", "generated", "-r", "--allow-partial", *facts, *dry)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[TTPA-11-label]") == 1, "what holds for every file is said once"
    assert done.stdout.count("[TTPA-12-notice]") == 1
    data = tmp_path / "data" / "waarmerk"
    for place in (f"Your ledger: {data / 'ledger.sqlite'}", f"Your registry: {data / 'registry' / 'registry.sqlite'}"):
        assert done.stdout.count(place) == (0 if dry else 1), "nothing is kept of a dry run"
    common, _, own = done.stdout.partition(f"  {source / 'c.wav'}:")
    assert "disclosed in speech" not in common
    assert "disclosed in speech" in own


def test_a_file_named_as_media_that_is_none_has_failed(keyed: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    saved(source / "a.jpg", "JPEG", quality=90)
    (source / "empty.jpg").write_bytes(b"")
    (source / "garbage.JPG").write_bytes(b"no picture at all" * 50)
    (source / "notes.txt").write_text("not a picture")
    done = keyed("label", source, tmp_path / "out", "--ai", "generated", "-r")
    assert done.returncode == 3
    assert "1 labelled, 0 there already, 1 no media, 2 failed." in done.stdout
    for name in ("empty.jpg", "garbage.JPG"):
        assert f"{source / name}: it cannot be read" in done.stderr
    assert "notes.txt" not in done.stderr


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


def test_a_dry_run_refuses_what_the_run_would_refuse(keyed: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    fine = saved(source / "a.jpg", "JPEG", quality=85)
    (source / "b.jpg").write_bytes(fine.read_bytes()[: fine.stat().st_size // 2])
    saved(source / "c.png", "PNG", size=(20, 20))
    planned = keyed("label", source, tmp_path / "out", "--ai", "generated", "--dry-run")
    assert "1 would be labelled, 0 there already, 0 no media, 2 would be refused. Nothing is written." in planned.stdout
    assert not (tmp_path / "out").exists()
    done = keyed("label", source, tmp_path / "out", "--ai", "generated")
    assert "1 labelled, 0 there already, 0 no media, 2 failed." in done.stdout
    assert planned.returncode == done.returncode == 3
    assert "damaged or cut short" in done.stderr
    alone = keyed("label", source / "c.png", tmp_path / "c.png", "--ai", "generated", "--dry-run")
    assert alone.returncode == 1
    assert alone.stdout.startswith("Would be refused")
    assert "not drawn" not in alone.stdout
    there = keyed("label", fine, fine, "--ai", "generated", "--dry-run", "--force")
    assert (there.returncode, "the input itself" in there.stderr) == (2, True)
    (tmp_path / "file").write_bytes(b"no folder")
    nowhere = keyed("label", source, tmp_path / "file" / "out", "--ai", "generated", "--dry-run")
    assert nowhere.returncode == 3
    assert "is no folder" in nowhere.stderr


def test_two_inputs_never_share_a_target(keyed: Run, tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    saved(source / "a.jpg", "JPEG", quality=85)
    heif.from_pillow(Image.fromarray(scene(480, 640, 8))).save(source / "a.heic", quality=85)
    saved(source / "b.jpg", "JPEG", quality=85)
    saved(source / "b.png", "PNG")
    done = keyed("label", source, out, "--ai", "generated", "--sidecar")
    assert done.returncode == 0, done.stderr
    assert "4 labelled, 0 there already" in done.stdout
    names = ["a.c2pa", "a.heic.c2pa", "a.heic.jpg", "a.jpg", "b.jpg", "b.jpg.c2pa", "b.png", "b.png.c2pa"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert "()" not in done.stderr
    alone = keyed("label", source / "b.png", tmp_path / "alone.png", "--ai", "generated", "--sidecar").stdout
    assert "as its credentials, beside it" in alone
    assert "Every layer is in it," not in alone
    again = keyed("label", source, out, "--ai", "generated", "--sidecar")
    assert "0 labelled, 4 there already" in again.stdout
    assert "also where you say something else of it now" in again.stdout
    assert "something else of it" not in done.stdout
    (source / "c.heic").write_bytes((source / "a.heic").read_bytes())
    keyed("label", source, out, "--ai", "generated", "--sidecar")
    saved(source / "c.jpg", "JPEG", quality=85)  # came later, and is another picture
    resumed = keyed("label", source, out, "--ai", "generated", "--sidecar")
    assert "1 labelled, 5 there already" in resumed.stdout
    assert {"c.jpg", "c.heic.jpg"} <= {path.name for path in out.iterdir()}
    (source / "a.heic.jpg").write_bytes((source / "a.jpg").read_bytes())
    refused = keyed("label", source, tmp_path / "other", "--ai", "generated")
    assert (refused.returncode, "would both be written to" in refused.stderr) == (2, True)
    assert not (tmp_path / "other").exists()
    same = keyed("label", "-r", source, source / ".." / "in", "--ai", "generated")
    assert (same.returncode, "both input and output" in same.stderr) == (2, True)


def test_only_what_is_missing_is_asked_for(keyed: Run, tmp_path: Path) -> None:
    source = saved(tmp_path / "in.png", "PNG")
    done = keyed("label", source, tmp_path / "out.png", "--ai", "generated", "--watermark-key", tmp_path / "no.key")
    assert done.returncode == 2
    assert "watermark keygen" in done.stderr
    assert "keys init" not in done.stderr


def test_a_folder_that_cannot_be_synchronised_is_said_with_the_file_in_place(
    keyed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from waarmerk.cli import main

    def fails(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("waarmerk.provenance.media.write.synchronise_folder", fails)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    source, out = saved(tmp_path / "in.png", "PNG"), tmp_path / "out.png"
    with pytest.raises(SystemExit) as end:
        main.main(["label", str(source), str(out), "--ai", "generated"])
    assert end.value.code == 1
    assert capsys.readouterr().out.startswith("Written, not yet certain on disk")
    assert out.exists()
    assert "generated" in keyed("ledger", "list").stdout


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_verdict_comes_first_and_the_rest_fits_a_screen(keyed: Run, tmp_path: Path, language: str) -> None:
    source, out = saved(tmp_path / "in.png", "PNG"), tmp_path / "out.png"
    done = keyed("label", source, out, "--ai", "generated", "--lang", language)
    assert done.stdout.startswith({"en": "Labelled: ", "nl": "Gelabeld: "}[language])
    assert {"en": "visible label: AI-generated", "nl": "zichtbaar label: Gemaakt met AI"}[language] in done.stdout
    said = done.stdout.replace(str(tmp_path / "data"), "/home/name/.local/share").replace(str(tmp_path), "/home/name")
    rows = sum(len(textwrap.wrap(line, 80)) for line in said.splitlines())
    assert rows <= 22, done.stdout  # of 24, with the command itself


def test_sound_is_never_called_complete(keyed: Run, tmp_path: Path) -> None:
    done = keyed("label", MEDIA / "audio.wav", tmp_path / "out.wav", "--ai", "generated", "--allow-partial")
    assert done.returncode == 0, done.stderr
    assert "not complete" in done.stdout


def test_notes_on_signing_are_told_of_a_folder_too(keyed: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in ("camera-capture.jpg", "stripped.jpg", "declared.webp"):
        shutil.copy(MEDIA / name, source / name)
    elsewhere = ("--trust", ROOT / "samples" / "trust")  # where nobody knows this key
    done = keyed("label", source, tmp_path / "out", "--ai", "none", *elsewhere)
    assert "2 labelled" in done.stdout, done.stderr
    assert done.stderr.count("No trust list here names you") == 1, "what holds for every file is said once"
    assert f"{source / 'camera-capture.jpg'}: The file had credentials already" in done.stderr


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
