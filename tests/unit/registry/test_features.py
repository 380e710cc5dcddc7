# SPDX-License-Identifier: Apache-2.0
"""What a confined process answers of a file that is entered: whole, or refused, whoever took that process over."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import Run
from tests.unit.marking.pictures import scene
from waarmerk.provenance.registry.features import MAX_MANIFEST, Features
from waarmerk.provenance.registry.model import Binding, BindingKind

WHOLE = Features(
    sha256=bytes(32),
    media_type="image/jpeg",
    width=8,
    height=None,
    bindings=(
        Binding(kind=BindingKind.PHASH, value=b"abcdefgh"),
        Binding(kind=BindingKind.WATERMARK, value=b"payload8", key_id="0011"),
    ),
    reference=b"a picture",
    manifest=b"a manifest",
    manifest_label="urn:c2pa:1",
)


def test_what_is_sent_is_what_arrives() -> None:
    assert Features.from_json(json.loads(json.dumps(WHOLE.to_json()))) == WHOLE
    large = Features.from_json(
        {**WHOLE.to_json(), "manifest": None, "manifest_label": None},
    )
    too_large = Features(
        **{name: getattr(WHOLE, name) for name in WHOLE.__slots__} | {"manifest": bytes(MAX_MANIFEST + 1)}
    )
    assert Features.from_json(too_large.to_json()) == large, "what no answer has room for is left out"


WRONG: list[dict[str, Any]] = [
    {"sha256": "00"},
    {"sha256": 7},
    {"width": "8"},
    {"width": True},
    {"media_type": None},
    {"bindings": [["phash", "00", None]]},
    {"bindings": [["watermark", "00" * 8, None]]},
    {"bindings": [["other", "00" * 8, None]]},
    {"bindings": 7},
    {"bindings": [["watermark", "00" * 8, 7]]},
    {"reference": "no base64!"},
    {"manifest": None},
    {"manifest_label": 7},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_anything_else_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - one kind of error for every wrong answer
        Features.from_json({**WHOLE.to_json(), **wrong})


@given(
    st.dictionaries(st.sampled_from(list(WHOLE.to_json())), st.none() | st.integers() | st.text() | st.lists(st.text()))
)
def test_no_answer_raises_anything_else(answer: dict[str, Any]) -> None:
    with suppress(ValueError):
        Features.from_json({**WHOLE.to_json(), **answer})


def test_a_file_that_ends_its_process_does_not_end_the_run(tmp_path: Path, waarmerk: Run) -> None:
    Image.fromarray(scene(200, 250, 5)).save(tmp_path / "good.png")
    bomb = Image.new("1", (30000, 30000))
    bomb.save(tmp_path / "bomb.png")
    (tmp_path / "noise.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    (tmp_path / "text.jpg").write_text("no picture")
    names = [tmp_path / name for name in ("text.jpg", "bomb.png", "noise.jpg", "missing.jpg", "good.png")]
    done = waarmerk("registry", "add", *names, "--registry", tmp_path / "known.sqlite", "--at", "2026-11-22T12:00:00Z")
    assert done.returncode == 3
    assert "good.png is in the registry" in done.stdout
    assert "media.unsupported" in done.stderr
    assert "media.missing" in done.stderr
    held = json.loads(waarmerk("registry", "list", "--registry", tmp_path / "known.sqlite", "--format", "json").stdout)
    assert [(each["width"], each["basis"]) for each in held if each["width"] == 250] == [(250, "entered")]
