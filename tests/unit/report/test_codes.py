# SPDX-License-Identifier: Apache-2.0
"""What the readers can say, people can read."""

from waarmerk.provenance.credentials.findings import CODES
from waarmerk.provenance.report.wording import wording


def test_every_code_of_the_credentials_has_a_sentence() -> None:
    assert len(CODES) > 30
    assert not sorted(code for code in CODES if not wording("en").has("concern", code))
