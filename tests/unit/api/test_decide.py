# SPDX-License-Identifier: Apache-2.0
"""Rules without a file, over HTTP: the answers of the command line, in the order of the questions."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.unit.api.conftest import bearer, problem
from tests.unit.labelling.test_loader import FILES
from waarmerk.api.describe import describe
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.cli.main import commands
from waarmerk.provenance.model.moment import rfc3339

FACTS: list[dict[str, Any]] = [
    {"decl": "ai", "jur": ["NL"], "role": "deployer", "professional": True, "modality": "video"},
    {"c2pa": "trusted", "c2pa_dst": ["digitalCapture"]},
    {"decl": "ai", "unheard": 1},
    {"decl": "no"},
    {},
]


def told(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    (content,) = [
        each["content"]["application/json"]["schema"]
        for status, each in describe()["paths"]["/v1/decide"]["post"]["responses"].items()
        if status == "200"
    ]
    jsonschema.validate(answer.json(), content)
    return answer.json()


def command_line(facts: str, *options: str) -> Any:
    command = ["rules", "decide", "--facts", "-", "--format", "json", "--at", rfc3339(AT), *options]
    return json.loads(CliRunner().invoke(commands, command, input=facts).stdout)


def test_the_answers_are_those_of_the_command_line_in_the_same_order(client: TestClient) -> None:
    text = json.dumps(FACTS)
    answers = told(client.post("/v1/decide", content=text))
    assert answers == command_line(text)
    assert ["error" in each for each in answers] == [False, False, True, True, False]
    lines = "\n".join(map(json.dumps, FACTS)) + "\n"
    assert told(client.post("/v1/decide", content=lines)) == answers
    assert told(client.post("/v1/decide", json=FACTS[0])) == answers[:1]


def test_lines_come_back_where_they_are_asked_for(client: TestClient) -> None:
    answer = client.post("/v1/decide", json=FACTS, headers={"Accept": "application/x-ndjson"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == client.post("/v1/decide", json=FACTS).json()


def test_the_clock_may_be_given(client: TestClient) -> None:
    facts = {"decl": "ai", "jur": ["NL"], "role": "deployer", "professional": True, "modality": "video"}
    before = client.post("/v1/decide", json=facts, params={"at": "2020-01-01T00:00:00Z"}).json()
    assert before[0]["labels"] != client.post("/v1/decide", json=facts).json()[0]["labels"]
    problem(client.post("/v1/decide", json=facts, params={"at": "yesterday"}), 422, "request.invalid")


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"5", b"{", b'{"decl": "ai"', b"decl: ai", b'{"a": 1, "a": 2}', b"[" * 60_000, b"NaN"]
)
def test_what_is_no_set_of_facts_is_refused_and_says_where(client: TestClient, body: bytes) -> None:
    document = problem(client.post("/v1/decide", content=body), 422, "request.invalid")
    assert document["errors"][0]["pointer"] == "/body"


def test_what_is_no_set_among_others_has_its_reason_in_its_place(client: TestClient) -> None:
    good, twice = json.dumps(FACTS[0]), '{"decl": "ai", "decl": "not_ai"}'
    nested = '{"jur": [{"a": 1, "a": 2}]}'
    whole = client.post("/v1/decide", content=good).json()[0]
    answers = told(client.post("/v1/decide", content=f"[{good}, {twice}, 5, {nested}, {good}]"))
    assert (answers[0], answers[4]) == (whole, whole)
    assert [each.get("error", {}).get("message") for each in answers[1:4]] == [
        "a fact stands twice in one set",
        "input 3 is no set of facts (a mapping of names to values)",
        "a fact stands twice in one set",
    ]
    assert told(client.post("/v1/decide", content=b"[1]"))[0]["error"]["code"]
    lines = f"{good}\n{{broken\n\n[1]\n{good} {good}\n{good}\n"
    for body, headers in (
        (lines, {}),
        (lines.partition("\n")[2], {"Content-Type": "application/x-ndjson; charset=utf-8"}),
    ):
        found = told(client.post("/v1/decide", content=body, headers=headers))
        assert found[-1] == whole
        assert ["error" in each for each in found[-4:]] == [True, True, True, False]
        assert "not JSON" in found[-4]["error"]["message"]


def test_a_body_of_strangers_has_an_end(client: TestClient, keyring: Keyring) -> None:
    header = bearer(keyring, "south", Scope.VERIFY)
    for who, count, size in (({}, 101, 70_000), (header, 2001, 2_200_000)):
        for body in (json.dumps([{}] * count), " " * size):
            problem(client.post("/v1/decide", content=body, headers=who), 413, "request.too-large")
    assert len(client.post("/v1/decide", content=json.dumps([{}] * 101), headers=header).json()) == 101
    problem(
        client.post("/v1/decide", content=b"{}", headers=bearer(keyring, "south", Scope.LABEL)), 403, "auth.forbidden"
    )


def test_a_tenant_has_its_own_rules(client: TestClient, keyring: Keyring, tmp_path: Path) -> None:
    pack = tmp_path / "house"
    for name, content in FILES.items():
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_text(content, "utf-8")
    keyring.add_tenant(Tenant(name="house", settings={"rule_packs": [str(pack)]}), at=AT)
    facts = {"decl": "ai", "role": "deployer", "real_person": "public"}
    mine = told(client.post("/v1/decide", json=facts, headers=bearer(keyring, "house", Scope.VERIFY)))
    others = told(client.post("/v1/decide", json=facts, headers=bearer(keyring, "south", Scope.VERIFY)))
    assert {each["rule"] for each in mine[0]["labels"]} - {each["rule"] for each in others[0]["labels"]} == {
        "HOUSE-portrait"
    }
    assert mine == command_line(json.dumps(facts), "--pack", str(pack))


def test_rules_that_cannot_be_used_are_not_passed_over(client: TestClient, keyring: Keyring, tmp_path: Path) -> None:
    keyring.add_tenant(Tenant(name="broken", settings={"rule_packs": [str(tmp_path / "gone")]}), at=AT)
    header = bearer(keyring, "broken", Scope.VERIFY)
    problem(client.post("/v1/decide", json={}, headers=header), 503, "service.not-ready")
