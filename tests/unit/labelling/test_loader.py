# SPDX-License-Identifier: Apache-2.0
"""Packs: what is refused, with file, line and reason; what is merged; what stays in force."""

from collections.abc import Callable
from pathlib import Path

import pytest

from waarmerk.provenance.errors import RulePackError
from waarmerk.provenance.labelling.documents import read_document
from waarmerk.provenance.labelling.loader import (
    COMPILED,
    SHIPPED,
    add_pack,
    compiled_form,
    load_folder,
    load_packs,
    load_shipped,
    merge,
    pack_digest,
    pack_files,
)
from waarmerk.provenance.verdict import weigh

PACK = """\
format: waarmerk.pack/1
id: house
version: "1"
languages: [en, nl]
review: Nobody outside the newsroom has looked at this.
"""
RULES = """\
law:
  title: House rules
  zone: Europe/Amsterdam
  read_on: 2026-11-01
sources:
  BOOK: {title: Style book}
rules:
  HOUSE-portrait:
    who: deployer
    basis: house
    from: 2026-01-01
    when: role == 'deployer' and real_person == 'public' and ai in ('generated', 'modified')
    status: recommended
    label: house_portrait
    shown_to: actor
    wording:
      any:
        en: Ask the desk first.
        nl: Vraag het eerst aan de redactie.
    source: {ref: BOOK, paragraph: "12"}
    confidence: read
"""
SCENARIOS = """\
cases:
  - id: minister
    text: A synthetic minister.
    rule: HOUSE-portrait
    in: {decl: ai, role: deployer, real_person: public}
    expect: {recommended: [HOUSE-portrait]}
    unless:
      - {role: platform}
    open: [role]
"""
FILES = {"pack.yaml": PACK, "rules/house.yaml": RULES, "scenarios/house.yaml": SCENARIOS}
IN_FORCE = load_packs()


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def write(**changed: str) -> Path:
        for name, text in {**FILES, **{key.replace("__", "/") + ".yaml": v for key, v in changed.items()}}.items():
            path = tmp_path / "house" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "house"

    return write


Write = Callable[..., Path]


def test_a_house_rule_joins_the_shipped_ones(folder: Write) -> None:
    packs = add_pack(IN_FORCE, folder(), weigh)
    assert [pack.id for pack in packs.packs] == ["waarmerk-base", "house"]
    assert [edition.id for edition in packs.editions] == ["waarmerk-base", "house"]
    assert len(packs.rules) == len(IN_FORCE.rules) + 1
    assert load_packs([folder()], weigh=weigh) == packs


def test_a_newer_edition_takes_the_place_of_the_older_one(folder: Write) -> None:
    packs = add_pack(IN_FORCE, folder(), weigh)
    newer = add_pack(packs, folder(pack=PACK.replace('"1"', '"2"')), weigh)
    assert [(pack.id, pack.version) for pack in newer.packs] == [("waarmerk-base", "2026-11-21"), ("house", "2")]
    assert len(newer.rules) == len(packs.rules)
    assert newer.packs[1].sha256 != packs.packs[1].sha256


def test_packs_of_operators_are_tested_before_they_count(folder: Write) -> None:
    with pytest.raises(TypeError, match="weigh"):
        load_packs([folder()])


