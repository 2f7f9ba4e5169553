"""`tmws-mcp import-notes`: files of notes, and the store in step with them."""

import json
from pathlib import Path

import pytest

from tests.ingest.transcripts import SECRET

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3
TEXT = "# Ports\nThe staging database listens on 5432.\n\n# Style\nTabs, not spaces.\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "CLAUDE.md"
    path.write_text(TEXT)
    return path


def figures(tmws, *arguments: str) -> tuple[int, int, int, int]:
    told = json.loads(tmws("import-notes", *arguments, "--json").stdout)
    return told["stored"], told["replaced"], told["known"], told["forgotten"]


def test_sections_are_remembered_and_a_repeat_changes_nothing(tmws, file: Path) -> None:
    assert figures(tmws, str(file)) == (2, 0, 0, 0)
    assert figures(tmws, str(file)) == (0, 0, 2, 0)
    assert "5432" in tmws("inspect", "recall", "which port has the staging database").stdout


def test_a_section_that_changed_replaces_the_older_one(tmws, file: Path) -> None:
    tmws("import-notes", str(file))
    file.write_text(TEXT.replace("5432", "6543"))

    assert figures(tmws, str(file)) == (1, 1, 1, 0)
    found = tmws("inspect", "recall", "which port has the staging database").stdout
    assert "6543" in found
    assert "listens on 5432" not in found


def test_a_section_that_went_is_forgotten_and_can_be_brought_back(tmws, file: Path) -> None:
    tmws("import-notes", str(file))
    file.write_text(TEXT.split("# Style", maxsplit=1)[0])

    assert figures(tmws, str(file)) == (0, 0, 1, 1)
    assert "Tabs" not in tmws("inspect", "recall", "tabs or spaces").stdout


def test_only_the_notes_of_the_same_file_are_forgotten(tmws, tmp_path: Path) -> None:
    (tmp_path / "CLAUDE.md").write_text(TEXT)
    other = tmp_path / "docs" / "CLAUDE.md"
    other.parent.mkdir()
    other.write_text("# Food\nLunch is at noon.")
    tmws("import-notes", str(tmp_path))
    other.write_text("# Food\nLunch is at one.")

    assert figures(tmws, str(tmp_path)) == (1, 1, 2, 0)


def test_without_a_path_the_projects_own_files_are_read(tmws, file: Path, monkeypatch) -> None:
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(file.parent))

    assert figures(tmws) == (2, 0, 0, 0)


def test_without_a_file_it_is_said_which_ones_were_looked_for(tmws) -> None:
    told = tmws("import-notes")

    assert told.exit_code == NOTHING
    assert "AGENTS.md" in told.stderr


def test_a_folder_without_notes_is_named_and_the_others_are_read(
    tmws, file: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    none = tmws("import-notes", str(empty))
    assert (none.exit_code, str(empty) in none.stderr) == (NOTHING, True)
    assert figures(tmws, str(empty), str(file)) == (2, 0, 0, 0)


def test_a_dry_run_changes_nothing(tmws, file: Path) -> None:
    assert figures(tmws, str(file), "--dry-run") == (2, 0, 0, 0)
    assert figures(tmws, str(file)) == (2, 0, 0, 0)


def test_secrets_are_masked_where_the_settings_ask_for_it(
    tmws, file: Path, home: Path, monkeypatch
) -> None:
    monkeypatch.setenv("TMWS_MASK_SECRETS", "true")
    file.write_text(f"# Keys\nThe key is {SECRET}.")

    assert figures(tmws, str(file)) == (1, 0, 0, 0)
    assert figures(tmws, str(file)) == (0, 0, 1, 0)
    stored = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in stored)
