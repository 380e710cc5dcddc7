# SPDX-License-Identifier: Apache-2.0
"""What the routes of Soft Binding Resolution answer, and how it is found."""

import base64
import binascii
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from waarmerk.api.caller import Caller
from waarmerk.api.examining import is_clip
from waarmerk.api.problems import PLAIN_SCHEMA, Problem
from waarmerk.api.registries import Opened
from waarmerk.api.services import Services, services_of
from waarmerk.api.tenants import Scope
from waarmerk.api.wire import Json
from waarmerk.provenance.credentials.jumbf import JumbfError, active_store
from waarmerk.provenance.errors import StoreError

DEFAULT_RESULTS, MOST_RESULTS = 10, 100
SEARCHES = CapacityLimiter(4)


def said(*statuses: int, **answer: Any) -> dict[int | str, dict[str, Any]]:
    """What a route answers: 200 as given, and errors as the interface has them."""
    error = {"application/json": {"schema": PLAIN_SCHEMA}}
    errors: dict[int | str, Any] = {
        status: {"description": _ERRORS[status], "content": error} for status in (*statuses, 500)
    }
    default: dict[str, Any] = {"description": "Any other error, this service being busy among them", "content": error}
    return {200: {"description": "Successful operation", **answer}, **errors, "default": default}


_ERRORS = {
    400: "Invalid query value",
    401: "Missing or invalid authentication",
    403: "The key lacks the scope `registry`",
    404: "C2PA Manifest not found",
    413: "The body is larger than this service takes",
    414: "Query too long, use POST instead",
    415: "Unsupported asset type",
    500: "Service failure",
}


_SCORE = "Strength of the match, 100 the strongest; for a file, 90 and more only where it is all of what is known"


class Match(BaseModel):
    """One manifest that a query leads to."""

    model_config = ConfigDict(title="c2pa.softBindingMatch")

    manifestId: str = Field(description="Unique identifier of a matched C2PA Manifest")  # noqa: N815 - as on the wire
    similarityScore: int = Field(ge=0, le=100, description=_SCORE)  # noqa: N815


class QueryResult(BaseModel):
    """What a query leads to, the strongest first."""

    model_config = ConfigDict(title="c2pa.softBindingQueryResult")

    matches: list[Match]


class BindingQuery(BaseModel):
    """A soft binding as a query; what else a client says of it is not looked at."""

    model_config = ConfigDict(title="c2pa.softBindingQuery")

    alg: str = Field(description="A string identifying the soft binding algorithm and version of that algorithm used.")
    value: str = Field(description="A base64-encoded string: the value of the soft binding.")


class Algorithm(BaseModel):
    """A soft binding algorithm by its name."""

    alg: str


class Algorithms(BaseModel):
    """The soft binding algorithms that queries may use."""

    model_config = ConfigDict(title="c2pa.softBindingAlgList")

    watermarks: list[Algorithm]
    fingerprints: list[Algorithm]


class Capabilities(BaseModel):
    """Which endpoints this service supports beyond the ones that every service has."""

    c2paSpecificationVersion: str = Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")  # noqa: N815
    supportedCapabilities: list[str]  # noqa: N815 - as on the wire


class Status(BaseModel):
    """Whether the service can work."""

    status: Literal["ok", "degraded", "down"]
    timestamp: str = Field(json_schema_extra={"format": "date-time"})


class Discovery(BaseModel):
    """Where the endpoints are (RFC 8615)."""

    apiEndpoint: str = Field(json_schema_extra={"format": "uri-reference"})  # noqa: N815 - as on the wire
    c2paSpecificationVersion: str = Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")  # noqa: N815
    capabilitiesEndpoint: str = Field(json_schema_extra={"format": "uri-reference"})  # noqa: N815
    statusEndpoint: str = Field(json_schema_extra={"format": "uri-reference"})  # noqa: N815


