# SPDX-License-Identifier: Apache-2.0
"""Every cell of the corpus of real signed media, and the hostile rows that concern credentials."""

import csv
import hashlib
import io
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.credentials.findings import CODES
from waarmerk.provenance.media.sniff import sniff
from waarmerk.provenance.model import Asset, Credential, SignerStatus
from waarmerk.provenance.trust import load_store

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def asset(path: Path) -> Asset:
    data = path.read_bytes()
    return Asset(
        name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        media_type=sniff(data[: 64 * 1024]) or "application/octet-stream",
        open=lambda: io.BytesIO(data),
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def cells(found: Credential) -> dict[str, str]:
    return {
        "state": found.state,
        "integrity": found.integrity,
        "signer_status": found.signer.status,
        "time_status": found.signer.time_status,
        "identity": found.identity,
        "chain": found.chain,
        "ai_signal": found.signal,
    }


def test_every_cell_of_the_corpus(shared: Path) -> None:
    reader = CredentialReader(load_store(shared / "trust", data_folder=None, at=AT), at=AT)
    wrong, held = [], 0
    for row in rows(shared / "corpus/c2pa/expected.csv"):
        found = reader.read(asset(shared / "corpus/c2pa" / row["file"]))
        for column, value in cells(found).items():
            expected = row[column].strip()
            if expected and value not in expected.split("|"):
                wrong.append((row["file"], column, expected, str(value)))
            held += bool(expected)
        wrong += [
            (row["file"], "must", code, "") for code in row["codes_must"].split(";") if code and code not in found.codes
        ]
        wrong += [
            (row["file"], "must not", code, "")
            for code in row["codes_must_not"].split(";")
            if code and code in found.codes
        ]
        assert {finding.code for finding in (*found.concerns, *found.capture_bars)} <= CODES
        assert not (found.signer.verified_name and not found.signer.status.is_listed)
    assert wrong == []
    assert held > 700


def test_a_certificate_that_has_ended_is_judged_at_the_time_asked_for(shared: Path) -> None:
    nikon = asset(shared / "corpus/c2pa/public-testfiles_nikon-20221019-building.jpeg")
    trust = load_store(shared / "trust", data_folder=None, at=AT)
    assert CredentialReader(trust, at=AT).read(nikon).signer.status is SignerStatus.EXPIRED
    then = datetime(2022, 10, 20, tzinfo=UTC)
    assert CredentialReader(trust, at=then).read(nikon).signer.status is SignerStatus.UNKNOWN


def test_without_the_interim_list_its_signers_are_unknown(shared: Path) -> None:
    trust = load_store(None, data_folder=None, at=AT)
    found = CredentialReader(trust, at=AT).read(asset(shared / "corpus/c2pa/c2pa-ts_amazon-titan-g1.png"))
    assert found.signer.status in (SignerStatus.UNKNOWN, SignerStatus.EXPIRED)
    found = CredentialReader(trust, at=AT).read(asset(shared / "corpus/c2pa/c2paverify_conformant-b.jpg"))
    assert found.signer.status is SignerStatus.OFFICIAL, "the snapshot that ships has the official list"


def test_hostile_files(shared: Path, tmp_path: Path) -> None:
    folder = shared / "corpus/hostile"
    (tmp_path / "user.pem").write_bytes((folder / "test_root.pem").read_bytes())
    reader = CredentialReader(load_store(tmp_path, data_folder=None, at=AT), at=AT)
    wrong = []
    for row in rows(folder / "expected.csv"):
        if row["expect_status"] == "unreadable":
            continue
        found = reader.read(asset(folder / row["file"]))
        values = {"state": found.state, "integrity": found.integrity, "signer": found.signer.status}
        for name, value in values.items():
            expected = row[f"expect_{name}"]
            if expected and value not in expected.split("|"):
                wrong.append((row["file"], name, expected, str(value)))
        wrong += [
            (row["file"], "must", code, "") for code in row["codes_must"].split(";") if code and code not in found.codes
        ]
        values |= {
            "unhashed_bytes": str(found.unhashed_bytes),
            "verified_name": str(found.signer.verified_name).lower(),
        }
        for forbidden in row["must_not"].split(";"):
            name, _, value = forbidden.partition("=")
            if value and values.get(name) == value:
                wrong.append((row["file"], "must not", forbidden, value))
    assert wrong == []


@pytest.mark.parametrize("name", ["good.jpg", "good.mp4", "good.png"])
def test_damage_never_improves_an_answer(shared: Path, tmp_path: Path, name: str) -> None:
    """Cut at any place, a signed file is never intact and never without credentials."""
    folder = shared / "corpus/hostile"
    (tmp_path / "user.pem").write_bytes((folder / "test_root.pem").read_bytes())
    reader = CredentialReader(load_store(tmp_path, data_folder=None, at=AT), at=AT)
    whole = asset(folder / "controls" / name)
    with whole.open() as stream:
        data = stream.read()
    for size in range(len(data) // 3, len(data), len(data) // 25):
        cut = Asset(
            name=None, sha256="", bytes=size, media_type=whole.media_type, open=partial(io.BytesIO, data[:size])
        )
        found = reader.read(cut)
        assert (found.integrity, found.signer.verified_name) != ("intact", True), size
