# SPDX-License-Identifier: Apache-2.0
"""Write ``openapi.json`` beside this file: ``python -m waarmerk.api.describe``, after a change of the routes."""

import json
from pathlib import Path
from typing import Any, cast

from waarmerk.api.app import create_app
from waarmerk.api.services import Bench, Services


def describe() -> dict[str, Any]:
    """The OpenAPI document of the application."""
    nobody = cast(Bench, None)  # describing examines nothing
    return create_app(Services(bench=nobody)).openapi()


if __name__ == "__main__":
    (Path(__file__).parent / "openapi.json").write_text(json.dumps(describe(), indent=1) + "\n", "utf-8")