def require_scope(caller: Caller) -> None:
    """Raise Problem for a key that is not for registries; strangers have none."""
    if not caller.is_stranger and Scope.REGISTRY not in caller.scopes:
        raise Problem("auth.forbidden", f"this key has no scope `{Scope.REGISTRY}`")


async def registry_of(request: Request, caller: Caller) -> Opened:
    """The registry this caller looks into. Raises Problem where there is none, StoreError."""
    require_scope(caller)
    services = services_of(request)
    opened = await run_sync(
        lambda: services.registries.of(caller.profile(services.settings)), limiter=SEARCHES, abandon_on_cancel=False
    )
    if opened is None:
        raise Problem("resolution.absent")
    return opened


async def pointed_at(request: Request, caller: Caller, alg: str, value: str, most: int) -> Json:
    """The answer to a soft binding. Raises Problem, StoreError."""
    opened = await registry_of(request, caller)
    binding = binding_of(alg, value)
    return Json({"matches": await run_sync(near, opened, *binding, min(most, MOST_RESULTS), limiter=SEARCHES)})


def near(opened: Opened, alg: str, value: bytes, most: int) -> list[dict[str, Any]]:
    """What a soft binding points at in this registry. Raises StoreError."""
    from waarmerk.provenance.registry import resolution  # noqa: PLC0415 - as above

    with opened.turn:
        found = resolution.by_binding(opened.store, opened.finder, alg=alg, value=value, max_results=most)
    return [{"manifestId": each.manifest_id, "similarityScore": each.similarity} for each in found]


def alone(data: bytes) -> bytes:
    """The active manifest of a stored manifest store, in a store of its own. Raises StoreError."""
    try:
        return active_store(data)
    except JumbfError as error:
        raise StoreError("registry.damaged", "the stored manifest no longer reads as one") from error


def binding_size(alg: str) -> int:
    """How many bytes a value of this algorithm has. Raises Problem for one that is not supported."""
    from waarmerk.provenance.registry import resolution  # noqa: PLC0415 - as above

    sizes = {**resolution.WATERMARKS, **{name: size for name, (_, size) in resolution.FINGERPRINTS.items()}}
    if alg not in sizes:
        raise Problem("resolution.invalid", "this algorithm is not supported; see /v1/services/supportedAlgorithms")
    return sizes[alg]


def binding_of(alg: str, value: str) -> tuple[str, bytes]:
    """A soft binding as it was sent. Raises Problem."""
    size = binding_size(alg)
    try:
        data = base64.b64decode(value.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Problem("resolution.invalid", "the value is not base64") from None
    if len(data) != size:
        raise Problem("resolution.invalid", f"a value of {alg} has {size} bytes")
    return alg, data


def resolved(
    services: Services, path: Path, resolve: Callable[..., dict[str, Any]], wishes: dict[str, Any], *, guarded: bool
) -> list[dict[str, Any]]:
    """What a worker found. A stranger learns what marks lead to as often as ``/v1/verify`` would tell."""
    resolve = partial(resolve, "resolve", path)
    if guarded and is_clip(path):  # its marks are told to no stranger
        wishes = {**wishes, "withhold": True}
    answer = _answered(resolve(options=wishes))
    if guarded and answer["tells_marks"]:
        seen = [bytes.fromhex(each) for each in answer["fingerprint"] or ()]
        if not seen or not services.near_duplicates.allows(bytes.fromhex(answer["sha256"]), seen):
            answer = _answered(resolve(options={**wishes, "withhold": True}))
    matches: list[dict[str, Any]] = answer["matches"]
    return matches


def _answered(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of a worker. Raises Problem for a file that cannot be looked at."""
    found = answer.get("answer")
    if isinstance(found, dict) and {"matches", "tells_marks", "fingerprint", "sha256"} <= found.keys():
        return found
    code = str(answer.get("fault", "worker.answer"))
    if code.startswith("registry."):
        raise Problem("service.not-ready", retry_after=5)
    if code in ("internal.fault", "worker.answer"):
        raise Problem("internal.fault")
    raise Problem("resolution.type", "this file cannot be read")
