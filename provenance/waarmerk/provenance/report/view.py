# SPDX-License-Identifier: Apache-2.0
"""What a dossier says of one file, line by line, in one language: rows, lists and a tree, without any markup.

Made from the report's dictionary and the dossier's own payload (picture, manifest tree) alone. Texts of files stay as
they are here; whatever puts them on a page makes them safe.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from waarmerk.provenance.report.wording import Wording

_LISTED = ("official", "interim", "user")
_HELD = ("embedded", "sidecar")
_QUESTIONS_SHOWN = 5
# Whom to believe stands on the axes: the tree is read with one list, the report with all of them.
_JUDGED_BY_LIST = frozenset({"signingCredential.untrusted", "timeStamp.untrusted"})
MAX_DEPTH = 32  # media/limits.py: manifest_nesting
MAX_NODES = 200  # manifests drawn in one tree; a store may hold a thousand

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its heading, its text, and ``good``, ``mind``, ``bad`` or no tone."""

    head: str
    text: str
    tone: str = ""


@dataclass(slots=True)
class Branch:
    """One node of the ingredient tree. ``facts`` are rows; ``note`` says why nothing stands below it."""

    title: str
    relation: str = ""
    state: str = ""
    tone: str = ""
    facts: list[Row] = field(default_factory=list)
    below: list["Branch"] = field(default_factory=list)
    note: str = ""


def moment(at: str) -> str:
    """A moment of the report (RFC 3339, UTC) as a person reads it; another text stays as it is."""
    return f"{at[:10]} {at[11:19]} UTC" if len(at) == 20 and at.endswith("Z") else at


