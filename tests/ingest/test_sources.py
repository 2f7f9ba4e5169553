"""What is read out of the records of other programs."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest import transcripts
from tests.ingest.transcripts import SESSION, answered, said, used, write
from tmws_mcp.errors import FileError
from tmws_mcp.ingest import files
from tmws_mcp.ingest.calls import SECONDS_MAX, TEXT_CHARS_MAX, failure
from tmws_mcp.ingest.sources import SOURCES
from tmws_mcp.model import Interaction


def ignore(_: object) -> None:
    """Hear a problem, or how far it is, and do nothing."""


def read(source: str, path: Path) -> list[Interaction]:
    problems: list[str] = []
    found = list(SOURCES[source].read(path, problems.append, ignore))
    assert problems == []
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trace.jsonl"


def test_a_transcript_gives_each_call_with_its_outcome_time_and_task(file: Path) -> None:
    write(file, transcripts.session())

    failed, edited, again, end = read("claude-code", file)

    assert [(one.tool_used, one.step, one.success) for one in (failed, edited, again)] == [
        ("Bash", 0, False), ("Edit", 1, True), ("Bash", 2, True),
    ]  # fmt: skip
    assert failed.error.startswith("Exit code 2")
    assert (failed.execution_time, again.execution_time) == (2.0, 4.0)
    assert {one.task for one in (failed, edited, again)} == {"mend the build of the parser"}
    assert (failed.turn, again.turn) == ("mend the build of the parser", "and run it again")
    assert (failed.evidence, edited.evidence) == ("exit_code", None)
    assert failed.arguments == {"n": 0}
    assert (end.session_id, end.outcome) == (SESSION, "unknown")


def test_a_subagent_is_a_session_of_its_own(file: Path) -> None:
    own = {"isSidechain": True, "agentId": "a1"}
    write(
        file,
        [
            said("mend it"),
            used(0, "Task"),
            said("look for the cause", **own),
            used(1, "Grep", **own),
            answered(1, **own),
            answered(0),
        ],
    )

    found = {one.tool_used: one for one in read("claude-code", file) if one.tool_used}

    assert (found["Task"].session_id, found["Task"].step) == (SESSION, 0)
    assert (found["Grep"].session_id, found["Grep"].step) == (f"{SESSION}/a1", 0)
    assert found["Grep"].task == "look for the cause"


def test_what_a_person_refused_is_that_persons_word(file: Path) -> None:
    text = "The user doesn't want to proceed with this tool use. The tool use was rejected"
    write(file, [said("tidy up"), used(0, "Bash"), answered(0, text, error=True)])

    refused = read("claude-code", file)[0]

    assert (refused.success, refused.evidence) == (False, "user")


def test_a_message_log_gives_calls_that_were_answered(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps([transcripts.conversation()]), "utf-8")

    first, second, end = read("messages", path)

    assert (first.tool_used, first.success, first.error) == (
        "search_flights", False, "no date given",
    )  # fmt: skip
    assert (second.success, second.arguments) == (True, {"to": "Oslo", "date": "2026-03-01"})
    assert {one.task for one in (first, second)} == {"book a flight to Oslo"}
    assert (first.session_id, first.step, second.step, end.outcome) == ("conv-7", 0, 1, "unknown")


def test_a_conversation_without_a_name_is_known_again(file: Path) -> None:
    conversation = transcripts.conversation()
    del conversation["id"]
    write(file, [conversation])
    before = {one.session_id for one in read("messages", file)}
    conversation["messages"].append({"role": "tool", "tool_call_id": "call_2", "content": "booked"})
    write(file, [conversation])

    assert {one.session_id for one in read("messages", file)} == before


def test_spans_come_in_the_order_of_their_beginnings(tmp_path: Path) -> None:
    path = tmp_path / "spans.json"
    path.write_text(json.dumps(transcripts.spans()), "utf-8")

    weighed, labelled, end = read("otel", path)

    assert (weighed.tool_used, weighed.step, weighed.success) == ("weigh", 0, False)
    assert weighed.error == "scale is off"
    assert (labelled.tool_used, labelled.step, labelled.success) == ("print_label", 1, True)
    assert labelled.execution_time == 0.5
    assert weighed.task == "weigh the parcel"
    assert {weighed.session_id, labelled.session_id, end.session_id} == {"conv-9"}


def test_lines_of_ours_are_taken_as_they_are(file: Path) -> None:
    line = {"session_id": "s", "step": 3, "tool_used": "pytest", "success": False, "error": "red"}
    write(file, [line])

    assert read("jsonl", file) == [Interaction.model_validate(line)]


def test_a_line_that_is_no_json_is_told_and_the_rest_goes_on(file: Path) -> None:
    write(file, transcripts.session())
    file.write_bytes(b'{"type": "user"\n\xff\xfe\n[1, 2]\n' + file.read_bytes())
    problems: list[str] = []

    found = list(SOURCES["claude-code"].read(file, problems.append, ignore))

    assert len(found) == 4
    assert [problem.split(":")[1] for problem in problems] == ["1", "2"]


def test_a_line_beyond_the_bound_is_left_out(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LINE_BYTES_MAX", 2_000)
    long = said("x" * 5_000)
    write(file, [long, said("mend it"), used(0, "Bash"), answered(0)])
    problems: list[str] = []

    found = list(SOURCES["claude-code"].read(file, problems.append, ignore))

    assert [one.tool_used for one in found] == ["Bash", ""]
    assert problems


def test_texts_and_times_are_bounded(file: Path) -> None:
    write(
        file,
        [
            said("a\0b" * 5_000),
            used(0, "T" * 500, 0),
            answered(0, "e" * 50_000, 0, error=True) | {"timestamp": "2036-02-01T00:00:00Z"},
        ],
    )

    call = read("claude-code", file)[0]

    assert len(call.task) <= TEXT_CHARS_MAX
    assert "\0" not in call.task
    assert len(call.error) == TEXT_CHARS_MAX
    assert len(call.tool_used) == 200
    assert call.execution_time is None
    assert SECONDS_MAX == 86_400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "message", "content", "messages", "role", "tool_calls", "function", "id",
             "name", "text", "resourceSpans", "scopeSpans", "spans", "attributes", "value", "key"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(entry=JSON, kind=st.sampled_from(["user", "assistant"]))
def test_no_record_makes_reading_fail(
    tmp_path_factory: pytest.TempPathFactory, entry: Any, kind: str
) -> None:
    path = tmp_path_factory.mktemp("odd") / "odd.jsonl"
    wrapped = {"type": kind, "message": entry, "messages": entry, "resourceSpans": entry}
    write(path, [wrapped])

    for source in SOURCES.values():
        for one in source.read(path, ignore, ignore):
            assert isinstance(one, Interaction)


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        ("Error: no such file", True),
        ("Traceback (most recent call last)", True),
        ("3 errors were mended", False),
        ({"error": None, "rows": 2}, False),
        ({"error": {"message": "late"}}, True),
        ({"ok": False}, True),
        ({"exit_code": 1}, True),
        ({"exit_code": 0}, False),
        ([1], False),
    ],
)
def test_a_failure_is_told_from_a_result(result: Any, failed: object) -> None:
    assert bool(failure(result)) is failed


def test_a_folder_is_read_from_the_oldest_file_on(tmp_path: Path) -> None:
    for number, name in enumerate(("b", "a")):
        write(tmp_path / f"{name}.jsonl", [])
        os.utime(tmp_path / f"{name}.jsonl", (number, number))
    (tmp_path / "notes.txt").write_text("no trace")

    assert [path.stem for path in files.found(tmp_path, (".jsonl",))] == ["b", "a"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="neither a file nor a folder"):
        files.found(tmp_path / "gone", (".jsonl",))
    assert files.found(tmp_path, (".jsonl",)) == []
