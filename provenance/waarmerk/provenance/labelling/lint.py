# SPDX-License-Identifier: Apache-2.0
"""What must hold of a pack beyond its shape: wording, languages, sources, confidence, dates.

Shape and conditions are refused while reading; here stand the promises that only the whole pack can keep or break.
"""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from waarmerk.provenance.labelling.documents import Document, Path, place, refusal
from waarmerk.provenance.labelling.expressions import Is, Leaf, Node, Not
from waarmerk.provenance.labelling.fields import shown
from waarmerk.provenance.labelling.rules import Rule, RulePack, RuleSet, Texts
from waarmerk.provenance.labelling.schema import kind_of
from waarmerk.provenance.labelling.wording import PLACEHOLDERS, placeholders, unpaired
from waarmerk.provenance.model.labelling import DutyStatus

NEEDED = ("en", "nl")
"""Every report carries both."""

_UNREAD = {"c2pa": ("unread", "remote_only"), **dict.fromkeys(("aigc", "wm", "fp", "fc_match"), ("unread",))}

_STRENGTH = {
    DutyStatus.PROHIBITED: 3,
    DutyStatus.REQUIRED: 3,
    DutyStatus.RECOMMENDED: 2,
    DutyStatus.INFO: 1,
}

Complaint = tuple[Path, str]


def lint(pack: RulePack, documents: Mapping[str, Document], packs: RuleSet) -> list[str]:
    """Everything that is wrong with a pack within the set it is to join, each with file and line; empty if nothing."""
    found: list[str] = []
    for path, reason in _head(pack):
        found.append(_placed(documents["pack.yaml"], path, reason))
    for path, reason in _questions(pack):
        found.append(_placed(documents["fields.yaml"], path, reason))
    for path, reason in _calendar(pack):
        found.append(_placed(documents["elections.yaml"], path, reason))
    for rule in pack.rules:
        found.extend(
            _placed(documents[rule.file], ("rules", rule.id, *path), reason) for path, reason in _rule(rule, pack)
        )
    found.extend(_translations(pack, documents))
    filled = {name for name, _ in packs.phrases.placeholders} | {"source", "channels"}
    for name in PLACEHOLDERS:
        if name not in filled:
            found.append(_placed(documents["pack.yaml"], (), f"no phrase for a missing {{{name}}}"))
    return found


def warnings(pack: RulePack, documents: Mapping[str, Document], packs: RuleSet) -> list[str]:
    """What is allowed and has to be said aloud: a duty of law that the pack takes out of force, with its reason."""
    now = {rule.id: rule for rule in packs.rules}
    found = []
    for gone in packs.replaced:
        if gone.by != pack.id or gone.rule.basis != "law":
            continue
        reason = (
            f"{gone.rule.id} is law ({gone.rule.status}) and {_loss(gone.rule, now.get(gone.rule.id))}: {gone.reason}"
        )
        found.append(_placed(documents["pack.yaml"], ("overrides", gone.rule.id), reason))
    return found


def _loss(old: Rule, new: Rule | None) -> str:
    if new is None:
        return "is removed, with nothing in its place"
    if _STRENGTH[new.status] < _STRENGTH[old.status] or new.basis != "law":
        return f"is replaced by a weaker one ({new.status}, {new.basis})"
    return f"is replaced by one with words and conditions of its own ({new.status})"


def _placed(document: Document, path: Path, reason: str) -> str:
    where = place(path)
    return refusal(document.name, document.line(path), f"{where}: {reason}" if where else reason).message


def _head(pack: RulePack) -> Iterator[Complaint]:
    for language in NEEDED:
        if language not in pack.languages:
            yield ("languages",), f"{language} is missing; every report carries {' and '.join(NEEDED)}"
    names = {name for name, _ in pack.sources}
    cited = {ref for rule in pack.rules for ref in (rule.source_ref, *rule.also)}
    for name in sorted(names - cited):
        yield (), f"source {name} is cited by no rule"


def _calendar(pack: RulePack) -> Iterator[Complaint]:
    for position, vote in enumerate(pack.elections):
        if not vote.starts <= vote.vote <= vote.ends:
            yield ("elections", position), f"election {shown(vote.name)}: the day of the vote lies outside its period"


