"""What is known of the pairs of a folder besides their images."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.known import KNOWN_NAME, KnownPair, dump_known, read_known
from models.errors import ModelError


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_known(tmp_path) == {}
    known = {"a": KnownPair("room/1", 48), "b": KnownPair(None, 7), "c": KnownPair()}
    (tmp_path / KNOWN_NAME).write_text(dump_known(known))
    assert read_known(tmp_path) == known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "must hold an object"),
        ("[" * 100_000, "is not JSON"),
        ('{"a": 7}', "a must be an object"),
        ('{"a": {"scene": 7}}', "scene must be a text"),
        ('{"a": {"max_disparity": 0}}', "max_disparity must be a whole number"),
        ('{"a": {"max_disparity": true}}', "max_disparity must be a whole number"),
        ('{"a": {"disparity": 7}}', "disparity is not a known key"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / KNOWN_NAME).write_text(text)
    with pytest.raises(ModelError, match=said):
        read_known(tmp_path)


@given(data=st.binary(max_size=100))
@settings(deadline=None)
def test_any_bytes_are_taken_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / KNOWN_NAME).write_bytes(data)
    with suppress(ModelError):
        assert isinstance(read_known(folder), dict)
