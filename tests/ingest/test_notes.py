"""Markdown is divided into what can be remembered section by section."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.errors import FileError
from tmws_mcp.ingest import notes
from tmws_mcp.ingest.notes import NOTE_CHARS_MAX


def places(content: str) -> list[str]:
    return [note.place for note in notes.notes(content)]


def test_sections_are_named_by_their_headings() -> None:
    content = "intro\n\n# A\none\n## B ##\ntwo\n# C\n### D\nthree\n"

    assert places(content) == ["", "A", "A > B", "C > D"]


def test_fenced_code_has_no_headings() -> None:
    content = "# A\n```sh\n# no heading\n~~~\n# nor this\n```\n# B\nx"

    assert places(content) == ["A", "B"]


def test_headings_that_come_twice_are_told_apart() -> None:
    assert places("# A\none\n# A\ntwo") == ["A", "A (2)"]


def test_comments_and_empty_sections_say_nothing() -> None:
    assert notes.notes("# A\n<!-- draft\n# hidden -->\n\n# B\n") == []


def test_a_long_section_is_divided_between_paragraphs() -> None:
    paragraphs = [f"{number} " + "x" * (NOTE_CHARS_MAX // 3) for number in range(5)]

    found = notes.notes("# A\n" + "\n\n".join(paragraphs))

    assert [note.place for note in found] == ["A", "A (2)", "A (3)"]
    assert all(len(note.text) <= NOTE_CHARS_MAX + len("A\n\n") for note in found)
    assert [p for p in paragraphs if not any(p in note.text for note in found)] == []


@given(st.text(alphabet="# a\n`~-<!>", max_size=200))
def test_places_are_unique_and_texts_are_not_empty(content: str) -> None:
    found = notes.notes(content)

    assert len({note.place for note in found}) == len(found)
    assert all(note.text.strip() for note in found)


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        notes.read(tmp_path / "gone.md")
    (tmp_path / "odd.md").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="not UTF-8"):
        notes.read(tmp_path / "odd.md")
    monkeypatch.setattr(notes, "NOTES_MAX", 1)
    (tmp_path / "many.md").write_text("# A\n1\n# B\n2")
    with pytest.raises(FileError, match="Divide it"):
        notes.read(tmp_path / "many.md")
    monkeypatch.setattr(notes, "FILE_BYTES_MAX", 1)
    with pytest.raises(FileError, match="Divide it"):
        notes.read(tmp_path / "many.md")
