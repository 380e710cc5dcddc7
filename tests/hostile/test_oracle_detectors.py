# SPDX-License-Identifier: Apache-2.0
"""Closed detectors behind the same quota as the service's own marks: a stranger gets yes or no, and not for ever."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.detectors import install
from tests.tenants import keyring_of
from tests.unit.marking.pictures import scene
from waarmerk.api.app import create_app
from waarmerk.api.journal import Journal
from waarmerk.api.oracle import NearDuplicates, coarse, tells_marks
from waarmerk.api.services import Services
from waarmerk.api.tenants import Scope, Tenant
from waarmerk.provenance import Pool, Settings

A_DAY = 3
BENT = """
def mark():
    return lambda rgb: {"found": bool(rgb[0, 0, 0] > 127), "says": "generated", "p_value": 1e-12}
def score():
    return lambda rgb: {"score": 0.93 + int(rgb[0, 0, 1]) / 10000, "says": "generated"}
"""
DECLARED = ("bent=mark", "guess")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With two detectors of a distribution that workers find through PYTHONPATH."""
    install(tmp_path / "site", monkeypatch, "bent_mark", BENT, bent="mark", guess="score")
    return Settings(detectors=DECLARED)


@pytest.fixture
def owner() -> dict[str, str]:
    return {}


@pytest.fixture
def client(settings: Settings, tmp_path: Path, owner: dict[str, str]) -> Iterator[TestClient]:
    with keyring_of(tmp_path, Tenant(name="owner")) as keyring, Pool(settings.to_json(), size=1) as pool:
        owner["Authorization"] = f"Bearer {keyring.add_key('owner', [Scope.VERIFY], at=AT)}"
        services = Services(
            bench=pool,
            settings=settings,
            clock=lambda: AT,
            near_duplicates=NearDuplicates(clock=lambda: AT, a_day=A_DAY),
            journal=Journal(lambda line: None),
            keyring=keyring,
        )
        with TestClient(create_app(services)) as made:
            yield made


def variant(number: int) -> bytes:
    pixels = scene(300, 400, 7)
    pixels[0, 0] = (200 if number % 2 else 20, number, 0)
    out = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG")
    return out.getvalue()


def heard(report: dict[str, Any]) -> dict[str, str]:
    return {
        each["channel"]: each["state"]
        for each in report["channels"]
        if each["channel"] in ("closed:bent", "closed:guess")
    }


def test_a_detector_answers_strangers_as_often_as_marks_are_told(client: TestClient, owner: dict[str, str]) -> None:
    reports = [client.post("/v1/verify", content=variant(number)).json() for number in range(A_DAY + 2)]
    for number, report in enumerate(reports[:A_DAY]):
        assert heard(report) == {"closed:bent": "found" if number % 2 else "none", "closed:guess": "found"}
    for late in reports[A_DAY:]:
        assert heard(late) == {"closed:bent": "unread", "closed:guess": "unread"}
        codes = {each["code"] for each in late["channels"] if each["channel"] in heard(late)}
        assert codes == {"detector.asked-too-often"}
        assert late["watermarks"] == []
        assert next(each for each in late["channels"] if each["channel"] == "watermark")["code"] == "watermark.no-key"
        assert (late["verdict"]["origin"], late["verdict"]["tier"]) == ("unknown", "none")
    assert client.post("/v1/verify", content=variant(1)).json() == reports[1], "a repeated question teaches nothing"
    page = client.post("/", files={"file": variant(A_DAY + 5)}, params={"lang": "en"}).text
    assert "asked about too often today" in page
    mine = client.post("/v1/verify", content=variant(1), headers=owner).json()
    assert heard(mine) == heard(reports[1])


def test_strangers_get_no_score(client: TestClient, owner: dict[str, str]) -> None:
    told, mine = (client.post("/v1/verify", content=variant(1), headers=each).json() for each in ({}, owner))
    (concern,) = [each for each in told["verdict"]["concerns"] if each["code"] == "detector.score"]
    assert concern["about"] == "guess"
    assert "0.9" not in str(told["verdict"]), "the score stands nowhere"
    assert [each["p_value"] for each in told["watermarks"] if each["scheme"] == "closed:bent"] == [1e-9]
    assert "guess: 0.93" in str(mine["verdict"]["concerns"])


def test_an_opinion_that_found_nothing_is_an_answer_too() -> None:
    silent = {"watermarks": [], "channels": [{"channel": "closed:bent", "state": "none"}]}
    unread = {"watermarks": [], "channels": [{"channel": "closed:bent", "state": "unread"}]}
    assert tells_marks(silent)
    assert not tells_marks(unread)
    other = {"code": "media.name-differs", "about": "a: 0.5", "message": "m"}
    assert coarse({**unread, "verdict": {"concerns": [other]}})["verdict"]["concerns"] == [other]
