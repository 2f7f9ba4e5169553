"""Other servers, started for real."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tmws_mcp.actions.upstream.config import read_servers
from tmws_mcp.actions.upstream.server import Limits
from tmws_mcp.actions.upstream.servers import Upstream
from tmws_mcp.settings import command_environment

HERE = Path(__file__).parent
SDK = {"command": sys.executable, "args": [str(HERE / "sdk_server.py")]}


def raw(behaviour: str = "well", **env: str) -> dict[str, Any]:
    """Return the configuration of a server that behaves so."""
    return {"command": sys.executable, "args": [str(HERE / "raw_server.py"), behaviour], "env": env}


Opened = Callable[..., AbstractAsyncContextManager[Upstream]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Give servers by their configuration, ended when the block is left."""

    @asynccontextmanager
    async def open_them(
        servers: dict[str, Any], *, trust_hints: bool = False, **limits: float
    ) -> AsyncIterator[Upstream]:
        file = tmp_path / "servers.json"
        file.write_text(json.dumps({"mcpServers": servers}))
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                yield Upstream(
                    read_servers(file),
                    tasks,
                    limits=Limits(**{"back_off_seconds": 0.01} | limits),
                    environment=command_environment(),
                    trust_hints=trust_hints,
                )
                tasks.cancel_scope.cancel()

    return open_them
