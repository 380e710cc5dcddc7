# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import pickle
import stat
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waarmerk.watermark import Key

MADE = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def make(purpose: str = "ai", secret: bytes = bytes(range(32))) -> Key:
    return Key(secret=secret, purpose=purpose, created=MADE)  # type: ignore[arg-type]


def test_generate_takes_its_randomness_and_clock_from_the_caller() -> None:
    key = Key.generate("origin", random_bytes=lambda n: b"\x07" * n, clock=lambda: MADE)
    assert key == make("origin", b"\x07" * 32)


def test_two_generated_keys_differ() -> None:
    assert Key.generate().key_id != Key.generate().key_id


def test_a_saved_key_is_loaded_equal_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key.toml"
    make().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Key.load(path) == make()


def test_save_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key.toml"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        make().save(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666])
def test_a_key_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.toml"
    make().save(path)
    path.chmod(mode)
    with pytest.raises(PermissionError, match="0600"):
        Key.load(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"ai"', '"origin"'),  # the key id binds the purpose
        ("waarmerk.key/1", "waarmerk.key/9"),
        ("ring/1", "ring/2"),
        ('purpose = "ai"', 'purpose = "fun"'),
        ("secret = ", "sekret = "),
        ("0001", "zz01"),
        ("created = ", "created = 3 #"),
        ('secret = "', 'secret = "['),
    ],
)
def test_a_damaged_key_file_is_refused_without_showing_the_secret(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "key.toml"
    make().save(path)
    changed = path.read_text().replace(old, new)
    assert changed != path.read_text()
    path.write_text(changed)
    with pytest.raises(ValueError, match=r"key\.toml") as caught:
        Key.load(path)
    shown = "".join(traceback.format_exception(caught.value))
    assert "0405060708090a0b" not in shown


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00", b"x" * 5000, b"secret = [1,"])
def test_junk_is_no_key_file(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "key.toml"
    path.write_bytes(junk)
    path.chmod(0o600)
    with pytest.raises(ValueError, match=r"key\.toml"):
        Key.load(path)


def test_the_secret_shows_nowhere() -> None:
    key = make()
    for shown in (repr(key), str(key), f"{key}"):
        assert key.secret.hex() not in shown
        assert repr(key.secret) not in shown


def test_a_key_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(make())
    with pytest.raises(TypeError, match="pickled"):
        copy.copy(make())


@pytest.mark.parametrize("secret", [b"", b"x" * 31, b"x" * 33, "x" * 32])
def test_a_secret_has_32_bytes(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32"):
        make(secret=secret)


def test_created_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Key(secret=bytes(32), purpose="ai", created=datetime(2026, 1, 1))  # noqa: DTZ001


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["bins", "phases", "signs", "index"]))
def test_sub_keys_depend_on_secret_purpose_and_name(secret: bytes, name: str) -> None:
    key = make(secret=secret)
    assert key.sub_key(name) == make(secret=secret).sub_key(name)
    assert len({key.sub_key(name), key.sub_key(name + "x"), make("origin", secret).sub_key(name), secret}) == 4
