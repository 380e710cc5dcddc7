# SPDX-License-Identifier: Apache-2.0
"""Disputes and withdrawals of labels: recorded, never erased.

A history is a tuple of entries, each naming the digest of the one before. It only grows: a withdrawal leaves the label
and the dispute where they are and says that the label no longer stands (``neg`` in AT-proto).
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.record import canonical
from waarmerk.provenance.labelling.wording import one_line

MAX_REASON = 2_000
_ADDRESS = re.compile(r"[^\s@]@[^\s@]+\.[^\W\d_]{2,}")


class Act(StrEnum):
    """What happened to a label."""

    LABELLED = "labelled"
    DISPUTED = "disputed"
    UPHELD = "upheld"  # a person looked at the dispute and the label stays
    WITHDRAWN = "withdrawn"


_NEXT = {
    None: (Act.LABELLED,),
    Act.LABELLED: (Act.DISPUTED, Act.WITHDRAWN),
    Act.DISPUTED: (Act.DISPUTED, Act.UPHELD, Act.WITHDRAWN),
    Act.UPHELD: (Act.DISPUTED, Act.WITHDRAWN),
    Act.WITHDRAWN: (Act.LABELLED,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One entry: what happened, when, in which capacity (never a name), why, and after which entry.

    ``decision`` is the digest of the decision record that brought the label, ``before`` that of the entry before,
    empty for the first.
    """

    act: Act
    rule: str
    decision: str
    at: str
    by: str
    reason: str
    before: str

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical entry; the next entry names it."""
        return hashlib.sha256(canonical(asdict(self))).hexdigest()


History = tuple[Correction, ...]

ROLES = ("uploader", "platform", "reviewer", "subject", "public_body")
"""In which capacity somebody acts; ``subject`` is whoever the content shows."""


def begin(*, rule: str, decision: str, at: datetime, by: str = "platform", reason: str = "") -> History:
    """The history of a label that was just published."""
    return _grown((), Act.LABELLED, rule=rule, decision=decision, at=at, by=by, reason=reason)


def dispute(history: History, *, at: datetime, by: str, reason: str) -> History:
    """The history with a dispute; the label stands until somebody decides."""
    return _after(history, Act.DISPUTED, at=at, by=by, reason=reason)


def uphold(history: History, *, at: datetime, reason: str) -> History:
    """The history with a reviewer's decision that the label stays."""
    return _after(history, Act.UPHELD, at=at, by="reviewer", reason=reason)


def withdraw(history: History, *, at: datetime, by: str, reason: str) -> History:
    """The history with a withdrawal; everything before it stays."""
    return _after(history, Act.WITHDRAWN, at=at, by=by, reason=reason)


def stands(history: History) -> bool:
    """Whether the label is in force: disputed ones are, withdrawn ones are not."""
    return bool(history) and history[-1].act is not Act.WITHDRAWN


def lines(history: History) -> bytes:
    """The history as canonical JSON, one entry a line."""
    return b"".join(canonical(asdict(entry)) + b"\n" for entry in history)


def read_lines(text: str) -> History:
    """A history from its lines. Raises ConfigurationError where an entry is missing, changed or out of turn."""
    history: History = ()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            data = json.loads(line)
            entry = Correction(**{**data, "act": Act(data["act"])})
            _verify(history, entry)
        except (ValueError, TypeError, KeyError, ConfigurationError) as error:
            raise ConfigurationError("labelling.history-broken", f"line {number}: {error}") from error
        history = (*history, entry)
    return history


def _after(history: History, act: Act, *, at: datetime, by: str, reason: str) -> History:
    if not history:
        raise ConfigurationError("labelling.no-history", "there is no label to correct")
    if not reason.strip():
        raise ConfigurationError("labelling.no-reason", "a correction says why")
    last = history[-1]
    return _grown(history, act, rule=last.rule, decision=last.decision, at=at, by=by, reason=reason)


def _grown(history: History, act: Act, *, rule: str, decision: str, at: datetime, by: str, reason: str) -> History:
    if at.tzinfo is None:
        raise ValueError("the clock of a correction has a time zone")
    if _ADDRESS.search(reason):
        raise ConfigurationError("labelling.personal", "a reason names no person: take the e-mail address out")
    entry = Correction(
        act=act,
        rule=rule,
        decision=decision,
        at=at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        by=by,
        reason=one_line(reason, MAX_REASON),
        before=history[-1].digest if history else "",
    )
    _verify(history, entry)
    return (*history, entry)


def _verify(history: History, entry: Correction) -> None:
    last = history[-1] if history else None
    if entry.act not in _NEXT[last.act if last else None]:
        raise ConfigurationError(
            "labelling.out-of-turn", f"{entry.act} cannot follow {last.act if last else 'nothing'}"
        )
    if entry.before != (last.digest if last else ""):
        raise ConfigurationError("labelling.history-broken", "the entry does not follow the one before it")
    if last and (datetime.fromisoformat(entry.at) < datetime.fromisoformat(last.at)):
        raise ConfigurationError("labelling.history-broken", "the entry is older than the one before it")
    if entry.by not in ROLES:
        raise ConfigurationError("labelling.unknown-role", f"by is one of {', '.join(ROLES)}")
