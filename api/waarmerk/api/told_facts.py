# SPDX-License-Identifier: Apache-2.0
"""Facts that a program tells with a file: the field ``context``, an object of JSON, as ``POST /v1/label`` has it."""

import json
from collections.abc import Mapping
from typing import Any

from waarmerk.api.caller import Caller
from waarmerk.api.problems import Problem, pointer
from waarmerk.api.services import Services
from waarmerk.provenance.labelling.context import FactError
from waarmerk.provenance.report.escape import plain

FIELD = "context"
_MOST_CHARACTERS, _MOST_SAID = 4096, 300


def require_none(fields: Mapping[str, str]) -> None:
    """Raise Problem where facts are told: what becomes a job is examined without them, and says so."""
    if FIELD in fields:
        raise _refused((), "a job takes no facts; tell them to `POST /v1/verify`, of a file that is answered at once")


def told_facts(services: Services, caller: Caller, fields: Mapping[str, str]) -> tuple[str, ...]:
    """The facts in a form as ``field=value``, none where there are none. May wait for the disk: it reads rules.

    Raises Problem for what is no object of JSON, and for facts that no rule of the caller knows or that have no such
    value.
    """
    if FIELD not in fields:
        return ()
    try:
        told = json.loads(fields[FIELD]) if len(fields[FIELD]) <= _MOST_CHARACTERS else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise _refused((), f"an object of JSON, of at most {_MOST_CHARACTERS} characters")
    from waarmerk.provenance.build import applied_rules  # noqa: PLC0415 - only where facts are told

    settings = caller.profile(services.settings)
    packs = services.rulebooks.of(settings.rule_packs)
    for name, value in told.items():
        try:
            applied_rules(packs, settings, [{name: value}])
        except FactError as error:
            raise _refused((name,), plain(error.message, limit=_MOST_SAID)) from None
    return tuple(f"{name}={_written(value)}" for name, value in told.items() if value is not None)


def _written(value: Any) -> str:
    """A value that was accepted, as it is typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _refused(steps: tuple[str, ...], why: str) -> Problem:
    return Problem("request.invalid", errors=[{"pointer": pointer(("body", FIELD, *steps)), "detail": why}])
