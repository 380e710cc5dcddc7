# SPDX-License-Identifier: Apache-2.0
"""From a folder to a pack, from packs to the set in force.

A pack is believed only as a whole: shape, language, lint and its own scenarios, and each refusal names file, line and
reason. Loading makes new values and changes none, so whoever holds a set keeps it when the next pack is refused.

The shipped pack starts from its compiled form (``compiled.json``: the same data, without lines and scenarios), if and
only if the digest in it is that of the YAML files beside it; else from the YAML. See docs/adr/0020-packs-are-data.md.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from waarmerk.provenance.errors import RulePackError
from waarmerk.provenance.labelling.documents import Document, read_document, refusal
from waarmerk.provenance.labelling.reading import pack_from
from waarmerk.provenance.labelling.rules import Phrases, Replaced, Rule, RulePack, RuleSet, Weigh

SHIPPED = Path(__file__).parent / "packs" / "waarmerk"
COMPILED = "compiled.json"
COMPILED_FORMAT = "waarmerk.compiled/1"
MAX_FILES = 200
MAX_PROBLEMS = 20


def load_packs(folders: Iterable[Path] = (), *, weigh: Weigh | None = None) -> RuleSet:
    """The shipped pack and after it the operator's own folders, which need ``weigh`` for their scenarios.

    Raises RulePackError; what is in force elsewhere does not change.
    """
    packs = merge((load_shipped(),))
    for folder in folders:
        if weigh is None:
            raise TypeError("a pack of the operator is tested before it counts: weigh is needed")
        packs = add_pack(packs, folder, weigh)
    return packs


def add_pack(packs: RuleSet, folder: Path, weigh: Weigh) -> RuleSet:
    """A new set with one more pack, linted and tested. A pack of the same id takes the place of the one in force.

    Raises RulePackError; ``packs`` is as it was.
    """
    found = examine_pack(packs, folder, weigh)
    if found.problems:
        raise RulePackError("labelling.pack-refused", "\n".join(found.problems[:MAX_PROBLEMS]))
    return found.merged


class Examined(NamedTuple):
    """What lint and examples say of a pack: reasons to refuse it, what to say aloud, the set with it, examples run."""

    problems: list[str]
    warnings: list[str]
    merged: RuleSet
    examples: int


def examine_pack(packs: RuleSet | None, folder: Path, weigh: Weigh | None) -> Examined:
    """What lint and scenarios say of a folder within a set, and the set with it. Scenarios only with ``weigh``.

    Raises RulePackError where the folder cannot even be read as a pack.
    """
    from waarmerk.provenance.labelling.lint import lint, warnings  # noqa: PLC0415  # not on the path of a plain start
    from waarmerk.provenance.labelling.scenarios import cases, failures  # noqa: PLC0415

    others = tuple(pack for pack in (packs.packs if packs else ()) if pack.id != pack_id(folder))
    loaded, documents = load_folder(folder, merge(others) if others else None)
    _join(loaded, documents, others)
    merged = merge((*others, loaded))
    problems = lint(loaded, documents, merged)
    if weigh is not None and not problems:  # examples of a pack that does not stand would only repeat the reasons
        problems += failures(merged, documents, weigh)
    ran = sum(1 for _ in cases(documents)) if weigh is not None else 0
    return Examined(problems, warnings(loaded, documents, merged), merged, ran)


def _join(pack: RulePack, documents: Mapping[str, Document], others: tuple[RulePack, ...]) -> None:
    """What ``merge`` would refuse, with the line. Raises RulePackError."""
    held = {rule.id: rule for rule in merge(others).rules} if others else {}
    overrides = dict(pack.overrides)
    for named in overrides:
        if named not in held:
            line = documents["pack.yaml"].line(("overrides", named))
            raise refusal("pack.yaml", line, f"{pack.id} overrides {named}, which no earlier pack has")
    for rule in pack.rules:
        if rule.id in held and rule.id not in overrides:
            line = documents[rule.file].line(("rules", rule.id))
            reason = f"rule {rule.id} is already in pack {held[rule.id].pack}; name it under overrides with a reason"
            raise refusal(rule.file, line, reason)


def load_shipped(folder: Path = SHIPPED) -> RulePack:
    """The pack that comes with the program, from its compiled form where that is current."""
    files = pack_files(folder)
    digest = pack_digest(files)
    try:
        compiled = json.loads((folder / COMPILED).read_bytes())
    except (OSError, ValueError):
        compiled = {}
    if compiled.get("format") == COMPILED_FORMAT and compiled.get("sha256") == digest:
        documents = {name: Document(name, data) for name, data in compiled["documents"].items()}
        return pack_from(documents, digest, None)
    return load_folder(folder, None)[0]


def load_folder(folder: Path, base: RuleSet | None) -> tuple[RulePack, Mapping[str, Document]]:
    """Read a folder: shape and language are verified, lint and scenarios are not run. Raises RulePackError."""
    files = pack_files(folder)
    documents = {}
    for name, content in files.items():
        try:
            documents[name] = read_document(name, content.decode())
        except UnicodeDecodeError as error:
            raise refusal(name, content[: error.start].count(b"\n") + 1, "not UTF-8") from error
    return pack_from(documents, pack_digest(files), base), documents


def pack_id(folder: Path) -> str:
    """The id that a folder states for itself. Raises RulePackError."""
    files = pack_files(folder)
    data = read_document("pack.yaml", files["pack.yaml"].decode(errors="replace")).data
    return str(data.get("id")) if isinstance(data, dict) else ""


def pack_files(folder: Path) -> dict[str, bytes]:
    """The YAML files of a pack by their path in it, sorted. Raises RulePackError."""
    try:
        found = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml"))
        files = {path.relative_to(folder).as_posix(): path for path in found if path.is_file()}
        misnamed = next((name for name in files if name.endswith(".yml")), None)
        if misnamed is not None:
            raise refusal(misnamed, None, "the files of a pack end in .yaml")
        if "pack.yaml" not in files or len(files) > MAX_FILES:
            raise refusal(folder.name, None, f"a pack is a folder with a pack.yaml and at most {MAX_FILES} files")
        return {name: files[name].read_bytes() for name in sorted(files)}
    except OSError as error:
        raise refusal(folder.name, None, f"cannot be read: {error.strerror}") from error


def pack_digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted list of (path, SHA-256 of the file)."""
    listed = sorted((name, hashlib.sha256(content).hexdigest()) for name, content in files.items())
    return hashlib.sha256(json.dumps(listed, separators=(",", ":")).encode()).hexdigest()


