"""`tmws-mcp patterns run`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMWS_EMBEDDER", "none")


def test_queries_are_answered_from_the_line_and_from_a_file(tmws: Run, tmp_path: Path) -> None:
    file = tmp_path / "queries"
    file.write_text('what is 2+3\n\n{"query": "what is 4*5"}\n')

    result = tmws("patterns", "run", "what is 1+1", "--batch", str(file), "--json")
    answers = json.loads(result.stdout)["answers"]

    assert result.exit_code == 0
    assert [answer["query"] for answer in answers] == ["what is 1+1", "what is 2+3", "what is 4*5"]
    assert "20" in json.dumps(answers[2]["reply"]["result"])


def test_a_query_that_fails_is_shown_and_makes_the_command_fail(tmws: Run) -> None:
    result = tmws("patterns", "run", "zebra xylophone", "what is 2+3")

    assert result.exit_code == 1
    assert "> zebra xylophone" in result.stdout
    assert "5" in result.stdout


def test_a_line_that_is_no_json_is_named(tmws: Run, tmp_path: Path) -> None:
    file = tmp_path / "queries"
    file.write_text('health\n{"query": \n')

    result = tmws("patterns", "run", "--batch", str(file))

    assert result.exit_code != 0
    assert "queries:2: is not JSON" in result.stderr
    assert tmws("patterns", "run").exit_code == 3
