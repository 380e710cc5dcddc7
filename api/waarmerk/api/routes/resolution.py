# SPDX-License-Identifier: Apache-2.0
"""The C2PA Soft Binding Resolution API (OpenAPI 1.0.0 whole, 2.4.0 where nothing is fetched or written from outside).

A client asks which manifests belong to a mark, a fingerprint or a file, and fetches them by their name. Strangers look
into the registry of the service, a tenant into its own. Errors have the form of that interface, not of ours.
"""

import re
from functools import partial
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.bodies import json_body, told
from waarmerk.api.caller import Caller
from waarmerk.api.problems import PlainErrors, Problem
from waarmerk.api.resolving import (
    DEFAULT_RESULTS,
    MOST_RESULTS,
    SEARCHES,
    Algorithms,
    BindingQuery,
    Capabilities,
    Discovery,
    QueryResult,
    Status,
    alone,
    binding_of,
    binding_size,
    near,
    pointed_at,
    registry_of,
    require_scope,
    resolved,
    said,
)
from waarmerk.api.services import services_of
from waarmerk.api.spool import received
from waarmerk.api.wire import Json
from waarmerk.provenance.model.moment import rfc3339

MOST_IN_ADDRESS = 2048  # characters of a value; longer ones go by POST
_NAME = re.compile(r"[!-~]{0,200}urn:[!-~]{1,300}")  # C2PA 2.2, 8.2; 1.x put the vendor before it
_ASSET_TYPES = ("image/", "audio/", "video/", "application/", "model/", "text/")

router = APIRouter(tags=["resolution"], route_class=PlainErrors)

Anyone = Annotated[Caller, Depends(open_to(ANYONE))]
MaxResults = Annotated[int, Query(ge=1, description=f"At most so many are returned; never more than {MOST_RESULTS}")]
Alg = Annotated[str, Query(description="Name of the soft binding algorithm, with its version")]


@router.get(
    "/v1/matches/byBinding",
    summary="Manifest identifiers for a soft binding",
    operation_id="queryByBinding",
    response_model=QueryResult,
    responses=said(400, 401, 403, 414),
)
async def by_binding(
    request: Request,
    caller: Anyone,
    value: Annotated[str, Query(description="The value of the soft binding, base64")],
    alg: Alg,
    maxResults: MaxResults = DEFAULT_RESULTS,  # noqa: N803 - as on the wire
) -> Json:
    """What a mark or a fingerprint points at; nothing is compared, and the score says how far the bindings agree."""
    if len(value) > MOST_IN_ADDRESS:
        raise Problem("resolution.too-long")
    return await pointed_at(request, caller, alg, value, maxResults)


@router.post(
    "/v1/matches/byBinding",
    summary="Manifest identifiers for a large soft binding value",
    operation_id="queryByLargeBinding",
    response_model=QueryResult,
    responses=said(400, 401, 403, 413),
    openapi_extra={"requestBody": json_body(BindingQuery)},
)
async def by_large_binding(
    request: Request,
    caller: Anyone,
    maxResults: MaxResults = DEFAULT_RESULTS,  # noqa: N803
) -> Json:
    """The same, with the value in the body."""
    require_scope(caller)
    query = await told(request, BindingQuery)
    return await pointed_at(request, caller, query.alg, query.value, maxResults)


def hinted(
    hintAlg: Annotated[str | None, Query(description="Algorithm of `hintValue`")] = None,  # noqa: N803
    hintValue: Annotated[  # noqa: N803
        str | None, Query(description="A soft binding, base64; used where the file itself leads nowhere")
    ] = None,
) -> tuple[str, bytes] | None:
    """The soft binding that a caller has beside the file. Raises Problem."""
    if (hintAlg is None) != (hintValue is None):
        raise Problem("resolution.invalid", "hintAlg and hintValue go together")
    return None if hintAlg is None or hintValue is None else binding_of(hintAlg, hintValue)


