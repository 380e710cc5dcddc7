# SPDX-License-Identifier: Apache-2.0
"""The validator harness: asset, lists and time in, crJSON out, and it holds to the published schema."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from tests.conftest import ROOT
from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.credentials.rubric import evaluate
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.trust import load_store
from waarmerk.provenance.trust.lists import rfc3339

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def schema() -> Any:
    text = (ROOT / "tests" / "assets" / "crjson" / "crJSON-schema.json").read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def codes(document: dict[str, Any], kind: str) -> set[str]:
    return {each["code"] for each in document["manifests"][0]["validationResults"][kind]}


def test_a_listed_signer_at_the_time_asked_for(kit: Any, root: Any, desk: Any, stored: Any, schema: Any) -> None:
    signed = kit.asset_of(kit.sign(kit.jpeg(), desk, kit.created()))
    trust = stored({"user.pem": root.pem})
    document = CredentialReader(trust, at=kit.NOW).crjson(signed)
    assert list(schema.iter_errors(document)) == []
    assert "signingCredential.trusted" in codes(document, "success")
    assert "signingCredential.untrusted" not in codes(document, "failure")
    assert document["manifests"][0]["validationResults"]["validationTime"] == rfc3339(kit.NOW)
    stated = document["waarmerk:validation"]
    assert stated["trustLists"][0]["id"] == "user:user.pem"
    assert {"code": "signingCredential.untrusted", "was": "failure"} in stated["replacedCodes"]
    assert stated["signerList"] == "user:user.pem"


def test_years_later_the_certificate_has_ended(kit: Any, root: Any, desk: Any, stored: Any, schema: Any) -> None:
    signed = kit.asset_of(kit.sign(kit.jpeg(), desk, kit.created()))
    later = kit.NOW + timedelta(days=900)
    document = CredentialReader(stored({"user.pem": root.pem}, at=later), at=later).crjson(signed)
    assert list(schema.iter_errors(document)) == []
    failed = codes(document, "failure")
    assert {"signingCredential.expired", "claimSignature.outsideValidity"} <= failed
    assert "signingCredential.trusted" not in codes(document, "success")
    assert "claimSignature.insideValidity" not in codes(document, "success")


def test_the_same_bytes_lists_and_time_give_the_same_document(kit: Any, root: Any, desk: Any, stored: Any) -> None:
    signed = kit.asset_of(kit.sign(kit.jpeg(), desk, kit.created()))
    trust = stored({"user.pem": root.pem})
    first, again = (json.dumps(CredentialReader(trust, at=kit.NOW).crjson(signed)) for _ in range(2))
    assert first == again


def test_a_signature_that_does_not_hold_keeps_its_codes(kit: Any, root: Any, desk: Any, stored: Any) -> None:
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    altered = reader.crjson(kit.asset_of(kit.tampered(kit.sign(kit.jpeg(), desk, kit.created()))))
    assert "assertion.dataHash.mismatch" in codes(altered, "failure")
    assert altered["waarmerk:validation"]["integrity"] == "altered"


def test_a_purpose_the_engine_lets_pass(kit: Any, root: Any, stored: Any, schema: Any) -> None:
    stamper = root.issue(purposes=(kit.TIME_STAMPING,))
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    document = reader.crjson(kit.asset_of(kit.sign(kit.jpeg(), stamper, kit.created())))
    assert list(schema.iter_errors(document)) == []
    assert "signingCredential.invalid" in codes(document, "failure")
    assert "signingCredential.trusted" not in codes(document, "success")


def test_without_a_store_the_document_holds_no_manifest(kit: Any, root: Any, stored: Any, schema: Any) -> None:
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    document = reader.crjson(kit.asset_of(kit.jpeg()))
    assert list(schema.iter_errors(document)) == []
    assert document["manifests"] == []
    assert document["waarmerk:validation"]["state"] == "none"


def test_the_corpus_holds_to_the_schema_and_the_rubric_finds_what_is_expected(shared: Any, schema: Any) -> None:
    reader = CredentialReader(load_store(shared / "trust", data_folder=None, at=AT), at=AT)
    deviations: Counter[tuple[str, ...]] = Counter()
    generative: Counter[bool] = Counter()
    read = 0
    with (shared / "corpus/c2pa/expected.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            document = reader.crjson(open_asset(shared / "corpus/c2pa" / row["file"], limits=Limits()))
            read += bool(document["manifests"])
            for error in schema.iter_errors(document):
                deviations[tuple(each for each in error.absolute_path if isinstance(each, str))] += 1
            if document["manifests"] and row["signer_status"] in ("official", "interim"):
                assert "signingCredential.trusted" in codes(document, "success"), row["file"]
            if document["manifests"] and row["time_status"] == "trusted":
                assert "timeStamp.trusted" in codes(document, "success"), row["file"]
            found = evaluate(document)
            assert found["ai_signal"] in row["ai_signal"].split("|"), row["file"]
            signals = [signal for each in found["manifests"] for signal in _generative(each)]
            generative[any(signal["official"] for signal in signals)] += bool(signals)
    assert read > 90
    assert set(deviations) <= {("manifests", "claim", "metadata")}, "claims of 2022 state a list where a map belongs"
    assert generative.total() >= 10
    assert generative[False] > generative[True], "by its letter the rubric does not read version 1 of the actions"


def _generative(row: dict[str, Any]) -> list[dict[str, Any]]:
    ends = ("_fullyGenAIMedia", "_partlyGenAICreation", "_perceptibleGenAI")
    return [each for each in (*row["localInceptions"], *row["localTransformations"]) if each["trait"].endswith(ends)]
