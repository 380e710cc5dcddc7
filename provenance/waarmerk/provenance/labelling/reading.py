# SPDX-License-Identifier: Apache-2.0
"""From the documents of a pack to its rules: shape first, then the language of every condition."""

from collections.abc import Mapping
from typing import Any

from waarmerk.provenance.errors import RulePackError
from waarmerk.provenance.labelling.documents import Document, Path, place, refusal
from waarmerk.provenance.labelling.elections import Election
from waarmerk.provenance.labelling.expressions import Condition, ExpressionError, condition
from waarmerk.provenance.labelling.facts import FINDING
from waarmerk.provenance.labelling.facts import NAMES as EVIDENCE
from waarmerk.provenance.labelling.fields import Field
from waarmerk.provenance.labelling.rules import Phrases, Rule, RulePack, RuleSet, Texts
from waarmerk.provenance.labelling.schema import SHAPES, kind_of
from waarmerk.provenance.model.labelling import Citation, DutyStatus

MAX_PROBLEMS = 20
NEEDED = frozenset({*EVIDENCE, *FINDING, "date", "jur", "modality", "edit", "election_period", "days_to_vote"})
"""Facts that the engine itself fills in; the first pack of a set has them all in its dictionary."""


def pack_from(documents: Mapping[str, Document], digest: str, base: RuleSet | None) -> RulePack:
    """The pack that the documents describe, over the fields and sources of ``base``. Raises RulePackError.

    Documents without lines come from the compiled form: their shape was verified when they were compiled.
    """
    if any(document.lines for document in documents.values()):
        _verify_shapes(documents)
    head = documents["pack.yaml"].data
    fields = _fields(documents)
    missing = sorted(NEEDED - fields.keys()) if base is None else []
    if missing:
        raise refusal("fields.yaml", None, f"the dictionary lacks {', '.join(missing)}")
    defines = dict(_data(documents, "fields.yaml").get("defines", {}))
    sources = _sources(documents)
    reading = _Rules(documents, head["id"], fields=fields, defines=defines, sources=sources, base=base)
    return RulePack(
        id=head["id"],
        version=head["version"],
        sha256=digest,
        languages=tuple(head["languages"]),
        public_languages=tuple(head.get("public_languages", ())),
        review=head["review"],
        fields=tuple(fields.values()),
        defines=tuple(defines.items()),
        sources=tuple(sources.items()),
        phrases=_phrases(_data(documents, "phrases.yaml")),
        rules=reading.rules(),
        overrides=tuple(head.get("overrides", {}).items()),
        elections=tuple(_election(vote) for vote in _data(documents, "elections.yaml").get("elections", ())),
    )


def _verify_shapes(documents: Mapping[str, Document]) -> None:
    problems = []
    for name, document in documents.items():
        kind = kind_of(name)
        if kind is None:
            raise refusal(name, None, "no file of a pack; see docs/rules/writing-a-pack.md for the folder")
        for path, reason in SHAPES[kind](document.data, ()):
            problems.append(refusal(name, document.line(path), _at(path) + reason).message)
    if problems:
        raise RulePackError("labelling.pack-refused", "\n".join(problems[:MAX_PROBLEMS]))


def _at(path: Path) -> str:
    return f"{place(path)}: " if path else ""


def _data(documents: Mapping[str, Document], name: str) -> dict[str, Any]:
    return documents[name].data if name in documents else {}


def texts_of(words: Mapping[str, str]) -> Texts:
    """(language, text) pairs, sorted."""
    return tuple(sorted(words.items()))


def _place(said: str | Mapping[str, str]) -> Texts:
    """Where a label goes; a bare text is English."""
    return texts_of({"en": said} if isinstance(said, str) else said)


