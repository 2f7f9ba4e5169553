"""The project itself: its lock, its layers, its sizes, and what starts from a clone."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.process import ServerProcess
from tmws_mcp import __version__

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PATH_IN_EXAMPLE = "/path/to/tmws_mcp/.venv"


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def required() -> list[Requirement]:
    groups = PROJECT["dependency-groups"].values()
    lines = [*PROJECT["project"]["dependencies"], *(line for group in groups for line in group)]
    return [Requirement(line) for line in lines]


def locked() -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[^\]]+\])?==(\S+)", LOCK, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def test_the_lock_names_no_index() -> None:
    assert "://" not in LOCK
    assert "index-url" not in LOCK
    assert "find-links" not in LOCK


def test_everything_in_the_lock_has_hashes() -> None:
    entries = re.split(r"^(?=[\w.\[\]-]+==)", LOCK, flags=re.MULTILINE)[1:]

    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_keeps_the_extras_that_packages_ask_for() -> None:
    """Older pips take `coverage[toml]` for another project than the pinned `coverage`."""
    assert "coverage[toml]==" in LOCK


def test_the_lock_keeps_to_the_bounds_of_pyproject() -> None:
    versions = locked()

    for requirement in required():
        found = versions[canonicalize_name(requirement.name)]
        assert [v for v in found if not requirement.specifier.contains(v)] == [], requirement


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    for requirement in required():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, requirement


def test_the_version_stands_in_two_places_alike() -> None:
    assert PROJECT["project"]["version"] == __version__


def test_an_environment_that_is_up_to_date_is_left_alone(tmp_path: Path) -> None:
    """The second `make` must be quick: no tool is started, nothing is printed."""
    project = copied_project(tmp_path)
    stamp = run(sys.executable, "-c", STAMP_OF_COPY, cwd=project).stdout
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (project / ".venv" / "tmws-bootstrap").write_text(stamp)

    done = run(sys.executable, "scripts/bootstrap.py", cwd=project, PATH="/nowhere")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


STAMP_OF_COPY = """
import sys; sys.path.insert(0, "scripts")
import bootstrap
print(bootstrap.fingerprint(bootstrap.LOCK, bootstrap.ROOT / "pyproject.toml"), end="")
"""


def copied_project(folder: Path) -> Path:
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap.py", folder / "scripts")
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_an_environment_that_cannot_be_made_says_which_step_failed(tmp_path: Path) -> None:
    project = copied_project(tmp_path)
    (project / "requirements.lock").write_text("this is no requirement at all\n")

    done = run(sys.executable, "scripts/bootstrap.py", cwd=project)

    assert done.returncode == 2
    assert "Installing the locked packages" in done.stderr
    assert "failed with exit code" in done.stderr
    assert not (project / ".venv" / "tmws-bootstrap").exists()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_help_lists_the_targets() -> None:
    shown = run("make", "help").stdout

    listed = {line.split()[1] for line in shown.splitlines()}
    assert {"help", "demo", "test", "check", "fix", "bench", "docs"} <= listed


def layers(folder: Path) -> subprocess.CompletedProcess:
    """Check the layers of a copy of the package."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    command = (Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo")
    return run(*command, cwd=folder, PYTHONPATH=str(folder))


def copied_package(folder: Path) -> Path:
    only_code = shutil.ignore_patterns("__pycache__", "*.bin", "*.npy", "static256")
    return Path(shutil.copytree(ROOT / "tmws_mcp", folder / "tmws_mcp", ignore=only_code))


def test_a_package_without_a_level_fails_the_layers(tmp_path: Path) -> None:
    package = copied_package(tmp_path)
    (package / "surprise").mkdir()
    (package / "surprise" / "__init__.py").write_text('"""A package that nobody announced."""\n')

    done = layers(tmp_path)

    assert done.returncode != 0
    assert "surprise" in done.stdout + done.stderr


def test_an_import_upwards_fails_the_layers(tmp_path: Path) -> None:
    package = copied_package(tmp_path)
    with (package / "errors.py").open("a") as module:
        module.write("\nfrom tmws_mcp import settings\n")

    done = layers(tmp_path)

    assert done.returncode != 0
    assert "tmws_mcp.errors" in done.stdout + done.stderr


def function_of(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize(("lines", "verdict"), [(40, 0), (41, 1)])
def test_a_function_may_have_forty_lines(tmp_path: Path, lines: int, verdict: int) -> None:
    (tmp_path / "module.py").write_text(function_of(lines))

    done = run(sys.executable, ROOT / "scripts" / "check_sizes.py", tmp_path)

    assert done.returncode == verdict, done.stdout


@pytest.mark.parametrize(("lines", "verdict"), [(400, 0), (401, 1)])
def test_a_module_may_have_four_hundred_lines(tmp_path: Path, lines: int, verdict: int) -> None:
    (tmp_path / "module.py").write_text("x = 1\n" * lines)

    done = run(sys.executable, ROOT / "scripts" / "check_sizes.py", tmp_path)

    assert done.returncode == verdict, done.stdout


def example() -> dict[str, dict]:
    text = (ROOT / "claude_desktop_config.example.json").read_text("utf-8")
    return json.loads(text)["mcpServers"]


def test_the_example_configuration_starts_the_published_package() -> None:
    """uvx finds a command by its distribution's name, so both must be called the same."""
    entry = example()["tmws"]

    assert (entry["command"], entry["args"]) == ("uvx", [PROJECT["project"]["name"]])
    assert PROJECT["project"]["name"] in PROJECT["project"]["scripts"]


def test_the_example_configuration_starts_a_server_from_a_clone(tmp_path: Path) -> None:
    entry = example()["tmws-from-a-clone"]
    assert entry["command"].startswith(PATH_IN_EXAMPLE)
    command = [entry["command"].replace(PATH_IN_EXAMPLE, sys.prefix), *entry["args"]]

    with ServerProcess(command, {**entry["env"], "TMWS_HOME": str(tmp_path)}) as server:
        answer = server.initialize()

    assert answer["serverInfo"]["version"] == __version__


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("see https://py" + "pi.org/project/x", 1),
        ('"resolved": "https://registry.npm' + 'js.org/x"', 1),
        ("store = '/home/somebody/main/tmws.db'", 1),
        ("the home folder is /home/ada/My App", 0),
        ("a registry is a plain dict", 0),
    ],
)
def test_hosts_of_registries_and_paths_of_a_machine_are_not_published(
    line: str, found: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import check_tree  # noqa: PLC0415 - scripts are not on the path otherwise

    monkeypatch.setattr(check_tree, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(line)

    assert len(list(check_tree.findings(page, ("/home/somebody/main/",)))) == found
