"""Lines, tables and headers that somebody made to break a reader are refused in one printable line."""

from __future__ import annotations

import json
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.dataset import DatasetReader, DatasetWriter, read_events
from capture.dataset_edits import from_edit_line
from capture.dataset_files import quoted
from capture.dataset_records import from_line, read_sessions
from capture.datasets.check import check_dataset
from capture.errors import DatasetError
from capture.files import parse_toml
from capture.png import HEADER_BYTES, decode_png, encode_png, read_header
from capture.words import printable
from tests.capture.dataset_pairs import RIG, make_pair

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["../../etc/passwd", "\ud800", "\x1b[2J", "9" * 5000, 10**400, "000000"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("line")
    with DatasetWriter(folder, RIG) as writer:
        writer.save(make_pair(0))
    values: dict[str, Any] = json.loads((folder / "pairs.jsonl").read_bytes())
    return values


def refused(error: pytest.ExceptionInfo[DatasetError]) -> None:
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_any_value_in_a_line_is_taken_or_refused(line: dict[str, Any], data: st.DataObject) -> None:
    spoiled = json.loads(json.dumps(line))
    target = data.draw(st.sampled_from([spoiled, spoiled["mono"], spoiled["color"]]))
    target[data.draw(st.sampled_from(sorted(target)) | st.text(max_size=8))] = data.draw(VALUES)
    text = json.dumps(spoiled).encode()
    with suppress(DatasetError):
        assert re.fullmatch("[A-Za-z0-9_-]{1,64}", from_line(text).name)
        return
    with pytest.raises(DatasetError) as error:
        from_line(text)
    refused(error)


@given(data=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode()))
@settings(deadline=None, max_examples=150)
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    for parse in (from_line, from_edit_line):
        with suppress(DatasetError):
            parse(data)  # type: ignore[operator]
    with suppress(ValueError):
        parse_toml(data)
    with suppress(DatasetError):
        decode_png(b"\x89PNG\r\n\x1a\n" + data, "x")


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 100_000,
        b'"' + b"x" * (2 << 20) + b'"',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"name":"\x00"}',
    ],
    ids=["deep list", "deep object", "long number", "long line", "UTF-16", "byte order mark", "NUL"],
)
def test_lines_made_to_exhaust_a_parser(line: bytes) -> None:
    with pytest.raises(DatasetError) as error:
        from_line(line)
    refused(error)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 50_000,
        "a = " + "{a=" * 50_000,
        "n = " + "9" * 10_000,
        "a" + ".a" * 500_000 + " = 1",
        "[" + "a." * 500_000 + "a]",
        "x = 1\nx = 2",
        "d = 2026-13-45",
        "\x00",
    ],
    ids=["deep list", "deep table", "long number", "long key", "long header", "twice", "date", "NUL"],
)
def test_tables_made_to_exhaust_a_parser(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse_toml(text.encode())
    assert "\n" not in str(error.value)


def test_ordinary_tables_are_read() -> None:
    text = 'note = "1. first. 2. second. ' + "and so on. " * 50 + '"\n[a.b.c]\nd.e = 1\n'
    assert parse_toml(text.encode())["a"] == {"b": {"c": {"d": {"e": 1}}}}


@given(
    width=st.integers(0, 2**32 - 1),
    height=st.integers(0, 2**32 - 1),
    rest=st.binary(min_size=5, max_size=5),
)
@settings(deadline=None)
def test_headers_of_absurd_sizes_are_refused(width: int, height: int, rest: bytes) -> None:
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + rest + bytes(4)
    assert len(data) >= HEADER_BYTES
    with suppress(DatasetError):
        assert read_header(data, "x").size_bytes <= 256_000_000 * 6
    with pytest.raises(DatasetError):
        decode_png(data + b"\x00\x00\x00\x00IEND\xaeB`\x82", "x")


@pytest.mark.parametrize("claimed", [0xCE00_0000, 10_000, 0x7FFF_FFFF])
def test_chunks_longer_than_the_file_are_not_allocated(claimed: int) -> None:
    data = bytearray(encode_png(make_pair(0).mono.image))
    data[33:37] = struct.pack(">I", claimed)  # OpenCV 4.14 fills a buffer of so many bytes before it reads
    with pytest.raises(DatasetError, match="not as long as they say"):
        decode_png(bytes(data), "x")


def test_a_hundred_thousand_lines_are_read(tmp_path: Path, line: dict[str, Any]) -> None:
    with DatasetWriter(tmp_path, RIG) as writer:
        writer.save(make_pair(0))
    text = json.dumps({**line, "name": "NAME"})
    with (tmp_path / "pairs.jsonl").open("a") as file:
        file.writelines(f"{text.replace('NAME', str(number))}\n" for number in range(1, 100_001))
    assert len(DatasetReader.open(tmp_path)) == 100_001  # by the square it would take hours


def test_events_that_are_no_objects_are_left_out(tmp_path: Path) -> None:
    lines = [b'{"event":"a","cause":"\xe2\x80\xa8"}', b"7", b"[" * 50_000, b"\xff", b'{"torn']
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
    assert [event["event"] for event in read_events(tmp_path)] == ["a"]


@pytest.mark.parametrize(
    "name", ["../x.toml", "/etc/passwd", "x" * 300 + ".toml", "", ".", "..", "a\x00b", 7]
)
def test_calibrations_elsewhere_are_not_read(tmp_path: Path, name: object) -> None:
    with DatasetWriter(tmp_path, RIG) as writer:
        writer.save(make_pair(0))
    reader = DatasetReader.open(tmp_path)
    session = {**reader.sessions[0], "calibration": name}
    hostile = DatasetReader(tmp_path, reader.records, (session,))
    with suppress(DatasetError):
        assert hostile.calibration_path() is None


def test_sessions_nested_too_deep_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text("schema = 2\n[[sessions]]\na = " + "[" * 40 + "]" * 40 + "\n")
    with pytest.raises(DatasetError, match="nested too deep"):
        read_sessions(tmp_path)
    assert check_dataset(tmp_path).damage == 1


@given(text=st.text())
def test_texts_are_shown_not_obeyed(text: str) -> None:
    assert printable(text).isprintable()
    assert quoted(text).isprintable()
    assert printable(printable(text), 10_000) == printable(text)
