# SPDX-License-Identifier: Apache-2.0
"""One key, one host and its mark for the whole session: embedding is pure, so sharing them hides nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pytest

from tests.unit.watermark import hosts
from waarmerk.watermark import Key, Payload, embed


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
def host() -> npt.NDArray[np.uint8]:
    made = hosts.textured(384, 512)
    made.setflags(write=False)
    return made


@pytest.fixture(scope="session")
def marked(host: npt.NDArray[np.uint8], key: Key, payload: Payload) -> npt.NDArray[np.uint8]:
    out = embed(host, key, payload)
    out.setflags(write=False)
    return out
