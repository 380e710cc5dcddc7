# SPDX-License-Identifier: Apache-2.0
"""The clock of a decision as a caller gives it."""

from datetime import datetime

from fastapi import Query

from waarmerk.api.problems import Problem
from waarmerk.provenance.model.moment import moment_of

AT = Query(description="The clock of the decision, RFC 3339; now if not given")


def given_moment(at: str | None) -> datetime | None:
    """``at`` read as the command line reads ``--at``, None where nobody gave it. Raises Problem."""
    if at is None:
        return None
    try:
        return moment_of(at)
    except ValueError:
        places = [{"pointer": "/query/at", "detail": "a moment as RFC 3339 writes it, with its offset"}]
        raise Problem("request.invalid", errors=places) from None
