"""REST does what the tools do: the same engine, requests, limits and errors."""

import json

import httpx2
import pytest

from tests.web.conftest import API, asker, running
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

PATTERN = {
    "id": "memory.release_notes",
    "route": "memory",
    "summary": "What was noted for the release",
    "triggers": {"exact": ["show the release notes so far"]},
    "steps": [{"name": "notes", "recall": "release notes", "limit": 3}],
}


async def stored(client: httpx2.AsyncClient, content: str, **more: object) -> str:
    reply = await client.post(f"{API}/memories", json={"content": content, **more})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


async def test_a_memory_lives_through_all_its_routes(client: httpx2.AsyncClient) -> None:
    name = await stored(client, "The importer listens on port 8931", tags=["ports"])
    place = f"{API}/memories/{name}"

    found = await client.post(f"{API}/memories/search", json={"query": "importer port"})
    read = await client.get(place)
    edited = await client.patch(place, json={"tags": ["net"], "importance": 0.9, "source": "ops"})
    by_tag = await client.get(f"{API}/memories", params={"tag": "net"})
    by_old_tag = await client.get(f"{API}/memories", params={"tag": "ports"})
    gone = await client.delete(place)
    missing = await client.get(place)
    back = await client.post(f"{place}/restore")
    again = await client.get(place)

    assert [one["id"] for one in found.json()["memories"]] == [name]
    assert read.json()["tags"] == ["ports"]
    assert (edited.json()["tags"], edited.json()["importance"]) == (["net"], 0.9)
    assert [one["id"] for one in by_tag.json()["memories"]] == [name]
    assert by_old_tag.json()["memories"] == []
    assert gone.json()["forgotten"] == [name]
    assert missing.status_code == 404
    assert back.json()["restored"] == [name]
    assert again.json()["source"] == "ops"


async def test_an_edit_reaches_what_the_words_find(client: httpx2.AsyncClient) -> None:
    name = await stored(client, "It was moved to the second rack")

    await client.patch(f"{API}/memories/{name}", json={"tags": ["zeppelin"], "speaker": "Ada"})
    found = await client.post(f"{API}/memories/search", json={"query": "zeppelin"})

    assert [one["id"] for one in found.json()["memories"]] == [name]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Nothing is to be changed"),
        ({"content": "new"}, "Unknown argument content"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "has passed"),
    ],
)
async def test_an_edit_that_cannot_be_is_refused(
    client: httpx2.AsyncClient, change: dict[str, object], said: str
) -> None:
    name = await stored(client, "It was moved to the second rack")

    refused = await client.patch(f"{API}/memories/{name}", json=change)

    assert refused.status_code == 422
    assert said in refused.json()["detail"]


async def test_a_batch_is_stored_whole_or_not_at_all(client: httpx2.AsyncClient) -> None:
    good = [{"content": f"Rack {n} holds spare disks"} for n in range(3)]

    whole = await client.post(f"{API}/memories/batch", json={"memories": good})
    bad = await client.post(
        f"{API}/memories/batch",
        json={"memories": [{"content": "Another rack"}, {"content": "x", "supersedes": "mnone"}]},
    )
    elsewhere = await client.post(
        f"{API}/memories/batch", json={"memories": [{"content": "x", "namespace": "other"}]}
    )
    kept = await client.get(f"{API}/memories")

    assert [one["created"] for one in whole.json()["items"]] == [True] * 3
    assert bad.status_code == 422
    assert elsewhere.status_code == 422
    assert len(kept.json()["memories"]) == 3


