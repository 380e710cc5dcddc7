# SPDX-License-Identifier: Apache-2.0
"""A dossier says how it is repeated; the command in it is run here, as a reader would."""

import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run
from waarmerk.cli.repeated import Given
from waarmerk.provenance.report.repeat import name_of, word
from waarmerk.provenance.settings import Settings

SAMPLES = ROOT / "samples"
CLOCK = ("--at", "2026-11-21T12:00:00Z")


def commands(page: str) -> list[str]:
    """The text of every command, as a reader would copy it."""
    found = re.findall(r"<code>(.*?)</code>", page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]*>", "", each)).strip() for each in found]


def typed(command: str, home: Path, folder: Path) -> str:
    """What the command prints when it is typed into a shell, in a folder that holds what it names."""
    (home / "bin").mkdir(exist_ok=True)
    door = home / "bin" / "waarmerk"
    door.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m waarmerk.cli "$@"\n')
    door.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={"PATH": f"{home / 'bin'}:/usr/bin:/bin", "HOME": str(home), "XDG_DATA_HOME": str(home / "data")},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a newsroom may have in its home folder; names as people give them."""
    made = tmp_path / "mijn bestanden"
    made.mkdir()
    shutil.copytree(SAMPLES / "trust", made / "lijsten")
    shutil.copy(SAMPLES / "media" / "ai-edited.jpg", made / "foto's van é $HOME.jpg")
    return made


def test_the_command_gives_the_same_page_to_whoever_has_the_files(waarmerk: Run, folder: Path, tmp_path: Path) -> None:
    facts = folder / "facts.yaml"
    facts.write_text("role: deployer\n")
    assert waarmerk("watermark", "keygen", folder / "k.key").returncode == 0
    shutil.copytree(folder, other := tmp_path / "bij een ander")
    given = ("--trust", folder / "lijsten", "--key", folder / "k.key", "--context", facts, "--context", "jur=NL")
    name = "foto's van é $HOME.jpg"
    done = waarmerk("verify", folder / name, *given, "--for", "tiktok,meta", *CLOCK, "--lang", "nl", "--format", "html")
    assert done.returncode == 0, done.stderr
    digest, again = commands(done.stdout)
    for private in (str(tmp_path), folder.name, str(Path.home())):
        assert private not in done.stdout, "whose computer it was is nobody's business"
    assert typed(again, tmp_path, other) == done.stdout
    (report,) = json.loads(waarmerk("verify", folder / name, *CLOCK, "--format", "json").stdout)
    assert typed(digest, tmp_path, other).split()[0].lstrip("\\") == report["asset"]["sha256"]


def test_the_ledger_and_the_registry_that_were_used_are_named_with_their_digests(
    waarmerk: Run, folder: Path, tmp_path: Path
) -> None:
    photo = SAMPLES / "media" / "stripped.jpg"
    assert waarmerk("watermark", "keygen", folder / "k.key").returncode == 0
    known = waarmerk("registry", "add", photo, "--registry", folder / "known.sqlite")
    assert known.returncode == 0, known.stderr
    own = tmp_path / "data" / "waarmerk" / "ledger.sqlite"
    own.parent.mkdir(parents=True, exist_ok=True)
    from waarmerk.provenance.registry import Ledger

    Ledger(own).create()
    options = ("--key", folder / "k.key", "--registry", folder / "known.sqlite", "--second-opinion", "--no-labels")
    done = waarmerk("verify", photo, *options, *CLOCK, "--format", "html")
    assert done.returncode == 0, done.stderr
    _, again = commands(done.stdout)
    assert "--second-opinion --no-labels" in again
    for path in (photo, own):
        shutil.copy(path, folder)
    assert typed(again, tmp_path, folder) == done.stdout
    for path, option in ((own, "--ledger"), (folder / "known.sqlite", "--registry")):
        assert f"{option} {path.name}" in again
        assert str(path.parent) not in done.stdout
        assert hashlib.sha256(path.read_bytes()).hexdigest() in done.stdout


def test_answers_given_on_the_terminal_are_part_of_the_command(waarmerk: Run, tmp_path: Path) -> None:
    photo = SAMPLES / "media" / "ai-generated.png"
    trust = ("--trust", SAMPLES / "trust")
    done = waarmerk("verify", photo, *trust, "--ask", *CLOCK, "--format", "html", stdin="NL\ndeployer\n" + "\n" * 40)
    assert done.returncode == 0, done.stderr
    _, again = commands(done.stdout)
    assert "--context jur=NL" in again
    shutil.copytree(SAMPLES / "trust", tmp_path / "trust")
    shutil.copy(photo, tmp_path)
    assert typed(again, tmp_path, tmp_path) == done.stdout


@pytest.mark.parametrize(
    "name", ["a.jpg", "-r.jpg", "it's.jpg", "a\nb\x1b[31m.jpg", "\u202egpj.jpg", "\udcff.jpg", "~", "a b\\n.jpg"]
)
def test_any_name_is_one_word_that_shows_nothing_unsafe(name: str, tmp_path: Path) -> None:
    for written in (word(name), name_of(tmp_path / name)):
        assert written.isprintable()
        done = subprocess.run(
            ["bash", "-c", f"printf %s {written}"], capture_output=True, check=True, env={"HOME": str(tmp_path)}
        )
        assert done.stdout.removeprefix(b"./") == os.fsencode(name)


def test_a_line_can_say_which_input_it_is_about(waarmerk: Run, tmp_path: Path) -> None:
    names = [SAMPLES / "media" / "stripped.jpg", tmp_path / "absent.jpg", SAMPLES / "media" / "declared.webp"]
    done = waarmerk("verify", *names, *CLOCK, "--format", "jsonl", "--numbered")
    lines = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda line: line["input"])
    assert [(line["input"], line["path"]) for line in lines] == [(i, str(name)) for i, name in enumerate(names)]
    plain = waarmerk("verify", *names, *CLOCK, "--format", "json")
    assert [line["report"] for line in lines] == json.loads(plain.stdout)
    assert waarmerk("verify", names[0], "--numbered").returncode == 2
    piped = waarmerk("verify", "-", "--format", "jsonl", "--numbered", stdin=names[0].read_bytes())
    assert json.loads(piped.stdout)["path"] is None


def test_labels_can_be_left_out(waarmerk: Run) -> None:
    photo = SAMPLES / "media" / "ai-generated.png"
    given = (photo, "--trust", SAMPLES / "trust", *CLOCK, "--context", "jur=NL")
    (report,) = json.loads(waarmerk("verify", *given, "--no-labels", "--format", "json").stdout)
    (full,) = json.loads(waarmerk("verify", *given, "--format", "json").stdout)
    assert full["labels"]
    assert full["basis"]["rule_packs"]
    without = {**full, "labels": [], "basis": {**full["basis"], "rule_packs": []}}
    assert report == without
    page = waarmerk("verify", *given, "--no-labels", "--format", "html").stdout
    assert "Labels that are owed" not in page
    for also in (("--ask",), ("--for", "tiktok"), ("--fail-on", "unlabelled"), ("--record", "/nowhere/x")):
        assert waarmerk("verify", *given, "--no-labels", *also).returncode == 2, also


def test_a_registry_on_a_server_is_named_without_its_password(tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(b"state")
    address = "postgresql://desk:s3cret@db.example:5432/known?sslkey=/home/desk/k.pem&password=s3cret"
    given = Given(
        at="2026-11-21T12:00:00Z",
        settings=Settings(registry=str(copy)),
        facts=(),
        registry=address,
        public_url=None,
        language="en",
        form="html",
    )
    words = " ".join(given.words())
    assert "--registry postgresql://desk@db.example:5432/known" in words
    ((kind, named, digest),) = given.rests_on()
    assert (kind, named) == ("registry", "postgresql://desk@db.example:5432/known")
    assert digest == hashlib.sha256(b"state").hexdigest()
    assert "s3cret" not in words + named
