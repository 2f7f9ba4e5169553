"""Servers that others wrote, out of their registries: `make test-full`."""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import anyio
import pytest

from tmws_mcp.engine import open_engine
from tmws_mcp.settings import Settings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.full,
    pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX paths"),
]

NPM_SERVERS = (
    "@modelcontextprotocol/server-filesystem@2026.8.31",
    "@modelcontextprotocol/server-memory@2026.8.31",
)
GIT_SERVER = "mcp-server-git==2026.10.19"
ALL = """\
id: hybrid.repository
route: hybrid
summary: A repository seen from three sides, beside what is known of it
budget: {tokens: 1500, milliseconds: 60000}
arguments: {repo: {}}
triggers: {exact: [look at the repository]}
examples: {match: [look at the repository]}
steps:
  - {name: readme, call: read_text_file, with: {path: "{repo}/README.md"}}
  - {name: commits, call: git.git_log, with: {repo_path: "{repo}", max_count: 3}}
  - {name: graph, call: mcp__graph__read_graph}
  - {name: known, recall: README}
"""


def install(*command: object) -> None:
    """Run an installer; without a registry the test is skipped, and says why."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} could not install: {done.stderr.strip()[-300:]}")


@pytest.fixture
def servers(tmp_path: Path) -> dict[str, object]:
    """Real servers on a real repository."""
    npm, git = shutil.which("npm"), shutil.which("git")
    if npm is None or git is None:
        pytest.skip(f"{'npm' if git else 'git'} is not installed")
    install(npm, "install", "--no-audit", "--no-fund", "--prefix", tmp_path, *NPM_SERVERS)
    venv.create(tmp_path / "venv", with_pip=True)
    install(tmp_path / "venv" / "bin" / "pip", "install", "--quiet", GIT_SERVER)
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "README.md").write_text("The port is 8931\n")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "Begin")):
        subprocess.run((git, *command), cwd=repo, check=True)
    node = tmp_path / "node_modules" / ".bin"
    return {
        "files": {"command": str(node / "mcp-server-filesystem"), "args": [str(repo)]},
        "graph": {
            "command": str(node / "mcp-server-memory"),
            "env": {"MEMORY_FILE_PATH": str(tmp_path / "graph.json")},
        },
        "git": {"command": str(tmp_path / "venv" / "bin" / "mcp-server-git")},
    }


async def test_real_servers_are_called_beside_a_recall(
    servers: dict[str, object], tmp_path: Path
) -> None:
    folder = tmp_path / "mine" / "hybrid"
    folder.mkdir(parents=True)
    (folder / "repository.yaml").write_text(ALL)
    (tmp_path / "servers.json").write_text(json.dumps({"mcpServers": servers}))
    environ = {
        "TMWS_HOME": str(tmp_path / "home"),
        "TMWS_UPSTREAM": str(tmp_path / "servers.json"),
        "TMWS_PATTERN_DIRS": str(tmp_path / "mine"),
    }
    with anyio.fail_after(120):
        async with open_engine(Settings.load(environ, cwd=tmp_path)) as engine:
            await engine.store_memory({"content": "The README names the port"})
            asked = {"query": "look at the repository", "context": {"repo": str(tmp_path / "repo")}}
            reply = await engine.pattern_execute(asked)
            states = await engine.upstream()

    assert all(step.ok for step in reply.steps), reply.steps
    assert reply.result["readme"]["answered"] == "The port is 8931\n"
    assert "Begin" in str(reply.result["commits"])
    assert reply.result["graph"]["answered"] == {"entities": [], "relations": []}
    assert "names the port" in str(reply.result["known"])
    assert {state.name: state.state for state in states} == dict.fromkeys(servers, "running")