class View:
    """One report, ready to be laid out. ``words`` gives the language."""

    def __init__(self, document: Document, dossier: Mapping[str, Any] | None, words: Wording) -> None:
        self._document = document
        self._dossier = dossier or {}
        self._words = words
        self.examined = document["status"] == "examined"
        self.name: str = document["asset"]["name"] or words.say("dossier", "unnamed")
        self.summary: str = document["verdict"]["summary"][words.language]

    def tone(self) -> str:
        """The tone of the verdict; green is only what a list the reader trusts vouches for."""
        verdict, credential = self._document["verdict"], self._document["credentials"]
        if not self.examined or verdict["conflict"] or credential["integrity"] == "altered":
            return "bad"
        return "good" if verdict["authentic_capture"] else "plain" if verdict["tier"] == "proven" else "mind"

    def headline(self) -> str:
        """Origin and how well it stands, in a few words."""
        if not self.examined:
            return self._say("axis", "not_examined")
        verdict = self._document["verdict"]
        origin = self._say("origin", verdict["origin"])
        if verdict["tier"] == "none":
            return origin
        return f"{origin} · {self._say('tier', verdict['tier'])}"

    def facts(self) -> list[Row]:
        """What was examined."""
        asset = self._document["asset"]
        size = None if asset["bytes"] is None else self._say("dossier", "bytes", count=self._number(asset["bytes"]))
        sides = f"{asset['width']} × {asset['height']}" if asset["width"] and asset["height"] else None
        length = asset["duration_seconds"]
        rows = (
            ("name", self.name),
            ("media_type", asset["media_type"]),
            ("size", size),
            ("pixels", sides),
            ("duration", None if length is None else self._say("dossier", "seconds", count=length)),
            ("sha256", asset["sha256"]),
            ("at", moment(self._document["at"])),
        )
        return [Row(self._say("dossier", head), text) for head, text in rows if text]

    def axes(self) -> list[Row]:
        """One row an axis; no axis is computed from another."""
        if not self.examined:
            return []
        credential = self._document["credentials"]
        rows = [self._integrity(credential)]
        if credential["state"] in _HELD:
            rows.append(self._signer(credential["signer"]))
            rows.append(Row(self._say("axis", "identity"), self._say("identity", credential["identity"])))
            tone = "mind" if credential["chain"] in ("broken", "missing") else ""
            chain = self._say("chain", credential["chain"], count=len(credential["ingredients"]))
            rows.append(Row(self._say("axis", "chain"), chain, tone))
            rows.append(Row(self._say("axis", "ai"), self._ai(credential["ai"])))
        rows += [Row(self._say("axis", "marks"), text) for text in self._marks()]
        rows.append(Row(self._say("axis", "labels"), self._owed()))
        rows.append(Row(self._say("axis", "metadata"), self._declared(self._document["metadata"])))
        return rows

    def _integrity(self, credential: Document) -> Row:
        state = self._say("state", credential["state"], url=credential["remote_url"] or "?")
        head = self._say("axis", "credentials")
        if credential["state"] not in _HELD:
            return Row(head, state)
        integrity = credential["integrity"]
        listed = credential["signer"]["status"] in _LISTED
        tone = "bad" if integrity == "altered" else "good" if integrity == "intact" and listed else "mind"
        return Row(head, f"{state}, {self._say('integrity', integrity)}", tone)

    def _signer(self, signer: Document) -> Row:
        standing = self._say("signer", signer["status"])
        name = signer["name"] or self._say("axis", "nobody")
        if signer["verified_name"]:
            text, tone = self._say("axis", "named", name=name, list=standing), "good"
        elif signer["status"] in _LISTED:
            text, tone = self._say("axis", "not_theirs", name=name, list=standing), "mind"
        else:
            text, tone = f"{self._say('axis', 'claims', name=name)} ({standing})", "mind"
        if signer["time"] is not None:
            key = "signed_at" if signer["time_status"] == "trusted" else "signed_claimed"
            text += "; " + self._say("axis", key, time=signer["time"])
        return Row(self._say("axis", "signer"), text, tone)

    def _ai(self, ai: Document) -> str:
        text = self._say("ai", ai["signal"])
        stated = ", ".join(source_type.rsplit("/", 1)[-1] for source_type in ai["source_types"])
        return f"{text}; {self._say('axis', 'stated', value=stated)}" if stated else text

    def _marks(self) -> Iterator[str]:
        for mark in self._document["watermarks"]:
            if mark["key_id"] is None:
                yield self._words.keyless_mark(mark["scheme"], mark["p_value"])
                continue
            if mark["p_value"] is None:
                yield self._say("mark", "unread", key=mark["key_id"])
                continue
            key = "absent" if not mark["detected"] else "found" if mark["payload"] else "found-silent"
            key = {True: "found-bound", False: "found-elsewhere"}.get(mark["bound"], key)
            chance = f"{mark['p_value']:.1e}"
            yield self._say("mark", key, key=mark["key_id"], p=chance, means=mark["means"] or "?")
        if not self._document["watermarks"]:
            yield self._say("axis", "no_marks")

    def _owed(self) -> str:
        required = sum(label["status"] == "required" for label in self._document["labels"])
        undecided = sum(label["status"] == "undecided" for label in self._document["labels"])
        return self._say("dossier", "owed", required=required, undecided=undecided)

    def _declared(self, metadata: Document | None) -> str:
        if metadata is None:
            return self._say("axis", "no_metadata")
        parts = [
            self._say("metadata", key, value=", ".join(value) if isinstance(value, list) else value)
            for key in ("source_types", "aigc_label", "ai_system", "camera", "software", "captured_at", "credit")
            if (value := metadata[key])
        ]
        parts += [self._say("metadata", "hint", **hint) for hint in metadata["hints"]]
        return "; ".join(parts) or self._say("axis", "no_metadata")

    def concerns(self) -> list[str]:
        """What must not vanish behind the headline."""
        return [self._words.concern(each["code"], each["about"]) for each in self._document["verdict"]["concerns"]]

    def unread(self) -> list[str]:
        """What could have spoken and was not listened to, each with its reason."""
        channels = [each for each in self._document["channels"] if each["state"] == "unread" and each["code"]]
        return [self._say("channel", each["code"]) for each in channels]

    def steps(self) -> list[str]:
        """What a careful person does now."""
        return [step[self._words.language] for step in self._document["verdict"]["next_steps"]]

    def labels(self) -> list[Row]:
        """Decided duties: status and who as the heading, the wording with its source as the text."""
        rows = []
        for duty in self._document["labels"]:
            if duty["status"] == "undecided" or duty["basis"] == "evidence":
                continue
            cited = ", ".join(part for part in (duty["source"]["title"], duty["source"]["paragraph"]) if part)
            wording = duty["wording"].get(self._words.language) or duty["wording"].get("en") or duty["label"]
            head = f"{self._say('status', duty['status'])} ({duty['who']})"
            rows.append(Row(head, f"“{wording}” — {cited} [{duty['rule']}]"))
        return rows

    def questions(self) -> list[str]:
        """What decides the labels that are still open, each question once, the first of them and how many more.

        Where nothing points to AI and no label was decided the questions are beside the point.
        """
        if self._document["verdict"]["tier"] == "none" and not self.labels():
            return []
        found: dict[str, str] = {}
        for duty in self._document["labels"]:
            for ask in duty["asks"] if duty["status"] == "undecided" else ():
                text = ask["question"].get(self._words.language) or ask["question"]["en"]
                found.setdefault(ask["field"], f"{text} ({ask['field']})")
        rest = len(found) - _QUESTIONS_SHOWN
        more = [self._say("axis", "more", count=rest)] if rest > 0 else []
        return [*list(found.values())[:_QUESTIONS_SHOWN], *more]

    def lists(self) -> list[tuple[str, str, str, str]]:
        """Kind, id, edition and digest of every list and rule pack the report rests on."""
        basis = self._document["basis"]
        rows = [("list", each["id"], each["issued"], each["sha256"]) for each in basis["trust_lists"]]
        rows += [("rules", each["id"], each["version"], each["sha256"]) for each in basis["rule_packs"]]
        undated = self._say("dossier", "undated")
        return [(self._say("dossier", kind), name, edition or undated, sha) for kind, name, edition, sha in rows]

    def command(self, program: str, options: Sequence[str]) -> str:
        """The command that gives this report again: the same file, clock, lists and facts."""
        name = self._document["asset"]["name"] or "-"
        return shlex.join([*program.split(), name, *options])

    def history(self) -> list[Row]:
        """The recorded actions of the active manifest, in their order."""
        credential = self._document["credentials"] if self.examined else None
        return [self._action(action) for action in (credential or {"actions": ()})["actions"]]

    def _action(self, action: Document) -> Row:
        source_type = (action["source_type"] or "").rsplit("/", 1)[-1]
        return Row(action["action"], ", ".join(part for part in (source_type, action["tool"], action["when"]) if part))

    def picture(self) -> Mapping[str, Any] | None:
        """Our own small re-encoding: ``uri``, ``width``, ``height``; None where there is none."""
        picture: Mapping[str, Any] | None = self._dossier.get("picture")
        return picture

    def no_picture(self) -> str:
        """Why there is no picture."""
        return self._say("dossier", "no-picture")

    def inner(self) -> str:
        """Where a picture stands inside the picture; empty if none was found."""
        region = self._dossier.get("inner")
        if not region:
            return ""
        left, top, width, height = region
        return self._say("dossier", "inner", left=left, top=top, width=width, height=height)

    def tree(self) -> Branch | None:
        """The manifest store from the active manifest down; None where there is none to be read."""
        manifests = self._dossier.get("manifests") or []
        if not manifests:
            return None
        return _Tree(self._words, {manifest["label"]: manifest for manifest in manifests}).branch(manifests[0], 0)

    def _number(self, count: int) -> str:
        return f"{count:,}".replace(",", "\u00a0")

    def _say(self, section: str, key: str, /, **parts: object) -> str:
        return self._words.say(section, key, **parts)


