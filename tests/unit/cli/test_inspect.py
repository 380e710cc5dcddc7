# SPDX-License-Identifier: Apache-2.0
"""The manifest store on a terminal."""

from pathlib import Path

from tests.conftest import ROOT, Run

SAMPLES = ROOT / "samples" / "media"
TRUST = ("--trust", ROOT / "samples" / "trust")


def test_the_tree_names_what_failed_below(waarmerk: Run) -> None:
    done = waarmerk("inspect", SAMPLES / "resigned-over-tampered.jpg", *TRUST)
    assert done.returncode == 0
    assert "+- made from (parentOf): tampered.jpg (did not match its credentials)" in done.stdout
    assert "assertion.dataHash.mismatch" in done.stdout
    assert done.stdout.count("digest of the claim (SHA-256)") == 2


def test_the_tree_says_on_whose_list_the_signers_stand(waarmerk: Run) -> None:
    """Not what the engine says under the one list of a pass."""
    known = waarmerk("inspect", SAMPLES / "ai-edited.jpg", *TRUST).stdout
    assert known.count("(on a trust list of whoever runs this check)") == 2
    assert "signingCredential.untrusted" not in known
    strange = waarmerk("inspect", SAMPLES / "ai-edited.jpg").stdout
    assert strange.count("which nobody vouches for") == 2
    dutch = waarmerk("inspect", SAMPLES / "ai-edited.jpg", *TRUST, "--lang", "nl").stdout
    assert "op een vertrouwenslijst van wie deze controle uitvoert" in dutch


def test_actions_and_sources_are_said_in_words_with_the_standards_own_names(waarmerk: Run) -> None:
    text = waarmerk("inspect", SAMPLES / "ai-edited.jpg", "--lang", "nl").stdout
    assert "bewerkt (c2pa.edited), bewerkt met generatieve AI (http://cv.iptc.org/" in text


def test_a_file_without_a_store_says_so_in_both_languages(waarmerk: Run) -> None:
    assert "No manifest store" in waarmerk("inspect", SAMPLES / "stripped.jpg").stdout
    assert "geen Content Credentials" in waarmerk("inspect", SAMPLES / "stripped.jpg", "--lang", "nl").stdout


def test_standard_input_is_a_file_too(waarmerk: Run) -> None:
    data = (SAMPLES / "ai-edited.jpg").read_bytes()
    assert waarmerk("inspect", "-", stdin=data).stdout == waarmerk("inspect", SAMPLES / "ai-edited.jpg").stdout


def test_what_is_no_media_is_refused_with_its_reason(waarmerk: Run, tmp_path: Path) -> None:
    text = tmp_path / "x.txt"
    text.write_text("hello")
    for path, code in ((text, "media.unsupported"), (tmp_path / "absent", "media.missing")):
        done = waarmerk("inspect", path)
        assert done.returncode == 3
        assert code in done.stderr
        assert "Traceback" not in done.stderr
    assert waarmerk("inspect", tmp_path).returncode in (2, 3)