def compiled_form(folder: Path = SHIPPED) -> bytes:
    """The compiled form of a pack, the same bytes for the same files; scenarios stay out, a start needs none."""
    pack, documents = load_folder(folder, None)
    data = {name: document.data for name, document in documents.items() if not name.startswith("scenarios/")}
    form: dict[str, Any] = {"documents": data, "format": COMPILED_FORMAT, "sha256": pack.sha256}
    return json.dumps(form, ensure_ascii=True, sort_keys=False, separators=(",", ":")).encode() + b"\n"


def merge(packs: Iterable[RulePack]) -> RuleSet:
    """Packs merged by rule id. Raises RulePackError where two claim one id and no override says which and why."""
    held = tuple(packs)
    rules: dict[str, Rule] = {}
    replaced: list[Replaced] = []
    for pack in held:
        for named, why in pack.overrides:
            if named not in rules:
                raise refusal("pack.yaml", None, f"{pack.id} overrides {named}, which no earlier pack has")
            replaced.append(Replaced(rule=rules.pop(named), by=pack.id, reason=why))
        for rule in pack.rules:
            if rule.id in rules:
                reason = (
                    f"rule {rule.id} is already in pack {rules[rule.id].pack}; name it under overrides with a reason"
                )
                raise refusal(rule.file, None, reason)
            rules[rule.id] = rule
    return RuleSet(
        packs=held,
        rules=tuple(rules.values()),
        fields=tuple(known for pack in held for known in pack.fields),
        phrases=Phrases(
            claims=tuple(phrase for pack in held for phrase in pack.phrases.claims),
            placeholders=tuple(phrase for pack in held for phrase in pack.phrases.placeholders),
            signatures=tuple(phrase for pack in held for phrase in pack.phrases.signatures),
        ),
        elections=tuple(vote for pack in held for vote in pack.elections),
        replaced=tuple(replaced),
    )
