# SPDX-License-Identifier: Apache-2.0
"""What the lines of a report say of a duty."""

from datetime import UTC, datetime

import pytest

from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.stated import decide_stated
from waarmerk.provenance.report.document import decision
from waarmerk.provenance.report.rows import Rows
from waarmerk.provenance.report.wording import LANGUAGES, wording
from waarmerk.provenance.verdict import weigh

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_way_of_working_has_no_day_from_which_it_holds(language: str) -> None:
    """Its rule starts on the day of the case that its source tells of; the source itself is younger."""
    stated = {"fc_match": "near", "decl": "ai", "role": "deployer", "platform": "tiktok", "jur": ["NL"]}
    labels = decision(*decide_stated(load_packs(), stated, weigh, AT))["labels"]
    near = next(each for each in labels if each["rule"] == "FC-near-copy")
    assert (near["basis"], near["from"]) == ("workflow", "2021-03-17"), "the date of the rule stays in the report"
    law = {**near, "rule": "as-law", "basis": "law"}
    since = {each.rule: each.since for each in Rows({"labels": [near, law]}, wording(language)).duties()}
    assert since["FC-near-copy"] == ""
    assert since["as-law"] == wording(language).say("rule", "from-about", day="2021-03-17")
