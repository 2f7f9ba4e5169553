"""Who gets in: each route with no token, a wrong one, a revoked one, and each kind of good one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from tests.clock import Clock
from tests.web.conftest import API, asker, make_token, running, settings_in
from tmws_mcp.errors import TooOften
from tmws_mcp.model.access import Access
from tmws_mcp.web.auth import PUBLIC, Rates

pytestmark = pytest.mark.anyio

STEP = {"task": "a", "tool_used": "b"}
BODIES: dict[str, Any] = {
    "POST /execute": {"query": "what is 17 * 23"},
    "POST /execute/batch": {"queries": [{"query": "what is 17 * 23"}]},
    "POST /match": {"query": "what is 17 * 23"},
    "POST /route": {"query": "what is 17 * 23"},
    "POST /memories": {"content": "The importer listens on 8931"},
    "POST /memories/batch": {"memories": [{"content": "Rack 3 holds spare disks"}]},
    "POST /memories/search": {"query": "importer"},
    "POST /memories/forget": {"ids": ["mnone"]},
    "PATCH /memories/{memory_id}": {"importance": 0.5},
    "POST /observations": STEP,
    "POST /observations/batch": {"interactions": [STEP]},
    "POST /recommendations": {"task": "a"},
    "POST /patterns": {"definition": {}},
    "POST /patterns/{pattern_id}/outcomes": {"success": True},
    "POST /learned/undo": {"undo": "none"},
    "POST /learned/{pattern_id}/outcomes": {"success": True},
    "POST /federation/forget": {"pattern": "none"},
}
CALLERS = {
    "no token": None,
    "wrong": None,
    "revoked": None,
    "expired": None,
    "read": ("read",),
    "write": ("read", "write"),
    "only write": ("write",),
    "admin": ("read", "write", "admin"),
    "other namespace": ("read", "write", "admin"),
}
WRONG = "tmws_0123456789ab_" + "a" * 43


@dataclass
class World:
    app: FastAPI
    clients: dict[str, httpx2.AsyncClient]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    settings = settings_in(tmp_path_factory.mktemp("access"), http_per_minute=0)
    async with running(settings, tokens=True) as app:
        tokens = {
            name: await make_token(
                app, *can, namespaces=("elsewhere",) if name == "other namespace" else ()
            )
            for name, can in CALLERS.items()
            if can
        }
        tokens |= {"no token": "", "wrong": WRONG, "revoked": await _revoked(app)}
        tokens["expired"] = await _expired(app)
        yield World(app, {name: asker(app, token) for name, token in tokens.items()})


async def _revoked(app: FastAPI) -> str:
    token = await make_token(app, "admin")
    await (await app.state.engine.opened()).tokens.revoke(token.split("_")[1])
    return token


async def _expired(app: FastAPI) -> str:
    tokens = (await app.state.engine.opened()).tokens
    made = await tokens.create(
        {"name": "old", "permissions": ["admin"], "expires_at": "2020-01-01T00:00:00Z"}
    )
    return str(made.secret)


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, told)
        for path, item in app.openapi()["paths"].items()
        for method, told in item.items()
    ]


async def ask(
    client: httpx2.AsyncClient, method: str, path: str, namespace: str = ""
) -> httpx2.Response:
    body = BODIES.get(f"{method} {path.removeprefix(API)}")
    place = path.format(memory_id="mnone", pattern_id="infrastructure.calculate", version="0000")
    params = {}
    if namespace and body is not None and "definition" not in body:
        body = {**body, "namespace": namespace}
    elif namespace:
        params = {"namespace": namespace}
    return await client.request(method, place, json=body, params=params)


@pytest.mark.parametrize("caller", CALLERS)
async def test_each_route_serves_whom_it_is_for(world: World, caller: str) -> None:
    can, client = CALLERS[caller], world.clients[caller]

    for method, path, told in operations(world.app):
        reply = await ask(client, method, path)
        where = f"{caller}: {method} {path}: {reply.status_code} {reply.text[:300]}"
        if path in PUBLIC:  # tells of the product alone
            assert reply.status_code == 200, where
        elif can is None:
            assert reply.status_code == 401, where
            assert reply.headers["www-authenticate"].startswith("Bearer"), where
        elif told["x-needs"] not in can or (caller == "other namespace" and "x-everywhere" in told):
            assert reply.status_code == 403, where
        else:
            assert reply.status_code in (200, 201, 404, 409, 422, 424), where


async def test_nobody_gets_into_a_namespace_that_is_not_the_tokens(world: World) -> None:
    stranger = world.clients["other namespace"]

    for method, path, told in operations(world.app):
        named = {one["name"] for one in told.get("parameters", ())}
        has_body = f"{method} {path.removeprefix(API)}" in BODIES and path != f"{API}/patterns"
        if "x-everywhere" in told or (path.endswith("batch") and "execute" in path):
            continue  # refused as a whole, or has its namespaces within
        if has_body or "namespace" in named:
            reply = await ask(stranger, method, path, "tests")
            assert reply.status_code == 403, f"{method} {path}: {reply.text[:300]}"


@pytest.mark.parametrize("caller", ["no token", "wrong", "revoked", "expired"])
@pytest.mark.parametrize("path", ["/mcp", "/metrics", "/api/v1/nothing", "/nothing"])
async def test_what_is_there_is_told_to_nobody_without_a_token(
    world: World, caller: str, path: str
) -> None:
    for method in ("GET", "POST", "DELETE"):
        reply = await world.clients[caller].request(method, path)
        assert reply.status_code == 401


async def test_every_route_of_the_interface_says_what_it_needs(world: World) -> None:
    routes = [
        route
        for route in world.app.routes
        if isinstance(route, APIRoute) and route.path not in PUBLIC
    ]

    told = {path for _, path, _ in operations(world.app)}
    assert all("x-needs" in one[2] for one in operations(world.app) if one[1] not in PUBLIC)
    assert {route.path for route in routes if route.include_in_schema} <= told


async def test_a_token_is_refused_from_the_moment_that_it_is_revoked(world: World) -> None:
    token = await make_token(world.app, "read")
    client, tokens = asker(world.app, token), (await world.app.state.engine.opened()).tokens

    before = await client.get(f"{API}/memories")
    await tokens.revoke(token.split("_")[1])
    after = await client.get(f"{API}/memories")

    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_token_is_kept_nowhere(world: World) -> None:
    token = await make_token(world.app, "read")
    await asker(world.app, token).get(f"{API}/memories")
    folder = world.app.state.settings.home

    kept = [path.read_bytes() for path in folder.rglob("tmws.db*")]
    secret = token.split("_", 2)[2].encode()
    assert kept
    assert not any(secret in content for content in kept)


async def test_writes_are_audited_with_their_outcome(world: World) -> None:
    token = await make_token(world.app, "read", "write", namespaces=("audited",))
    client, tokens = asker(world.app, token), (await world.app.state.engine.opened()).tokens

    await client.post(f"{API}/memories", json={"content": "The importer listens on 8931"})
    await client.delete(f"{API}/memories/mnone")
    await client.post(f"{API}/memories/search", json={"query": "importer"})
    await client.post(f"{API}/memories", json={"content": "x", "namespace": "tests"})
    found = await tokens.audited(token.split("_")[1])

    assert [(one.action, one.namespace, one.outcome) for one in reversed(found)] == [
        ("POST /api/v1/memories", "audited", "ok"),
        ("DELETE /api/v1/memories/mnone", "audited", "ok"),
        ("POST /api/v1/memories", "tests", "NotAllowed"),
    ]
    assert {one.name for one in found} == {"test"}


async def test_who_asks_too_often_is_told_how_long_to_wait(world: World) -> None:
    client = asker(world.app, await make_token(world.app, "read", per_minute=2))
    other = asker(world.app, await make_token(world.app, "read", per_minute=2))

    replies = [await client.get(f"{API}/memories") for _ in range(3)]
    unhindered = await other.get(f"{API}/memories")

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert 1 <= int(replies[2].headers["retry-after"]) <= 30
    assert unhindered.status_code == 200


def test_a_rate_is_regained_evenly() -> None:
    clock = Clock()
    rates, access = Rates(60, clock=clock), Access(token="a")
    for _ in range(60):
        rates.take(access)
    with pytest.raises(TooOften) as refused:
        rates.take(access)
    clock.now += 1.0
    rates.take(access)
    with pytest.raises(TooOften):
        rates.take(access)

    assert refused.value.wait_seconds == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("caller", "status"), [("read", 200), ("only write", 403), ("other namespace", 403)]
)
async def test_figures_of_all_are_for_who_may_read_all(
    world: World, caller: str, status: int
) -> None:
    reply = await world.clients[caller].get("/metrics")

    assert reply.status_code == status
