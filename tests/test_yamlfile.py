"""Data files are read safely, and errors say where."""

from pathlib import Path

import pytest

from tmws_mcp.errors import FileError
from tmws_mcp.yamlfile import DEPTH_MAX, FILE_BYTES_MAX, parse_mapping, read_mapping


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1\nb: 2", r"x\.yaml:2.*not valid YAML"),
        ("a: 1\nb: 2\na: 3", r"x\.yaml:3.*'a' stands twice"),
        ("a: &n [1]\nb: *n", r"x\.yaml:2.*aliases"),
        ("- 1", "must hold a mapping, not list"),
        ("", "must hold a mapping"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a: " + "[" * (DEPTH_MAX + 1), "nested deeper"),
        ("a: 2020-99-99", "cannot be read as YAML"),
        ("a: \x07", "not valid YAML"),
    ],
)
def test_what_is_refused_and_where(text: str, expected: str) -> None:
    with pytest.raises(FileError, match=expected):
        parse_mapping(text, path="x.yaml")


def test_json_is_yaml() -> None:
    assert parse_mapping('{"a": [1, {"b": null}]}', path="x") == {"a": [1, {"b": None}]}


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: " + "x" * FILE_BYTES_MAX)

    with pytest.raises(FileError, match="limit"):
        read_mapping(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: \xff\xfe")

    with pytest.raises(FileError, match="not UTF-8 at byte 3"):
        read_mapping(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.yaml"):
        read_mapping(tmp_path / "none.yaml")
