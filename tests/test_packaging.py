"""The wheel: what is in it, and that what is in it suffices.

It is built with the environment's own build backend and installed into a fresh environment. That
one takes the dependencies from the environment of the tests, by a path file: installing them again
would need an index, and would test pip rather than our wheel. The path file does not bring the
editable installation with it, since path files within the folder that it adds are not read.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.process import ServerProcess
from tmws_mcp import __version__

ROOT = Path(__file__).resolve().parent.parent
WHEEL_BYTES_MAX = 10_000_000
"""The embedder's files have 7.9 MB; more than this would be something that does not belong in."""


def run(command: Sequence[str | Path], **options: object) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=180, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of a fresh environment in which the wheel is installed."""
    venv = tmp_path_factory.mktemp("fresh") / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", venv])
    binaries = venv / ("Scripts" if os.name == "nt" else "bin")
    python = binaries / Path(sys.executable).name
    run([*installer(python), "--no-deps", wheel])
    purelib = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    (Path(purelib) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return binaries / "tmws-mcp"


def installer(python: Path) -> list[str | Path]:
    """uv or a pip, whichever made the environment of the tests."""
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--offline", "--python", python]
    ours = importlib.util.find_spec("pip") is not None
    owner = sys.executable if ours else sys._base_executable
    return [owner, "-m", "pip", "--python", python, "install", "--no-index"]


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, object]:
    """Options of a process in an empty folder, whose home is empty too."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TMWS_", "PYTHON", "CLAUDE"))}
    folder = tmp_path / "empty"
    folder.mkdir()
    home = str(tmp_path / "home")
    return {"cwd": folder, "env": {**kept, "HOME": home, "TMWS_HOME": f"{home}/data"}}


def test_the_wheel_carries_every_shipped_pattern(names: set[str]) -> None:
    shipped = {p.relative_to(ROOT / "patterns") for p in (ROOT / "patterns").rglob("*.yaml")}

    assert shipped
    assert {f"tmws_mcp/_patterns/{path.as_posix()}" for path in shipped} <= names


def test_the_wheel_carries_every_shipped_persona(names: set[str]) -> None:
    shipped = {path.name for path in (ROOT / "personas").glob("*.yaml")}

    assert shipped
    assert {f"tmws_mcp/_personas/{name}" for name in shipped} <= names


def test_the_wheel_carries_every_file_of_the_package(names: set[str]) -> None:
    """Modules, the embedder's table, the marker of complete types."""
    package = ROOT / "tmws_mcp"
    files = (p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    expected = {p.relative_to(ROOT).as_posix() for p in files}

    assert expected - names == set()
    assert "tmws_mcp/py.typed" in names
    assert any(name.startswith("tmws_mcp/embedding/static256/") for name in names)


def test_the_wheel_carries_the_licences(names: set[str]) -> None:
    licences = f"tmws_mcp-{__version__}.dist-info/licenses"

    assert {f"{licences}/LICENSE", f"{licences}/NOTICE"} <= names


def test_the_wheel_carries_nothing_else(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}

    assert tops == {"tmws_mcp", f"tmws_mcp-{__version__}.dist-info"}
    assert [name for name in names if "__pycache__" in name or "test" in name.lower()] == []


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= WHEEL_BYTES_MAX


def test_the_installed_command_says_its_version(command: Path, nowhere: dict[str, object]) -> None:
    assert __version__ in run([command, "--version"], **nowhere)


def test_doctor_of_the_installed_command_finds_everything(
    command: Path, nowhere: dict[str, object]
) -> None:
    report = json.loads(run([command, "doctor", "--json"], **nowhere))

    states = {entry["check"]: entry["state"] for entry in report}
    assert {"vectors", "embedder", "patterns"} <= set(states)
    assert {check: state for check, state in states.items() if state != "ok"} == {}


def test_the_installed_server_runs_a_shipped_pattern(
    command: Path, nowhere: dict[str, object]
) -> None:
    with ServerProcess([str(command)], nowhere["env"]) as server:
        server.initialize()
        reply = server.call("pattern_execute", query="health check")

    assert reply["pattern"] == "infrastructure.health"


def test_the_source_archive_builds_the_same_wheel(tmp_path: Path, names: set[str]) -> None:
    """Distributions build from the source archive: what it lacks, they lack."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=ROOT)
    (archive,) = tmp_path.glob("*.tar.gz")
    # Pythons before 3.11.4 have no filters; the archive is our own, and they then trust it.
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    shutil.unpack_archive(archive, tmp_path, **safely)
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=source)
    (built,) = tmp_path.glob("*.whl")

    with zipfile.ZipFile(built) as rebuilt:
        assert set(rebuilt.namelist()) == names


def test_the_package_needs_what_it_imports_and_nothing_heavy() -> None:
    """What costs hundreds of megabytes is an extra, never a dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    named = " ".join(project["dependencies"])
    assert [heavy for heavy in ("torch", "onnxruntime", "tokenizers") if heavy in named] == []
