# SPDX-License-Identifier: Apache-2.0
"""``/label``: what ``waarmerk label`` does to one picture or clip, for people who show the key of their organisation.

Pages and forms, whole without script. A key is sent in the body of one request and never again; every form carries the
token of the visit; what is labelled waits a few minutes under a name that only this visit can use.
"""

import asyncio
from dataclasses import replace

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from waarmerk.api.auth import ANYONE, address_of, count, open_to, require_allowed
from waarmerk.api.bodies import small_body
from waarmerk.api.desk_form import (
    MAX_PARTS,
    MODALITIES,
    MODALITY,
    chosen_platforms,
    fields_of,
    filled,
    owed_for,
    wishes_in,
)
from waarmerk.api.desk_request import LOOKUPS, Desk
from waarmerk.api.desk_view import Duties, clock, done, duties_of, form, sign_in
from waarmerk.api.label_jobs import is_long, labelled_now, submitted
from waarmerk.api.labelling import name_of, order_of, record_text
from waarmerk.api.page_answers import download
from waarmerk.api.problems import Problem
from waarmerk.api.routes.desk_jobs import job_page
from waarmerk.api.shelf import KEPT, Part
from waarmerk.api.spool import received
from waarmerk.api.tenants import Scope
from waarmerk.api.trail import trail_of
from waarmerk.provenance.jobs.labelling import LabelDone

router = APIRouter(include_in_schema=False)

_OPEN = Depends(open_to(ANYONE, counted=False))
_KEY_BYTES, _ANSWERS_BYTES = 4096, 64 * 2**10
_BESIDE_BYTES = 2**20  # what labelling adds, and the record; a picture that is encoded anew can be twice as large


@router.get("/label", dependencies=[_OPEN])
async def show(request: Request, lang: str | None = None) -> Response:
    """The form for whoever showed a key, the form of the key for everybody else."""
    desk = Desk(request, lang)
    try:
        await desk.enter()
        desk.keyed()
    except Problem as problem:
        if problem.code != "auth.missing":
            return desk.refused(problem)
        return desk.answer(sign_in(desk.visit), status=problem.status_code, headers=problem.headers)
    return desk.answer(form(desk.visit, {}))


@router.post("/label/key", dependencies=[_OPEN])
async def key(request: Request, lang: str | None = None) -> Response:
    """Show a key: for an hour the visit stands for it."""
    desk = Desk(request, lang)
    try:
        await desk.enter()
        require_allowed(request, desk.services.quota.count_attempt(address_of(request)))
        fields = fields_of(await small_body(request, max_bytes=_KEY_BYTES))
        desk.require_token(fields)
        keyring = desk.services.keyring
        shown = fields.get("key", "").strip()
        known = None if keyring is None else await run_sync(keyring.find, shown, limiter=LOOKUPS)
        if known is None:
            raise Problem("auth.unknown-key", headers={"WWW-Authenticate": "Bearer"})
        if Scope.LABEL not in known.scopes:
            raise Problem("auth.forbidden")
        trail_of(request).tenant = known.tenant.name
        desk.begin_anew(known)
    except Problem as problem:
        return desk.refused(problem)
    return desk.turned()


@router.post("/label/end", dependencies=[_OPEN])
async def end(request: Request, lang: str | None = None) -> Response:
    """End the visit, and let go what was labelled in it."""
    desk = Desk(request, lang)
    try:
        await desk.enter()
        session, _ = desk.keyed()
        desk.require_token(fields_of(await small_body(request, max_bytes=_KEY_BYTES)))
        desk.services.shelf.forget(session.id)
        desk.begin_anew()
    except Problem as problem:
        return desk.refused(problem)
    return desk.turned()


