from pathlib import Path

import pytest

from tmws_mcp.patterns import catalog as catalog_module
from tmws_mcp.patterns.catalog import load_catalog, pattern_folders, shipped_folder
from tmws_mcp.patterns.matcher import Matcher


def test_a_broken_file_leaves_the_others_alone(write, folder: Path) -> None:
    write("memory.good")
    bad = write("memory.bad", "id: [")

    catalog = load_catalog([folder])

    assert list(catalog.patterns) == ["memory.good"]
    assert [problem.path for problem in catalog.problems] == [str(bad)]


def test_an_expression_that_re2_refuses_leaves_the_others_matchable(write, folder: Path) -> None:
    write("memory.good", exact="good")
    write(
        "memory.bad",
        r"""
        id: memory.bad
        route: memory
        summary: x
        triggers: {regex: ['(a)\1']}
        steps: [{name: a, recall: x}]
        """,
    )

    catalog = load_catalog([folder])

    assert Matcher(catalog).match("good").pattern == "memory.good"
    assert "RE2 refuses" in str(catalog.problems[0])


def test_a_later_folder_replaces_the_same_id(write, folder: Path) -> None:
    write("memory.recall", exact="mine")

    catalog = load_catalog([shipped_folder(), folder])

    assert catalog.patterns["memory.recall"].triggers.exact == ("mine",)
    assert catalog.files["memory.recall"].is_relative_to(folder)
    assert catalog.problems == ()


def test_folders_are_searched_recursively_and_json_is_read(write, folder: Path) -> None:
    path = write("memory.deep")
    (folder / "team" / "memory").mkdir(parents=True)
    path.rename(folder / "team" / "memory" / "deep.yaml")
    (folder / "memory" / "two.json").write_text(
        '{"id": "memory.two", "route": "memory", "summary": "x",'
        ' "steps": [{"name": "a", "recall": "x"}]}'
    )

    assert sorted(load_catalog([folder]).patterns) == ["memory.deep", "memory.two"]


def test_the_same_id_twice_in_one_folder_is_a_problem(write, folder: Path) -> None:
    text = write("memory.one").read_text("utf-8")
    (folder / "a" / "memory").mkdir(parents=True)
    (folder / "a" / "memory" / "one.yaml").write_text(text, "utf-8")

    problems = load_catalog([folder]).problems

    assert len(problems) == 1
    assert "stands in" in str(problems[0])


def test_a_link_out_of_the_folder_is_not_followed(write, folder: Path, tmp_path: Path) -> None:
    outside = write("memory.one").rename(tmp_path / "one.yaml")
    (folder / "memory" / "one.yaml").symlink_to(outside)
    (folder / "all").symlink_to("/")

    catalog = load_catalog([folder])

    assert not catalog.patterns
    assert "leads out of its folder" in str(catalog.problems[0])


def test_a_loop_of_links_takes_no_other_pattern_away(write, folder: Path) -> None:
    write("memory.one")
    (folder / "memory" / "two.yaml").symlink_to(folder / "memory" / "two.yaml")

    catalog = load_catalog([folder])

    assert list(catalog.patterns) == ["memory.one"]
    assert "two.yaml: is a link" in str(catalog.problems[0])


def test_a_missing_folder_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    catalog = load_catalog([shipped_folder(), tmp_path / "none"])

    assert catalog.patterns == load_catalog([shipped_folder()]).patterns
    assert "is not a folder" in str(catalog.problems[0])


def test_the_number_of_patterns_is_bounded(
    write, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "PATTERNS_MAX", 3)
    for number in range(5):
        write(f"memory.p{number}")

    catalog = load_catalog([folder])

    assert len(catalog.patterns) == 3
    assert "more than 3 patterns" in str(catalog.problems[0])


def test_the_number_of_files_looked_at_is_bounded(
    write, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "ENTRIES_SEEN_MAX", 3)
    for number in range(5):
        write(f"memory.p{number}")

    assert "name the pattern folder itself" in str(load_catalog([folder]).problems[0])


def test_the_version_changes_with_a_definition_and_not_with_its_place(
    write, folder: Path, tmp_path: Path
) -> None:
    write("memory.one")
    first = load_catalog([folder]).version
    moved = folder.rename(tmp_path / "moved")
    same = load_catalog([moved]).version
    (moved / "memory" / "one.yaml").write_text(
        (moved / "memory" / "one.yaml").read_text("utf-8").replace("Something", "Else"), "utf-8"
    )

    assert first == same
    assert load_catalog([moved]).version != first


def test_registered_patterns_lie_between_the_shipped_and_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert pattern_folders(tmp_path, [own]) == (shipped_folder(), own)

    (tmp_path / "patterns").mkdir()
    assert pattern_folders(tmp_path, [own]) == (shipped_folder(), tmp_path / "patterns", own)
