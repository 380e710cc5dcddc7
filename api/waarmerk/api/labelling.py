# SPDX-License-Identifier: Apache-2.0
"""Labelling for a tenant, whoever asks: a program by ``/v1/label`` or a person by the form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from waarmerk.api.problems import Problem, pointer
from waarmerk.api.services import Services
from waarmerk.api.tenants import Tenant
from waarmerk.provenance.credentials.signing_keys import Signer
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.labelling import Held, LabelDone, LabelOrder, label_apart
from waarmerk.provenance.labelling.platforms import platform_names, require_platforms
from waarmerk.provenance.media.extension import usual_extension
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import wording

TEXT, ALT = 200, 1000  # characters of a title or the name of a tool, and of an alternative text
_REASON = 1000  # of what is wrong, with all the values that would not be
# What a command would be told to say in an option, a program says in a field.
_BY_FIELD = {"label.partial": "the file cannot take all layers; allow_partial=true goes on without these:"}
_OURS = ("label.", "labelling.")  # codes of what the caller asked for; all others are about the tenant's keys


class Wishes(BaseModel):
    """The fields of the form beside `file`; what they mean is what the options of `waarmerk label` mean."""

    model_config = ConfigDict(extra="forbid")

    ai: Literal["generated", "modified", "none"] = Field(description="What AI did, as you declare")
    tool: str | None = Field(default=None, max_length=TEXT, description="The AI system, as its maker calls it")
    tool_version: str | None = Field(default=None, max_length=TEXT)
    title: str | None = Field(default=None, max_length=TEXT, description="A title that stays in the file")
    alt: str | None = Field(default=None, max_length=ALT, description="What it shows, for who cannot see it")
    strip_personal: bool = Field(default=False, description="Take personal details out of the metadata")
    visible: Literal["auto", "none", "top-left", "top-right", "bottom-left", "bottom-right"] = "auto"
    stands: Literal["auto", "start", "repeated", "throughout"] = Field(
        default="auto", description="In clips: when the visible label stands; auto goes by their length"
    )
    sidecar: bool = Field(default=False, description="Credentials beside the file instead of in it")
    label_lang: str = Field(default="en", max_length=40, description="One language or two, e.g. nl,en")
    allow_partial: bool = Field(default=False, description="Go on where a layer cannot be written, and say which")
    despite_traces: bool = Field(default=False, description="With ai=none: the metadata name a generator; you know why")
    platforms: str = Field(default="", alias="for", max_length=TEXT, description="Where it will be published")
    context: str = Field(default="{}", max_length=4096, description="Facts a file cannot tell: an object of JSON")

    @field_validator("tool", "tool_version", "title", "alt", mode="before")
    @classmethod
    def _filled_in(cls, value: object) -> object:
        """A field that was sent and left empty is one that was not filled in."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("tool", "tool_version", "title")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("one printable line")
        return value

    def facts(self) -> dict[str, Any]:
        """The facts that were given. Raises Problem."""
        try:
            told = json.loads(self.context)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise Problem("request.invalid", errors=[{"pointer": "/body/context", "detail": "an object of JSON"}])
        return told

    def plain(self) -> dict[str, Any]:
        """The same in the words of the library."""
        corner = None if self.visible == "none" else self.visible
        languages = [part.strip() for part in self.label_lang.split(",") if part.strip()]
        same = ("tool", "tool_version", "title", "alt", "sidecar", "allow_partial", "despite_traces")
        return {
            **{name: getattr(self, name) for name in same},
            "strips_personal": self.strip_personal,
            "says": self.ai,
            "corner": corner,
            "timing": self.stands,
            "languages": languages,
        }


def wishes_of(fields: Mapping[str, str]) -> Wishes:
    """What was asked for in a form. Raises Problem, which says where it is not as described."""
    try:
        return Wishes.model_validate(fields)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        places = [{"pointer": pointer(("body", *each["loc"])), "detail": str(each["msg"])} for each in faults]
        raise Problem("request.invalid", errors=places) from None


def order_of(services: Services, tenant: Tenant, path: Path, wishes: Wishes, at: datetime) -> LabelOrder:
    """What is to be done with the file at ``path``. Only a registry of the tenant's own is written into."""
    base, facts = tenant.profile(services.settings), wishes.facts()
    platforms = platform_names(wishes.platforms)
    settings = replace(base, context=(*base.context, facts), platforms=platforms or base.platforms)
    own: Mapping[str, Any] = tenant.settings
    registry = settings.registry if own.get("registry") and settings.ledger is not None else None
    return LabelOrder(source=path, at=at, settings=settings, registry=registry, wishes=wishes.plain())