REFUSED = {
    "unknown field": (
        {"rules__house": RULES.replace("real_person ==", "real_persons ==")},
        r"rules/house\.yaml:12: rules\.HOUSE-portrait\.when: unknown name 'real_persons'",
    ),
    "unknown value": (
        {"rules__house": RULES.replace("'public'", "'famous'")},
        r"house\.yaml:12: .*real_person is one of none, public, private, not 'famous'",
    ),
    "missing translation": (
        {"rules__house": RULES.replace("        nl: Vraag het eerst aan de redactie.\n", "")},
        r"house\.yaml:17: rules\.HOUSE-portrait\.wording\.any: nl is missing",
    ),
    "a place in one language of two": (
        {
            "rules__house": RULES.replace(
                "    source:", "    placement:\n      image: {en: below, fr: dessous}\n    source:"
            )
        },
        r"house\.yaml:21: rules\.HOUSE-portrait\.placement\.image: nl is missing",
    ),
    "declared language": (
        {"pack": PACK.replace("[en, nl]", "[en, nl, fy]")},
        r"house\.yaml:17: .*: fy is missing",
    ),
    "public language": (
        {
            "pack": PACK + "public_languages: [de]\n",
            "rules__house": RULES.replace("shown_to: actor", "shown_to: public"),
        },
        r"house\.yaml:17: .*: de is missing",
    ),
    "no source": (
        {"rules__house": RULES.replace('    source: {ref: BOOK, paragraph: "12"}\n', "")},
        r"house\.yaml:8: rules\.HOUSE-portrait: source is missing",
    ),
    "unlisted source": (
        {"rules__house": RULES.replace("ref: BOOK", "ref: BIBLE")},
        r"house\.yaml:20: .*source BIBLE is not listed",
    ),
    "uncited source": (
        {"rules__house": RULES.replace("BOOK: {title: Style book}", "BOOK: {title: Style book}\n  MORE: {title: x}")},
        r"pack\.yaml:1: source MORE is cited by no rule",
    ),
    "cycle": (
        {
            "fields": "fields: {}\ndefines:\n  one: two and professional\n  two: not one\n",
            "rules__house": RULES.replace("role == 'deployer' and", "one and"),
        },
        r"fields\.yaml:3: defines\.one: define one leads back to itself: one > two > one",
    ),
    "megabyte": (
        {"rules__house": RULES.replace("role == 'deployer'", "(" * 1_000_000)},
        r"house\.yaml:12: rules\.HOUSE-portrait\.when: condition of 10000\d\d characters, at most 2000",
    ),
    "unknown key": (
        {"rules__house": RULES.replace("    from: 2026-01-01\n", "    from: 2026-01-01\n    untill: 2026-02-01\n")},
        r"house\.yaml:12: rules\.HOUSE-portrait\.untill: unknown key 'untill'",
    ),
    "missing key": (
        {"rules__house": RULES.replace("    who: deployer\n", "")},
        r"house\.yaml:8: rules\.HOUSE-portrait: who is missing",
    ),
    "duplicate key": (
        {"rules__house": RULES.replace("    status:", "    who: platform\n    status:")},
        r"house\.yaml:13: key 'who' stands twice",
    ),
    "not YAML": ({"rules__house": RULES + "  - [\n"}, r"house\.yaml:\d+: not YAML"),
    "no day": (
        {"rules__house": RULES.replace("2026-01-01", "2026-02-30")},
        r"house\.yaml:11: .*from: '2026-02-30' is no day",
    ),
    "ends before it starts": (
        {"rules__house": RULES.replace("    from: 2026-01-01\n", "    from: 2026-01-02\n    until: 2026-01-01\n")},
        r"house\.yaml:12: .*until: ends on 2026-01-01, before it starts",
    ),
    "required unread": (
        {"rules__house": RULES.replace("confidence: read", "confidence: memory").replace("recommended", "required")},
        r"house\.yaml:13: .*status: required, but nobody read the source",
    ),
    "prohibited unread": (
        {
            "rules__house": RULES.replace("confidence: read", "confidence: memory").replace(
                "recommended", "prohibited"
            ),
            "scenarios__house": SCENARIOS.replace("recommended", "prohibited"),
        },
        r"house\.yaml:8: .*automatic: prohibited on an unread source needs a person",
    ),
    "confirmed though read": (
        {"rules__house": RULES.replace("    label:", "    status_if_confirmed: required\n    label:")},
        r"house\.yaml:14: .*status_if_confirmed: only for",
    ),
    "undecided as status": (
        {"rules__house": RULES.replace("status: recommended", "status: undecided")},
        r"house\.yaml:13: .*status: one of prohibited, required, recommended, info is due",
    ),
    "placeholder": (
        {"rules__house": RULES.replace("Ask the desk first.", "Ask {who} first.")},
        r"house\.yaml:17: .*unknown placeholder in en: 'who'",
    ),
    "placeholder in one language": (
        {"rules__house": RULES.replace("Ask the desk first.", "Ask {publisher} first.")},
        r"house\.yaml:17: .*nl has other placeholders than en",
    ),
    "own scenario": (
        {"scenarios__house": SCENARIOS.replace("role: platform", "role: deployer")},
        r"scenarios/house\.yaml:8: case minister/unless-1: HOUSE-portrait is recommended, expected absent",
    ),
    "own question": (
        {"scenarios__house": SCENARIOS.replace("open: [role]", "open: [consent]")},
        r"scenarios/house\.yaml:9: case minister/open-consent: HOUSE-portrait is recommended, expected undecided",
    ),
    "scenario of another rule": (
        {"scenarios__house": SCENARIOS.replace("[HOUSE-portrait]}", "[HOUSE-landscape]}")},
        r"scenarios/house\.yaml:2: case minister names no rule: HOUSE-landscape",
    ),
    "fact of a scenario": (
        {"scenarios__house": SCENARIOS.replace("decl: ai", "decl: perhaps")},
        r"scenarios/house\.yaml:2: case minister: decl is one of",
    ),
    "id of another pack": (
        {"rules__house": RULES.replace("HOUSE-portrait", "EV-unknown"), "scenarios__house": "cases: []\n"},
        r"rules/house\.yaml:8: rule EV-unknown is already in pack waarmerk-base; name it under overrides",
    ),
    "override of nothing": (
        {"pack": PACK + "overrides: {HOUSE-nothing: because}\n"},
        r"pack\.yaml:6: house overrides HOUSE-nothing, which no earlier pack has",
    ),
    "field of another pack": (
        {"fields": "fields: {context: {role: {type: bool, help: {en: x, nl: x}}}}\n"},
        r"fields\.yaml:1: .*field role is already in the dictionary",
    ),
    "abbreviation of another pack": (
        {"fields": "defines:\n  visible_change: role == 'platform'\nfields: {}\n"},
        r"fields\.yaml:2: defines\.visible_change: visible_change is already an abbreviation of waarmerk-base",
    ),
    "no paragraph": (
        {"rules__house": RULES.replace(', paragraph: "12"', "")},
        r"house\.yaml:20: .*source: paragraph is missing; where a whole document is meant, write paragraph: whole",
    ),
    "half a brace": (
        {"rules__house": RULES.replace("Ask the desk first.", "Ask {link the desk first.")},
        r"house\.yaml:17: .*en has a brace without its other half",
    ),
    "nobody's duty": (
        {"rules__house": RULES.replace("who: deployer", "who: deplyer")},
        r"house\.yaml:9: rules\.HOUSE-portrait\.who: one of provider, .* is due, not 'deplyer'",
    ),
    "silent field": (
        {"fields": "fields:\n  context:\n    mood: {type: bool, known_by: [uploader]}\n"},
        r"fields\.yaml:3: .*has a question",
    ),
    "election outside its period": (
        {
            "elections": "elections:\n"
            "  - {name: x, jurisdiction: NL, from: 2027-01-01, until: 2027-02-01, vote: 2027-03-17}\n"
        },
        r"elections\.yaml:2: .*election 'x': the day of the vote lies outside",
    ),
    "translation of nothing": (
        {"translations__de": "language: de\nrules:\n  HOUSE-portrait: {modified: x}\n"},
        r"translations/de\.yaml:3: .*translates a text that no rule has",
    ),
    "no time zone": (
        {"rules__house": RULES.replace("Europe/Amsterdam", "Europe/Zwolle")},
        r"house\.yaml:8: .*the zone 'Europe/Zwolle' of its law is no time zone",
    ),
    "zone outside": (
        {"rules__house": RULES.replace("Europe/Amsterdam", "../../etc/passwd")},
        r"house\.yaml:8: .*is no time zone",
    ),
    "first of all": (
        {"pack": PACK.replace("id: house", "id: waarmerk-base")},
        r"fields\.yaml: the dictionary lacks ai, aigc,",
    ),
    "stray file": ({"rulez": "rules: {}\n"}, r"rulez\.yaml: no file of a pack"),
    "no English": ({"pack": PACK.replace("[en, nl]", "[nl]")}, r"pack\.yaml:4: languages: en is missing"),
    "other format": (
        {"pack": PACK.replace("pack/1", "pack/2")},
        r"pack\.yaml:1: format: one of waarmerk\.pack/1 is due",
    ),
}