async def test_questions_are_answered_matched_and_routed(client: httpx2.AsyncClient) -> None:
    await stored(client, "The importer listens on port 8931")
    ask = {"query": "what is 17 * 23"}

    answer = await client.post(f"{API}/execute", json=ask)
    match = await client.post(f"{API}/match", json=ask)
    route = await client.post(f"{API}/route", json=ask)
    both = await client.post(f"{API}/execute/batch", json={"queries": [ask, ask]})

    assert "391" in json.dumps(answer.json()["result"])
    assert match.json()["pattern"] == answer.json()["pattern"]
    assert match.json()["closest"] is not None or match.json()["why"]
    assert route.json()["route"] == "infrastructure"
    assert [one["reply"]["pattern"] for one in both.json()["answers"]] == [
        answer.json()["pattern"]
    ] * 2


async def test_what_was_observed_is_recommended_listed_and_forgotten(
    client: httpx2.AsyncClient,
) -> None:
    step = {"task": "process_data", "execution_time": 1.5, "tool_used": "run_job"}

    one = await client.post(f"{API}/observations", json=step)
    many = await client.post(f"{API}/observations/batch", json={"interactions": [step, step]})
    asked = await client.post(f"{API}/recommendations", json={"task": "process_data"})
    learned = await client.get(f"{API}/learned", params={"kind": "tool_usage"})
    [pattern] = [one for one in learned.json()["items"] if "run_job" in json.dumps(one)]
    place = f"{API}/learned/{pattern['pattern_id']}"
    read = await client.get(place)
    gone = await client.delete(place)
    back = await client.post(f"{API}/learned/undo", json={"undo": gone.json()["undo"]})

    assert (one.json()["observed"], many.json()["observed"]) == (1, 2)
    assert asked.json()["recommendations"][0]["action"] == "run_job"
    assert read.json()["pattern_id"] == pattern["pattern_id"]
    assert gone.status_code == 200
    assert back.status_code == 200


async def test_a_pattern_is_registered_judged_removed_and_restored(settings: Settings) -> None:
    allowed = settings.model_copy(update={"register_pattern": True})
    place = f"{API}/patterns/{PATTERN['id']}"
    async with running(allowed) as app, asker(app) as client:
        made = await client.post(f"{API}/patterns", json={"definition": PATTERN})
        listed = await client.get(f"{API}/patterns")
        judged = await client.post(f"{place}/outcomes", json={"success": True, "task": "release"})
        versions = await client.get(f"{place}/versions")
        gone = await client.delete(place)
        missing = await client.get(place)
        version = versions.json()["items"][0]["version"]
        back = await client.post(f"{place}/versions/{version}/restore")

    assert made.status_code == 201, made.text
    assert PATTERN["id"] in [one["id"] for one in listed.json()["items"]]
    assert judged.json()["observed"] == 1
    assert gone.json() == {"id": PATTERN["id"]}
    assert missing.status_code == 404
    assert back.json()["id"] == PATTERN["id"], back.text


async def test_a_shipped_pattern_is_not_removed(client: httpx2.AsyncClient) -> None:
    [first, *_] = (await client.get(f"{API}/patterns")).json()["items"]

    refused = await client.delete(f"{API}/patterns/{first['id']}")

    assert refused.status_code == 422
    assert "neither registered nor promoted" in refused.json()["detail"]


RUN = [
    {"task": "publish the docs", "tool_used": "build_site", "method": "parallel"},
    {"tool_used": "upload_site", "success": False, "error": "permission denied: token expired"},
    {"tool_used": "login"},
    {"tool_used": "upload_site"},
]


async def evidence(client: httpx2.AsyncClient, place: str) -> tuple[int, int]:
    told = (await client.get(place)).json()["evidence"]
    return told["support"], told["successes"]


