# SPDX-License-Identifier: Apache-2.0
"""One key, one host and its mark for the whole session: embedding is pure, so sharing them hides nothing."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from waarmerk.watermark import Key, Payload, embed


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"watermark_test_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def hosts() -> ModuleType:
    return _load("hosts")


@pytest.fixture(scope="session")
def clips() -> ModuleType:
    pytest.importorskip("av", reason="the extra `video` is not installed")
    return _load("clips")


@pytest.fixture(scope="session")
def key() -> Key:
    return Key(secret=bytes(range(32)), purpose="ai", created=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture(scope="session")
def other_key() -> Key:
    return Key(secret=bytes(range(1, 33)), purpose="ai", created=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture(scope="session")
def payload() -> Payload:
    return Payload(bytes.fromhex("0123456789abcdef"))


@pytest.fixture(scope="session")
def host(hosts: ModuleType) -> npt.NDArray[np.uint8]:
    made: npt.NDArray[np.uint8] = hosts.textured(384, 512)
    made.setflags(write=False)
    return made


@pytest.fixture(scope="session")
def marked(host: npt.NDArray[np.uint8], key: Key, payload: Payload) -> npt.NDArray[np.uint8]:
    out = embed(host, key, payload)
    out.setflags(write=False)
    return out
