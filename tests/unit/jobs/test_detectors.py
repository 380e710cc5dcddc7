# SPDX-License-Identifier: Apache-2.0
"""Closed detectors: asked only where named, apart from the worker, never believed beyond what they were declared."""

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import AT
from tests.detectors import install
from waarmerk.provenance import build_verifier
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.detectors import Apart
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.model import Assurance, ChannelState, Claimant, Origin, Tier
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings
from waarmerk.provenance.sources import Examination
from waarmerk.provenance.sources.closed import CODES, ClosedMarkSource, NoAnswer, read_answer
from waarmerk.provenance.verdict import weigh

PIXELS = np.arange(200 * 160 * 3, dtype=np.uint8).reshape(200, 160, 3)


def apart(detect: Callable[[Any], Any], seconds: float = 20) -> Apart:
    return Apart(lambda: lambda: detect, max_bytes=3 * 10**6, seconds=seconds)


@pytest.fixture
def made() -> Iterator[list[Apart]]:
    running: list[Apart] = []
    yield running
    for each in running:
        each.end()


def asked(made: list[Apart], detect: Callable[[Any], Any], seconds: float = 20) -> Any:
    made.append(apart(detect, seconds))
    return made[-1].ask(PIXELS)


def test_it_sees_the_pixels_and_its_answer_comes_back(made: list[Apart]) -> None:
    one = apart(lambda rgb: {"shape": list(rgb.shape), "sum": int(rgb.sum()), "frozen": not rgb.flags.writeable})
    made.append(one)
    for pixels in (PIXELS, np.ascontiguousarray(PIXELS[:50, :30]), PIXELS):
        expected = {"shape": list(pixels.shape), "sum": int(pixels.sum()), "frozen": True}
        assert one.ask(pixels) == expected


def test_it_is_loaded_once_and_outside_this_process(made: list[Apart]) -> None:
    def factory() -> Callable[[Any], Any]:
        loaded = os.getpid()
        return lambda rgb: {"at": loaded}

    one = Apart(lambda: factory, max_bytes=10**6)
    made.append(one)
    first, second = one.ask(PIXELS), one.ask(PIXELS)
    assert first == second
    assert first["at"] != os.getpid()


def _crash(rgb: Any) -> Any:
    os.kill(os.getpid(), signal.SIGSEGV)


def _raise(rgb: Any) -> Any:
    raise RuntimeError("text of a file")


def _leave(rgb: Any) -> Any:
    sys.exit(3)


@pytest.mark.parametrize(
    ("detect", "code"),
    [
        (_crash, "detector.crashed"),
        (_raise, "detector.crashed"),
        (_leave, "detector.crashed"),
        (lambda rgb: None, "detector.answer"),
        (lambda rgb: [1, 2], "detector.answer"),
        (lambda rgb: {"found": rgb}, "detector.answer"),
        (lambda rgb: {"found": "x" * 20_000_000}, "detector.answer"),
    ],
    ids=["segfault", "raises", "leaves", "none", "list", "no json", "too long"],
)
def test_whatever_it_does_there_is_a_code_and_the_next_is_asked(
    made: list[Apart], detect: Callable[[Any], Any], code: str
) -> None:
    for _ in range(2):
        with pytest.raises(NoAnswer) as caught:
            asked(made, detect)
        assert caught.value.code == code
    one, state = apart(lambda rgb: detect(rgb) if rgb[0, 0, 0] else {"fine": 1}), PIXELS.copy()
    made.append(one)
    state[0, 0, 0] = 1
    with pytest.raises(NoAnswer):
        one.ask(state)
    assert one.ask(PIXELS) == {"fine": 1}


def test_one_that_hangs_is_ended(made: list[Apart]) -> None:
    one = apart(lambda rgb: time.sleep(60) if rgb[0, 0, 0] else {"fine": 1}, seconds=1)
    made.append(one)
    hang = PIXELS.copy()
    hang[0, 0, 0] = 1
    with pytest.raises(NoAnswer) as caught:
        one.ask(hang)
    assert caught.value.code == "detector.timeout"
    assert one.ask(PIXELS) == {"fine": 1}


