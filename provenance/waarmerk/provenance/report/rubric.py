# SPDX-License-Identifier: Apache-2.0
"""The official asset rubric's result for a person, beside our own verdict. Texts of the rubric stay in its language."""

from collections.abc import Iterator, Mapping
from typing import Any

from waarmerk.provenance.report.wording import wording

_STRICT = "c2pa.actions.v2"


def render(answer: Mapping[str, Any], *, language: str) -> Iterator[str]:
    """Lines: every manifest with its signals, what they say of AI together, what we say."""
    words = wording(language)
    rubric, report = answer["rubric"], answer["report"]
    yield words.say("rubric", "title", name=rubric["rubricName"], version=rubric["rubricVersion"])
    if not rubric["manifests"]:
        yield words.say("rubric", "nobody")
    for position, manifest in enumerate(rubric["manifests"]):
        subject = manifest["assertedBy"]["subject"]
        key = "manifest" if position else "active"
        yield words.say("rubric", key, label=manifest["label"] or "-", name=subject["CN"], organisation=subject["O"])
        signals = (*manifest["localInceptions"], *manifest["localTransformations"])
        for signal in signals:
            actions = ", ".join(each for each in signal["actions"] if each != _STRICT) or _STRICT
            kind = "signal" if signal["official"] else "unofficial"
            yield "  - " + words.say("rubric", kind, text=signal["reportText"], actions=actions)
        if not signals:
            yield "  " + words.say("rubric", "nothing")
    yield words.say("rubric", "rubric-says", signal=rubric["ai_signal"])
    yield words.say("rubric", "we-say", summary=report["verdict"]["summary"][language])
