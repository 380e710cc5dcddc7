# SPDX-License-Identifier: Apache-2.0
"""People name a service, the rules its owner."""

import pytest

from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.platforms import _ALSO_CALLED, platform_names
from waarmerk.provenance.verdict import weigh


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("instagram", ("meta",)),
        ("tiktok, Facebook,threads", ("tiktok", "meta")),
        ("google,google_ads", ("google_ads",)),
        ("myspace", ("myspace",)),
        (" , ", ()),
        (None, ()),
    ],
)
def test_a_service_is_known_by_its_own_name(listed: str | None, names: tuple[str, ...]) -> None:
    assert platform_names(listed) == names


def test_every_other_name_leads_to_a_platform_of_the_rules() -> None:
    known = load_packs((), weigh=weigh).by_name["platform"].values
    assert set(_ALSO_CALLED.values()) <= set(known)
    assert not set(_ALSO_CALLED) & set(known)
