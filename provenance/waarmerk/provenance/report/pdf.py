# SPDX-License-Identifier: Apache-2.0
"""The dossier as PDF: the same words as the HTML dossier, as text that can be searched, in a font that is embedded.

Nothing in it acts or points anywhere: no script, no link, no form, no attachment. Equal dossiers give equal bytes.
Needs the extra ``pdf``. Text of a file is made safe, then escaped for the layout engine's own markup; a letter that
the font lacks is shown by its number, never left out.
"""

import base64
import binascii
import io
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import as_file, files
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Image, PageBreak, Paragraph, SimpleDocTemplate, Spacer

from waarmerk.provenance.report.branches import Branch
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.html import MAX_TEXT, Dossier, Sheet
from waarmerk.provenance.report.rows import Owed, Row
from waarmerk.provenance.report.view import View
from waarmerk.provenance.report.wording import Wording, wording

_FONT_PACKAGE = "font_source_sans_pro"  # SIL Open Font License 1.1; all 24 languages of the EU
_TEXT, _STRONG = "waarmerk-text", "waarmerk-strong"
_FONTS = {_TEXT: "SourceSansPro-Regular.ttf", _STRONG: "SourceSansPro-Semibold.ttf"}
_INK, _QUIET = HexColor(0x1D2329), HexColor(0x525B64)
_GOOD, _MIND, _BAD, _PLAIN = HexColor(0x14532D), HexColor(0x6B3F00), HexColor(0x8A1512), HexColor(0x1F3B6B)
_TONES = {"good": _GOOD, "mind": _MIND, "bad": _BAD, "plain": _PLAIN}
_HEAD_WIDTH = 43 * mm
_BESIDE_CONTENTS = 8  # files of a dossier whose contents leave room on the first page
_STEP = 5 * mm  # how far the tree moves in with each level
_MAX_STEPS = 12
_PICTURE = 60 * mm
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) UTC")
_JPEG = "data:image/jpeg;base64,"


