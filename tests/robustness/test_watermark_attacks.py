# SPDX-License-Identifier: Apache-2.0
"""The attack suite beside the checkout, where it is present, on a few photographs: recovery must not sink."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from waarmerk.watermark import Key, Payload, detect, embed

SHARED = Path(__file__).resolve().parents[3] / "shared"
PHOTOS = ("kodim03.png", "kodim13.png", "sk_coffee.png", "ocv_qtgui.png", "own_cartoon.png")
FLOORS = {"codec": 0.94, "crop": 0.8, "geometry": 0.95, "warp": 0.85, "filter": 0.97, "colour": 1.0, "pipeline": 0.9}
pytestmark = pytest.mark.slow


def suite() -> ModuleType:
    path = SHARED / "bench" / "attacks.py"
    if not path.exists():
        pytest.skip("the attack suite ../shared/bench/attacks.py is not there")
    spec = importlib.util.spec_from_file_location("shared_attacks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("group", FLOORS)
def test_recovery_by_group_at_44_db(group: str) -> None:
    attacks = suite()
    if not (SHARED / "corpus" / "photos").is_dir():
        pytest.skip("the photographs ../shared/corpus/photos are not there")
    names = [n for n in attacks.names([group]) if not attacks.SUITE[n].slow]
    key, payload = Key.generate(random_bytes=lambda n: bytes(range(n))), Payload(b"robust!!")
    right = tried = 0
    for photo in PHOTOS:
        host = np.asarray(Image.open(SHARED / "corpus" / "photos" / photo).convert("RGB"))
        marked = embed(host, key, payload, psnr=44.0)
        for name in names:
            found = detect(attacks.apply(name, marked, 1), key)
            assert found.payload in (None, payload), f"{photo} {name}: a wrong payload"
            right, tried = right + (found.payload == payload), tried + 1
    assert right / tried >= FLOORS[group]
