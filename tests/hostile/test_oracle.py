# SPDX-License-Identifier: Apache-2.0
"""The public detector against those who would use it to take a mark out (P15)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.conftest import AT, Clock
from tests.tenants import keyring_of
from waarmerk.api.app import create_app
from waarmerk.api.gate import Gate
from waarmerk.api.journal import Journal
from waarmerk.api.oracle import A_DAY, NearDuplicates
from waarmerk.api.quota import Quota
from waarmerk.api.services import Services, monotonic
from waarmerk.api.tenants import Scope, Tenant
from waarmerk.provenance import Pool, Settings
from waarmerk.watermark import Key, Payload, embed
from waarmerk.watermark.quality import psnr

Pixels = npt.NDArray[np.uint8]
SIDE = 512
MEDIA = Path(__file__).resolve().parents[2] / "samples" / "media"


@dataclass
class Door:
    """What a stranger with a script has."""

    client: TestClient
    clock: Clock
    tenant: dict[str, str]
    asked: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, pixels: Pixels) -> dict[str, Any]:
        self.asked += 1
        return self.send(encoded(pixels))

    def send(self, file: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
        answer = self.client.post("/v1/verify", content=file, headers=headers)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report


def encoded(pixels: Pixels) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def detected(report: dict[str, Any]) -> bool | None:
    """What a stranger sees: yes, no, or nothing."""
    marks = report["watermarks"]
    return marks[0]["detected"] if marks else None


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Path]:
    path = tmp_path_factory.mktemp("keys") / "public.key"
    made = Key.generate(purpose="ai")
    made.save(path)
    return made, path


@pytest.fixture(scope="module")
def pool(key: tuple[Key, Path]) -> Iterator[Pool]:
    with Pool(Settings(keys=(key[1],)).to_json(), size=1) as made:
        yield made


@pytest.fixture
def a_day() -> int:
    """Fewer than in service where only the counting matters."""
    return 8


@pytest.fixture
def door(pool: Pool, key: tuple[Key, Path], tmp_path: Path, a_day: int) -> Iterator[Door]:
    clock = Clock()
    with keyring_of(tmp_path, Tenant(name="owner", settings={"keys": [str(key[1])]})) as keyring:
        services = Services(
            bench=pool,
            settings=Settings(keys=(key[1],)),
            clock=clock,
            gate=Gate(working=1, monotonic=monotonic),
            quota=Quota(clock=clock, stranger_per_minute=10_000),
            near_duplicates=NearDuplicates(clock=clock, a_day=a_day),
            journal=Journal(lambda line: None),
            keyring=keyring,
        )
        with TestClient(create_app(services)) as client:
            yield Door(client, clock, {"Authorization": f"Bearer {keyring.add_key('owner', [Scope.VERIFY], at=AT)}"})


@pytest.fixture(scope="module")
def marked(key: tuple[Key, Path]) -> Pixels:
    return embed(picture(1), key[0], Payload(b"12345678"))


def picture(seed: int) -> Pixels:
    """A scene with edges, textures and soft parts, like a photograph to every measure that matters here."""
    rng = np.random.default_rng(seed)
    scene = np.zeros((SIDE, SIDE, 3), np.float32)
    for octave in range(1, 8):
        rough = rng.normal(0, 1, (2**octave, 2**octave, 3)).astype(np.float32)
        scene += cv2.resize(rough, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) * 60 / 2 ** (octave * 0.8)
    for _ in range(25):
        x, y, r = rng.integers(0, SIDE, 3)
        cv2.circle(scene, (int(x), int(y)), int(r) // 8 + 4, rng.normal(0, 60, 3).tolist(), -1)
    return np.clip(scene + 128, 0, 255).astype(np.uint8)


def test_strangers_get_yes_or_no_and_the_owner_gets_the_measure(door: Door, marked: Pixels) -> None:
    told, owner = door.send(encoded(marked)), door.send(encoded(marked), door.tenant)
    assert detected(told) is True
    assert told["watermarks"][0] | {"p_value": None, "payload": None} == owner["watermarks"][0] | {
        "p_value": None,
        "payload": None,
    }
    assert told["watermarks"][0]["p_value"] == 1e-9
    assert told["watermarks"][0]["payload"] is None
    assert owner["watermarks"][0]["p_value"] < 1e-9
    assert owner["watermarks"][0]["payload"] == b"12345678".hex()
    plain = door.send(encoded(picture(2)))
    assert detected(plain) is False
    assert plain["watermarks"][0]["p_value"] is None


def test_a_repeated_question_gets_the_same_answer_and_too_many_get_none(door: Door, marked: Pixels, a_day: int) -> None:
    variants = []
    for number in range(a_day + 3):
        turned = np.ascontiguousarray(np.rot90(marked, number % 4))
        turned[number, 7] ^= 1
        variants.append(encoded(turned))
    answers = [door.send(file) for file in variants]
    assert [detected(each) for each in answers[:a_day]] == [True] * a_day
    for late in answers[a_day:]:
        assert late["watermarks"] == []
        channel = next(each for each in late["channels"] if each["channel"] == "watermark")
        assert channel["state"] == "unread"
        assert "too often today" in channel["why"]
        assert "ai" not in late["verdict"]["origin"]
    assert door.send(variants[0]) == answers[0]
    assert door.send(variants[-1]) == answers[-1]
    assert detected(door.send(variants[-1], door.tenant)) is True
    assert detected(door.send(encoded(picture(3)))) is False  # another picture is nobody's business of these
    door.clock.now = datetime.fromisoformat("2026-11-22T00:00:01+00:00")
    assert detected(door.send(variants[-1])) is True


def test_a_clip_is_examined_once_and_its_marks_are_not_searched_for_strangers(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def counted(way: Any) -> Any:
        def told(self: Pool, *given: Any, **named: Any) -> Any:
            asked.append(named["options"])
            return way(self, *given, **named)

        return told

    monkeypatch.setattr(Pool, "perform", counted(Pool.perform))  # strangers are asked about from a thread
    monkeypatch.setattr(Pool, "attend", counted(Pool.attend))
    clip = (MEDIA / "clip.mp4").read_bytes()
    told, owner = door.send(clip), door.send(clip, door.tenant)
    assert asked == [{"withhold": True}, {}]
    channel = next(each for each in told["channels"] if each["channel"] == "watermark")
    assert (told["status"], told["watermarks"], channel["state"]) == ("examined", [], "unread")
    assert channel["code"] == "watermark.clip-withheld"
    assert detected(owner) is False


def sensitivity(door: Door, marked: Pixels, *, spread: float, seed: int, questions: int) -> float:
    """The best an attacker with yes and no gets: PSNR in dB of the closest picture that was seen to be clean.

    Walk from a ruined copy to the edge of detection, sound there which way out is (one random smooth pattern a
    question), then go that way from the marked picture and halve the distance. After Cox and Linnartz 1998 with the
    estimate of Chen, Jordan and Wainwright 2020 (HopSkipJump).
    """
    rng, best = np.random.default_rng(seed), 0.0
    whole = marked.astype(np.float32)

    def clean(at: npt.NDArray[np.float32]) -> bool:
        nonlocal best
        pixels = np.clip(np.rint(at), 0, 255).astype(np.uint8)
        seen = detected(door.ask(pixels))
        if seen is False:
            best = max(best, psnr(marked, pixels))
        return seen is False

    ruined = cv2.GaussianBlur(whole, (0, 0), 4) + rng.normal(0, 12, whole.shape).astype(np.float32)
    if not clean(ruined):
        return best
    edge = halved(whole, ruined, clean, 8)
    way = np.zeros_like(whole)
    for _ in range(questions - 1 - 8 - 8):
        rough = rng.normal(0, 1, (SIDE // 4, SIDE // 4, 3)).astype(np.float32)
        pattern = cv2.resize(rough, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        way += pattern if clean(edge + spread * pattern) else -pattern
    way += (edge - whole) * float(np.abs(way).mean() / (np.abs(edge - whole).mean() + 1e-9))
    far = whole + way * (40 / float(np.abs(way).mean()))
    if clean(far):
        halved(whole, far, clean, 7)
    return best


def halved(
    inside: npt.NDArray[np.float32],
    outside: npt.NDArray[np.float32],
    clean: Callable[[npt.NDArray[np.float32]], bool],
    times: int,
) -> npt.NDArray[np.float32]:
    """A point just outside, on the line between the two."""
    low, high = 0.0, 1.0
    for _ in range(times):
        middle = (low + high) / 2
        low, high = (low, middle) if clean(inside + middle * (outside - inside)) else (middle, high)
    return inside + high * (outside - inside)


@pytest.mark.parametrize("a_day", [24])
def test_the_answers_of_a_day_do_not_take_a_mark_out(door: Door, marked: Pixels, a_day: int) -> None:
    best = sensitivity(door, marked, spread=6.0, seed=5, questions=a_day)
    assert door.asked <= a_day
    assert 0 < best <= 35.0


@pytest.mark.slow
@pytest.mark.parametrize("a_day", [A_DAY])
@pytest.mark.parametrize("spread", [2.0, 6.0, 15.0])
@pytest.mark.parametrize("seed", range(5))
def test_fifty_answers_do_not_take_a_mark_out_however_they_are_asked(
    door: Door, key: tuple[Key, Path], spread: float, seed: int, a_day: int
) -> None:
    host = embed(picture(10 + seed), key[0], Payload(b"87654321"))
    assert 0 < sensitivity(door, host, spread=spread, seed=seed, questions=a_day) <= 35.0


@pytest.mark.slow
@pytest.mark.parametrize("a_day", [A_DAY])
def test_what_many_marked_pictures_have_in_common_does_not_take_a_mark_out(
    door: Door, key: tuple[Key, Path], marked: Pixels
) -> None:
    """The averaging attack: what is left of fifty marked pictures once their content has averaged out."""
    common = np.zeros((SIDE, SIDE, 3), np.float32)
    for seed in range(50):
        one = embed(picture(100 + seed), key[0], Payload(b"12345678")).astype(np.float32)
        common += one - cv2.GaussianBlur(one, (0, 0), 1.5)
    common /= float(np.abs(common).mean())
    for strength in (1.0, 2.0, 3.0, 5.0):
        for sign in (1, -1):
            pixels = np.clip(np.rint(marked - sign * strength * common), 0, 255).astype(np.uint8)
            assert psnr(marked, pixels) <= 35.0 or detected(door.ask(pixels)) is True, (sign, strength)