def signer_of(tenant: Tenant) -> Signer:
    """Who signs for a tenant. Raises Problem where nobody can."""
    from waarmerk.provenance.credentials.signing_folder import load_folder  # noqa: PLC0415 - only labelling pays

    try:
        if tenant.signing is not None:
            return load_folder(tenant.signing)
    except ConfigurationError as error:
        raise _unusable(error) from None
    raise Problem("tenant.not-configured", "this tenant has no keys to sign with")


def require_sensible(services: Services, order: LabelOrder) -> None:
    """Raise Problem for wishes that no file could be labelled by: before one is read, or waits its turn for that."""
    from waarmerk.provenance.build import applied_rules  # noqa: PLC0415 - only labelling pays
    from waarmerk.provenance.jobs.label_worker import wishes_from  # noqa: PLC0415

    settings, place = order.settings, "/body"
    try:
        wishes_from(order.wishes, keeps_ledger=settings.ledger is not None)
        packs, place = services.rulebooks.of(settings.rule_packs), "/body/for"
        require_platforms(settings.platforms, packs.by_name["platform"].values)
        place = "/body/context"
        applied_rules(packs, settings, settings.context)
    except ConfigurationError as error:
        raise _unmet(error, place) from None


def labelled(services: Services, tenant: Tenant, order: LabelOrder, *, place: Path | None = None) -> LabelDone:
    """Label now, in this thread and a process of its own that works in ``place``, and log it; ``told`` is the record.

    Raises Problem, StoreError, OSError.
    """
    signer = signer_of(tenant)
    try:
        done = label_apart(order, signer, place=place)
    except ConfigurationError as error:
        raise _unmet(error, "/body") from None
    if done.file is None:
        if str(done.code).startswith("worker."):
            services.journal.worker_gone(services.clock, str(done.code))
        return done
    told = record_of(done.file, done.told)
    if services.audit is not None:
        record = {"at": told["report"]["at"], "says": order.wishes["says"], "layers": told["layers"]}
        record |= {"sha256": told["sha256"], "tenant": tenant.name}
        services.audit.write("label.made", record, tenant=tenant.name, keep=timedelta(days=tenant.keep_days))
    return replace(done, told=told)


def _unmet(error: ConfigurationError, place: str) -> Problem:
    """Of what the caller asked for (``place``, a JSON pointer), or of what the tenant has."""
    if not error.code.startswith(_OURS):
        return _unusable(error)
    return Problem("request.invalid", errors=[{"pointer": place, "detail": plain(error.message, limit=_REASON)}])


def _unusable(error: ConfigurationError) -> Problem:
    return Problem("service.not-ready", f"the keys or settings of this tenant cannot be used: {error.code}")


def record_of(file: Held, told: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a labelled file beside it: which file it is, and all that is told of it."""
    media_type, digest = told["report"]["asset"]["media_type"], file.sha256()
    return {"media_type": media_type, "sha256": digest, "bytes": file.size, **told}


def refusal(code: str, gaps: Sequence[str], *, is_refused: bool) -> Problem:
    """Why there is no labelled file."""
    words = wording("en")
    if code == "internal.fault":
        return Problem("internal.fault")
    if code.startswith("worker."):
        places = [{"pointer": "/body/file", "detail": f"{code}: {words.say('label', code)}"}]
        return Problem("label.failed", code, errors=places)
    section = "label" if is_refused else "fault"
    said = {each: words.say(section, each) for each in (code, *gaps) if words.has(section, each)}
    said |= {each: text for each, text in _BY_FIELD.items() if each in said}
    places = [
        {"pointer": "/body/file", "detail": f"{each}: {said[each]}" if each in said else each} for each in (code, *gaps)
    ]
    return Problem("label.refused" if is_refused else "label.unreadable", errors=places)


def name_of(told: Mapping[str, Any]) -> str:
    """What a labelled file is called on its way out: nothing is taken from what was sent."""
    return f"labelled{usual_extension(str(told['media_type']))}"


def record_text(told: Mapping[str, Any]) -> bytes:
    """A record as a file."""
    return json.dumps(told, ensure_ascii=True, indent=1).encode("ascii")
