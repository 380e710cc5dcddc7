# SPDX-License-Identifier: Apache-2.0
"""What is owed by whoever makes a political advertisement and publishes it too, as campaigns do."""

from collections.abc import Callable

from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.fields import ASSUMED
from waarmerk.provenance.model import Duty

PUBLISHER = "ad_publisher"


def with_publisher(decided: Callable[[Context], tuple[Duty, ...]], context: Context) -> tuple[Duty, ...]:
    """The duties in this context; for a deployer of a political advertisement also those of whoever publishes it.

    Regulation (EU) 2024/900 asks its notices and labels of the publisher (art. 11 and 12), which a campaign that places
    its own material mostly is: that is assumed, and stands so among the reasons. ``decided`` answers for one context; a
    rule that speaks for both roles is listed once.
    """
    duties = decided(context)
    role, political = context.get("role"), context.get("political_ad")
    if role is None or role.value != "deployer" or political is None or political.value is not True:
        return duties
    known = {duty.rule for duty in duties}
    theirs = decided(context.with_facts(Given(field="role", value=PUBLISHER, origin=ASSUMED)))
    return (*duties, *(duty for duty in theirs if duty.who == PUBLISHER and duty.rule not in known))