@pytest.mark.parametrize(
    ("condition", "refused"),
    [
        ("c2pa == 'unread'", True),
        ("c2pa == 'remote_only'", True),
        ("c2pa != 'none'", True),
        ("not (aigc == 'none')", True),
        ("has_unread", True),
        ("professional and (paid or wm not in ('none', 'origin'))", True),
        ("c2pa != 'trusted'", False),
        ("aigc == 'none'", False),
        ("not (wm == 'ai')", False),
        ("not has_unread", False),
        ("has_unread is not True", False),
        ("fc_match in ('exact', 'near')", False),
    ],
)
def test_a_duty_does_not_come_from_what_was_not_read(condition: str, refused: bool, folder: Write) -> None:
    old = "role == 'deployer' and real_person == 'public' and ai in ('generated', 'modified')"
    rules = RULES.replace(old, condition).replace("status: recommended", "status: required")
    assert condition in rules
    place = folder(rules__house=rules, scenarios__house="cases: []\n")
    if not refused:
        add_pack(IN_FORCE, place, weigh)
        return
    with pytest.raises(RulePackError, match=r"house\.yaml:12: .*a duty cannot come from \w+ not having been read"):
        add_pack(IN_FORCE, place, weigh)
    mild = rules.replace("status: required", "status: info")
    add_pack(IN_FORCE, folder(rules__house=mild, scenarios__house="cases: []\n"), weigh)


