"""Tidying a store by hand: shown first, done when asked, undone by its id."""

import json
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from tmws_mcp.engine import open_engine
from tmws_mcp.settings import Settings

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3

LONG = "Deploys of the billing service happen on Friday in the evening"


def store(tmws, content: str, **fields: object) -> str:
    arguments = json.dumps({"content": content, **fields})
    done = tmws("inspect", "call", "store_memory", arguments, "--json")
    assert done.exit_code == OK, done.output
    return json.loads(done.stdout)["structured"]["id"]


def test_consolidation_shows_first_then_archives_and_is_undone(tmws) -> None:
    first, second = store(tmws, f"{LONG}."), store(tmws, f"{LONG}!", importance=0.9)

    shown = tmws("memories", "consolidate")
    assert "Would archive 1 (1 duplicate)" in shown.stdout
    assert first in shown.stdout
    assert second in shown.stdout
    assert tmws("memories", "archives").exit_code == NOTHING

    done = json.loads(tmws("memories", "consolidate", "--apply", "--json").stdout)
    assert (done["applied"], done["archived"]) == (True, 1)
    assert done["batch"] in tmws("memories", "archives").stdout
    listed = json.loads(tmws("inspect", "memories", "--json").stdout)
    assert [memory["id"] for memory in listed["memories"]] == [second]
    assert tmws("memories", "consolidate").exit_code == NOTHING

    undone = tmws("memories", "consolidate", "--undo", done["batch"])
    assert "1 memories of" in undone.stdout
    assert tmws("memories", "archives").exit_code == NOTHING
    assert tmws("memories", "consolidate", "--undo", done["batch"]).exit_code == NOTHING


def test_apply_and_undo_exclude_each_other(tmws) -> None:
    assert tmws("memories", "consolidate", "--apply", "--undo", "a1").exit_code == USAGE


def test_what_is_archived_survives_export_and_import(tmws, tmp_path, another_store) -> None:
    store(tmws, f"{LONG}.")
    store(tmws, f"{LONG}!", importance=0.9)
    batch = json.loads(tmws("memories", "consolidate", "--apply", "--json").stdout)["batch"]
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    tmws("export", str(before))
    another_store()
    tmws("import-memories", str(before))
    tmws("export", str(after))

    assert after.read_bytes() == before.read_bytes()
    assert "found again" in tmws("memories", "consolidate", "--undo", batch).stdout
    listed = json.loads(tmws("inspect", "memories", "--json").stdout)
    assert len(listed["memories"]) == 2


def test_what_has_expired_is_listed_and_extended(tmws) -> None:
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    uid = store(tmws, "The offer ends.", expires_at=soon)
    assert tmws("memories", "expired").exit_code == NOTHING
    anyio.run(expire, uid)

    assert uid in tmws("memories", "expired").stdout
    assert tmws("inspect", "memories").exit_code == NOTHING
    assert tmws("memories", "extend", uid, "--forever").exit_code == OK
    assert "The offer ends." in tmws("inspect", "memories").stdout
    for wrong in (["--until", "2001-01-01"], [], ["--forever", "--until", "2999-01-01"]):
        assert tmws("memories", "extend", uid, *wrong).exit_code == USAGE
    assert tmws("memories", "extend", "mnosuch", "--forever").exit_code == NOTHING


async def expire(uid: str) -> None:
    async with open_engine(Settings.load()) as engine:
        opened = await engine._store()
        await opened.write(
            lambda db: db.run("UPDATE memory SET expires_at = 1.0 WHERE uid = ?", (uid,))
        )


def test_memories_are_listed_by_whose_word_they_are(tmws) -> None:
    store(tmws, "The user said so.", trust="user")
    page = store(tmws, "A web page said so.", trust="tool")
    store(tmws, "I think so.")

    listed = json.loads(tmws("memories", "list", "--trust", "tool", "--json").stdout)

    assert [memory["id"] for memory in listed] == [page]
    assert listed[0]["via"] == "store_memory"
    assert listed[0]["client"]
    assert tmws("memories", "list", "--trust", "import").exit_code == NOTHING
    assert tmws("memories", "list", "--trust", "nobody").exit_code == USAGE


def test_whose_word_it_is_shows_in_recall_where_it_is_not_the_agents(tmws) -> None:
    store(tmws, "A web page says that the port is 1.", trust="tool")
    store(tmws, "The agent says that the port is 2.")

    reply = tmws("inspect", "call", "recall_memory", '{"query": "which port"}').stdout

    assert reply.count("trust tool]") == 1
    assert reply.count("trust") == 1


@pytest.mark.parametrize("place", [[], ["--namespace", "elsewhere"]])
def test_all_versions_of_a_memory_are_listed_by_the_id_of_any(tmws, place: list[str]) -> None:
    where = {"namespace": place[1]} if place else {}
    first = store(tmws, "The port is 1.", **where)
    second = store(tmws, "The port is 2.", supersedes=first, **where)
    third = store(tmws, "The port is 3.", supersedes=second, **where)

    for uid in (first, second, third):
        found = json.loads(tmws("inspect", "memories", "--history", uid, "--json", *place).stdout)
        assert [memory["id"] for memory in found["memories"]] == [third, second, first]


def test_a_malformed_namespace_is_wrong_usage(tmws) -> None:
    for command in (["consolidate"], ["archives"], ["expired"], ["list", "--trust", "user"]):
        assert tmws("memories", *command, "--namespace", "No Such Name!").exit_code == USAGE


def test_recalled_text_is_not_stored_again(tmws) -> None:
    uid = store(tmws, "The service listens on port 8931.")

    async def recall_and_store() -> None:
        async with open_engine(Settings.load()) as engine:
            await engine.recall_memory({"query": "port"})
            reply = await engine.store_memory(
                {"content": "Remember that the service listens on port 8931"}
            )
            assert (reply.created, reply.echo_of) == (False, (uid,))

    anyio.run(recall_and_store)

    export = [json.loads(line) for line in tmws("export").stdout.splitlines()[1:]]
    assert [(line["id"], line["recalls"]) for line in export] == [(uid, 1)]


def test_the_doctor_tells_how_much_is_stored_and_warns_before_it_is_full(tmws, monkeypatch) -> None:
    for i in range(9):
        store(tmws, f"fact {i}")

    assert "9 memories in test" in tmws("doctor").stdout
    monkeypatch.setenv("TMWS_MEMORIES_MAX", "10")
    findings = {one["check"]: one for one in json.loads(tmws("doctor", "--json").stdout)}
    assert findings["quota"]["state"] == "warn"
    assert findings["quota"]["found"] == "9 of 10 memories in test"
    assert "consolidate" in findings["quota"]["remedy"]
