# SPDX-License-Identifier: Apache-2.0
"""Whether the process lives."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/livez", summary="The process answers", response_description="Always ok")
async def livez() -> dict[str, str]:
    """The process is alive; says nothing about its version or its state."""
    return {"status": "ok"}