@router.post("/label/owed", dependencies=[_OPEN])
async def owed(request: Request, lang: str | None = None) -> Response:
    """What the rules ask of a picture or clip that is labelled so, before any is sent."""
    desk, given = Desk(request, lang), {}
    try:
        await desk.enter()
        session, tenant = desk.keyed()
        count(request, session.caller)
        fields = fields_of(await small_body(request, max_bytes=_ANSWERS_BYTES))
        desk.require_token(fields)
        given, at = filled(fields), desk.services.clock()
        wishes, settings = wishes_in(given), tenant.profile(desk.services.settings)

        modality = given.get(MODALITY, MODALITIES[0])

        def work() -> Duties:
            packs = desk.services.rulebooks.of(settings.rule_packs)
            labels = owed_for(wishes, settings, packs, at, modality=modality)
            named = [{"platform": each, "rules": packs.naming(each)} for each in chosen_platforms(wishes, settings)]
            return duties_of(desk.words, labels, named)

        duties = await run_sync(work, limiter=LOOKUPS)
    except Problem as problem:
        return desk.refused(problem, given)
    day = at.strftime("%Y-%m-%d")
    return desk.answer(form(desk.visit, given, duties=duties, day=day))


@router.post("/label", dependencies=[_OPEN])
async def label(request: Request, lang: str | None = None) -> Response:
    """Label the picture or clip in the form and say what became of it; a long clip gets a page of its own."""
    desk, given = Desk(request, lang), {}
    try:
        await desk.enter()
        session, tenant = desk.keyed()
        count(request, session.caller)
        if tenant.signing is None:
            raise Problem("tenant.not-configured")
        moment = desk.services.clock().replace(microsecond=0)
        async with received(request, max_parts=MAX_PARTS) as upload:
            desk.require_token(upload.fields)
            given = filled(upload.fields)
            if not upload.bytes:
                raise Problem("request.no-file")
            wishes, work = wishes_in(given), desk.services.label_work
            if work is not None and is_long(upload):
                return desk.turned(job_page(await submitted(request, tenant, upload, wishes, None)))
            order = replace(order_of(desk.services, tenant, upload.path, wishes, moment), shows=True)
            shelf = desk.services.shelf
            with shelf.room(session.id, tenant.name, 2 * upload.bytes + _BESIDE_BYTES) as bundle:
                if bundle is None:
                    raise Problem("service.full", retry_after=60)
                with await labelled_now(desk.services, tenant, order) as made:
                    if made.takes_long and work is not None:
                        return desk.turned(job_page(await submitted(request, tenant, upload, wishes, None)))
                    if made.file is None:
                        return desk.not_labelled((str(made.code), *made.gaps), given, is_refused=made.is_refused)
                    parts = _parts(made, made.file.read())
                if not shelf.fill(bundle, parts):
                    raise Problem("service.full", retry_after=60)
    except Problem as problem:
        return desk.refused(problem, given)
    trail_of(request).note(made.told["report"])
    asyncio.get_running_loop().call_later(KEPT.total_seconds() + 1, shelf.sweep)
    links = {part: f"/label/kept/{bundle}/{part}?lang={desk.language}" for part in parts}
    until = clock(desk.services.clock() + KEPT)
    return desk.answer(done(desk.visit, made.told, says=wishes.ai, until=until, links=links, picture=made.preview))


@router.get("/label/kept/{bundle}/{part}", dependencies=[_OPEN])
async def fetch(request: Request, bundle: str, part: str, lang: str | None = None) -> Response:
    """A labelled file, its credentials or its record, for the visit in which it was made."""
    desk = Desk(request, lang)
    try:
        await desk.enter()
        session, _ = desk.keyed()
    except Problem as problem:
        return desk.refused(problem)
    found = desk.services.shelf.get(session.id, bundle, part)
    if found is None:
        return desk.gone()
    return download(found.data, found.name, found.media_type)


def _parts(made: LabelDone, data: bytes) -> dict[str, Part]:
    """What can be fetched of a labelled file."""
    media_type, name = str(made.told["media_type"]), name_of(made.told)
    parts = {"file": Part(name=name, media_type=media_type, data=data)}
    if made.beside is not None:
        parts["sidecar"] = Part(name=f"{name}.c2pa", media_type="application/c2pa", data=made.beside.read())
    parts["record"] = Part(name=f"{name}.json", media_type="application/json", data=record_text(made.told))
    return parts
