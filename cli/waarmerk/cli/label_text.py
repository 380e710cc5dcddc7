# SPDX-License-Identifier: Apache-2.0
"""What is said about one labelled file: what it carries, what was lost, and what its maker still has to do."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from waarmerk.provenance.marking.labeller import Labelled, Prepared, Refused
from waarmerk.provenance.marking.plan import Gap, Layer, owed
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.model import Duty, DutyStatus, Report
from waarmerk.provenance.report.rows import platform_words, role_first
from waarmerk.provenance.report.wording import Wording

_MUST = (DutyStatus.PROHIBITED, DutyStatus.REQUIRED)


def told(
    prepared: Prepared,
    done: Labelled | None,
    words: Wording,
    *,
    platforms: tuple[str, ...],
    has_key: bool = True,
) -> list[str]:
    """The lines about one file, the verdict first; ``done`` None for a dry run.

    Without ``has_key`` the mark was tried under a key that nobody keeps.
    """
    left = remaining(prepared, done, words, platforms)
    first = remaining_title(words, platforms)
    return [
        _verdict(prepared, done, words, left.owed),
        *_details(prepared, done, words, has_key=has_key),
        first,
        *left.lines,
    ]


def told_refused(
    prepared: Prepared, refusal: Refused, words: Wording, *, platforms: tuple[str, ...], has_key: bool = True
) -> list[str]:
    """The lines about a file that would be refused: why, and what else a dry run can say."""
    lines = refused(prepared.source, refusal, words, is_plan=True)
    allowed = replace(prepared, plan=replace(prepared.plan, gaps=()))  # they are the reasons, said already
    left = remaining(prepared, None, words, platforms)
    return [*lines, *_details(allowed, None, words, has_key=has_key), remaining_title(words, platforms), *left.lines]


def refused(source: Path, refusal: Refused, words: Wording, *, is_plan: bool) -> list[str]:
    """Why a file is not labelled, or would not be."""
    why = words.say("label", refusal.code)
    first = words.say("label", "would-be-refused" if is_plan else "refused", path=source, why=why)
    return [first, *(f"  - {line}" for line in reasons(refusal.gaps, words))]


def _details(prepared: Prepared, done: Labelled | None, words: Wording, *, has_key: bool) -> list[str]:
    plan, lines = prepared.plan, []
    lines += [f"  + {line}" for line in _carried(prepared, done, words, has_key=has_key)]
    if done is not None and done.beside is not None:
        lines.append(f"  + {words.say('label', 'has-sidecar', path=done.beside)}")
    lines += [f"  ! {words.say('label', 'lost', loss=words.loss(x.code, x.about))}" for x in plan.losses]
    lines += [f"  ! {line}" for line in (*reasons(plan.gaps, words), *covering(prepared, words))]
    lines += [f"  i {line}" for line in staying(prepared, words)]
    notes = plan.notes if done is None else done.signed.notes
    lines += [f"  i {words.say('signing', note.code, about=note.about)}" for note in notes]
    return lines


def covering(prepared: Prepared, words: Wording) -> Iterator[str]:
    """That the visible label hides something, where every corner had something to hide."""
    if prepared.plan.on_detail:
        yield words.say("label", "on-detail", place=words.say("desk", f"place-{prepared.plan.corner}"))


def staying(prepared: Prepared, words: Wording) -> Iterator[str]:
    """What of personal details stays in the file."""
    stripped = prepared.wishes.strips_personal
    if prepared.plan.personal:
        kinds = ", ".join(words.say("personal", kind) for kind in prepared.plan.personal)
        yield words.say("label", "personal-rights" if stripped else "personal", kinds=kinds)
    if stripped and prepared.survey.has_credentials:
        yield words.say("label", "personal-parent")


def reasons(gaps: Iterable[Gap], words: Wording) -> list[str]:
    """Why layers are missing, each reason once."""
    return [words.say("label", code) for code in dict.fromkeys(gap.code for gap in gaps)]


def _verdict(prepared: Prepared, done: Labelled | None, words: Wording, owed: int) -> str:
    if done is None:
        return words.say("label", "verdict-would", path=prepared.source)
    if done.doubt is not None:
        return words.say("label", "verdict-uncertain", path=done.target)
    open_ends = owed + len({gap.code for gap in prepared.plan.gaps})
    kind = "verdict-open" if open_ends else "verdict-signed" if not prepared.wishes.says.is_ai else "verdict-done"
    if kind == "verdict-done" and done.beside is not None:
        kind = "verdict-beside"
    return words.say("label", kind, path=done.target, count=open_ends)


def _carried(prepared: Prepared, done: Labelled | None, words: Wording, *, has_key: bool) -> Iterator[str]:
    drawn, way = prepared.drawn, "would" if done is None else "has"
    for layer in prepared.plan.layers:
        if layer is Layer.WATERMARK and drawn.mark is not None:
            kind = f"{way}-watermark" if has_key or done is not None else "would-watermark-new"
            yield words.say("label", kind, payload=drawn.mark.payload.hex(), key=drawn.mark.key_id)
        elif layer is Layer.VISIBLE:
            where = words.say("desk", f"place-{drawn.corner or 'none'}")
            yield words.say("label", "has-visible", words=drawn.words or "", place=where)
        elif layer is Layer.METADATA:
            yield words.say("label", f"has-metadata-{prepared.wishes.says.value}")
        elif layer is Layer.CREDENTIALS and done is not None:
            signer = done.signed.credential.signer
            status = words.say("signer", signer.status.value)
            yield words.say("label", "has-credentials", signer=signer.name or "", status=status)
        elif layer is Layer.CREDENTIALS:
            yield words.say("label", "will-sign")
        elif layer is Layer.LEDGER:
            yield words.say("label", f"{way}-ledger")
    if done is not None and done.registered is not None:
        yield words.say("label", "has-registry", id=done.registered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What is left to do: ``owed`` counts what is required or forbidden and not met by the file."""

    lines: tuple[str, ...]
    owed: int