async def test_a_judgement_moves_the_evidence_of_each_kind_of_learned_pattern(
    client: httpx2.AsyncClient,
) -> None:
    for run in range(8):
        method, seconds = ("parallel", 1.0) if run % 2 else ("serial", 4.0)
        steps = [{**one, "session_id": f"r{run}", "step": at} for at, one in enumerate(RUN)]
        steps[0] |= {"method": method, "execution_time": seconds}
        steps[-1] |= {"outcome": "success"}
        await client.post(f"{API}/observations/batch", json={"interactions": steps})
    learned = (await client.get(f"{API}/learned")).json()["items"]
    by_kind = {one["kind"]: f"{API}/learned/{one['pattern_id']}" for one in learned}

    for kind, place in by_kind.items():
        support, successes = await evidence(client, place)
        good = await client.post(f"{place}/outcomes", json={"success": True})
        after_good = await evidence(client, place)
        bad = await client.post(f"{place}/outcomes", json={"success": False, "error": "too slow"})

        assert (good.status_code, bad.status_code) == (201, 201), (kind, good.text)
        assert after_good == (support + 1, successes + 1), kind
        assert await evidence(client, place) == (support + 2, successes + 1), kind
    assert sorted(by_kind) == ["error_recovery", "performance", "task_sequence", "tool_usage"]


async def test_a_learned_sequence_is_promoted(client: httpx2.AsyncClient) -> None:
    for run in range(4):
        steps = [
            {"task": "publish the docs", "tool_used": tool, "session_id": f"run{run}", "step": at}
            for at, tool in enumerate(("build_site", "check_links", "upload_site"))
        ]
        steps[-1]["outcome"] = "success"
        await client.post(f"{API}/observations/batch", json={"interactions": steps})
    learned = await client.get(f"{API}/learned", params={"kind": "task_sequence"})
    place = f"{API}/learned/{learned.json()['items'][0]['pattern_id']}/promotion"

    shown = await client.get(place)
    made = await client.post(place)
    pattern = await client.get(f"{API}/patterns/{made.json()['id']}")

    assert shown.json()["runs"] == 4
    assert made.status_code == 201, made.text
    assert "build_site" in json.dumps(shown.json()["definition"])
    assert pattern.status_code == 200


async def test_an_export_goes_out_line_by_line(client: httpx2.AsyncClient) -> None:
    await stored(client, "The importer listens on port 8931")
    await client.post(f"{API}/observations", json={"task": "a", "tool_used": "b"})

    memories = await client.get(f"{API}/export/memories")
    learned = await client.get(f"{API}/export/learned")
    unknown = await client.get(f"{API}/export/memories", params={"namespace": "nowhere"})

    kept = [json.loads(line) for line in memories.text.splitlines()]
    assert kept[-1]["content"] == "The importer listens on port 8931"
    assert memories.headers["content-type"].startswith("application/jsonl")
    assert all(json.loads(line) for line in learned.text.splitlines())
    assert unknown.status_code == 404


async def test_the_server_tells_of_itself(client: httpx2.AsyncClient) -> None:
    await stored(client, "The importer listens on port 8931")

    status = await client.get(f"{API}/status")
    statistics = await client.get(f"{API}/statistics")
    shared = await client.get(f"{API}/federation")
    sync = await client.post(f"{API}/federation/sync")

    assert status.json()["ok"] is True
    assert statistics.json()["memory"]["memories"] == 1
    assert shared.json()["state"].startswith("off")
    assert (sync.status_code, sync.json()["title"]) == (409, "Federation off")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"\xff\xfe", 400),
        (b"[" * 5_000, 400),
        (b'{"content":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400),
        (b'{"content": "a\\u0000b"}', 422),
        (b'{"content": "x", "importance": NaN}', 422),
        (b"null", 422),
        (b"", 422),
    ],
)
async def test_bodies_that_are_no_requests_are_refused(
    client: httpx2.AsyncClient, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await client.post(f"{API}/memories", content=body, headers=headers)

    assert reply.status_code in (status, 422), reply.text
    assert reply.headers["content-type"] == "application/problem+json"


async def test_an_unknown_argument_in_the_address_is_refused_by_name(
    client: httpx2.AsyncClient,
) -> None:
    refused = await client.get(f"{API}/memories", params={"tags": "net"})

    assert refused.status_code == 422
    assert "Unknown argument tags. Did you mean tag?" in refused.json()["detail"]
