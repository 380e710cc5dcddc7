# SPDX-License-Identifier: Apache-2.0
"""A form with a file: the same file however it is cut into pieces; what is no such form is refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from waarmerk.api.forms import MAX_FIELD_BYTES, Form, FormError

FILE = b"\xff\xd8--b\r\n--\r\n\x00--bc\r\n-" + bytes(range(256)) * 300
TYPE = 'multipart/form-data; boundary="b"'


def part(name: bytes, body: bytes, filename: bytes | None = None) -> bytes:
    told = b"" if filename is None else b'; filename="' + filename + b'"'
    return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"' + told + b"\r\n\r\n" + body + b"\r\n"


WHOLE = part(b"ai", b"generated") + part(b"file", FILE, b"../x") + part(b"where", b"caf\xc3\xa9") + b"--b--\r\n"


def read(body: bytes, *, piece: int = 10**6, max_parts: int = 4, content_type: str = TYPE) -> tuple[Form, list[bytes]]:
    files: list[bytes] = []

    def open_file() -> object:
        files.append(b"")

        def write(data: memoryview) -> None:
            files[-1] += bytes(data)

        return write

    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(body), piece):
            yield body[at : at + piece]
        yield b""

    form = Form(open_file=open_file, max_parts=max_parts)  # type: ignore[arg-type]
    asyncio.run(form.read(content_type, stream()))
    return form, files


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 1000, 65536, 10**6])
def test_a_file_arrives_as_it_was_sent_however_it_is_cut(piece: int) -> None:
    form, files = read(WHOLE, piece=piece)
    assert files == [FILE]
    assert form.file_field == "file"
    assert form.fields == {"ai": "generated", "where": "café"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", TYPE),
        (WHOLE[:-6], TYPE),
        (WHOLE[: len(WHOLE) // 2], TYPE),
        (WHOLE, "multipart/form-data"),
        (WHOLE, "multipart/form-data; boundary=" + "b" * 300),
        (WHOLE.replace(b"--b", b"--c"), TYPE),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n", TYPE),
        (b"--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n", TYPE),
        (part(b"file", b"x", b"x") + part(b"file", b"y", b"y") + b"--b--\r\n", TYPE),
        (part(b"a", b"1") * 5 + b"--b--\r\n", TYPE),
        (part(b"a", b"1" * (MAX_FIELD_BYTES + 1)) + b"--b--\r\n", TYPE),
        (part(b"file", b"x", b"a\nb") + b"--b--\r\n", TYPE),
        (b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\nx\r\n--b--\r\n", TYPE),
        (b"--b\r\nX: " + b"y" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n", TYPE),
    ],
)
@pytest.mark.parametrize("piece", [5, 10**6])
def test_what_is_no_such_form_is_refused(body: bytes, content_type: str, piece: int) -> None:
    with pytest.raises(FormError):
        read(body, piece=piece, content_type=content_type)


@pytest.mark.parametrize("head", [b"X: " + b"y" * 20_000, b"y" * 20_000 + b": x", b"\r\n".join([b"X: y"] * 9000)])
@pytest.mark.parametrize("piece", [64, 10**6])
def test_the_head_of_a_part_is_bounded(head: bytes, piece: int) -> None:
    with pytest.raises(FormError):
        read(part(b"a", b"1") + b"--b\r\n" + head + b"\r\n\r\nx\r\n--b--\r\n", piece=piece)


@pytest.mark.parametrize(
    "told",
    [
        b'name="file"; filename="x"',
        b"name=file; filename=x",
        b'filename="x"; name="file"',
        b'name="file"; filename=""',
        b'name="file"; filename="a\\"b; name=c"',
        b'name="file"; filename="caf\xe9 \xff"',
        'name="file"; filename="☃"'.encode(),
        b"name=\"file\"; filename*=utf-8''caf%C3%A9.jpg",
        b"name=file; filename=(1).jpg",
        b"name=file; filename=",
        b'name="file"; filename="',
        b'\tname="file"; filename="a; name=b"',
    ],
)
def test_a_file_may_be_called_anything(told: bytes) -> None:
    body = b"--b\r\nContent-Disposition: form-data; " + told + b"\r\nContent-Type: image/jpeg\r\n\r\n" + FILE
    form, files = read(body + b"\r\n--b--\r\n")
    assert (form.file_field, files, form.fields) == ("file", [FILE], {})


def test_a_form_may_have_no_file_and_an_empty_one() -> None:
    assert read(part(b"a", b"") + b"--b--\r\n")[0].fields == {"a": ""}
    form, files = read(part(b"file", b"", b"") + b"--b--")
    assert (form.file_field, files) == ("file", [b""])


def test_a_field_that_is_no_utf_8_is_read_as_latin_1() -> None:
    assert read(part(b"a", b"caf\xe9") + b"--b--\r\n")[0].fields == {"a": "café"}


def test_the_name_of_a_field_is_utf_8_where_it_can_be() -> None:
    body = part("café".encode(), b"1") + part(b"caf\xe8", b"2") + b"--b--\r\n"
    assert read(body)[0].fields == {"café": "1", "cafè": "2"}


@pytest.mark.parametrize("boundary", ["----=_Part_1_2.3", "a/b", "a:b?", "=abc", "'x'", "-" * 70])
@pytest.mark.parametrize(
    "told", ["multipart/form-data; boundary={}", 'multipart/form-data;\tboundary="{}"; charset=utf-8']
)
def test_a_boundary_may_stand_without_quotes(boundary: str, told: str) -> None:
    line = b"--" + boundary.encode()
    head = b'\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    form, files = read(line + head + FILE + b"\r\n" + line + b"--", content_type=told.format(boundary))
    assert (form.file_field, files) == ("file", [FILE])


@pytest.mark.parametrize("name", ["file[]", "user@x", "a; filename*=x", 'a"b'])
def test_a_field_is_called_what_its_client_says(name: str) -> None:
    told = '"' + name.replace('"', '\\"') + '"'
    body = b"--b\r\nContent-Disposition: form-data; name=" + told.encode() + b"\r\n\r\n1\r\n--b--\r\n"
    assert read(body)[0].fields == {name: "1"}


@pytest.mark.parametrize("piece", [1, 2, 5, 1000, 10**6])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"hello\r\n" + WHOLE, "does not begin"),
        (b"\r\n\r\n" + WHOLE, "does not begin"),
        (b"", "does not begin"),
        (b"--", "does not begin"),
        (b"--b", "ends before"),
        (WHOLE[:-8], "ends before"),
        (WHOLE[: len(WHOLE) // 2], "ends before"),
        (part(b"a", b"1") * 5 + b"--b--\r\n", "more parts"),
        (part(b"a", b"1", b"x" * 5000) + b"--b--\r\n", "longer heads"),
    ],
)
def test_whoever_is_refused_is_told_the_same_however_it_is_cut(body: bytes, reason: str, piece: int) -> None:
    with pytest.raises(FormError, match=reason):
        read(body, piece=piece)


@pytest.mark.parametrize("piece", [1, 2, 5, 10**6])
def test_a_line_end_may_stand_before_the_first_boundary(piece: int) -> None:
    assert read(b"\r\n" + WHOLE, piece=piece)[1] == [FILE]
