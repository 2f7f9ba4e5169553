from pathlib import Path

import pytest

from tmws_mcp.actions.registry import ACTIONS, Workspace, is_known, is_read_only
from tmws_mcp.actions.workspace import layout
from tmws_mcp.errors import ActionError

pytestmark = pytest.mark.anyio
RUN = ACTIONS["workspace.state"].run


async def test_layout_kind_and_repository_are_told_together(repo: Path) -> None:
    (repo / "pyproject.toml").write_text("")
    (repo / "src").mkdir()

    state = await RUN({}, Workspace(repo))

    assert state["folder"] == str(repo)
    assert state["project"] == ["python"]
    assert state["entries"] == ["app.py", "pyproject.toml", "src/"]
    assert state["git"]["branch"] == "main"


async def test_outside_of_a_repository_the_rest_is_told(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("")

    state = await RUN({}, Workspace(tmp_path))

    assert state["project"] == ["rust"]
    assert state["git"] is None
    assert state["git_note"] == "The folder is not a git repository."


async def test_without_a_workspace_the_error_names_the_setting() -> None:
    with pytest.raises(ActionError, match="TMWS_WORKSPACE"):
        await RUN({}, Workspace())


async def test_no_other_folder_can_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="Unknown argument 'folder'"):
        await RUN({"folder": "/etc"}, Workspace(tmp_path))


async def test_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="cannot be read"):
        await RUN({}, Workspace(tmp_path / "gone"))


def test_what_is_not_shown_is_counted(tmp_path: Path) -> None:
    for number in range(45):
        (tmp_path / f"file{number:02}").write_text("")
    (tmp_path / ".hidden").write_text("")

    found = layout(tmp_path)

    assert len(found["entries"]) == 40
    assert found["more_entries"] == 5
    assert found["hidden_entries"] == 1


def test_actions_over_our_own_state_are_known_without_an_engine() -> None:
    assert is_known("status.health")
    assert is_read_only("patterns.explain")
    assert not is_known("rocket.launch")
    assert not is_read_only("rocket.launch")
