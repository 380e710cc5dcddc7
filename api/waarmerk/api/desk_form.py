# SPDX-License-Identifier: Apache-2.0
"""The form in which people label: its fields, what they mean for ``waarmerk label``, and what would then be owed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from waarmerk.api.labelling import ALT, TEXT, Wishes, wishes_of
from waarmerk.api.page_facts import answers, platforms, typed
from waarmerk.api.problems import Problem
from waarmerk.provenance.labelling.context import Context, FactError
from waarmerk.provenance.labelling.fields import ASSUMED, DERIVED
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.model.labelling import Duty
from waarmerk.provenance.report.document import label
from waarmerk.provenance.report.wording import LANGUAGES, wording
from waarmerk.provenance.settings import Settings
from waarmerk.provenance.verdict import weigh

ASKED = (
    *("jur", "professional", "edit", "exists_or_plausible", "appears_authentic", "art", "real_person", "consent"),
    *("political_ad", "political_content", "election_related", "paid", "generated_on"),
)
SAYS = ("generated", "modified", "none")
PLACES = ("auto", "top-right", "top-left", "bottom-right", "bottom-left", "none")  # the first is the usual one
WRITTEN = {"tool": TEXT, "tool_version": TEXT, "title": TEXT, "alt": ALT}  # with how long each may be
TICKED = ("strip_personal", "sidecar", "allow_partial", "despite_traces")
STANDS = ("auto", "start", "repeated", "throughout")  # of the visible label of a clip
MODALITIES = ("image", "video")  # what the rules are asked about before a file is sent
MODALITY = "modality"
CHOSEN = ("ai", "visible", "stands", "label_lang", "label_lang_2", MODALITY)
FOR = "for-"
MAX_PARTS = len(ASKED) + len(WRITTEN) + len(TICKED) + len(CHOSEN) + 16  # platforms, the token, the file
_DECLARED = {"generated": "ai", "modified": "ai_partial", "none": "not_ai"}

Fields = Mapping[str, str]


def fields_of(body: bytes) -> dict[str, str]:
    """The fields of a small form. Raises Problem."""
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=2 * MAX_PARTS))
    except ValueError:
        raise Problem("request.form") from None


def filled(form: Fields) -> dict[str, str]:
    """The fields of the form that are ours and hold something, to be shown again."""
    known = {*ASKED, *WRITTEN, *TICKED, *CHOSEN, *(FOR + name for name, _ in platforms(wording(LANGUAGES[0])))}
    return {name: value.strip() for name, value in form.items() if name in known and value.strip()}


def wishes_in(form: Fields) -> Wishes:
    """What is asked for. Raises Problem, which says which field cannot be used (``label.fields``)."""
    given = filled(form)
    if given.get(MODALITY, MODALITIES[0]) not in MODALITIES:
        raise Problem("request.invalid", errors=[{"pointer": f"/body/{MODALITY}", "detail": "a picture or a clip"}])
    if given.get("ai") not in SAYS:
        raise Problem("request.invalid", "label.no-says")
    if "alt" in given and given.get("ai") == "none":
        raise Problem("request.invalid", "label.alt")
    if "tool_version" in given and "tool" not in given:
        raise Problem("request.invalid", "label.tool-version")
    languages = [given[name] for name in ("label_lang", "label_lang_2") if name in given]
    told = {name: given[name] for name in ("ai", "visible", "stands", *WRITTEN) if name in given}
    told |= {name: "true" for name in TICKED if name in given}
    told |= {"label_lang": ",".join(dict.fromkeys(languages))} if languages else {}
    told["for"] = ",".join(name.removeprefix(FOR) for name in given if name.startswith(FOR))
    told["context"] = json.dumps(typed(answers(given, ASKED)))
    return wishes_of(told)


def owed_for(
    wishes: Wishes, settings: Settings, packs: RuleSet, at: datetime, *, modality: str = MODALITIES[0]
) -> list[dict[str, Any]]:
    """What the rules ask of whoever labels a file so: entries of ``labels`` with ``met``, whether the label does it.

    ``settings`` are those of the tenant. What the file itself says is not known yet. A campaign that makes political
    advertising mostly publishes it too, so what whoever publishes it owes is told as well. Raises Problem.
    """
    from waarmerk.provenance.marking.plan import owed  # noqa: PLC0415 - brings numerics

    has_label = wishes.ai != "none" and wishes.visible != "none"
    stated: dict[str, Any] = {"decl": _DECLARED[wishes.ai], "modality": modality}
    stated["role"] = {"value": "deployer", "by": ASSUMED}
    stated["has_visible_label"] = {"value": has_label, "by": DERIVED}
    stated |= {**_usual(settings, packs), **wishes.facts()}
    try:
        duties = _decided(packs, stated, at, chosen_platforms(wishes, settings))
    except FactError:
        raise Problem("request.invalid") from None
    return [{**label(duty), "met": met} for duty, met in owed(duties, has_label=has_label)]


def chosen_platforms(wishes: Wishes, settings: Settings) -> tuple[str, ...]:
    """Where it will be published: what was chosen, else what the tenant says of all its files."""
    return tuple(part for part in wishes.platforms.split(",") if part) or settings.platforms


def _decided(packs: RuleSet, stated: Mapping[str, Any], at: datetime, chosen: tuple[str, ...]) -> tuple[Duty, ...]:
    from waarmerk.provenance.labelling.campaign import with_publisher  # noqa: PLC0415 - only where it is asked
    from waarmerk.provenance.labelling.decide import decide_for  # noqa: PLC0415
    from waarmerk.provenance.labelling.stated import split_facts, weighed  # noqa: PLC0415

    facts, context = split_facts(stated, packs.by_name)
    verdict = weighed(facts, context, weigh)

    def decided(context: Context) -> tuple[Duty, ...]:
        return decide_for(packs, facts, verdict, context, at, platforms=chosen)

    return with_publisher(decided, context)


def _usual(settings: Settings, packs: RuleSet) -> dict[str, Any]:
    """The facts that hold for all files of a tenant."""
    found: dict[str, Any] = {}
    for each in settings.context:
        if isinstance(each, str):
            name, _, value = each.partition("=")
            read = packs.by_name[name].read(value) if name in packs.by_name else value
            found[name] = list(read) if isinstance(read, tuple) else read
        else:
            found |= each
    return found
