# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import dataclasses
import io
import pickle
import stat
import traceback
from collections.abc import Callable
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
    for copied in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            copied(make())


def test_no_general_helper_hands_out_the_secret() -> None:
    key = make()
    with pytest.raises(TypeError):
        dataclasses.asdict(key)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        vars(key)
    with pytest.raises(TypeError, match="pickled"):
        key.__getstate__()


def test_a_key_does_not_change() -> None:
    key = make()
    for name in ("purpose", "secret", "_secret", "created", "anything"):
        with pytest.raises(AttributeError, match="does not change"):
            setattr(key, name, "origin")
    with pytest.raises(AttributeError, match="does not change"):
        del key.purpose
    assert key == make()


def test_keys_are_equal_by_every_part() -> None:
    later = Key(secret=bytes(range(32)), purpose="ai", created=datetime(2027, 1, 1, tzinfo=UTC))
    others = (make("origin"), make(secret=bytes(32)), later, "a key")
    assert make() == make()
    assert hash(make()) == hash(make())
    assert all(make() != other for other in others)


CANARY = bytes.fromhex("c0ffee11" * 8)


def shown_with_locals(call: Callable[[], object]) -> str:
    """What a logger that captures local variables prints, the frame of the test itself left out."""
    try:
        call()
    except Exception as error:
        parts, seen = [], error
        while seen is not None:
            walked = traceback.TracebackException.from_exception(seen, capture_locals=True)
            walked.stack = traceback.StackSummary.from_list(
                [frame for frame in walked.stack if "test_keys" not in frame.filename]
            )
            parts.append("".join(walked.format(chain=False)))
            seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
        assert any("keys.py" in part for part in parts)
        return "".join(parts)
    raise AssertionError("it was to fail")


def shows_the_canary(text: str) -> bool:
    return "c0ffee11" in text.lower() or repr(CANARY)[2:14] in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"ai"', '"origin"'),
        ('"ai"', '"fun"'),
        ("waarmerk.key/1", "waarmerk.key/9"),
        ("ring/1", "ring/2"),
        ("c0ffee11", "c0ffee1"),
        ("secret = ", "sekret = "),
        ("created = ", "created = 3 #"),
        ('secret = "', 'secret = "['),
        ('secret = "', "secret = " + "[" * 3000 + '"'),
        ("+00:00", ""),
    ],
)
def test_a_traceback_with_locals_shows_no_secret_of_a_key_file(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "key.toml"
    make(secret=CANARY).save(path)
    changed = path.read_text().replace(old, new)
    assert "c0ffee1" in changed
    path.write_text(changed)
    shown = shown_with_locals(lambda: Key.load(path))
    assert "ValueError" in shown
    assert not shows_the_canary(shown)


def test_a_traceback_with_locals_shows_no_secret_on_other_ways_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key = tmp_path / "key.toml", make(secret=CANARY)
    path.write_text("precious")
    assert not shows_the_canary(shown_with_locals(lambda: key.save(path)))
    assert not shows_the_canary(shown_with_locals(lambda: make(secret=CANARY + b"\n")))
    assert not shows_the_canary(shown_with_locals(lambda: make("fun", CANARY)))
    assert not shows_the_canary(shown_with_locals(lambda: pickle.dump(key, io.BytesIO())))

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert not shows_the_canary(shown_with_locals(lambda: key.save(tmp_path / "new.toml")))


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
