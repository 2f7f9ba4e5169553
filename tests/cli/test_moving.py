"""Memories leave a store and arrive in another."""

import json
from pathlib import Path

import pytest

from tmws_mcp.cli import moving
from tmws_mcp.memory.transfer import formats

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3

GRAPH_LINES = [
    {
        "type": "entity",
        "name": "Ada",
        "entityType": "person",
        "observations": ["Speaks French", "Likes tea"],
    },
    {"type": "entity", "name": "Acme", "entityType": "company", "observations": []},
    {"type": "relation", "from": "Ada", "to": "Acme", "relationType": "works_at"},
]
SERVICE = {
    "export_metadata": {"source_machine": "laptop", "total_memories": 3},
    "memories": [
        {
            "content": "The port is 8931.",
            "content_hash": "9f",
            "tags": ["decision", "net"],
            "memory_type": "note",
            "metadata": {"source": "cli"},
            "created_at": 1_700_000_000.5,
            "created_at_iso": "2023-11-14T22:13:20.5Z",
        },
        {"content": "Deploy on Friday", "tags": "plan,ops", "memory_type": "decision"},
        {"content": "Then we met", "tags": [], "created_at_iso": "2024-01-02T03:04:05Z"},
    ],
}


@pytest.mark.parametrize("options", [[], ["--with-forgotten"]])
def test_export_import_export_gives_the_same_bytes(
    full, tmp_path: Path, another_store, options: list[str]
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert full("export", str(first), *options).exit_code == OK
    another_store()

    taken = full("import-memories", str(first), "--json")
    assert full("export", str(second), *options).exit_code == OK

    assert second.read_bytes() == first.read_bytes()
    report = json.loads(taken.stdout)
    assert report["created"] == 237 + len(options)
    assert (report["known"], report["bad"]) == (0, 0)


def test_an_import_may_be_repeated(full, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    full("export", str(file))

    again = json.loads(full("import-memories", str(file), "--json").stdout)
    full("export", str(tmp_path / "after.jsonl"))

    assert (again["created"], again["known"]) == (0, 237)
    assert (tmp_path / "after.jsonl").read_bytes() == file.read_bytes()


def test_an_import_that_was_cut_off_goes_on(full, tmp_path: Path, another_store) -> None:
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    full("export", str(whole))
    part.write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[:120]))
    another_store()
    full("import-memories", str(part))

    rest = json.loads(full("import-memories", str(whole), "--json").stdout)
    full("export", str(tmp_path / "after.jsonl"))

    assert (rest["created"], rest["known"]) == (118, 119)
    assert (tmp_path / "after.jsonl").read_bytes() == whole.read_bytes()


def test_what_was_imported_is_found_and_what_was_replaced_is_not(
    full, tmp_path: Path, another_store
) -> None:
    full("export", str(tmp_path / "all.jsonl"))
    another_store()
    full("import-memories", str(tmp_path / "all.jsonl"))

    found = json.loads(full("inspect", "recall", "which port", "--json").stdout)

    memories = found["memories"]
    assert [memory["content"] for memory in memories] == ["The port is 3."]
    assert memories[0]["versions"] == 2


def test_a_dry_run_counts_and_changes_nothing(full, tmp_path: Path, another_store) -> None:
    file = tmp_path / "all.jsonl"
    full("export", str(file))
    another_store()

    tried = full("import-memories", str(file), "--dry-run", "--json")

    assert json.loads(tried.stdout)["created"] == 237
    assert full("export").exit_code == NOTHING