def test_what_does_not_fit_is_not_asked(made: list[Apart]) -> None:
    with pytest.raises(NoAnswer):
        Apart(lambda: lambda: lambda rgb: {}, max_bytes=100).ask(PIXELS)


class Says:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def ask(self, rgb: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def examined(answer: Any, kind: str, data: bytes | None = None) -> Examination:
    target = io.BytesIO()
    Image.fromarray(PIXELS).save(target, "PNG")
    asset = asset_from_bytes(data or target.getvalue(), name=None, limits=Limits())
    return ClosedMarkSource("acme", kind, Says(answer), Limits()).examine(asset)


@pytest.mark.parametrize("says", ["generated", "modified"])
@pytest.mark.parametrize(
    ("kind", "answer", "tier"),
    [
        ("mark", {"found": True, "p_value": 1e-12}, Tier.CLAIMED),
        ("mark", {"found": True, "p_value": 0}, Tier.CLAIMED),
        ("mark", {"found": True, "p_value": 1e-8}, Tier.SUSPECTED),
        ("mark", {"found": True, "p_value": None}, Tier.SUSPECTED),
        ("mark", {"found": False, "p_value": 1e-12}, Tier.NONE),
        ("classifier", {"score": 1}, Tier.SUSPECTED),
        ("classifier", {"score": 0.9}, Tier.SUSPECTED),
        ("classifier", {"score": 0.89}, Tier.NONE),
        ("classifier", {"score": 0}, Tier.NONE),
    ],
)
def test_it_brings_about_no_more_than_it_was_declared_to_be(
    kind: str, answer: dict[str, Any], tier: Tier, says: str
) -> None:
    seen = examined({**answer, "says": says}, kind)
    assert weigh(seen.evidence).tier is tier
    assert [channel.name for channel in seen.channels] == ["closed:acme"]
    assert seen.channels[0].state is (ChannelState.NONE if tier is Tier.NONE else ChannelState.FOUND)
    assert [mark.bound for mark in seen.marks] == ([None] if tier is Tier.CLAIMED else [])
    for each in seen.evidence:
        assert each.assurance < Assurance.VALID
        assert not each.contradicts_ai
        assert each.claimant is (Claimant.MARK if kind == "mark" else Claimant.CLASSIFIER)
        assert each.origin in (Origin.UNKNOWN, Origin.AI_GENERATED, Origin.AI_MODIFIED)


BAD: list[tuple[str, Any]] = [
    ("mark", {}),
    ("mark", {"found": True, "says": "generated"}),
    ("mark", {"found": True, "says": "captured", "p_value": 1e-12}),
    ("mark", {"found": 1, "says": "generated", "p_value": 1e-12}),
    ("mark", {"found": True, "says": "generated", "p_value": -1}),
    ("mark", {"found": True, "says": "generated", "p_value": float("nan")}),
    ("mark", {"found": True, "says": "generated", "p_value": True}),
    ("mark", {"found": True, "says": "generated", "p_value": "1e-12"}),
    ("mark", {"found": True, "says": ["generated"], "p_value": 1e-12}),
    ("mark", {"found": True, "says": "generated", "p_value": 1e-12, "bound": True}),
    ("classifier", {"found": True, "says": "generated", "p_value": 1e-12}),
    ("classifier", {"score": 1.01, "says": "generated"}),
    ("classifier", {"score": 0.99}),
]


@pytest.mark.parametrize(("kind", "answer"), BAD)
def test_an_answer_against_the_schema_does_not_count(kind: str, answer: Any) -> None:
    seen = examined(answer, kind)
    assert [(channel.state, channel.why) for channel in seen.channels] == [(ChannelState.UNREAD, "detector.answer")]
    assert weigh(seen.evidence).tier is Tier.NONE
    with pytest.raises((ValueError, TypeError)):
        read_answer(answer, kind=kind)


@pytest.mark.parametrize(
    "answer", [NoAnswer("detector.timeout"), NoAnswer("detector.crashed"), OSError("x"), MemoryError()]
)
def test_no_answer_is_unread_and_named(answer: Exception) -> None:
    seen = examined(answer, "mark")
    (channel,), (evidence,) = seen.channels, seen.evidence
    assert channel.state is ChannelState.UNREAD
    assert evidence.assurance is Assurance.UNREADABLE
    assert [finding.about for finding in evidence.findings] == ["acme"]
    assert weigh(seen.evidence).tier is Tier.NONE


def test_having_no_opinion_is_unread() -> None:
    for kind, answer in {"mark": {"found": None, "p_value": None}, "classifier": {"score": None}}.items():
        assert examined({**answer, "says": "generated"}, kind).channels[0].why == "detector.no-opinion"


def test_what_is_no_picture_is_not_asked() -> None:
    assert examined(AssertionError(), "mark", b"%PDF-1.7\n").channels[0].why == "detector.not-pixels"


def test_every_code_has_its_sentences() -> None:
    for language in ("en", "nl"):
        assert not [code for code in CODES if not wording(language).has("concern", code)]
        reasons = ("timeout", "crashed", "answer", "no-opinion", "unreadable", "not-pixels")
        assert all(wording(language).has(part, f"detector.{r}") for part in ("channel", "unread") for r in reasons)


@pytest.mark.parametrize("text", ["", "a b", "acme=proof", "=mark", "../x", "a" * 41])
def test_a_detector_that_cannot_be_declared(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Settings(detectors=(text,))


def test_declarations() -> None:
    settings = Settings(detectors=("acme", "SynthID=mark"))
    assert settings.declared_detectors == (("acme", "classifier"), ("SynthID", "mark"))
    assert Settings.from_json(settings.to_json()) == settings
    with pytest.raises(ConfigurationError, match="once"):
        Settings(detectors=("acme", "acme=mark"))
    with pytest.raises(ConfigurationError, match="workers"):
        build_verifier(settings, at=AT)


ACME = """
import os, socket, subprocess
def detector():
    return detect
def detect(rgb):
    tried = {}
    for name, act in {
        "network": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        "program": lambda: subprocess.run(["true"]),
        "file": lambda: os.write(os.open(__file__ + ".txt", os.O_CREAT | os.O_WRONLY), b"x"),
    }.items():
        try:
            act()
            tried[name] = True
        except BaseException as error:
            tried[name] = type(error).__name__ == "ConnectionRefusedError"
    return {"found": not any(tried.values()), "says": "generated", "p_value": 1e-12}
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with two detectors, found by workers through PYTHONPATH."""
    folder = tmp_path / "site"
    install(folder, monkeypatch, "acme_mark", ACME, SynthID="detector", broken="nothing")
    return folder


def test_in_a_worker_it_is_offline_and_only_asked_where_named(installed: Path, tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    reports = {}
    for declared in ((), ("SynthID=mark", "broken")):
        with Pool(Settings(detectors=declared).to_json()) as pool:
            reports[declared] = pool.verify(tmp_path / "a.png", at=AT)
    silent, heard = ({c["channel"]: c for c in report["channels"]} for report in reports.values())
    assert silent["closed:SynthID"]["code"] == "closed.synthid"
    assert heard["closed:SynthID"]["state"] == "found", "it could reach a network, start a program or write a file"
    assert heard["closed:broken"]["code"] == "detector.crashed"
    assert [c for c in heard if c.startswith("closed:")].count("closed:SynthID") == 1
    report = reports["SynthID=mark", "broken"]
    assert (report["verdict"]["tier"], report["verdict"]["claimed_by"]) == ("claimed", ["mark"])
    assert report["watermarks"][0]["scheme"] == "closed:SynthID"
    assert not any(label["automatic"] and label["shown_to"] == "public" for label in report["labels"])


def test_one_that_is_not_installed_stops_the_run(waarmerk: Any, tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    done = waarmerk("verify", tmp_path / "a.png", "--detector", "nobody")
    assert done.returncode == 2
    assert "the detector nobody is not installed" in done.stderr
