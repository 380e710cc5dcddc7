# SPDX-License-Identifier: Apache-2.0
"""The constants as their sources state them, and data that says something else is refused."""

from typing import Any

import pytest

from waarmerk.provenance.marks.published import marks_of, published_marks

BY_ID = {mark.id: mark for mark in published_marks()}


def number(bits: tuple[bool, ...]) -> int:
    return int("".join("1" if bit else "0" for bit in bits), 2)


def test_the_constants_are_those_of_their_sources() -> None:
    assert number(BY_ID["stable-diffusion-xl"].bits) == 0xB3EC907BB19E
    assert len(BY_ID["stable-diffusion-xl"].bits) == 48
    flux = 0b001010101111111010000111100111001111010100101110
    assert "".join("1" if bit else "0" for bit in BY_ID["flux"].bits) == f"{flux:b}", "without its leading zeros"
    assert len(BY_ID["flux"].bits) == 46
    for name, text in {"": b"StableDiffusionV1", "-inpainting": b"StableDiffusionV1-Inpainting"}.items():
        bits = BY_ID[f"stable-diffusion-1{name}"].bits
        assert number(bits).to_bytes(len(bits) // 8, "big") == text
    assert number(BY_ID["stable-diffusion-2"].bits).to_bytes(4, "big") == b"SDV2"


def test_every_mark_but_one_names_where_it_was_read() -> None:
    assert [mark.id for mark in BY_ID.values() if not mark.sources] == ["stable-diffusion-1-inpainting"]


GOOD: dict[str, Any] = {"id": "a", "name": "A", "bits": "0110", "centred": "mean", "sources": [], "verified": True}


@pytest.mark.parametrize(
    "change",
    [
        {"bits": "0120"},
        {"bits": "1111"},
        {"bits": ""},
        {"text": "A"},
        {"centred": "median"},
        {"centred": "letters"},
        {"strength": 36},
    ],
)
def test_damaged_data_is_refused(change: dict[str, Any]) -> None:
    assert marks_of({"mark": [GOOD]})[0].bits == (False, True, True, False)
    with pytest.raises(ValueError, match="mark a"):
        marks_of({"mark": [{**GOOD, **change}]})


def test_an_id_names_one_mark() -> None:
    for marks in ([GOOD, GOOD], []):
        with pytest.raises(ValueError, match="id of its own"):
            marks_of({"mark": marks})
