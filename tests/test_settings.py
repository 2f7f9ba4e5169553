"""Where a setting comes from, and which namespace a call works on."""

from pathlib import Path

import pytest

from tmws_mcp.errors import SettingsError
from tmws_mcp.places import cache_folder, default_home
from tmws_mcp.project import project_namespace
from tmws_mcp.settings import Settings


def load(cwd: Path, **environ: str) -> Settings:
    return Settings.load({"HOME": str(cwd), **environ}, cwd=cwd)


def test_defaults_need_no_configuration(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert settings.db == settings.home / "tmws.db"
    assert settings.scope().model_dump(include={"namespace", "source", "also"}) == {
        "namespace": "default", "source": "default", "also": ("user",),
    }  # fmt: skip


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tmws.yaml"
    file.write_text("namespace: from-file\nembedder: none\n")

    settings = load(tmp_path, TMWS_CONFIG=str(file), TMWS_NAMESPACE="from-env")

    assert (settings.namespace, settings.embedder) == ("from-env", "none")


def test_unknown_settings_of_the_file_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "tmws.yaml"
    file.write_text("namespce: typo\n")

    with pytest.raises(SettingsError, match="TMWS_NAMESPCE"):
        load(tmp_path, TMWS_CONFIG=str(file))


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"TMWS_CONFIG.*missing\.yaml"):
        load(tmp_path, TMWS_CONFIG=str(tmp_path / "missing.yaml"))


def test_bad_values_are_named_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TMWS_HTTP_PORT") as refused:
        load(tmp_path, TMWS_HTTP_PORT="s3cr3t")

    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize("name", ["-x", "a b", "x" * 81, "ü", "a\0b", "../.."])
def test_a_malformed_namespace_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"TMWS_NAMESPACE.*malformed"):
        load(tmp_path, TMWS_NAMESPACE=name)


def test_namespace_from_argument_then_setting_then_project(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = load(tmp_path)
    chosen = load(tmp_path, TMWS_NAMESPACE="mine")

    assert project.scope().source == "project"
    assert chosen.scope().source == "setting"
    assert chosen.scope("other").source == "argument"
    assert chosen.scope("other").namespace == "other"


def test_the_user_namespace_is_not_recalled_twice_and_can_be_switched_off(tmp_path: Path) -> None:
    assert load(tmp_path).scope("user").also == ()
    assert load(tmp_path, TMWS_CONFIG=_config(tmp_path, "user_namespace: ''")).scope().also == ()
    assert load(tmp_path, TMWS_USER_NAMESPACE="").scope().also == ()
    assert load(tmp_path, TMWS_NAMESPACE="").scope().source == "default"


def _config(folder: Path, text: str) -> str:
    (folder / "config.yaml").write_text(text)
    return str(folder / "config.yaml")


def test_the_project_is_the_git_root_of_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    assert load(deep).project == tmp_path


def test_a_linked_worktree_belongs_to_its_repository(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    (main / ".git" / "worktrees" / "tree").mkdir(parents=True)
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {main}/.git/worktrees/tree\n")
    (main / ".git" / "worktrees" / "tree" / "gitdir").write_text(f"{tree}/.git\n")

    assert load(tree).scope().namespace == load(main).scope().namespace
    assert (load(tree).workspace, load(main).workspace) == (tree, main)


@pytest.mark.parametrize("known", [None, "/elsewhere/.git", ""])
def test_a_folder_cannot_pass_for_a_worktree_of_another_project(
    tmp_path: Path, known: str | None
) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    (main / ".git" / "worktrees" / "tree").mkdir(parents=True)
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {main}/.git/worktrees/tree\n")
    if known is not None:
        (main / ".git" / "worktrees" / "tree" / "gitdir").write_text(known)

    assert load(tree).project == tree


def test_the_client_may_name_the_project(tmp_path: Path) -> None:
    named = tmp_path / "My App!"

    settings = load(tmp_path, CLAUDE_PROJECT_DIR=str(named))

    assert settings.project == named
    assert settings.scope().namespace.startswith("my-app-")


def test_projects_of_the_same_name_do_not_share_a_namespace() -> None:
    assert project_namespace(Path("/a/api")) != project_namespace(Path("/b/api"))


@pytest.mark.parametrize("name", ["ü", "---", "x" * 200, "日本語", "a" * 59 + "-b"])
def test_every_folder_name_gives_a_valid_namespace(tmp_path: Path, name: str) -> None:
    namespace = project_namespace(Path("/home/ada") / name)

    assert load(tmp_path, TMWS_NAMESPACE=namespace).namespace == namespace


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ".local/share/tmws-mcp"),
        ("darwin", "Library/Application Support/tmws-mcp"),
        ("win32", "AppData/Local/tmws-mcp"),
    ],
)
def test_the_home_follows_the_platform(platform: str, expected: str) -> None:
    assert default_home({"HOME": "/home/ada"}, platform) == Path("/home/ada") / expected


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ".cache/tmws-mcp"),
        ("darwin", "Library/Caches/tmws-mcp"),
        ("win32", "AppData/Local/tmws-mcp/Cache"),
    ],
)
def test_what_can_be_made_anew_lies_where_the_platform_keeps_it(
    platform: str, expected: str
) -> None:
    assert cache_folder({"HOME": "/home/ada"}, platform) == Path("/home/ada") / expected


def test_another_folder_for_caches_is_followed() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/x"}, "linux") == Path("/x/tmws-mcp")


def test_pattern_folders_are_a_path_list(tmp_path: Path) -> None:
    settings = load(tmp_path, TMWS_PATTERN_DIRS=f"{tmp_path}/a:{tmp_path}/b")

    assert settings.pattern_dirs == (tmp_path / "a", tmp_path / "b")


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    assert "hunter2" not in repr(load(tmp_path, TMWS_REDIS_URL="redis://:hunter2@localhost"))
