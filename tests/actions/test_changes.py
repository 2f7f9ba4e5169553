from pathlib import Path

import pytest

from tmws_mcp.actions.changes import COMMITS_SHOWN, FILES_SHOWN
from tmws_mcp.actions.command import OUTPUT_BYTES_MAX
from tmws_mcp.actions.registry import ACTIONS, Workspace
from tmws_mcp.errors import ActionError

pytestmark = pytest.mark.anyio
RUN = ACTIONS["workspace.changes"].run


@pytest.fixture
def history(repo: Path, git) -> Path:
    """A release, a commit after it, and work that is not committed."""
    git("tag", "v1.0")
    (repo / "app.py").write_text("print(1)\nprint(2)\n")
    (repo / "new.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "Print twice")
    (repo / "app.py").write_text("print(2)\n")
    (repo / "draft.txt").write_text("later")
    return repo


async def test_commits_files_and_what_is_uncommitted_are_told(history: Path) -> None:
    told = await RUN({}, Workspace(history))

    assert [commit.split(" ", 2)[2] for commit in told["commits"]] == ["Print twice", "Begin"]
    assert "committed" not in told
    assert told["uncommitted"] == {
        "changed": ["+0 -1 app.py"],
        "new": ["draft.txt"],
    }


async def test_the_latest_tag_is_the_last_release(history: Path) -> None:
    told = await RUN({"base": "release"}, Workspace(history))

    assert told["since"] == "v1.0"
    assert len(told["commits"]) == 1
    assert told["committed"]["changed"] == ["+1 -0 app.py", "+1 -0 new.py"]


async def test_commits_are_limited_to_those_after_a_moment(history: Path, git) -> None:
    git("commit", "-q", "--allow-empty", "-m", "Old", "--date", "2020-01-01T00:00:00")

    everything = await RUN({"since": "2000-01-01"}, Workspace(history))
    nothing = await RUN({"since": "2090-01-01T00:00:00+00:00"}, Workspace(history))

    assert len(everything["commits"]) == 3
    assert nothing["commits"] == []
    assert nothing["committed"] == {"total": "none"}


async def test_what_is_told_is_bounded(repo: Path, git) -> None:
    for number in range(COMMITS_SHOWN + 3):
        (repo / f"f{number}.txt").write_text("x\n")
        git("add", ".")
        git("commit", "-q", "-m", f"Commit {number} " + "y" * 300)
    for number in range(FILES_SHOWN + 5):
        (repo / f"n{number}.txt").write_text("x")

    told = await RUN({"since": "2000-01-01"}, Workspace(repo))

    assert len(told["commits"]) == COMMITS_SHOWN
    assert told["more_commits"] == 4
    assert len(told["uncommitted"]["new"]) == FILES_SHOWN
    assert told["uncommitted"]["new_count"] == FILES_SHOWN + 5
    assert all(len(commit) <= 100 for commit in told["commits"])


async def test_where_git_writes_too_much_numbers_are_at_least(repo: Path, git) -> None:
    names = [f"{'x' * 200}{number:04}" for number in range(OUTPUT_BYTES_MAX // 200)]
    for name in names:
        (repo / name).write_text("x\n")
    untracked = (await RUN({}, Workspace(repo)))["uncommitted"]
    git("add", ".")
    staged = (await RUN({}, Workspace(repo)))["uncommitted"]
    git("commit", "-q", "-m", "Many")
    committed = (await RUN({"since": "2000-01-01"}, Workspace(repo)))["committed"]
    latest = (await RUN({}, Workspace(repo)))["commits"]

    assert FILES_SHOWN < untracked["new_at_least"] < len(names)
    assert "new_count" not in untracked
    assert staged["total"].startswith("at least ")
    assert committed["total"].startswith("at least ")
    assert len(latest) == 2


async def test_what_git_cannot_tell_is_not_told_as_nothing(history: Path) -> None:
    (history / ".git" / "index").write_bytes(b"no index")

    with pytest.raises(ActionError, match="git failed"):
        await RUN({}, Workspace(history))


async def test_a_subject_with_tabs_is_no_file(repo: Path, git) -> None:
    git("commit", "-q", "--allow-empty", "-m", "1\t2\tno file")

    assert (await RUN({"since": "2000-01-01"}, Workspace(repo)))["committed"] == {
        "changed": ["+1 -0 app.py"]
    }


async def test_before_the_first_commit_what_is_staged_is_uncommitted(git, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    empty = await RUN({}, Workspace(repo))
    (repo / "app.py").write_text("print(1)\n")
    (repo / "notes.txt").write_text("x")
    git("add", "app.py")
    told = await RUN({}, Workspace(repo))

    assert empty == {"commits": [], "uncommitted": {"total": "none"}}
    assert told["commits"] == []
    assert told["uncommitted"] == {"changed": ["+1 -0 app.py"], "new": ["notes.txt"]}


@pytest.mark.parametrize("base", ["--output=/tmp/x", "a..b", "HEAD; id", "@{-1}", "x" * 200])
async def test_what_is_no_name_of_a_commit_is_refused(repo: Path, base: str) -> None:
    with pytest.raises(ActionError, match="is no name of"):
        await RUN({"base": base}, Workspace(repo))


async def test_a_branch_that_is_not_there_is_named(repo: Path) -> None:
    with pytest.raises(ActionError, match="no branch, tag or commit 'nowhere'"):
        await RUN({"base": "nowhere"}, Workspace(repo))
    with pytest.raises(ActionError, match="There is no tag yet"):
        await RUN({"base": "release"}, Workspace(repo))


async def test_a_moment_that_is_none_is_refused(repo: Path) -> None:
    with pytest.raises(ActionError, match="give a moment such as"):
        await RUN({"since": "whenever"}, Workspace(repo))


async def test_an_external_diff_of_the_repository_is_not_run(history: Path, git) -> None:
    program = history / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {history}/ran\n")
    program.chmod(0o755)
    git("config", "diff.external", str(program))
    git("config", "diff.evil.textconv", str(program))
    (history / ".gitattributes").write_text("*.py diff=evil\n")

    await RUN({"base": "release"}, Workspace(history))

    assert not (history / "ran").exists()


@pytest.mark.usefixtures("git")
async def test_without_a_workspace_the_setting_is_named() -> None:
    with pytest.raises(ActionError, match="TMWS_WORKSPACE"):
        await RUN({}, Workspace())