class _Tree:
    """Every manifest once; a second mention refers to the first."""

    def __init__(self, words: Wording, by_label: Mapping[str, Document]) -> None:
        self._words = words
        self._by_label = by_label
        self._seen: set[str] = set()

    def branch(self, manifest: Document, depth: int) -> Branch:
        self._seen.add(manifest["label"])
        found = Branch(title=manifest["title"] or self._words.say("tree", "untitled"))
        for key in ("generator", "signer_name", "signed_at", "label", "claim_sha256"):
            if manifest[key]:
                found.facts.append(Row(self._words.say("tree", key), manifest[key]))
        for action in manifest["actions"]:
            source_type = (action["source_type"] or "").rsplit("/", 1)[-1]
            parts = (action["action"], source_type, action["tool"], action["when"])
            found.facts.append(Row(self._words.say("tree", "action"), ", ".join(part for part in parts if part)))
        for failure in manifest["failures"]:
            if failure["code"] in _JUDGED_BY_LIST:
                continue
            text = f"{failure['code']} {failure['about']}".strip()
            found.facts.append(Row(self._words.say("tree", "failure"), text, "bad"))
        found.below = [self._ingredient(ingredient, depth + 1) for ingredient in manifest["ingredients"]]
        return found

    def _ingredient(self, ingredient: Document, depth: int) -> Branch:
        below = self._by_label.get(ingredient["manifest"] or "")
        repeated = below is not None and below["label"] in self._seen
        too_many = depth >= MAX_DEPTH or len(self._seen) >= MAX_NODES
        if below is None or repeated or too_many:
            found = Branch(title="")
            if below is not None:
                found.note = f"{self._words.say('tree', 'above')} {below['label']}" if repeated else "…"
        else:
            found = self.branch(below, depth)
        found.title = ingredient["title"] or found.title or self._words.say("tree", "untitled")
        found.relation = ingredient["relationship"]
        found.state = self._words.say("ingredient", ingredient["state"])
        found.tone = {"intact": "", "none": ""}.get(ingredient["state"], "bad")
        return found
