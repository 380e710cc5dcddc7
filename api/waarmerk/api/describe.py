# SPDX-License-Identifier: Apache-2.0
"""Write ``openapi.json`` beside this file: ``python -m waarmerk.api.describe``, after a change of the routes."""

import json
from pathlib import Path
from typing import Any

from waarmerk.api.app import create_app


def describe() -> dict[str, Any]:
    """The OpenAPI document of the application, without a version that changes with every release."""

    def nobody(path: Path, **_: object) -> dict[str, Any]:
        raise NotImplementedError(path)

    return create_app(nobody, version="0").openapi()


if __name__ == "__main__":
    (Path(__file__).parent / "openapi.json").write_text(json.dumps(describe(), indent=1) + "\n", "utf-8")