@router.post(
    "/v1/matches/byContent",
    summary="Manifest identifiers for a file",
    operation_id="uploadFile",
    response_model=QueryResult,
    responses=said(400, 401, 403, 413, 415),
    openapi_extra={
        "requestBody": {
            "description": "Asset to match to manifests.",
            "required": True,
            "content": {f"{kind}*": {"schema": {"type": "string", "format": "binary"}} for kind in _ASSET_TYPES},
        },
    },
)
async def by_content(
    request: Request,
    caller: Anyone,
    alg: Annotated[str | None, Query(description="Look by this soft binding algorithm alone")] = None,
    maxResults: MaxResults = DEFAULT_RESULTS,  # noqa: N803
    hint: Annotated[tuple[str, bytes] | None, Depends(hinted)] = None,
) -> Json:
    """Manifests of what the file shows, as far as its pixels confirm it; else what the hint points at."""
    opened = await registry_of(request, caller)
    if alg is not None:
        binding_size(alg)
    given = request.headers.get("content-type", _ASSET_TYPES[0]).lower()
    if not given.startswith(_ASSET_TYPES):
        raise Problem("resolution.type")
    services = services_of(request)
    most = min(maxResults, MOST_RESULTS)
    wishes = {"alg": alg, "max_results": most}
    async with received(request) as upload:
        if not upload.bytes:
            raise Problem("request.no-file", "the body is empty")
        resolve = partial(services.bench.perform, at=services.clock(), settings=caller.settings(services.settings))
        found = await services.gate.run(
            lambda: resolved(services, upload.path, resolve, wishes, guarded=caller.is_stranger),
            stranger=caller.is_stranger,
        )
    if not found and hint is not None:
        found = await run_sync(near, opened, *hint, most, limiter=SEARCHES)
    return Json({"matches": found})


@router.get(
    "/v1/manifests/{manifestId}",
    summary="A manifest store, or its active manifest alone",
    operation_id="getManifestById",
    response_class=Response,
    responses=said(
        400, 401, 403, 404, content={"application/c2pa": {"schema": {"type": "string", "format": "binary"}}}
    ),
)
async def manifest(
    request: Request,
    caller: Anyone,
    manifestId: Annotated[str, Path(description="Identifier of the C2PA Manifest to return")],  # noqa: N803
    returnActiveManifest: Annotated[  # noqa: N803
        bool, Query(description="Only the active manifest, without those of its ingredients")
    ] = False,
) -> Response:
    """The store as it was kept. It holds for its original, not for a copy that led to it."""
    from waarmerk.provenance.registry import resolution  # noqa: PLC0415 - only a registry pays

    opened = await registry_of(request, caller)
    if not _NAME.fullmatch(manifestId):
        raise Problem("resolution.invalid", "this is no identifier of a C2PA Manifest")
    most = caller.profile(services_of(request).settings).limits.manifest_bytes
    data = await run_sync(lambda: resolution.manifest(opened.store, manifestId, max_bytes=most), limiter=SEARCHES)
    if data is None:
        raise Problem("resolution.unknown")
    if returnActiveManifest:
        data = await run_sync(alone, data, limiter=SEARCHES)
    return Response(data, media_type="application/c2pa")


@router.get(
    "/v1/services/supportedAlgorithms",
    summary="The soft binding algorithms that queries may use",
    operation_id="getSupportedBindings",
    response_model=Algorithms,
    responses=said(),
    dependencies=[Depends(open_to(ANYONE))],
)
async def supported_algorithms() -> dict[str, Any]:
    """Names of our own: none of them stands in the public list."""
    from waarmerk.provenance.registry import resolution  # noqa: PLC0415 - as above

    return {**resolution.supported()}


@router.get(
    "/v1/services/capabilities",
    summary="Which endpoints are supported",
    operation_id="getServiceCapabilities",
    response_model=Capabilities,
    responses=said(),
)
async def capabilities(request: Request, caller: Anyone) -> dict[str, Any]:
    """`queryByReference` is not: nothing is fetched for anybody. Manifests and bindings are not taken from outside."""
    from waarmerk.provenance.registry import resolution  # noqa: PLC0415 - as above

    told = resolution.capabilities()
    if caller.profile(services_of(request).settings).registry is None:
        told["supportedCapabilities"] = []
    return told


@router.get(
    "/v1/services/status",
    summary="Whether the service can work",
    operation_id="getServiceStatus",
    response_model=Status,
    responses=said(),
    dependencies=[Depends(open_to(ANYONE))],
)
async def status(request: Request) -> dict[str, str]:
    """`degraded` where `/readyz` would say no."""
    services = services_of(request)
    answers = await run_sync(services.readiness.answers)
    well = all(code is None for code in answers.values())
    return {"status": "ok" if well else "degraded", "timestamp": rfc3339(services.clock())}


@router.get(
    "/.well-known/c2pa-soft-binding-resolution",
    summary="Where the resolution API is",
    operation_id="getWellKnown",
    response_model=Discovery,
    responses=said(),
    dependencies=[Depends(open_to(ANYONE))],
)
async def well_known(request: Request) -> dict[str, str]:
    """For clients that know nothing but the host; the addresses are those under which they asked."""
    from waarmerk.provenance.registry.resolution import SPECIFICATION  # noqa: PLC0415 - as above

    here = str(request.base_url).rstrip("/")  # the interface asks for whole addresses (format: uri)
    return {
        "apiEndpoint": f"{here}/v1",
        "c2paSpecificationVersion": SPECIFICATION,
        "capabilitiesEndpoint": f"{here}/v1/services/capabilities",
        "statusEndpoint": f"{here}/v1/services/status",
    }
