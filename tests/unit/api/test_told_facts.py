# SPDX-License-Identifier: Apache-2.0
"""Facts told with a file: decided on as the command line decides on them, and never left out in silence."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT, Run
from tests.unit.api.conftest import problem
from waarmerk.api.app import create_app
from waarmerk.api.services import Services
from waarmerk.provenance import Pool, Settings

PICTURE = ROOT / "samples" / "media" / "ai-generated.png"
FACTS = {"jur": ["NL", "BE"], "role": "deployer", "professional": True, "generated_on": "2026-11-01", "art": None}


@pytest.fixture
def real() -> Any:
    with (
        Pool(Settings(trust=ROOT / "samples" / "trust").to_json()) as pool,
        TestClient(create_app(Services(bench=pool, clock=lambda: AT))) as made,
    ):
        yield made


def asked(client: TestClient, told: str) -> Any:
    return client.post("/v1/verify", files={"file": PICTURE.read_bytes()}, data={"context": told})


def test_facts_in_a_form_are_decided_on_as_the_command_does(real: TestClient, waarmerk: Run) -> None:
    """They were left out without a word, and the labels stayed undecided."""
    answer = asked(real, json.dumps(FACTS))
    assert answer.status_code == 200
    typed = ("jur=NL,BE", "role=deployer", "professional=true", "generated_on=2026-11-01")
    context = [part for fact in typed for part in ("--context", fact)]
    moment = AT.strftime("%Y-%m-%dT%H:%M:%SZ")
    trust = ("--trust", ROOT / "samples" / "trust", "--at", moment, "--format", "json")
    (report,) = json.loads(waarmerk("verify", PICTURE, *context, *trust).stdout)
    assert answer.json()["labels"] == report["labels"]
    bare = real.post("/v1/verify", files={"file": PICTURE.read_bytes()}).json()
    assert answer.json()["labels"] != bare["labels"]
    assert asked(real, "{}").json()["labels"] == bare["labels"]


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ("jur=NL", "/body/context"),
        ("[]", "/body/context"),
        ("{" + " " * 4100 + "}", "/body/context"),
        ('{"jur": "NL"}', "/body/context/jur"),
        ('{"role": "boss"}', "/body/context/role"),
        ('{"role": "deployer", "a/b": 1}', "/body/context/a~1b"),
    ],
)
def test_facts_that_are_none_are_refused_where_they_stand(client: TestClient, told: str, place: str) -> None:
    answer = client.post("/v1/verify", files={"file": b"x"}, data={"context": told})
    (error,) = problem(answer, 422, "request.invalid")["errors"]
    assert (error["pointer"], bool(error["detail"])) == (place, True)
