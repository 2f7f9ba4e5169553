"""Observations from JSON lines: what is good is counted, what is bad is named by its line."""

import json

import pytest

from tmws_mcp.cli import observe

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


def line(step: int, tool: str = "pytest", **fields: object) -> str:
    return json.dumps(
        {"task": "mend the build", "tool_used": tool, "session_id": "s", "step": step, **fields}
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "steps.jsonl"


def test_a_file_is_observed_and_a_repeat_counts_nothing(tmws, file):
    file.write_text("\n".join(line(step) for step in range(450)))  # three batches

    first = tmws("observe", "--jsonl", str(file), "--json")
    again = tmws("observe", "--jsonl", str(file), "--json")

    assert (first.exit_code, again.exit_code) == (OK, OK)
    assert json.loads(first.stdout)["observed"] == 450
    assert json.loads(again.stdout)["observed"] == 0


def test_bad_lines_are_named_and_the_others_are_observed(tmws, file):
    file.write_text(
        "\n".join([line(1), "{", line(2), '{"tool": "pytest"}', "", line(3, execution_time=-1)])
    )

    result = tmws("observe", "--jsonl", str(file), "--json")

    report = json.loads(result.stdout)
    assert result.exit_code == FAILED
    assert (report["observed"], report["bad"]) == (2, 3)
    for number in (2, 4, 6):
        assert f"line {number}:" in result.stderr
    assert "tool" in result.stderr


def test_a_line_that_says_nothing_is_bad_and_stops_nobody(tmws, file):
    file.write_text("\n".join(["{}", line(1)]))

    result = tmws("observe", "--jsonl", str(file), "--json")

    assert result.exit_code == FAILED
    assert json.loads(result.stdout)["observed"] == 1
    assert "line 1:" in result.stderr


def test_a_line_without_end_is_bad_and_the_next_one_is_read(tmws, file, monkeypatch):
    monkeypatch.setattr(observe, "LINE_CHARS_MAX", 200)
    file.write_text(f"{'x' * 1_000}\n{line(1)}\n")

    result = tmws("observe", "--jsonl", str(file), "--json")

    assert json.loads(result.stdout)["observed"] == 1
    assert "line 1: longer than 200 characters" in result.stderr


def test_bytes_that_are_no_text_are_bad(tmws, file):
    file.write_bytes(b'{"tool_used": "\xff"}\n' + line(1).encode())

    result = tmws("observe", "--jsonl", str(file), "--json")

    assert result.exit_code == FAILED
    assert json.loads(result.stdout)["observed"] == 1


def test_a_pipe_is_read_from_standard_input(tmws):
    steps = f'{{"tool_used": "make", "task": "build"}}\n{line(1)}\n'

    result = tmws("observe", "--jsonl", "-", "--namespace", "elsewhere", input=steps)

    assert result.exit_code == OK
    assert "2 observed" in result.stdout


def test_long_input_shows_progress_on_stderr(tmws, file, monkeypatch):
    monkeypatch.setattr(observe, "PROGRESS_LINES", 10)
    file.write_text("\n".join(line(step) for step in range(25)))

    result = tmws("observe", "--jsonl", str(file), "--json")

    assert "20 lines" in result.stderr
    assert json.loads(result.stdout)["observed"] == 25


def test_an_empty_file_is_nothing(tmws, file):
    file.touch()

    assert tmws("observe", "--jsonl", str(file)).exit_code == NOTHING


def test_a_file_that_cannot_be_read_fails_with_its_name(tmws, file):
    result = tmws("observe", "--jsonl", str(file))

    assert result.exit_code == FAILED
    assert str(file) in result.stderr


def test_a_malformed_namespace_is_wrong_usage(tmws, file):
    file.write_text(line(1))

    result = tmws("observe", "--jsonl", str(file), "--namespace", "No Such Name!")

    assert result.exit_code == USAGE
    assert "malformed" in result.stderr
