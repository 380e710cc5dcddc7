# SPDX-License-Identifier: Apache-2.0
"""The command as a user runs it: inputs, formats, exit codes, messages."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT, Run
from tests.unit.marks.writing import host, mark
from waarmerk.cli.main import commands
from waarmerk.cli.repeated import Given
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.settings import Settings

CLOCK = ("--at", "2026-11-21T12:00:00Z")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.linear_gradient("L").save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path, photo: Path) -> Path:
    made = tmp_path / "folder"
    (made / "below").mkdir(parents=True)
    (made / "notes.txt").write_text("not a picture")
    (made / "empty.bin").write_bytes(b"")
    (made / ".hidden.jpg").write_bytes(photo.read_bytes())
    (made / "b.jpg").write_bytes(photo.read_bytes())
    (made / "a.jpg").write_bytes(photo.read_bytes())
    (made / "below" / "c.jpg").write_bytes(photo.read_bytes())
    return made


def names(output: str) -> list[str]:
    return [report["asset"]["name"] for report in json.loads(output)]


@pytest.fixture
def broken(folder: Path) -> Path:
    """The same folder with three files whose names promise media, and that hold none."""
    (folder / "leeg.jpg").write_bytes(b"")
    (folder / "tekst.JPG").write_text("no picture")
    (folder / "below" / "clip.mp4").write_text("no clip")
    return folder


def test_in_a_folder_what_promises_media_and_holds_none_is_unreadable(waarmerk: Run, broken: Path) -> None:
    done = waarmerk("verify", "-r", broken, *CLOCK, "--format", "json")
    assert done.returncode == 3
    reports = {report["asset"]["name"]: report for report in json.loads(done.stdout)}
    unreadable = {name: report["error"]["code"] for name, report in reports.items() if report["error"]}
    assert unreadable == {"leeg.jpg": "media.empty", "tekst.JPG": "media.unsupported", "clip.mp4": "media.unsupported"}
    assert "3 examined, 3 unreadable, 2 skipped" in done.stderr
    table = waarmerk("verify", "-r", broken, *CLOCK, "--format", "csv").stdout
    assert table.count("media.empty") == 1
    assert "leeg.jpg" in table
    shown = waarmerk("verify", "-r", broken, *CLOCK, "--lang", "nl")
    assert shown.returncode == 3
    assert all(name in shown.stdout for name in unreadable)
    assert "notes.txt" not in shown.stdout


def test_a_picture_without_marks_is_of_unknown_origin(waarmerk: Run, photo: Path) -> None:
    done = waarmerk("verify", photo, *CLOCK, "--format", "json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert report["verdict"]["origin"] == "unknown"
    assert report["verdict"]["tier"] == "none"
    assert report["credentials"]["state"] == "none"
    assert report["asset"]["media_type"] == "image/jpeg"
    assert report["at"] == "2026-11-21T12:00:00Z"
    unread = {channel["channel"] for channel in report["channels"] if channel["state"] == "unread"}
    assert "closed:SynthID" in unread
    assert report["verdict"]["next_steps"][0]["nl"]


def test_open_marks_are_searched_where_asked_for(waarmerk: Run, tmp_path: Path, photo: Path) -> None:
    Image.fromarray(mark(host(), "flux")).save(tmp_path / "flux.png")
    done = waarmerk("verify", tmp_path / "flux.png", photo, *CLOCK, "--open-marks", "--format", "json")
    assert done.returncode == 0, done.stderr
    marked, plain = json.loads(done.stdout)
    states = [{c["channel"]: c["state"] for c in report["channels"]}["open-marks"] for report in (marked, plain)]
    assert states == ["found", "none"]
    assert (marked["verdict"]["origin"], marked["verdict"]["tier"]) == ("ai-generated", "claimed")
    assert [each["scheme"] for each in marked["watermarks"]] == ["dwtDct:flux"]
    assert plain["watermarks"] == []
    assert "dwtDct:flux, which anyone can write" in waarmerk("verify", tmp_path / "flux.png", "--open-marks").stdout
    searched = "open marks of generators: searched, none found"
    assert searched in waarmerk("verify", photo, "--open-marks").stdout
    assert searched not in waarmerk("verify", photo).stdout
    table = waarmerk("verify", tmp_path / "flux.png", "--open-marks", "--format", "csv").stdout
    assert "dwtDct:flux" in table
    (unasked,) = json.loads(waarmerk("verify", tmp_path / "flux.png", *CLOCK, "--format", "json").stdout)
    assert {c["channel"]: c["state"] for c in unasked["channels"]}["open-marks"] == "unread"
    for form in ("human", "html", "csv"):
        shown = waarmerk("verify", tmp_path / "flux.png", *CLOCK, "--format", form).stdout
        assert "flux" not in shown.replace("flux.png", ""), "in no form of the answer is more looked at than in another"
        assert "dwtDct:flux" in waarmerk("verify", tmp_path / "flux.png", "--open-marks", "--format", form).stdout


def test_the_human_form_speaks_two_languages_and_no_colour_into_a_pipe(waarmerk: Run, photo: Path) -> None:
    english, dutch = waarmerk("verify", photo, *CLOCK), waarmerk("verify", photo, *CLOCK, "--lang", "nl")
    assert english.stdout.startswith("photo.jpg\n  Origin unknown.")
    assert "Herkomst onbekend." in dutch.stdout
    assert "\x1b" not in english.stdout


def test_a_folder_is_walked_one_level_deep_and_strangers_are_counted(waarmerk: Run, folder: Path) -> None:
    done = waarmerk("verify", folder, *CLOCK, "--format", "json")
    assert names(done.stdout) == ["a.jpg", "b.jpg"]
    assert done.returncode == 0
    assert "2 examined, 0 unreadable, 2 skipped" in done.stderr
    assert names(waarmerk("verify", "-r", folder, "--format", "json").stdout) == ["a.jpg", "b.jpg", "c.jpg"]
    assert waarmerk("verify", "-r", folder, "--quiet").stderr == ""


def test_a_file_named_by_hand_that_is_no_media_is_a_report_and_exit_3(waarmerk: Run, folder: Path) -> None:
    done = waarmerk("verify", folder / "notes.txt", folder / "a.jpg", *CLOCK, "--format", "json")
    assert done.returncode == 3
    bad, good = json.loads(done.stdout)
    assert (bad["status"], bad["error"]["code"]) == ("unreadable", "media.unsupported")
    assert good["status"] == "examined"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b""), "media.empty"),
        (lambda path: path.write_text("<html><script>"), "media.unsupported"),
        (lambda path: None, "media.missing"),
        (os.mkfifo, "media.not-a-file"),
        (lambda path: path.symlink_to(path.parent / "nowhere"), "media.missing"),
    ],
    ids=["empty", "html", "missing", "fifo", "dangling"],
)
def test_what_cannot_be_examined_says_why(waarmerk: Run, tmp_path: Path, make: object, code: str) -> None:
    path = tmp_path / "odd.jpg"
    make(path)  # type: ignore[operator]
    done = waarmerk("verify", path, *CLOCK, "--format", "jsonl")
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert report["error"]["code"] == code
    assert report["verdict"]["origin"] == "unknown"
    assert report["credentials"] is None
    assert "could not be examined" in waarmerk("verify", path).stdout


def test_a_file_without_permission_is_unreadable(waarmerk: Run, photo: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root reads everything")
    photo.chmod(0)
    done = waarmerk("verify", photo, "--format", "jsonl")
    assert json.loads(done.stdout)["error"]["code"] == "media.unreadable"


def test_standard_input_has_no_name(waarmerk: Run, photo: Path) -> None:
    done = waarmerk("verify", "-", *CLOCK, "--format", "json", stdin=photo.read_bytes())
    (report,) = json.loads(done.stdout)
    assert report["asset"]["name"] is None
    (named,) = json.loads(waarmerk("verify", photo, *CLOCK, "--format", "json").stdout)
    assert report["asset"]["sha256"] == named["asset"]["sha256"]


def test_names_come_from_a_list(waarmerk: Run, folder: Path) -> None:
    odd = folder / "line\nbreak.jpg"
    odd.write_bytes((folder / "a.jpg").read_bytes())
    lines = waarmerk("verify", "--files-from", "-", "--format", "json", stdin=f"{folder}/b.jpg\n{folder}/a.jpg\n")
    assert names(lines.stdout) == ["b.jpg", "a.jpg"]
    nul = waarmerk("verify", "--files-from", "-", "-0", "--format", "json", stdin=f"{odd}\0{folder}/a.jpg\0")
    assert names(nul.stdout) == ["line\nbreak.jpg", "a.jpg"]


def test_an_empty_list_is_an_answer(waarmerk: Run) -> None:
    done = waarmerk("verify", "--files-from", "-", "--format", "json", stdin="")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "names no file" in done.stderr


def test_a_folder_without_media_says_so(waarmerk: Run, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    done = waarmerk("verify", bare, "--format", "json")
    assert done.returncode == 3
    assert "No supported media" in done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--nonsense", "x"], "--nonsense"),
        ([], "nothing to examine"),
        (["x", "--fail-on", "altred"], "altred"),
        (["x", "--at", "yesterday"], "yesterday"),
        (["x", "--at", "2026-11-21T12:00:00"], "offset"),
        (["x", "--format", "xml"], "xml"),
        (["x", "--jobs", "0"], "0"),
        (["x", "--trust", "/does/not/exist"], "/does/not/exist"),
        (["-", "--files-from", "-"], "only once"),
        (["--files-from", "/does/not/exist"], "/does/not/exist"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_message(waarmerk: Run, arguments: list[str], text: str) -> None:
    done = waarmerk("verify", *arguments, stdin="")
    assert done.returncode == 2
    assert text in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["verify", "label", "export schema-org"])
def test_a_platform_that_is_none_is_refused_before_anything_starts(
    command: str, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("a worker was started, or a key made")

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    given = (
        [str(tmp_path / "out.jpg"), "--ai", "modified", "--yes", "--organisation", "X"] if command == "label" else []
    )
    with pytest.raises(ConfigurationError, match="'nonsense' is no platform; choose from own, tiktok"):
        commands.main([*command.split(), str(photo), *given, "--for", "tiktok,nonsense"], standalone_mode=False)
    assert not (tmp_path / "data" / "waarmerk" / "keys").exists()


@pytest.mark.parametrize("broken", ["-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", ""])
def test_a_broken_trust_list_is_exit_2(waarmerk: Run, photo: Path, tmp_path: Path, broken: str) -> None:
    trust = tmp_path / "trust"
    trust.mkdir()
    (trust / "user.pem").write_text(broken)
    done = waarmerk("verify", photo, "--trust", trust)
    assert done.returncode == 2
    assert "user.pem" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stranger_in_the_trust_folder_is_exit_2(waarmerk: Run, photo: Path, tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    trust.mkdir()
    (trust / "anchors.pem").write_text("")
    done = waarmerk("verify", photo, "--trust", trust)
    assert done.returncode == 2
    assert "anchors.pem" in done.stderr


def test_fail_on_missing(waarmerk: Run, photo: Path) -> None:
    assert waarmerk("verify", photo, "--fail-on", "missing").returncode == 1
    assert waarmerk("verify", photo, "--fail-on", "").returncode == 0


def test_csv_has_a_row_a_report(waarmerk: Run, folder: Path) -> None:
    done = waarmerk("verify", folder, "--format", "csv", *CLOCK)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["name"] for row in rows] == ["a.jpg", "b.jpg"]
    assert {row["origin"] for row in rows} == {"unknown"}


def test_one_job_and_many_give_the_same_bytes(waarmerk: Run, folder: Path) -> None:
    runs = [waarmerk("verify", "-r", folder, *CLOCK, "--format", "json", "-j", jobs).stdout for jobs in ("1", "3")]
    assert runs[0] == runs[1]


def test_a_reader_that_goes_away_ends_the_run(photo: Path, tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "waarmerk.cli", "verify", "--files-from", "-", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdin is not None
    assert run.stdout is not None
    run.stdout.close()
    run.stdin.write(f"{photo}\n" * 30)
    run.stdin.close()
    assert run.stderr is not None
    message = run.stderr.read()
    run.stderr.close()
    assert run.wait(timeout=30) == -signal.SIGPIPE
    assert "went away" in message
    assert "Traceback" not in message


def test_a_name_cannot_move_the_cursor(waarmerk: Run, photo: Path) -> None:
    odd = photo.with_name("\x1b[2J\u202egpj.evil.jpg")
    photo.rename(odd)
    done = waarmerk("verify", odd)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout + done.stderr


def test_help_and_version_need_nothing(waarmerk: Run) -> None:
    assert "verify" in waarmerk("--help").stdout
    assert waarmerk("--version").stdout.startswith("waarmerk ")
    assert waarmerk("nonsense").returncode == 2


def test_the_report_matches_its_schema(waarmerk: Run, folder: Path) -> None:
    import jsonschema

    schema = json.loads((ROOT / "provenance/waarmerk/provenance/report/schema/report-1.schema.json").read_text("utf-8"))
    done = waarmerk("verify", folder, folder / "notes.txt", "--format", "json")
    reports = json.loads(done.stdout)
    assert len(reports) == 3
    for report in reports:
        jsonschema.validate(report, schema)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_a_message_and_not_a_finding(photo: Path, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "waarmerk.cli", "verify", str(photo)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 5
    assert "Exception ignored" not in done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_ours_is_exit_5_without_a_traceback() -> None:
    code = (
        "import sys; from waarmerk.cli import main, verify;"
        "verify.all_names = lambda *a, **k: 1 / 0; main.main(['verify', 'x'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "ZeroDivisionError at" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "x" * 5000, "a\0b"])
def test_a_name_no_file_system_can_hold_costs_one_report(waarmerk: Run, photo: Path, name: str) -> None:
    done = waarmerk("verify", "--files-from", "-", "--format", "json", stdin=f"{name}\n{photo}\n")
    assert done.returncode == 3, done.stderr
    bad, good = json.loads(done.stdout)
    assert bad["status"] == "unreadable"
    assert good["status"] == "examined"


def test_an_empty_name_is_a_slip_not_a_folder(waarmerk: Run, folder: Path) -> None:
    done = waarmerk("verify", "", cwd=folder)
    assert done.returncode == 2
    assert "empty name" in done.stderr


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
def test_a_moment_nobody_can_compute_is_wrong_usage(waarmerk: Run, photo: Path, at: str) -> None:
    done = waarmerk("verify", photo, "--at", at)
    assert done.returncode == 2
    assert "1970" in done.stderr


def test_a_terminal_of_another_alphabet_still_gets_a_report(photo: Path) -> None:
    command = [sys.executable, "-m", "waarmerk.cli", "verify", "--lang", "nl", str(photo)]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert b"Herkomst onbekend" in done.stdout


@pytest.mark.parametrize(("redirect", "code"), [(">&-", 2), ("2>&-", 0), ("<&-", 0)])
def test_closed_streams_are_no_fault(photo: Path, redirect: str, code: int) -> None:
    command = f"exec {sys.executable} -m waarmerk.cli verify '{photo}' {redirect}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "fault" not in done.stderr


def test_told_to_end_it_leaves_nothing_behind(photo: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run = subprocess.Popen(
        [sys.executable, "-m", "waarmerk.cli", "verify", "-", "--files-from", "/dev/null"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    assert run.stdin is not None
    run.stdin.write(photo.read_bytes())
    run.stdin.flush()
    deadline = time.monotonic() + 20
    while not any(scratch.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    assert not any(path.is_file() for path in scratch.rglob("*")), "what came in has no name"
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=20) == 128 + signal.SIGTERM
    run.stdin.close()
    assert list(scratch.iterdir()) == []


def test_a_list_that_never_ends_is_worked_on_while_it_grows(photo: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "waarmerk.cli", "verify", "-j", "1", "--files-from", "-", "--format", "jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert run.stdin is not None
    assert run.stdout is not None
    for _ in range(8):
        run.stdin.write(f"{photo}\n")
        run.stdin.flush()
    assert json.loads(run.stdout.readline())["status"] == "examined"
    run.stdin.close()
    assert len(run.stdout.readlines()) == 7
    run.stdout.close()
    assert run.wait(timeout=20) == 0


def test_a_pdf_goes_to_a_file_and_needs_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from waarmerk.cli import outputs
    from waarmerk.provenance.errors import ConfigurationError

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def refused(stream: io.StringIO) -> str:
        with pytest.raises(ConfigurationError) as caught:
            outputs.printer("pdf", stream, outputs.Look(language="en"), given=given_to("pdf"))
        return caught.value.code

    assert refused(Terminal()) == "dossier.to-terminal"
    monkeypatch.setattr(outputs, "find_spec", lambda name: None)
    assert refused(io.StringIO()) == "dossier.no-pdf"


def given_to(form: str) -> Given:
    return Given(
        at="2026-11-21T12:00:00Z",
        settings=Settings(),
        facts=(),
        public_url=None,
        language="en",
        form=form,
    )


def test_a_dossier_of_endless_files_is_refused(
    waarmerk: Run, photo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from waarmerk.cli import outputs
    from waarmerk.provenance.errors import ConfigurationError

    monkeypatch.setattr(outputs, "MAX_DOSSIER_FILES", 2)
    (report,) = json.loads(waarmerk("verify", photo, "--format", "json").stdout)
    given = given_to("html")
    page = outputs.printer("html", io.StringIO(), outputs.Look(language="en"), given=given)
    page.report(0, report)
    page.report(1, report)
    with pytest.raises(ConfigurationError, match="at most 2"):
        page.report(2, report)
