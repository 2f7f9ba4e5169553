"""The protocol's own suite, the inspector, and the TypeScript clients, against our application."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conformance.conftest import HERE
from tests.transports.raw import environment
from tests.web.conftest import make_token, settings_in
from tests.web.served import Served, served

pytestmark = [
    pytest.mark.full,
    pytest.mark.anyio,
    # The suite has tools log over the protocol, which ours never do.
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]

SECONDS_MAX = 240
SERVER = (sys.executable, "-m", "tmws_mcp")


async def run(
    programs: Mapping[str, str], *command: str, **more: str
) -> subprocess.CompletedProcess[bytes]:
    with anyio.fail_after(SECONDS_MAX):
        return await anyio.run_process(
            command,
            env={**programs, **more, "PATH": programs["PATH"]},
            check=False,
            cwd=HERE,
            stdin=subprocess.DEVNULL,
        )


@pytest.mark.parametrize(("revision", "checks"), [("2025-11-25", 84), ("2026-07-28", 152)])
async def test_every_check_of_the_suite_passes(
    with_fixtures: Served,
    programs: Mapping[str, str],
    tmp_path: Path,
    revision: str,
    checks: int,
) -> None:
    url = f"{with_fixtures.url}/mcp"
    suite = ("conformance", "server", "--url", url, "--suite", "all", "-o", str(tmp_path))

    done = await run(programs, *suite, "--spec-version", revision)

    said = done.stdout.decode()
    [(passed, failed)] = re.findall(r"Total: (\d+) passed, (\d+) failed", said)
    assert failed == "0", said
    assert int(passed) >= checks, said
    assert done.returncode == 0


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_the_inspector_finds_nothing_that_a_client_could_stumble_over(
    server: Served, programs: Mapping[str, str], tmp_path: Path, transport: str, era: str
) -> None:
    over_http = ("--server-url", f"{server.url}/mcp", "--transport", "http")
    place = over_http if transport == "http" else SERVER
    asked = ("--method", "tools/list", "--strict", "-q", "--format", "json", "--protocol-era", era)

    done = await run(programs, "mcp-inspector", "--cli", *place, *asked, **environment(tmp_path))

    assert done.returncode == 0, done.stderr.decode()
    assert "store_memory" in done.stdout.decode()


@pytest.mark.parametrize(("client", "mode"), [("v1", "legacy"), ("v2", "legacy"), ("v2", "auto")])
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_the_typescript_clients_of_both_eras_are_served(
    server: Served,
    programs: Mapping[str, str],
    tmp_path: Path,
    transport: str,
    client: str,
    mode: str,
) -> None:
    place = (f"{server.url}/mcp",) if transport == "http" else SERVER

    told = await spoken(programs, tmp_path, client, mode, transport, *place)

    assert told == {
        "tools": 6,
        "prompts": told["prompts"],
        "status": True,
        "created": True,
        "found": True,
        "refused": True,
        "unknown": -32602,
    }
    assert told["prompts"] > 0


async def test_a_typescript_client_is_served_with_its_token(
    programs: Mapping[str, str], tmp_path: Path
) -> None:
    async with served(settings_in(tmp_path), tokens=True) as running:
        token = await make_token(running.app, "read", "write", namespaces=("ada",))
        url = f"{running.url}/mcp"
        told = await spoken(programs, tmp_path, "v2", "auto", "http", url, token)

    assert told["found"]


async def spoken(programs: Mapping[str, str], home: Path, *arguments: str) -> dict[str, Any]:
    done = await run(programs, "node", str(HERE / "clients.mjs"), *arguments, **environment(home))
    assert done.returncode == 0, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout.decode().splitlines()[-1])
    return told
