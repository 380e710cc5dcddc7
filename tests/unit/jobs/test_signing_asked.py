# SPDX-License-Identifier: Apache-2.0
"""What a process that labels may ask of the service beside it: a few things, whoever took it over."""

import base64

import pytest

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.labelling import WANTED, _signing


class _Signer:
    def __init__(self) -> None:
        self.signed = 0

    def sign(self, message: bytes) -> bytes:
        self.signed += 1
        return message


@pytest.mark.parametrize("asked", [WANTED, base64.b64encode(b"x").decode()])
def test_a_process_that_labels_asks_a_few_times(asked: str) -> None:
    """Each question looks into the database of the service, or signs."""
    signer, looked = _Signer(), list[object]()
    reply = _signing(signer, lambda: bool(looked.append(0)) or True)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="asked for"):  # noqa: PT012 - which of them is refused is the question
        for _ in range(100):
            reply({"asks": asked})
    assert signer.signed + len(looked) <= 4
