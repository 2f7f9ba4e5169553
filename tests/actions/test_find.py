from pathlib import Path

import pytest

from tmws_mcp.actions.command import OUTPUT_BYTES_MAX
from tmws_mcp.actions.find import FILES_SHOWN, LINE_CHARS_MAX, LINES_SHOWN
from tmws_mcp.actions.registry import ACTIONS, Workspace
from tmws_mcp.errors import ActionError

pytestmark = pytest.mark.anyio
RUN = ACTIONS["workspace.find"].run


@pytest.fixture
def tree(repo: Path) -> Path:
    (repo / ".gitignore").write_text("build/\n*.log\n")
    (repo / "build").mkdir()
    (repo / "build" / "retry_policy.py").write_text("def retry_policy(): ...\n")
    (repo / "a.py").write_text("from b import retry_policy\nretry_policy(3)\n")
    (repo / "b.py").write_text("\n\ndef retry_policy(times):\n    return times\n")
    (repo / "retry_notes.md").write_text("The policy of every retry is told here.\n")
    (repo / "run.log").write_text("retry_policy\n")
    return repo


async def test_the_line_that_defines_a_name_comes_first(tree: Path) -> None:
    told = await RUN({"text": "retry_policy"}, Workspace(tree))

    assert told["lines"] == [
        "b.py:3: def retry_policy(times):",
        "a.py:1: from b import retry_policy",
        "a.py:2: retry_policy(3)",
    ]


async def test_a_file_is_found_by_its_name_in_any_case(tree: Path) -> None:
    told = await RUN({"text": "RETRY_NOTES"}, Workspace(tree))

    assert told["files"] == ["retry_notes.md"]


async def test_files_without_a_line_of_text_are_found_by_their_names(
    tree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "plain"
    outside.mkdir()
    for folder in (tree, outside):
        (folder / "Logo.png").write_bytes(b"\x89PNG\r\n\0\0")
        (folder / "__init__.py").touch()
        (folder / "gr[öß]e*.txt").touch()
        for text, name in (
            *(("logo", "Logo.png"), ("__init__.py", "__init__.py")),
            *(("GR[Öß]E*", "gr[öß]e*.txt"), ("E*.", "gr[öß]e*.txt")),
        ):
            assert (await RUN({"text": text}, Workspace(folder)))["files"] == [name]


@pytest.mark.parametrize("text", ["../secret", "/../../secret", ":(exclude)secret", "*", "**/"])
async def test_a_name_leads_nowhere_else_whatever_it_holds(tree: Path, text: str) -> None:
    (tree.parent / "secret.txt").touch()

    assert (await RUN({"text": text}, Workspace(tree)))["files"] == []


async def test_where_git_writes_too_much_more_is_said_to_be_there(repo: Path) -> None:
    (repo / "bundle.js").write_text("needle " + "x" * OUTPUT_BYTES_MAX)

    told = await RUN({"text": "needle"}, Workspace(repo))

    assert told == {"files": [], "lines": [], "more_at_least": 1}


async def test_a_name_is_found_among_more_than_git_may_write(repo: Path) -> None:
    names = [f"{'x' * 200}{number:04}" for number in range(OUTPUT_BYTES_MAX // 200)]
    for name in names:
        (repo / name).write_text("x\n")
    (repo / "zebra").write_text("x\n")

    assert await RUN({"text": "zebra"}, Workspace(repo)) == {"files": ["zebra"], "lines": []}


async def test_what_gitignore_names_is_left_out_also_outside_of_a_repository(
    tree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "plain"
    (outside / "build").mkdir(parents=True)
    (outside / ".gitignore").write_text("build/\n")
    (outside / "build" / "x.py").write_text("needle\n")
    (outside / "y.py").write_text("needle\n")

    for folder, text in ((tree, "retry_policy"), (outside, "needle")):
        told = await RUN({"text": text}, Workspace(folder))
        assert not any("build/" in line or ".log" in line for line in told["lines"])
    assert told["lines"] == ["y.py:1: needle"]


async def test_words_that_do_not_stand_together_are_looked_for_in_a_line(tree: Path) -> None:
    told = await RUN({"text": "retry policy"}, Workspace(tree))

    assert "retry_notes.md:1: The policy of every retry is told here." in told["lines"]


async def test_the_longest_word_is_looked_for_where_no_line_holds_them_all(tree: Path) -> None:
    told = await RUN({"text": "old retry_policy zebra"}, Workspace(tree))

    assert told["text"] == "retry_policy"
    assert told["lines"][0] == "b.py:3: def retry_policy(times):"


async def test_nothing_found_is_an_empty_answer(tree: Path) -> None:
    assert await RUN({"text": "zebra"}, Workspace(tree)) == {
        "files": [],
        "lines": [],
    }


async def test_what_is_told_is_bounded_and_the_rest_counted(repo: Path) -> None:
    for number in range(FILES_SHOWN + 2):
        (repo / f"needle{number}.txt").write_text("needle " + "x" * 5_000 + "\n")

    told = await RUN({"text": "needle"}, Workspace(repo))

    assert len(told["files"]) == FILES_SHOWN
    assert len(told["lines"]) == LINES_SHOWN
    assert told["more"] == 2 + 2
    assert all(len(line) < LINE_CHARS_MAX + 40 for line in told["lines"])


async def test_a_link_out_of_the_workspace_is_not_followed(repo: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("needle\n")
    (repo / "link").symlink_to(secret)
    (repo / "key.txt").symlink_to(secret / "key.txt")

    assert (await RUN({"text": "needle"}, Workspace(repo)))["lines"] == []


@pytest.mark.parametrize("text", ["--open-files-in-pager=id", "-O", "-f/etc/hosts", "$(id)"])
async def test_a_text_is_a_text_and_neither_an_option_nor_a_program(repo: Path, text: str) -> None:
    (repo / "odd.txt").write_text(f"say {text} here\n")

    assert (await RUN({"text": text}, Workspace(repo)))["lines"] == [f"odd.txt:1: say {text} here"]


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "x" * 201, 3])
async def test_what_cannot_be_looked_for_is_refused(repo: Path, text: object) -> None:
    with pytest.raises(ActionError, match="`text` must be"):
        await RUN({"text": text}, Workspace(repo))
