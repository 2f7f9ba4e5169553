"""Real repositories."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git in the repository `tmp_path/repo`, which exists and is empty."""
    repo = tmp_path / "repo"
    repo.mkdir()

    def run(*arguments: str) -> str:
        command = ["git", *IDENTITY, *arguments]
        return subprocess.run(command, cwd=repo, check=True, capture_output=True, text=True).stdout

    run("init", "-q", "-b", "main")
    return run


@pytest.fixture
def repo(git: Git, tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "repo"
    (folder / "app.py").write_text("print(1)\n")
    git("add", ".")
    git("commit", "-q", "-m", "Begin")
    return folder.resolve()