def _fields(documents: Mapping[str, Document]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for group, listed in _data(documents, "fields.yaml").get("fields", {}).items():
        for name, data in listed.items():
            path: Path = ("fields", group, name)
            document = documents["fields.yaml"]
            if name in fields:
                raise refusal(document.name, document.line(path), f"field {name} stands in two groups")
            known = Field(
                name=name,
                group=group,
                kind=data["type"],
                values=tuple(data.get("values", ())),
                known_by=tuple(data.get("known_by", ("file",))),
                may_be_unknown=data.get("unknown", True),
                question=texts_of(data.get("question", {})),
                help=texts_of(data.get("help", {})),
            )
            try:
                absent = None if data.get("absent") is None else known.accept(data["absent"])
            except ValueError as error:
                raise refusal(document.name, document.line((*path, "absent")), str(error)) from error
            fields[name] = _with_absent(known, absent)
    return fields


def _with_absent(known: Field, absent: Any) -> Field:
    values = {name: getattr(known, name) for name in Field.__slots__}
    return Field(**{**values, "absent": absent})


def _sources(documents: Mapping[str, Document]) -> dict[str, Citation]:
    sources: dict[str, Citation] = {}
    for name, document in documents.items():
        if kind_of(name) not in ("sources", "rules"):
            continue
        for ref, data in document.data.get("sources", {}).items():
            if ref in sources:
                raise refusal(name, document.line(("sources", ref)), f"source {ref} is listed twice")
            sources[ref] = Citation(title=data["title"], url=data.get("url"), paragraph=None)
    return sources


def _phrases(data: Mapping[str, Any]) -> Phrases:
    return Phrases(
        claims=tuple((name, texts_of(words)) for name, words in data.get("claims", {}).items()),
        placeholders=tuple((name, texts_of(words)) for name, words in data.get("placeholders", {}).items()),
        signatures=tuple((name, texts_of(words)) for name, words in data.get("signatures", {}).items()),
    )


def _election(data: Mapping[str, Any]) -> Election:
    return Election(
        name=data["name"],
        jurisdiction=data["jurisdiction"],
        starts=data["from"],
        ends=data["until"],
        vote=data["vote"],
    )


class _Rules:
    """Reads the rules of all rule files, with what conditions and citations may refer to."""

    def __init__(
        self,
        documents: Mapping[str, Document],
        pack: str,
        *,
        fields: dict[str, Field],
        defines: dict[str, str],
        sources: dict[str, Citation],
        base: RuleSet | None,
    ) -> None:
        self._documents = documents
        self._pack = pack
        held = base.packs if base else ()
        taken = {known.name for known in base.fields} if base else set()
        for name, known in fields.items():
            if name in taken:
                path: Path = ("fields", known.group, name)
                raise self._refused(documents["fields.yaml"], path, f"field {name} is already in the dictionary")
        self._fields = {**(base.by_name if base else {}), **fields}
        shipped = {name: other.id for other in held for name, _ in other.defines}
        for name in defines:
            if name in shipped:
                reason = (
                    f"{name} is already an abbreviation of {shipped[name]}, whose rules rest on it; take a new name"
                )
                raise self._refused(documents["fields.yaml"], ("defines", name), reason)
        self._defines = {**{k: v for other in held for k, v in other.defines}, **defines}
        self._sources = {**{k: v for other in held for k, v in other.sources}, **sources}
        self._translations = self._read_translations()
        self._verify_defines(defines)

    def rules(self) -> tuple[Rule, ...]:
        """All rules in the order of the files."""
        rules: dict[str, Rule] = {}
        for name, document in self._documents.items():
            if kind_of(name) != "rules":
                continue
            for rule_id, data in document.data["rules"].items():
                if rule_id in rules:
                    line = document.line(("rules", rule_id))
                    raise refusal(name, line, f"rule {rule_id} is already in {rules[rule_id].file}")
                rules[rule_id] = self._rule(document, rule_id, data)
        return tuple(rules.values())

    def _read_translations(self) -> dict[str, dict[str, dict[str, str]]]:
        """rule id -> variant -> language -> text."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for name, document in self._documents.items():
            if kind_of(name) != "translations":
                continue
            for rule_id, variants in document.data["rules"].items():
                for variant, words in variants.items():
                    found.setdefault(rule_id, {}).setdefault(variant, {})[document.data["language"]] = words
        return found

    def _verify_defines(self, defines: Mapping[str, str]) -> None:
        for name in defines:
            if name in self._fields:
                raise self._refused(self._documents["fields.yaml"], ("defines", name), f"{name} is a field")
            self._condition(self._documents["fields.yaml"], ("defines", name), name)

    def _condition(self, document: Document, path: Path, text: str) -> Condition:
        try:
            return condition(text, self._fields, self._defines)
        except ExpressionError as error:
            raise self._refused(document, path, str(error)) from error

    @staticmethod
    def _refused(document: Document, path: Path, reason: str) -> RulePackError:
        return refusal(document.name, document.line(path), f"{_at(path)}{reason}")

    def _rule(self, document: Document, rule_id: str, data: Mapping[str, Any]) -> Rule:
        law = document.data["law"]
        path: Path = ("rules", rule_id)
        ref, also = data["source"]["ref"], tuple(data["source"].get("also", ()))
        for named in (ref, *also):
            if named not in self._sources:
                raise self._refused(document, (*path, "source"), f"source {named} is not listed")
        cited = self._sources[ref]
        extra = self._translations.get(rule_id, {})
        return Rule(
            id=rule_id,
            law=law["title"],
            zone=law["zone"],
            who=data["who"],
            basis=data["basis"],
            starts=data.get("from"),
            ends=data.get("until"),
            dates=data.get("dates", "exact"),
            condition=self._condition(document, (*path, "when"), data["when"]),
            status=DutyStatus(data["status"]),
            status_if_confirmed=data.get("status_if_confirmed"),
            automatic=data.get("automatic", True),
            label=data["label"],
            shown_to=data["shown_to"],
            wording=tuple((v, texts_of({**words, **extra.get(v, {})})) for v, words in data["wording"].items()),
            ui_string=data.get("ui_string"),
            placement=tuple((medium, _place(said)) for medium, said in data.get("placement", {}).items()),
            exceptions=tuple(data.get("except", ())),
            report_fields=tuple(data.get("reports", ())),
            notes=data.get("notes"),
            source=Citation(title=cited.title, url=cited.url, paragraph=data["source"].get("paragraph")),
            source_ref=ref,
            also=also,
            confidence=data["confidence"],
            read_on=data.get("read_on", law["read_on"]),
            pack=self._pack,
            file=document.name,
        )
