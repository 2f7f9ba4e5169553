import os
from pathlib import Path

import pytest

from tmws_mcp.actions.changes import changes
from tmws_mcp.actions.git import git_state, parse_status
from tmws_mcp.errors import ActionError

pytestmark = pytest.mark.anyio


async def test_branch_head_and_latest_commits_are_told(repo: Path, git) -> None:
    state = await git_state(repo)

    assert state["branch"] == "main"
    assert state["commit"] == git("rev-parse", "HEAD")[:12]
    assert state["changed"] == []
    assert state["changed_count"] == 0
    assert state["recent"][0].endswith(" Begin")


async def test_changes_of_every_kind_are_told(repo: Path, git) -> None:
    (repo / "old name.txt").write_text("a text that stays the same\n" * 9)
    git("add", ".")
    git("commit", "-q", "-m", "Add")
    git("mv", "old name.txt", "new name.txt")
    (repo / "app.py").write_text("print(2)\n")
    (repo / "größe.txt").write_text("new")

    state = await git_state(repo)

    assert state["changed"] == [".M app.py", "R. new name.txt", "?? größe.txt"]
    assert state["changed_count"] == 3


async def test_the_distance_from_upstream_is_told(repo: Path, git, tmp_path: Path) -> None:
    git("clone", "-q", "--bare", ".", str(tmp_path / "origin"))
    git("remote", "add", "origin", str(tmp_path / "origin"))
    git("fetch", "-q", "origin")
    git("branch", "-q", "--set-upstream-to=origin/main")
    git("commit", "-q", "--allow-empty", "-m", "More")

    state = await git_state(repo)

    assert (state["upstream"], state["ahead"], state["behind"]) == ("origin/main", 1, 0)


async def test_a_conflict_is_told(repo: Path, git) -> None:
    git("checkout", "-q", "-b", "other")
    (repo / "app.py").write_text("print('other')\n")
    git("commit", "-q", "-am", "Other")
    git("checkout", "-q", "main")
    (repo / "app.py").write_text("print('main')\n")
    git("commit", "-q", "-am", "Main")
    with pytest.raises(Exception, match="merge"):
        git("merge", "other")

    assert (await git_state(repo))["changed"] == ["UU app.py"]


@pytest.mark.usefixtures("git")
async def test_before_the_first_commit_there_is_no_head(tmp_path: Path) -> None:
    state = await git_state((tmp_path / "repo").resolve())

    assert state["commit"] is None
    assert state["recent"] == []


async def test_a_detached_head_is_told(repo: Path, git) -> None:
    git("checkout", "-q", "--detach")

    assert (await git_state(repo))["branch"] == "(detached)"


async def test_outside_of_a_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="not a git repository"):
        await git_state(tmp_path.resolve())


async def test_a_repository_above_the_folder_is_not_looked_at(repo: Path) -> None:
    (repo / "inner").mkdir()

    with pytest.raises(ActionError, match="not a git repository"):
        await git_state(repo / "inner")


async def test_without_git_says_so(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ActionError, match="git is not installed"):
        await git_state(repo)


@pytest.mark.parametrize("before", [".", "", "bin"])
async def test_a_git_in_the_working_folder_is_not_run(
    repo: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    planted = repo / before / "git"
    planted.parent.mkdir(exist_ok=True)
    planted.write_text("#!/bin/sh\ntouch ran\n")
    planted.chmod(0o755)
    monkeypatch.chdir(repo)
    monkeypatch.setenv("PATH", f"{before}{os.pathsep}{os.environ['PATH']}")

    assert (await git_state(repo))["branch"] == "main"
    assert not (repo / "ran").exists()


async def test_what_git_starts_is_not_looked_for_in_the_working_folder(
    repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A filter of the user's own settings is a program that git finds through PATH."""
    (tmp_path / ".gitconfig").write_text('[filter "lfs"]\n\tclean = planted\n')
    (repo / ".gitattributes").write_text("*.py filter=lfs\n")
    (repo / "app.py").write_text("print(2)\n")
    planted = repo / "planted"
    planted.write_text("#!/bin/sh\ntouch ran\ncat\n")
    planted.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(repo)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")

    assert ".M app.py" in (await git_state(repo))["changed"]
    assert not (repo / "ran").exists()


async def test_nothing_that_the_repository_configures_is_run(
    repo: Path, git, tmp_path: Path
) -> None:
    """Each of these would leave a mark if git ran it."""
    mark = tmp_path / "mark"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch '{mark}'\ncat\n")
    evil.chmod(0o755)
    for key in (
        *("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "gpg.program"),
        *("filter.evil.clean", "filter.evil.process", "filter.evil.smudge", "pager.log"),
    ):
        git("config", key, str(evil))
    git("config", "core.hooksPath", str(tmp_path))
    git("config", "log.showSignature", "true")
    (repo / ".gitattributes").write_text("*.py filter=evil\n")
    (repo / "app.py").write_text("print(3)\n")

    state = await git_state(repo)

    assert ".M app.py" in state["changed"]
    assert not mark.exists()


async def test_a_filter_that_cannot_be_switched_off_is_refused(
    repo: Path, git, tmp_path: Path
) -> None:
    """`-c filter.a=b.clean=` sets `filter.a`, and would leave `a=b` as it is."""
    mark = tmp_path / "mark"
    git("config", "filter.a=b.clean", f"touch {mark}; cat")
    (repo / ".gitattributes").write_text("*.py filter=a=b\n")
    (repo / "app.py").write_text("print(3)\n")

    for read in (git_state, changes):
        with pytest.raises(ActionError, match="a filter with = in its name"):
            await read(repo)
    assert not mark.exists()


async def test_nothing_that_a_submodule_configures_is_run(repo: Path, git, tmp_path: Path) -> None:
    mark, source = tmp_path / "mark", tmp_path / "source"
    for arguments in (
        ("init", "-q", str(source)),
        ("-C", str(source), "commit", "-q", "--allow-empty", "-m", "Begin"),
        ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), "inner"),
        ("commit", "-q", "-m", "Add a submodule"),
    ):
        git(*arguments)
    inner = repo / "inner"
    (inner / ".gitattributes").write_text("*.txt filter=evil\n")
    (inner / "a.txt").write_text("a")
    git("-C", str(inner), "add", ".")
    git("-C", str(inner), "commit", "-q", "-m", "Add a file")
    git("commit", "-q", "-am", "Take what is new in it")
    git("-C", str(inner), "config", "filter.evil.clean", f"touch {mark}; cat")
    (inner / "a.txt").write_text("b")

    assert (await git_state(repo))["changed"] == []
    assert (await changes(repo))["uncommitted"] == {"total": "none"}
    assert not mark.exists()


async def test_a_working_tree_named_elsewhere_is_not_looked_at(
    repo: Path, git, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "private.txt").write_text("x")
    git("config", "core.worktree", str(elsewhere))

    assert "private.txt" not in str(await git_state(repo))


async def test_many_changes_are_counted_and_the_first_shown(repo: Path) -> None:
    for number in range(30):
        (repo / f"f{number:02}").write_text("x")

    state = await git_state(repo)

    assert state["changed_count"] == 30
    assert len(state["changed"]) == 20


def test_a_status_that_was_cut_says_at_least() -> None:
    state = parse_status(b"# branch.oid (initial)\0# branch.head main\0? a\0? b", cut=True)

    assert state["changed_at_least"] == 2
    assert "changed_count" not in state
