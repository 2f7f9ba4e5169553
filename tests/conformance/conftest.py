"""The programs of package.json, installed once, and the application that they are let loose on."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.conformance.events import Events
from tests.conformance.fixtures import add_fixtures
from tests.web.conftest import make_token, settings_in
from tests.web.served import Served, served

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules"
INSTALL_SECONDS_MAX = 600


@pytest.fixture(scope="session")
def programs() -> Mapping[str, str]:
    """An environment in which the packages' programs, and the node that they need, are found."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    lock, done = HERE / "package-lock.json", PROGRAMS / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run((npm, "ci"), cwd=HERE, check=True, timeout=INSTALL_SECONDS_MAX)
    return {**os.environ, "PATH": f"{PROGRAMS / '.bin'}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The application as it is."""
    async with served(settings_in(tmp_path_factory.mktemp("plain"))) as running:
        yield running


class Bearing:
    """Sends a token with every request: the suite knows of none."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.token = app, ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named = (b"authorization", f"Bearer {self.token}".encode())
            scope = {**scope, "headers": [*scope["headers"], named]}
        await self.app(scope, receive, send)


@pytest.fixture(scope="module", params=[False, True], ids=["open", "tokens"])
async def with_fixtures(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """The application with what the suite asks for beside our own tools; also behind tokens."""
    bearing: list[Bearing] = []

    def around(app: ASGIApp) -> ASGIApp:
        bearing.append(Bearing(app))
        return bearing[0]

    settings = settings_in(tmp_path_factory.mktemp("fixtures"), http_per_minute=0)
    async with served(settings, tokens=request.param, around=around) as running:
        bearing[0].token = await make_token(running.app, "read", "write")
        mcp = running.app.state.mcp.server
        add_fixtures(mcp)
        mcp.session_manager.event_store, mcp.session_manager.retry_interval = Events(), 100
        yield running
