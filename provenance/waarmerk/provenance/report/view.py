# SPDX-License-Identifier: Apache-2.0
"""What a dossier says of one file, line by line, in one language: rows, lists and a tree, without any markup.

Made from the report's dictionary and the dossier's own payload (picture, manifest tree) alone. Texts of files stay as
they are here; whatever puts them on a page makes them safe.
"""

from collections.abc import Mapping
from typing import Any

from waarmerk.provenance.report.branches import Branch, tree_of
from waarmerk.provenance.report.rows import Row, Rows
from waarmerk.provenance.report.wording import Wording

_QUESTIONS_SHOWN = 5

Document = Mapping[str, Any]


def moment(at: str) -> str:
    """A moment of the report (RFC 3339, UTC) as a person reads it; another text stays as it is."""
    return f"{at[:10]} {at[11:19]} UTC" if len(at) == 20 and at.endswith("Z") else at


class View:
    """One report, ready to be laid out. ``words`` gives the language; ``served``: for visitors of a page."""

    def __init__(
        self, document: Document, dossier: Mapping[str, Any] | None, words: Wording, *, served: bool = False
    ) -> None:
        self._document = document
        self._dossier = dossier or {}
        self._words = words
        self._served = served
        self._rows = Rows(document, words, addresses=True)
        self.examined = document["status"] == "examined"
        self.name: str = document["asset"]["name"] or words.say("dossier", "unnamed")
        self.summary: str = document["verdict"]["summary"][words.language]
        self.is_decided = bool(document["basis"]["rule_packs"])
        self.tone = self._rows.tone
        self.concerns = self._rows.concerns
        self.steps = self._rows.steps
        self.labels = self._rows.duties
        self.card = self._rows.card
        self.silent = self._rows.silent

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
        owed = [Row(self._say("axis", "labels"), self._rows.owed())] if self.is_decided else []
        return [*self._rows.axes(), *owed]

    def unread(self) -> list[str]:
        """What could have spoken and was not listened to, each with its reason."""
        channels = [each for each in self._document["channels"] if each["state"] == "unread" and each["code"]]
        return [self._say(self._channel_words(each["code"]), each["code"]) for each in channels]

    def _channel_words(self, code: str) -> str:
        return "page_channel" if self._served and self._words.has("page_channel", code) else "channel"

    def questions(self) -> list[str]:
        """What decides the labels that are still open: the first of the questions, and how many more there are."""
        found = [f"{text} ({field})" for field, text in self._rows.asked().items()]
        rest = len(found) - _QUESTIONS_SHOWN
        more = [self._say("axis", "more", count=rest)] if rest > 0 else []
        return [*found[:_QUESTIONS_SHOWN], *more]

    def lists(self) -> list[tuple[str, str, str, str]]:
        """Kind, id, edition and digest of every list and rule pack the report rests on."""
        basis = self._document["basis"]
        rows = [("list", each["id"], each["issued"], each["sha256"]) for each in basis["trust_lists"]]
        rows += [("rules", each["id"], each["version"], each["sha256"]) for each in basis["rule_packs"]]
        undated = self._say("dossier", "undated")
        return [(self._say("dossier", kind), name, edition or undated, sha) for kind, name, edition, sha in rows]

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
        tree = tree_of(self._dossier.get("manifests") or [], self._words)
        return None if tree is None else tree.top

    def _number(self, count: int) -> str:
        return f"{count:,}".replace(",", "\u00a0")

    def _say(self, section: str, key: str, /, **parts: object) -> str:
        return self._words.say(section, key, **parts)
