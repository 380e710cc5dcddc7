# SPDX-License-Identifier: Apache-2.0
"""What is owed by whoever makes a political advertisement and publishes it too, as campaigns do."""

from collections.abc import Callable

from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.fields import ASSUMED
from waarmerk.provenance.model import Duty

PUBLISHER, POLITICAL = "ad_publisher", "political_ad"


def with_publisher(decided: Callable[[Context], tuple[Duty, ...]], context: Context) -> tuple[Duty, ...]:
    """The duties in this context; for a deployer of a political advertisement also those of whoever publishes it.

    Regulation (EU) 2024/900 asks its notices and labels of the publisher (art. 11 and 12), which a campaign that places
    its own material mostly is: that is assumed, and stands so among the reasons. Where nobody says whether it is such
    an advertisement, what hangs on that alone is undecided. ``decided`` answers for one context; a rule that speaks for
    both roles is listed once.
    """
    duties = decided(context)
    role, given = context.get("role"), context.get(POLITICAL)
    political = None if given is None else given.value
    if role is None or role.value != "deployer" or political is False:
        return duties
    known = {duty.rule for duty in duties}
    theirs = decided(context.with_facts(Given(field="role", value=PUBLISHER, origin=ASSUMED)))
    further = [duty for duty in theirs if duty.who == PUBLISHER and duty.rule not in known]
    if political is None:
        further = [duty for duty in further if [question.field for question in duty.asks] == [POLITICAL]]
    return (*duties, *further)
