# SPDX-License-Identifier: Apache-2.0
"""What is said about one labelled file: what it carries, what was lost, and what its maker still has to do."""

from collections.abc import Iterator

from waarmerk.provenance.marking.labeller import Labelled, Prepared
from waarmerk.provenance.marking.plan import Layer
from waarmerk.provenance.model import Duty, DutyStatus
from waarmerk.provenance.report.wording import Wording

# Labels of the rules that a visible label in a picture is (labelling packs: placement of images).
_IN_THE_PICTURE = frozenset({"ai_disclosure_full", "ai_disclosure_attenuated"})
_MAKERS = ("deployer", "uploader", "sponsor", "ad_publisher", "provider or deployer")
_OWED = (DutyStatus.PROHIBITED, DutyStatus.REQUIRED, DutyStatus.UNDECIDED, DutyStatus.RECOMMENDED)


def told(prepared: Prepared, done: Labelled | None, words: Wording, *, platforms: tuple[str, ...]) -> list[str]:
    """The lines about one file; ``done`` None for a dry run."""
    lines = [
        words.say("label", "planned", path=prepared.source)
        if done is None
        else words.say("label", "done", path=done.target)
    ]
    lines += [f"  + {line}" for line in _carried(prepared, done, words)]
    plan = prepared.plan
    lines += [f"  ! {words.say('label', 'lost', loss=words.say('loss', x.code, about=x.about))}" for x in plan.losses]
    lines += [f"  ! {words.say('label', gap.code)}" for gap in plan.gaps]
    notes = plan.notes if done is None else done.signed.notes
    lines += [f"  i {words.say('signing', note.code, about=note.about)}" for note in notes]
    return lines + list(_remaining(prepared, done, words, platforms))


def _carried(prepared: Prepared, done: Labelled | None, words: Wording) -> Iterator[str]:
    drawn = prepared.drawn
    for layer in prepared.plan.layers:
        if layer is Layer.WATERMARK and drawn.mark is not None:
            yield words.say("label", "has-watermark", payload=drawn.mark.payload.hex(), key=drawn.mark.key_id)
        elif layer is Layer.VISIBLE:
            yield words.say("label", "has-visible", words=drawn.words or "")
        elif layer is Layer.METADATA:
            yield words.say("label", f"has-metadata-{prepared.wishes.says.value}")
        elif layer is Layer.CREDENTIALS and done is not None:
            signer = done.signed.credential.signer
            status = words.say("signer", signer.status.value)
            yield words.say("label", "has-credentials", signer=signer.name or "", status=status)
        elif layer is Layer.CREDENTIALS:
            yield words.say("label", "will-sign")
        elif layer is Layer.LEDGER:
            yield words.say("label", "has-ledger")


def _remaining(prepared: Prepared, done: Labelled | None, words: Wording, platforms: tuple[str, ...]) -> Iterator[str]:
    """What the rules still ask of the maker, each with its rule; a duty the file meets is said to be met."""
    report = prepared.plan.report if done is None else done.report
    has_label = prepared.drawn.words is not None
    owed = [duty for duty in report.duties if duty.status in _OWED and duty.who in _MAKERS]
    yield words.say("label", "remaining", platforms=", ".join(platforms) or "-")
    for duty in owed:
        met = has_label and duty.label in _IN_THE_PICTURE
        yield f"  {'v' if met else '-'} {_line(duty, words, met=met)}"
    if not owed:
        yield f"  {words.say('label', 'nothing-remaining')}"
    if any(gap.code == "label.not-spoken" for gap in prepared.plan.gaps):
        yield f"  - {words.say('label', 'spoken-owed')}"
    if any(duty.status is DutyStatus.UNDECIDED for duty in owed):
        fields = sorted({question.field for duty in owed for question in duty.asks})
        yield f"  ? {words.say('label', 'undecided', fields=', '.join(fields))}"


def _line(duty: Duty, words: Wording, *, met: bool) -> str:
    texts = dict(duty.wording)
    text = texts.get(words.language) or texts.get("en") or duty.label
    status = words.say("label", "met") if met else words.say("label", f"duty-{duty.status.value}")
    place = dict(duty.places).get(words.language) or duty.placement
    where = f" ({place})" if place and not met else ""
    return words.say("label", "duty", status=status, text=text, where=where, rule=duty.rule)
