# SPDX-License-Identifier: Apache-2.0
import pytest

from waarmerk.provenance import media, metadata
from waarmerk.provenance.report.wording import wording

FAULTS = {"media.empty", "media.unsupported", "media.not-a-file", "media.too-large", "media.changed"}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_finding_and_every_refusal_has_a_sentence(language: str) -> None:
    words = wording(language)
    assert sorted(code for code in media.CODES | metadata.CODES if not words.has("concern", code)) == []
    assert sorted(code for code in FAULTS if not words.has("fault", code)) == []