def remaining_title(words: Wording, platforms: tuple[str, ...]) -> str:
    """The line above what is left to do."""
    return words.say("label", "remaining" if platforms else "asked", platforms=", ".join(platforms))


def remaining_of_many(left: Mapping[Path, Remaining], words: Wording, platforms: tuple[str, ...]) -> list[str]:
    """What is left to do for the files of a folder: what is the same for all of them once, the rest by file."""
    if not left:
        return []
    counts = Counter(line for each in left.values() for line in dict.fromkeys(each.lines))
    common = [line for line in next(iter(left.values())).lines if counts[line] == len(left)]
    lines = [remaining_title(words, platforms), *common]
    for path, each in left.items():
        if own := [line for line in each.lines if counts[line] < len(left)]:
            lines += [f"  {path}:", *(f"  {line}" for line in own)]
    return lines


def remaining(prepared: Prepared, done: Labelled | None, words: Wording, platforms: tuple[str, ...]) -> Remaining:
    """What the rules still ask of the maker, each with its rule; a duty the file meets is said to be met.

    What hangs on facts nobody gave is listed for platforms that were named; else it is one line with the questions.
    """
    report = prepared.plan.report if done is None else done.report
    has_label = prepared.drawn.words is not None
    asked = owed(report.duties, has_label=has_label)
    lines, count = [], 0
    for duty, met in asked:
        count += not met and duty.status in _MUST
        if met or duty.status is not DutyStatus.UNDECIDED or platforms:
            lines.append(f"  {'v' if met else '-'} {_line(duty, words, met=met, is_plan=done is None)}")
    lines += [f"  i {line}" for line in _silent(report, [duty for duty, _ in asked], words)]
    if any(gap.code == "label.not-spoken" for gap in prepared.plan.gaps):
        lines.append(f"  - {words.say('label', 'spoken-owed')}")
    elif prepared.asset.media_type in VIDEO_TYPES and prepared.wishes.says.is_ai:
        lines.append(f"  ? {words.say('label', 'spoken-perhaps')}")
    undecided = [duty for duty, _ in asked if duty.status is DutyStatus.UNDECIDED]
    if undecided:
        kind = "undecided" if platforms else "undecided-more"
        fields = role_first(sorted({question.field for duty in undecided for question in duty.asks}))
        lines.append(f"  ? {words.say('label', kind, count=len(undecided), fields=', '.join(fields))}")
    return Remaining(lines=tuple(lines) or (f"  {words.say('label', 'nothing-remaining')}",), owed=count)


def _silent(report: Report, asked: Sequence[Duty], words: Wording) -> Iterator[str]:
    """The platforms that were named of which no rule asks anything; what is owed wherever it appears is owed there."""
    rules = {duty.rule for duty in asked}
    everywhere = {duty.rule for duty in asked if duty.status is not DutyStatus.RECOMMENDED}
    kind = "silent-below" if everywhere - {rule for each in report.platforms for rule in each.rules} else "silent"
    for platform in report.platforms:
        if not rules & set(platform.rules):
            yield words.say("label", kind, platform=platform_words(words, platform.id))


def _line(duty: Duty, words: Wording, *, met: bool, is_plan: bool) -> str:
    texts = dict(duty.wording)
    text = texts.get(words.language) or texts.get("en") or duty.label
    kind = ("would-meet" if is_plan else "met") if met else f"duty-{duty.status.value}"
    status = words.say("label", kind)
    place = dict(duty.places).get(words.language) or duty.placement
    where = f" ({place})" if place and not met else ""
    return words.say("label", "duty", status=status, text=text, where=where, rule=duty.rule)
