# SPDX-License-Identifier: Apache-2.0
"""What the credential of a labelled file says: how it came to be as declared, then what was done here, and no more."""

from collections.abc import Sequence
from datetime import datetime

from waarmerk.provenance.credentials.signing import Survey
from waarmerk.provenance.credentials.signing_statement import (
    Decision,
    Disclosure,
    SoftBinding,
    Statement,
    Step,
    Tool,
    history,
)
from waarmerk.provenance.marking.deeds import deeds
from waarmerk.provenance.marking.drawing import Drawn
from waarmerk.provenance.marking.plan import Layer, MarkingPlan, Says, Wishes
from waarmerk.provenance.model import DutyStatus, Report

_DECIDED = (DutyStatus.REQUIRED, DutyStatus.RECOMMENDED, DutyStatus.PROHIBITED, DutyStatus.UNDECIDED)


def statement_of(
    wishes: Wishes, drawn: Drawn, plan: MarkingPlan, survey: Survey, *, is_converted: bool, at: datetime
) -> Statement:
    """The statement to sign (C2PA 2.2: actions, soft binding, AI disclosure; the rules considered). Never raises."""
    tool = None if wishes.tool is None else Tool(name=wishes.tool, version=wishes.tool_version)
    told = history(
        wishes.says.value,
        at=at,
        has_parent=survey.has_credentials,
        parent_says_it=survey.establishes(wishes.says.value),
        tool=tool,
    )
    done = deeds(drawn, plan.losses, is_converted=is_converted, states=Layer.METADATA in plan.layers)
    mark = drawn.mark
    return Statement(
        steps=(*told, *(Step(action=action, when=at) for action in done.actions)),
        # How AI content came to be nobody here saw; what was done here is told whole, or the flag stays away.
        is_complete=done.is_complete and len(told) == 1 and told[0].source_type is None,
        title=wishes.title,
        mark=None if mark is None else SoftBinding(scheme=mark.binding_name, payload=mark.payload),
        decision=_decision(plan.report, at),
        disclosure=_disclosure(told),
        denies_ai=wishes.says is Says.NONE,
    )


def _decision(report: Report, at: datetime) -> Decision:
    decided = {(duty.rule, duty.status.value) for duty in report.duties if duty.status in _DECIDED}
    return Decision(
        rules=tuple(sorted(decided)),
        packs=tuple((pack.id, pack.sha256) for pack in report.rule_packs),
        date=f"{at:%Y-%m-%d}",
    )


def _disclosure(told: Sequence[Step]) -> Disclosure | None:
    """What AI system it was, where one is named; what nobody said, such as how far people oversaw it, stays unsaid."""
    named = next((step.tool for step in told if step.tool is not None), None)
    return None if named is None else Disclosure(model_name=named.name)
