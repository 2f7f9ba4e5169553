"""Versions of a pattern on the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

PORTS = """\
id: memory.ports
route: memory
summary: Known ports
triggers: {exact: [which ports]}
examples: {match: [which ports]}
steps: [{name: found, recall: WHAT}]
"""
NAME = "memory.ports"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pattern of one's own."""
    path = tmp_path / "mine" / "memory" / "ports.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(PORTS.replace("WHAT", "port"))
    monkeypatch.setenv("TMWS_PATTERN_DIRS", str(tmp_path / "mine"))
    monkeypatch.setenv("TMWS_EMBEDDER", "none")
    return path


def known(tmws: Run) -> list[str]:
    return [v["version"] for v in json.loads(tmws("patterns", "versions", NAME, "--json").stdout)]


def test_an_edit_is_undone_and_two_versions_are_compared(tmws: Run, file: Path) -> None:
    (first,) = known(tmws)
    file.write_text(PORTS.replace("WHAT", "harbour"))
    second, _ = known(tmws)
    assert "served since" in tmws("patterns", "versions", NAME).stdout

    restored = tmws("patterns", "restore", NAME, first[:6])
    assert restored.exit_code == 0, restored.output
    assert "recall: port" in file.read_text()

    begun = tmws("patterns", "ab", NAME, first, second)
    assert "share the queries" in begun.stdout
    early = tmws("patterns", "ab", NAME)
    assert early.exit_code == 3
    assert "observed" in early.stderr
    adopted = tmws("patterns", "ab", NAME, "--adopt", second)
    assert "The trial is over" in adopted.stdout
    assert "recall: harbour" in file.read_text()


def test_wrong_usage_says_what_is_right(tmws: Run, file: Path) -> None:
    assert file.exists()
    half = tmws("patterns", "ab", NAME, "abc")
    none = tmws("patterns", "ab", NAME, "--stop")
    missing = tmws("patterns", "restore", NAME, "ffff")

    assert "Give two versions" in half.stderr
    assert "patterns ab ID ONE OTHER" in none.stderr
    assert "There are" in missing.stderr
    assert {half.exit_code, none.exit_code, missing.exit_code} == {2, 3}


def test_a_trial_is_compared_for_programs_and_ended_without_a_choice(tmws: Run, file: Path) -> None:
    (first,) = known(tmws)
    file.write_text(PORTS.replace("WHAT", "harbour"))
    second, _ = known(tmws)
    assert tmws("patterns", "ab", NAME, first, second).exit_code == 0
    for number in range(8):
        asked = json.dumps({"query": "which ports", "namespace": f"n{number}"})
        tmws("inspect", "call", "pattern_execute", asked)

    compared = tmws("patterns", "ab", NAME, "--json")
    ended = tmws("patterns", "ab", NAME, "--stop")

    assert compared.exit_code in (0, 3), compared.output
    assert "the file serves" in ended.stdout
    assert "recall: harbour" in file.read_text()
