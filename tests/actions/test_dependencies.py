import json
from pathlib import Path

import pytest

from tmws_mcp.actions.dependencies import DEPENDENCIES_MAX, MANIFEST_BYTES_MAX
from tmws_mcp.actions.registry import ACTIONS, Workspace
from tmws_mcp.errors import ActionError

pytestmark = pytest.mark.anyio
RUN = ACTIONS["workspace.dependencies"].run

MANIFESTS = {
    "pyproject.toml": """
        [project]
        requires-python = ">=3.11"
        dependencies = ["httpx>=0.27,<1", "pydantic>=2"]
        [project.optional-dependencies]
        redis = ["redis>=5"]
        [dependency-groups]
        dev = ["pytest>=9", {include-group = "x"}]
    """,
    "requirements-dev.txt": """
        # tools
        ruff==0.9.1 \\
            --hash=sha256:00
        -r other.txt
    """,
    "package.json": json.dumps({"dependencies": {"react": "^19"}, "engines": {"node": ">=22"}}),
    "Cargo.toml": '[dependencies]\nserde = { version = "1.0" }\nlog = "0.4"\n',
    "go.mod": "module example.org/x\n\ngo 1.24\n\nrequire (\n\tgithub.com/a/b v1.2.3\n)\n",
    "Gemfile": "source 'https://rubygems.org'\ngem 'rails', '~> 8.0'\n",
}


def written(folder: Path, name: str) -> None:
    lines = MANIFESTS[name].splitlines()
    (folder / name).write_text("\n".join(line.removeprefix("        ") for line in lines))


@pytest.mark.parametrize(
    ("manifest", "groups"),
    [
        (
            "pyproject.toml",
            {
                "dependencies": ["httpx>=0.27,<1", "pydantic>=2"],
                "extra redis": ["redis>=5"],
                "group dev": ["pytest>=9"],
                "python": [">=3.11"],
            },
        ),
        ("requirements-dev.txt", {"requirements": ["ruff==0.9.1"]}),
        ("package.json", {"dependencies": ["react ^19"], "engines": ["node >=22"]}),
        ("Cargo.toml", {"dependencies": ["serde 1.0", "log 0.4"]}),
        ("go.mod", {"require": ["github.com/a/b v1.2.3"]}),
        ("Gemfile", {"gems": ["rails, ~> 8.0"]}),
    ],
)
async def test_a_manifest_is_read(tmp_path: Path, manifest: str, groups: object) -> None:
    written(tmp_path, manifest)

    told = await RUN({}, Workspace(tmp_path))

    assert told == {"manifests": {manifest: groups}}


async def test_a_name_leaves_those_that_hold_it(tmp_path: Path) -> None:
    written(tmp_path, "pyproject.toml")
    written(tmp_path, "package.json")

    one = await RUN({"name": "HTTPX"}, Workspace(tmp_path))
    none = await RUN({"name": "django"}, Workspace(tmp_path))

    assert one["manifests"] == {"pyproject.toml": {"dependencies": ["httpx>=0.27,<1"]}}
    assert none == {"asked_for": "django", "manifests": "none declares it"}


async def test_a_manifest_that_cannot_be_read_is_said_and_the_others_are(tmp_path: Path) -> None:
    written(tmp_path, "go.mod")
    (tmp_path / "package.json").write_text("{")
    (tmp_path / "pyproject.toml").write_text("project = 3")
    (tmp_path / "Cargo.toml").write_bytes(b"#" * (MANIFEST_BYTES_MAX + 1))

    told = await RUN({}, Workspace(tmp_path))

    assert list(told["manifests"]) == ["go.mod"]
    assert [problem.split(":")[0] for problem in told["problems"]] == [
        "pyproject.toml",
        "package.json",
        "Cargo.toml",
    ]


async def test_a_manifest_that_is_a_link_out_of_the_workspace_is_not_read(tmp_path: Path) -> None:
    workspace = tmp_path / "inside"
    workspace.mkdir()
    written(tmp_path, "go.mod")
    (workspace / "go.mod").symlink_to(tmp_path / "go.mod")

    told = await RUN({}, Workspace(workspace))

    assert "leads out of the workspace" in told["problems"][0]


async def test_a_long_list_is_cut(tmp_path: Path) -> None:
    lines = [f"package{number}==1" for number in range(DEPENDENCIES_MAX + 9)]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))

    told = await RUN({}, Workspace(tmp_path))

    assert len(told["manifests"]["requirements.txt"]["requirements"]) == DEPENDENCIES_MAX


async def test_a_folder_without_a_manifest_is_an_error_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match=r"none of pyproject.toml, requirements\*.txt"):
        await RUN({}, Workspace(tmp_path))
