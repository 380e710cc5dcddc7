# SPDX-License-Identifier: Apache-2.0
"""The days on which duties begin and end: each switches what it should, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.stated import decide_stated
from waarmerk.provenance.verdict import weigh

PACKS = load_packs()
AT = datetime(2030, 1, 1, tzinfo=UTC)  # never used: every case states its date

EVERYTHING: dict[str, Any] = {
    "decl": "ai",
    "jur": ["NL", "US-CA", "CN", "IN", "KR", "DK"],
    "professional": True,
    "exists_or_plausible": True,
    "appears_authentic": True,
    "generated_on": "2026-08-15",
    "published": True,
    "published_on": "2026-08-15",
    "public_interest": True,
    "chatbot": True,
    "offers_generation": True,
    "input_had_marks": True,
    "monthly_users": 10_000_000,
    "ncii_or_csam": True,
    "vlop": True,
    "platform_toggle": True,
    "manipulated": True,
    "election_period": True,
    "election_related": True,
    "political_content": True,
    "sponsor_third_country": True,
    "days_to_vote": 10,
    "political_ad": True,
    "paid": True,
    "real_person": "public",
    "endorsement": True,
    "consent": False,
}
ROLES = PACKS.field("role").values
PLATFORMS = PACKS.field("platform").values


def outcomes(day: str, **more: Any) -> set[tuple[str, ...]]:
    """Every (role, platform, rule, status) on a day, over all roles and platforms, with old and new systems."""
    found = set()
    for role in ROLES:
        for platform in PLATFORMS:
            for placed in ("2025-05-01", "2026-09-01"):
                facts = {**EVERYTHING, "role": role, "platform": platform, "system_placed": placed, "date": day, **more}
                _, duties = decide_stated(PACKS, {**facts, "modality": "image"}, weigh, AT)
                found |= {(role, placed, duty.rule, duty.status.value) for duty in duties}
    return found


def switched(before: str, after: str) -> set[tuple[str, str]]:
    """(rule, on|off) of what differs between two days, for the old and the new system alike."""
    earlier, later = outcomes(before), outcomes(after)
    return {(o[2], "on") for o in later - earlier} | {(o[2], "off") for o in earlier - later}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("2026-11-30", "2026-12-01", set()),
        (
            "2026-12-01",
            "2026-12-02",
            {("EU-50-2-grace", "off"), ("EU-50-2-marking", "on"), ("EU-AIA-5-nudify", "on")},
        ),
        ("2026-12-02", "2026-12-31", set()),
        ("2026-12-31", "2027-01-01", {("CA-platform-keep", "on")}),
        ("2027-01-01", "2027-12-31", set()),
        ("2027-12-31", "2028-01-01", {("CA-capture-device", "on")}),
        ("2028-01-01", "2035-01-01", set()),
    ],
)
def test_a_day_switches_exactly(before: str, after: str, expected: set[tuple[str, str]]) -> None:
    assert switched(before, after) == expected


def test_the_second_of_december_concerns_old_systems_only() -> None:
    def marking(day: str, placed: str) -> set[str]:
        return {o[3] for o in outcomes(day) if o[1] == placed and o[2] in ("EU-50-2-marking", "EU-50-2-grace")}

    assert marking("2026-12-01", "2025-05-01") == {"info"}
    assert marking("2026-12-02", "2025-05-01") == {"required"}
    assert marking("2026-12-01", "2026-09-01") == {"required"}


def test_the_second_of_august_begins_article_50() -> None:
    begun = {rule for rule, _ in switched("2026-08-01", "2026-08-02")}
    assert begun == {
        *("EU-50-1-chatbot", "EU-50-2-marking", "EU-50-2-grace", "EU-50-2-detector", "EU-50-4-deepfake"),
        *("EU-platform-tool-ok", "EU-platform-not-deployer", "CA-latent", "CA-manifest-option"),
    }