def test_everything_goes_into_one_namespace_where_it_is_named(full, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    full("export", str(file), "--namespace", "b/c")

    report = json.loads(
        full("import-memories", str(file), "--namespace", "elsewhere", "--json").stdout
    )
    found = full("inspect", "memories", "--namespace", "elsewhere")

    # The id lies in another namespace: here the memory gets its own.
    assert (report["created"], report["renamed"]) == (1, 1)
    assert "Soon gone" in found.stdout
    again = json.loads(
        full("import-memories", str(file), "--namespace", "elsewhere", "--json").stdout
    )
    assert (again["created"], again["known"]) == (0, 1)


def test_what_was_forgotten_here_is_not_brought_back_by_an_import(full, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    full("export", str(file), "--with-forgotten")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for line in lines:
        line.pop("forgotten_at", None)
    file.write_text("\n".join(json.dumps(line) for line in lines))

    report = json.loads(full("import-memories", str(file), "--json").stdout)

    assert (report["forgotten"], report["created"]) == (1, 0)


def test_bad_lines_are_named_and_the_others_arrive(tmws, tmp_path: Path) -> None:
    good = {
        "id": "mabc",
        "namespace": "test",
        "content": "good",
        "kind": "semantic",
        "importance": 0.5,
        "created_at": "2024-01-01T00:00:00Z",
    }
    lines = [
        {"format": formats.FORMAT, "version": 1, "memories": 4},
        good,
        {**good, "id": "mabd", "colour": "red"},
        {**good, "id": "m x"},
        {**good, "id": "mabe", "content": "half \ud800"},
    ]
    file = tmp_path / "bad.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n{\n")

    result = tmws("import-memories", str(file), "--json")

    report = json.loads(result.stdout)
    assert result.exit_code == FAILED
    assert (report["created"], report["bad"]) == (1, 4)
    for number in (3, 4, 5, 6):
        assert f"line {number}:" in result.stderr
    assert "colour" in result.stderr


def test_a_line_without_end_is_bad_and_the_next_one_is_read(
    full, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "all.jsonl"
    full("export", str(file))
    lines = file.read_text("utf-8").split("\n")
    lines.insert(2, "x" * 5_000)
    file.write_text("\n".join(lines), "utf-8")
    monkeypatch.setattr(formats, "LINE_CHARS_MAX", 1_000)

    result = full("import-memories", str(file), "--json")

    assert "line 3: longer than 1,000 characters" in result.stderr
    assert json.loads(result.stdout)["known"] == 237


def test_an_export_of_a_newer_version_is_refused(tmws, tmp_path: Path) -> None:
    file = tmp_path / "new.jsonl"
    file.write_text(json.dumps({"format": formats.FORMAT, "version": 2}))

    result = tmws("import-memories", str(file))

    assert result.exit_code == USAGE
    assert "Update tmws-mcp" in result.stderr


@pytest.mark.parametrize("form", ["lines", "document"])
def test_the_official_servers_graph_becomes_memories(tmws, tmp_path: Path, form: str) -> None:
    file = tmp_path / "memory.json"
    if form == "lines":
        file.write_text("\n".join(map(json.dumps, GRAPH_LINES)))
    else:
        parts = {"entities": GRAPH_LINES[:2], "relations": GRAPH_LINES[2:]}
        file.write_text(json.dumps(parts, indent=2))

    report = json.loads(tmws("import-memories", str(file), "--json").stdout)
    again = json.loads(tmws("import-memories", str(file), "--json").stdout)
    found = json.loads(tmws("inspect", "memories", "--json").stdout)["memories"]

    assert (report["created"], again["created"], again["known"]) == (4, 0, 4)
    assert {memory["content"] for memory in found} == {
        "Ada: Speaks French",
        "Ada: Likes tea",
        "Acme is a company.",
        "Ada works at Acme",
    }
    tea = next(memory for memory in found if "tea" in memory["content"])
    assert set(tea["tags"]) == {"person", "Ada"}
    assert tea["source"] == "memory graph: Ada"
    assert (tea["trust"], tea["via"]) == ("import", "import: mcp memory server")


@pytest.mark.parametrize("form", ["document", "list", "lines"])
def test_an_export_of_mcp_memory_service_keeps_tags_types_and_times(
    tmws, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "service.json"
    file.write_text(
        "\n".join(map(json.dumps, SERVICE["memories"]))
        if form == "lines"
        else json.dumps(SERVICE if form == "document" else SERVICE["memories"])
    )

    report = json.loads(tmws("import-memories", str(file), "--json").stdout)
    listed = json.loads(tmws("inspect", "memories", "--json").stdout)["memories"]

    found = {memory["content"]: memory for memory in listed}
    assert report["created"] == 3
    port, plan, met = (
        found[name] for name in ("The port is 8931.", "Deploy on Friday", "Then we met")
    )
    assert (port["created_at"], port["source"]) == ("2023-11-14T22:13:20.500000Z", "cli")
    assert set(port["tags"]) == {"decision", "net"}
    assert set(plan["tags"]) == {"plan", "ops", "decision"}
    assert met["created_at"] == "2024-01-02T03:04:05Z"


def test_items_that_cannot_be_used_are_named(tmws, tmp_path: Path) -> None:
    file = tmp_path / "service.json"
    items = [{"content": "good"}, "text", {"tags": []}, {"content": "x", "created_at": 1e300}]
    file.write_text(json.dumps({"memories": items}))

    result = tmws("import-memories", str(file), "--json")

    assert result.exit_code == FAILED
    assert json.loads(result.stdout)["created"] == 1
    for number in (2, 3, 4):
        assert f"item {number}:" in result.stderr


@pytest.mark.parametrize("text", ["", "hello", "[1, 2]", '{"a": 1}', "[" * 5_000])
def test_a_file_of_another_kind_is_refused(tmws, tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text)

    result = tmws("import-memories", str(file))

    assert result.exit_code == USAGE
    assert "Known are" in result.stderr


def test_a_document_beyond_the_limit_is_refused(
    tmws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "DOCUMENT_CHARS_MAX", 100)
    file = tmp_path / "big.json"
    file.write_text(json.dumps(SERVICE))

    result = tmws("import-memories", str(file))

    assert result.exit_code == USAGE
    assert "limit is 100" in result.stderr


def test_export_and_import_work_through_pipes(stored, another_store) -> None:
    exported = stored("export", "-")
    another_store()

    taken = stored("import-memories", "-", "--json", input=exported.stdout)

    assert json.loads(taken.stdout)["created"] == 3
    assert stored("export").stdout == exported.stdout


def test_long_work_shows_progress(full, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(moving, "PROGRESS_MEMORIES", 100)

    assert "200 of 237 memories exported" in full("export", str(tmp_path / "a.jsonl")).stderr
    assert "memories read" in full("import-memories", str(tmp_path / "a.jsonl")).stderr


def test_an_existing_file_is_replaced_only_where_it_is_allowed(stored, tmp_path: Path) -> None:
    file = tmp_path / "there"
    for command in ("export", "backup"):
        file.write_text("precious")

        refused = stored(command, str(file))

        assert refused.exit_code == FAILED
        assert "--overwrite" in refused.stderr
        assert file.read_text() == "precious"
        assert stored(command, str(file), "--overwrite").exit_code == OK
        assert file.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.glob("*.part")) == []


def test_an_unknown_namespace_is_named_with_those_that_exist(stored, tmp_path: Path) -> None:
    result = stored("export", str(tmp_path / "a.jsonl"), "--namespace", "nope")

    assert result.exit_code == NOTHING
    assert "test" in result.stderr
    assert list(tmp_path.glob("a.jsonl*")) == []
