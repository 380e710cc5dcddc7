# SPDX-License-Identifier: Apache-2.0
"""What an exit code means, and when a report earns which.

0 everything examined, nothing on the ``--fail-on`` list; 1 something on it; 2 usage; 3 an input could not be read or
is not supported; 5 internal fault. Of several inputs the worst of 5, 3, 1, 0.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

OK, FAILED, USAGE, UNREADABLE, FAULT = 0, 1, 2, 3, 5
INTERRUPTED = 130  # as a shell reports SIGINT
DEFAULT_FAIL_ON = "altered,malformed"
_LISTED = ("official", "interim", "user")
_SEVERITY = (FAULT, UNREADABLE, FAILED, OK)

Document = Mapping[str, Any]

TOKENS: Mapping[str, Callable[[Document], bool]] = {
    "altered": lambda d: d["credentials"]["integrity"] == "altered",
    "malformed": lambda d: d["credentials"]["integrity"] == "malformed",
    "untrusted": lambda d: (
        d["credentials"]["state"] in ("embedded", "sidecar") and d["credentials"]["signer"]["status"] not in _LISTED
    ),
    "missing": lambda d: d["credentials"]["state"] in ("none", "remote"),
    "unlabelled": lambda d: any(duty["status"] == "required" and duty["shown_to"] == "public" for duty in d["labels"]),
    "conflict": lambda d: bool(d["verdict"]["conflict"]),
    "unreadable": lambda d: d["credentials"]["state"] == "unreadable",
}


def parse_fail_on(text: str) -> frozenset[str]:
    """The tokens of a comma-separated list; the empty string is the empty list. Raises ValueError naming a stranger."""
    tokens = frozenset(token.strip() for token in text.split(",")) if text.strip() else frozenset()
    strangers = sorted(tokens - TOKENS.keys())
    if strangers:
        raise ValueError(f"{', '.join(map(repr, strangers))}: choose from {', '.join(TOKENS)}")
    return tokens


def exit_code(document: Document, fail_on: frozenset[str]) -> int:
    """The exit code that one report earns."""
    if document["status"] != "examined":
        return FAULT if document["error"]["code"] == "internal.fault" else UNREADABLE
    return FAILED if any(TOKENS[token](document) for token in fail_on) else OK


def worst(codes: Iterable[int]) -> int:
    """The worst of several exit codes; 0 for none."""
    earned = set(codes)
    return next((code for code in _SEVERITY if code in earned), OK)
