"""The examples run, and print what they say that they print.

They share one process and what it has imported and learned; each has a store of its own.
"""

import os
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"
SHOWS = re.compile(r"# shows (.+)$", re.MULTILINE)
ALONE = sorted(path for path in EXAMPLES.glob("*.py") if path.stem != "two_instances")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, a home and a namespace."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    monkeypatch.setenv("TMWS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMWS_NAMESPACE", "example")
    return tmp_path


def check(path: Path, printed: str) -> None:
    promised = SHOWS.findall(path.read_text("utf-8"))

    assert promised, "an example shows something"
    assert [text for text in promised if text not in printed] == [], printed


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_an_example_prints_what_it_says(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(path), run_name="__main__")

    check(path, capfd.readouterr().out)


def test_two_instances_share_what_they_learned(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMWS_REDIS_URL", redis_url)
    path = EXAMPLES / "two_instances.py"

    runpy.run_path(str(path), run_name="__main__")

    check(path, capfd.readouterr().out)


def test_an_installed_package_adds_its_action(place: Path) -> None:
    package = EXAMPLES / "custom_action"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=package, check=True, capture_output=True)
    [wheel] = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:  # as an installer does
        archive.extractall(place / "installed")
    environment = {**os.environ, "PYTHONPATH": str(place / "installed")}

    done = subprocess.run(
        [sys.executable, package / "ask.py"], env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    check(package / "ask.py", done.stdout)


def test_the_page_lists_every_example() -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")

    assert [path.name for path in EXAMPLES.glob("*.py") if f"({path.name})" not in page] == []
