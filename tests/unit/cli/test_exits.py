# SPDX-License-Identifier: Apache-2.0
"""Exit codes, token by token."""

from typing import Any

import pytest

from waarmerk.cli import exits


def document(**parts: Any) -> dict[str, Any]:
    credential = {"state": "embedded", "integrity": "intact", "signer": {"status": "official"}}
    base: dict[str, Any] = {
        "status": "examined",
        "error": None,
        "verdict": {"conflict": False},
        "credentials": credential | parts.pop("credentials", {}),
        "labels": [],
    }
    return base | parts


@pytest.mark.parametrize(
    ("token", "parts"),
    [
        ("altered", {"credentials": {"integrity": "altered"}}),
        ("malformed", {"credentials": {"integrity": "malformed"}}),
        ("untrusted", {"credentials": {"signer": {"status": "unknown"}}}),
        ("untrusted", {"credentials": {"signer": {"status": "expired"}}}),
        ("missing", {"credentials": {"state": "none"}}),
        ("missing", {"credentials": {"state": "remote"}}),
        ("unlabelled", {"labels": [{"status": "required", "shown_to": "public"}]}),
        ("conflict", {"verdict": {"conflict": True}}),
        ("unreadable", {"credentials": {"state": "unreadable"}}),
    ],
)
def test_a_token_acts_on_its_finding_alone(token: str, parts: dict[str, Any]) -> None:
    assert exits.exit_code(document(**parts), frozenset({token})) == exits.FAILED
    assert exits.exit_code(document(**parts), frozenset(exits.TOKENS) - {token, "untrusted"}) == exits.OK
    assert exits.exit_code(document(), frozenset({token})) == exits.OK


@pytest.mark.parametrize("status", ["official", "interim", "user"])
def test_a_listed_signer_is_not_untrusted(status: str) -> None:
    assert exits.exit_code(document(credentials={"signer": {"status": status}}), frozenset({"untrusted"})) == exits.OK


def test_a_file_without_credentials_is_missing_not_untrusted() -> None:
    nothing = document(credentials={"state": "none", "signer": {"status": "none"}})
    assert exits.exit_code(nothing, frozenset({"untrusted"})) == exits.OK


def test_unreadable_and_faults_have_codes_of_their_own() -> None:
    unreadable = {"status": "unreadable", "error": {"code": "media.empty"}}
    fault = {"status": "unreadable", "error": {"code": "internal.fault"}}
    assert exits.exit_code(unreadable, frozenset()) == exits.UNREADABLE
    assert exits.exit_code(fault, frozenset()) == exits.FAULT


def test_the_worst_of_several_wins() -> None:
    assert exits.worst([0, 1, 3, 0]) == 3
    assert exits.worst([1, 5, 3]) == 5
    assert exits.worst([]) == 0


def test_the_empty_list_is_a_list_and_a_stranger_is_refused() -> None:
    assert exits.parse_fail_on("") == frozenset()
    assert exits.parse_fail_on("altered, conflict") == {"altered", "conflict"}
    for text in ("altred", "altered,", "all"):
        with pytest.raises(ValueError, match="choose from"):
            exits.parse_fail_on(text)