@pytest.mark.parametrize("case", REFUSED)
def test_a_pack_is_refused_with_place_and_reason_and_the_one_in_force_stays(case: str, folder: Write) -> None:
    changed, reason = REFUSED[case]
    before = IN_FORCE.rules
    with pytest.raises(RulePackError, match=reason) as caught:
        add_pack(IN_FORCE, folder(**changed), weigh)
    assert caught.value.code == "labelling.pack-refused"
    assert IN_FORCE.rules is before
    assert load_packs() == IN_FORCE


def test_an_override_names_the_rule_and_the_reason(folder: Write) -> None:
    changed = {
        "pack": PACK + "overrides:\n  EV-unknown: We say it in other words.\n",
        "rules__house": RULES.replace("HOUSE-portrait", "EV-unknown"),
        "scenarios__house": "cases: []\n",
    }
    packs = add_pack(IN_FORCE, folder(**changed), weigh)
    assert len(packs.rules) == len(IN_FORCE.rules)
    assert next(rule for rule in packs.rules if rule.id == "EV-unknown").pack == "house"
    assert packs.packs[1].overrides == (("EV-unknown", "We say it in other words."),)


def test_files_of_other_kinds(folder: Write) -> None:
    place = folder()
    (place / "README.md").write_text("not part of the pack")
    before = pack_digest(pack_files(place))
    (place / "README.md").write_text("changed")
    assert pack_digest(pack_files(place)) == before
    (place / "rules" / "more.yml").write_text("x: 1")
    with pytest.raises(RulePackError, match=r"rules/more\.yml: the files of a pack end in \.yaml"):
        load_folder(place, None)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RulePackError, match=r"a pack is a folder with a pack\.yaml"):
        add_pack(IN_FORCE, tmp_path, weigh)


def test_bytes_that_are_no_text(folder: Write) -> None:
    place = folder()
    (place / "rules" / "house.yaml").write_bytes(RULES.encode() + b"\xff")
    with pytest.raises(RulePackError, match=r"house\.yaml:\d+: not UTF-8"):
        add_pack(IN_FORCE, place, weigh)


def test_the_digest_covers_every_file_by_name_and_content() -> None:
    files = {"a.yaml": b"1", "b.yaml": b"2"}
    digest = pack_digest(files)
    assert len(digest) == 64
    assert pack_digest(dict(reversed(files.items()))) == digest
    assert len({digest, pack_digest({"a.yaml": b"2", "b.yaml": b"1"}), pack_digest({"a.yaml": b"1"})}) == 3


def test_without_a_current_compiled_form_the_yaml_counts(tmp_path: Path) -> None:
    for name, content in pack_files(SHIPPED).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert load_shipped(tmp_path) == load_shipped()
    (tmp_path / COMPILED).write_bytes(compiled_form(tmp_path))
    assert load_shipped(tmp_path) == load_shipped()
    changed = (tmp_path / "rules" / "50-evidence.yaml").read_text().replace("Origin unknown", "Origin not known")
    (tmp_path / "rules" / "50-evidence.yaml").write_text(changed)
    rule = next(rule for rule in load_shipped(tmp_path).rules if rule.id == "EV-unknown")
    assert dict(dict(rule.wording)["any"])["en"] == "Origin not known"
    (tmp_path / COMPILED).write_text("{")
    assert load_shipped(tmp_path).sha256 != load_shipped().sha256


def test_the_start_needs_no_yaml(run_python: Callable[[str], str]) -> None:
    load = "from waarmerk.provenance.labelling.loader import load_packs; load_packs()"
    code = f"import sys; {load}; print('yaml' in sys.modules)"
    assert run_python(code).strip() == "False"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested deeper"),
        ("a: &x 1\nb: *x", "f:1: anchors"),
        ("b: *x", "f:1: anchors"),
        ("a: !!python/object:os.system x", "f:1: anchors, aliases and tags"),
        ("? [a]\n: 1", "a key is a text"),
        ("a: 1\n---\nb: 2", "f:2: more than one document"),
        ("a: {b: 1, b: 2}", "f:1: key 'b' stands twice"),
        ("a\x00b", "not YAML"),
        ("x" * 3_000_000, "at most"),
    ],
)
def test_yaml_that_could_harm_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RulePackError, match=reason):
        read_document("f", text)


def test_plain_words_stay_texts() -> None:
    assert read_document("f", "[NO, yes, on, 2026-08-02, 1, -2, 0.5, true, null, ~, '1', 1_000, 0x1f]").data == [
        *("NO", "yes", "on", "2026-08-02", 1, -2, 0.5, True, None, None, "1", "1_000", "0x1f")
    ]


def test_merging_keeps_the_order_of_the_packs(folder: Write) -> None:
    house, _ = load_folder(folder(), IN_FORCE)
    assert [rule.id for rule in merge((load_shipped(), house)).rules][-1] == "HOUSE-portrait"