def render(dossier: Dossier) -> bytes:
    """The whole document."""
    words = wording(dossier.language)
    target = io.BytesIO()
    title = _title(dossier, words)
    document = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=_safe(title),
        author="waarmerk",
        creator="waarmerk",
        lang=dossier.language,
        invariant=1,
    )

    def foot(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont(_TEXT, 8)
        canvas.setFillColor(_QUIET)
        canvas.drawString(page.leftMargin, 12 * mm, f"waarmerk {_safe(dossier.head['version'])}")
        canvas.drawRightString(A4[0] - page.rightMargin, 12 * mm, str(canvas.getPageNumber()))
        canvas.restoreState()
        if (made := _DATE.fullmatch(dossier.head["at"])) is not None:
            canvas._doc._timeStamp.YMDhms = tuple(map(int, made.groups()))  # else a made-up day, for equal bytes

    _register()
    document.build(list(_Layout(dossier, words).pieces(title)), onFirstPage=foot, onLaterPages=foot)
    return target.getvalue()


def _title(dossier: Dossier, words: Wording) -> str:
    return words.say("dossier", "title-one" if len(dossier.sheets) == 1 else "title")


class _Layout:
    """Flowables of one dossier, from top to bottom."""

    def __init__(self, dossier: Dossier, words: Wording) -> None:
        self._dossier = dossier
        self._words = words

    def pieces(self, title: str) -> Iterator[Flowable]:
        head = self._dossier.head
        yield _line("waarmerk", _style("brand", color=_QUIET, strong=True))
        yield _line(title, _style("h1", size=18, strong=True, after=4))
        made = self._say("dossier", "made", tool=f"waarmerk {head['version']}", at=head["at"])
        yield _line(made, _style("made", size=9, color=_QUIET, after=10))
        sheets = self._dossier.sheets
        if len(sheets) > 1:
            yield self._heading(self._say("dossier", "contents"))
            yield from _rows(Row(sheet.view.name, sheet.view.headline(), sheet.view.tone()) for sheet in sheets)
        for position, sheet in enumerate(sheets):
            if position or len(sheets) > _BESIDE_CONTENTS:
                yield PageBreak()
            yield from self._sheet(sheet)
        yield Spacer(1, 10)
        if not sheets:
            yield _line(self._say("dossier", "no-tree"), _style("text"))

    def _sheet(self, sheet: Sheet) -> Iterator[Flowable]:
        view = sheet.view
        tone = _TONES[view.tone()]
        yield _line(view.name, _style("h2", size=14, strong=True, after=6))
        yield _line(view.headline(), _style("headline", size=12, color=tone, strong=True, inset=8))
        yield _line(view.summary, _style("summary", size=11, inset=8, after=6))
        yield self._heading(self._say("dossier", "examined"))
        yield from _rows(view.facts())
        yield from self._picture(view)
        if view.examined:
            yield self._heading(self._say("dossier", "findings"))
            yield from _rows(view.axes())
        yield from self._listed("concerns", view.concerns())
        yield from self._listed("steps", view.steps(), numbered=True)
        if view.examined:
            yield from self._examined(view)
        yield from self._repeat(sheet)

    def _examined(self, view: View) -> Iterator[Flowable]:
        if view.unread():
            yield from self._listed("unread", view.unread(), lead=self._say("dossier", "unread-lead"))
        if view.is_decided:
            yield from self._labels(view)
        yield self._heading(self._say("dossier", "tree"))
        tree = view.tree()
        yield _line(self._say("dossier", "no-tree" if tree is None else "tree-lead"), _style("text"))
        if tree is not None:
            yield from _tree(tree, 0)
        yield self._heading(self._say("dossier", "lists"))
        files = [(self._say("dossier", kind), name, "", sha) for kind, name, sha in self._dossier.run.rests_on]
        for kind, name, edition, sha256 in (*view.lists(), *files):
            yield from _rows([Row(kind, ", ".join(part for part in (name, edition) if part))])
            yield _line(sha256, _style("digest", size=8, color=_QUIET, inset=_HEAD_WIDTH))

    def _picture(self, view: View) -> Iterator[Flowable]:
        picture = view.picture()
        if picture is None:
            if view.examined:
                yield _line(view.no_picture(), _style("note", size=9, color=_QUIET))
            return
        data = _jpeg(str(picture["uri"]))
        if data is not None:
            scale = min(_PICTURE / picture["width"], _PICTURE / picture["height"])
            yield Spacer(1, 4)
            yield Image(io.BytesIO(data), picture["width"] * scale, picture["height"] * scale, hAlign="LEFT")
        note = " ".join(part for part in (self._say("dossier", "picture-note"), view.inner()) if part)
        yield _line(note, _style("note", size=9, color=_QUIET))

    def _labels(self, view: View) -> Iterator[Flowable]:
        yield self._heading(self._say("dossier", "labels"))
        duties = view.labels()
        if not duties:
            yield _line(self._say("dossier", "no-labels"), _style("text"))
        for duty in duties:
            yield from self._duty(duty)
        yield from _items(view.silent())
        if questions := view.questions():
            yield _line(self._say("dossier", "questions"), _style("text"))
            yield from _items(questions)

    def _duty(self, duty: Owed) -> Iterator[Flowable]:
        place = f" {self._say('rule', 'where', place=duty.place)}" if duty.place else ""
        yield _line(duty.head, _style("who", strong=True))
        yield _line(f"“{duty.wording}”{place}", _style("owed", inset=8))
        yield _line(f"{duty.source} [{duty.rule}]", _style("cited", size=9, color=_QUIET, inset=8))
        if duty.because:
            because = f"{self._say('rule', 'because')} {'; '.join(duty.because)}"
            yield _line(because, _style("because", size=9, color=_QUIET, inset=8, after=4))

    def _repeat(self, sheet: Sheet) -> Iterator[Flowable]:
        yield self._heading(self._say("dossier", "repeat"))
        command = _style("command", size=9, inset=8, after=4)
        yield _line(self._say("dossier", "repeat-verify"), _style("lead", keep=True))
        yield _line(" ".join(sheet.digest_command), command)
        yield _line(self._say("dossier", "repeat-lead"), _style("lead", keep=True))
        yield _line(" ".join(sheet.command), command)

    def _listed(self, key: str, items: list[str], *, lead: str = "", numbered: bool = False) -> Iterator[Flowable]:
        if not items:
            return
        yield self._heading(self._say("dossier", key))
        if lead:
            yield _line(lead, _style("text"))
        yield from _items(items, numbered=numbered)

    def _heading(self, text: str) -> Flowable:
        return _line(text, _style("h3", size=11, strong=True, before=10, after=3, keep=True))

    def _say(self, section: str, key: str, /, **parts: object) -> str:
        return self._words.say(section, key, **parts)


def _rows(rows: Iterable[Row], inset: float = 0) -> Iterator[Flowable]:
    """Head and text side by side where the head is short enough, else one below the other."""
    for row in rows:
        color = _TONES.get(row.tone, _INK)
        style = _style(f"row-{row.tone}", color=color, inset=inset + _HEAD_WIDTH, bullet=inset, after=2)
        head = _safe(row.head)
        if pdfmetrics.stringWidth(head, _TEXT, 10) < _HEAD_WIDTH - 6:
            yield _line(row.text, style, bullet=head)
        else:
            yield _line(row.head, _style("head", color=_QUIET, inset=inset))
            yield _line(row.text, style)


def _items(items: Iterable[str], *, numbered: bool = False) -> Iterator[Flowable]:
    style = _style("item", inset=14, bullet=2, after=2)
    for number, item in enumerate(items, 1):
        yield _line(item, style, bullet=f"{number}." if numbered else "•")


def _tree(branch: Branch, depth: int) -> Iterator[Flowable]:
    inset = _STEP * min(depth, _MAX_STEPS)
    tone = _TONES.get(branch.tone, _INK)
    yield _line(branch.title, _style("node", strong=True, color=tone, inset=inset, before=5))
    if branch.relation:
        yield _line(f"{branch.relation} · {branch.state}", _style("relation", size=9, color=tone, inset=inset))
    yield from _rows(branch.facts, inset)
    if branch.note:
        yield _line(branch.note, _style("note", size=9, color=_QUIET, inset=inset))
    for below in branch.below:
        yield from _tree(below, depth + 1)


def _style(
    name: str,
    *,
    size: float = 10,
    color: Any = _INK,
    strong: bool = False,
    inset: float = 0,
    bullet: float = 0,
    before: float = 0,
    after: float = 1,
    keep: bool = False,
) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=_STRONG if strong else _TEXT,
        fontSize=size,
        leading=size * 1.35,
        textColor=color,
        leftIndent=inset,
        bulletIndent=bullet,
        bulletFontName=_TEXT,
        bulletFontSize=size,
        bulletColor=_QUIET,
        spaceBefore=before,
        spaceAfter=after,
        keepWithNext=keep,
        splitLongWords=1,
    )


def _line(text: str, style: ParagraphStyle, bullet: str | None = None) -> Flowable:
    return Paragraph(escape(_safe(text)) or "-", style, bulletText=bullet)


def _safe(text: str) -> str:
    """Text made safe; letters that the font lacks by their number."""
    return "".join(c if ord(c) in _letters() or c == " " else f"<U+{ord(c):04X}>" for c in plain(text, limit=MAX_TEXT))


@cache
def _letters() -> frozenset[int]:
    _register()
    faces = [pdfmetrics.getFont(name).face for name in _FONTS]
    return frozenset.intersection(*(frozenset(face.charToGlyph) for face in faces))


@cache
def _register() -> None:
    for name, file in _FONTS.items():
        with as_file(files(_FONT_PACKAGE) / "files" / file) as path:
            pdfmetrics.registerFont(TTFont(name, str(path)))


def _jpeg(uri: str) -> bytes | None:
    """Our own small picture out of its ``data:`` address; None for anything else."""
    try:
        data = base64.b64decode(uri.removeprefix(_JPEG), validate=True) if uri.startswith(_JPEG) else b""
    except (binascii.Error, ValueError):
        return None
    return data if data.startswith(b"\xff\xd8\xff") else None