def _questions(pack: RulePack) -> Iterator[Complaint]:
    for known in pack.fields:
        path: Path = ("fields", known.group, known.name)
        if known.kind == "enum" and not known.values:
            yield path, "an enum lists its values"
        if known.may_be_unknown and known.group == "context" and not (known.question or known.help):
            yield path, "a fact that may be unknown has a question, or a help that serves as one"
        for texts in (known.question, known.help):
            for language in _missing(texts, pack.languages):
                yield path, f"question or help lacks {language}"


def _missing(texts: Texts, languages: tuple[str, ...]) -> list[str]:
    present = {language for language, _ in texts}
    return [language for language in languages if language not in present] if texts else []


def _rule(rule: Rule, pack: RulePack) -> Iterator[Complaint]:
    yield from _wording(rule, pack)
    yield from _placement(rule, pack)
    yield from _confidence(rule)
    if rule.source.paragraph is None:
        yield ("source",), "paragraph is missing; where a whole document is meant, write paragraph: whole"
    if rule.starts and rule.ends and rule.starts > rule.ends:
        yield ("until",), f"ends on {rule.ends}, before it starts on {rule.starts}"
    if rule.status is DutyStatus.REQUIRED:
        for name in sorted(_rests_on_unread(rule.condition.root, holds=True)):
            yield ("when",), f"a duty cannot come from {name} not having been read"
    if not _is_zone(rule.zone):
        yield (), f"the zone {shown(rule.zone)} of its law is no time zone, such as Europe/Amsterdam"


def _rests_on_unread(node: Node, *, holds: bool) -> Iterator[str]:
    """Channels of which "not examined" would help the condition where "nothing found" would not.

    ``holds`` is false under an odd number of negations.
    """
    if isinstance(node, Leaf):
        if node.name == "has_unread" and holds:
            yield node.name
        for unread in _UNREAD.get(node.name, ()):
            if node.test(unread) is holds and node.test("none") is not holds:
                yield node.name
    elif isinstance(node, Not):
        yield from _rests_on_unread(node.part, holds=not holds)
    elif isinstance(node, Is):
        yield from _rests_on_unread(node.part, holds=holds is (node.wanted is not node.negated))
    else:
        for part in node.parts:
            yield from _rests_on_unread(part, holds=holds)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        return False
    return True


def _wording(rule: Rule, pack: RulePack) -> Iterator[Complaint]:
    variants = dict(rule.wording)
    if "any" not in variants and set(variants) != {"generated", "modified"}:
        yield ("wording",), "either any, or generated and modified"
    languages = pack.languages + (pack.public_languages if rule.shown_to == "public" else ())
    for variant, texts in rule.wording:
        for language in _missing(texts, languages) if texts else languages:
            yield ("wording", variant), f"{language} is missing"
        for language, text in texts:
            if unpaired(text):
                yield ("wording", variant), f"{language} has a brace without its other half"
        names = {language: placeholders(text) for language, text in texts}
        for language, used in names.items():
            if not used <= set(PLACEHOLDERS):
                yield ("wording", variant), f"unknown placeholder in {language}: {', '.join(map(shown, sorted(used)))}"
            if used != next(iter(names.values())):
                yield ("wording", variant), f"{language} has other placeholders than {texts[0][0]}"


def _placement(rule: Rule, pack: RulePack) -> Iterator[Complaint]:
    for medium, texts in rule.placement:
        languages = ("en",) if len(texts) == 1 else pack.languages  # a bare text is English
        for language in _missing(texts, languages):
            yield ("placement", medium), f"{language} is missing"


def _confidence(rule: Rule) -> Iterator[Complaint]:
    read = rule.confidence == "read"
    if rule.status is DutyStatus.REQUIRED and not read:
        yield ("status",), "required, but nobody read the source: recommended, with status_if_confirmed: required"
    if rule.status is DutyStatus.PROHIBITED and not read and rule.automatic:
        yield ("automatic",), "prohibited on an unread source needs a person: automatic: false"
    if rule.status_if_confirmed and (read or rule.status is not DutyStatus.RECOMMENDED):
        yield ("status_if_confirmed",), "only for a recommended rule whose source nobody read"


def _translations(pack: RulePack, documents: Mapping[str, Document]) -> Iterator[str]:
    wordings = {rule.id: {variant for variant, _ in rule.wording} for rule in pack.rules}
    for name, document in documents.items():
        if kind_of(name) != "translations":
            continue
        for rule_id, variants in document.data["rules"].items():
            for variant in variants:
                if variant not in wordings.get(rule_id, ()):
                    yield _placed(document, ("rules", rule_id, variant), "translates a text that no rule has")
