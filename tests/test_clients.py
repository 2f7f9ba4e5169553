"""What clients and registries read of this server, and what they then start."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks.process import ServerProcess
from tests.ingest.hook_events import worked
from tmws_mcp import __version__
from tmws_mcp.cli.hook import EVENTS
from tmws_mcp.ingest import spool

ROOT = Path(__file__).resolve().parent.parent
MANIFEST_LINTER = "skillsaw==0.22.0"
"""It carries the schema of the MCP registry, and the rules of Claude Code's plugins."""


def read(name: str) -> dict:
    return json.loads((ROOT / name).read_text("utf-8"))


def install(*command: object) -> None:
    """Run an installer; without a registry the test is skipped, and says why."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} could not install: {done.stderr.strip()[-300:]}")


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def test_the_hooks_of_the_plugin_run_and_are_those_that_we_install(tmp_path: Path) -> None:
    hooks = read("hooks/hooks.json")["hooks"]
    command = hooks["PostToolUse"][0]["hooks"][0]["command"]
    environment = {**os.environ, "CLAUDE_PLUGIN_ROOT": str(ROOT), "TMWS_HOME": str(tmp_path)}

    subprocess.run(
        ["sh", "-c", command], input=json.dumps(worked("Bash")).encode(), env=environment,
        check=True, timeout=60,
    )  # fmt: skip

    [event] = spool.read(spool.waiting(tmp_path / spool.FOLDER))
    assert event.text("tool_name") == "Bash"
    assert set(hooks) == set(EVENTS)


def test_the_registry_finds_its_mark_in_the_readme() -> None:
    assert f"<!-- mcp-name: {read('server.json')['name']} -->" in (ROOT / "README.md").read_text()


def test_what_is_published_has_the_version_of_the_package() -> None:
    manifests = (
        "server.json",
        ".claude-plugin/plugin.json",
        "clients/claude-desktop/manifest.json",
    )

    assert {read(name)["version"] for name in manifests} == {__version__}
    assert read("server.json")["packages"][0]["version"] == __version__


@pytest.mark.full
def test_registry_and_plugin_are_as_their_schemas_want_them(tmp_path: Path) -> None:
    needs("uv")
    folder, copy = tmp_path / "linter", tmp_path / "copy"
    install("uv", "pip", "install", "--quiet", "--target", folder, MANIFEST_LINTER)
    for name in (".claude-plugin", "hooks", ".mcp.json", "server.json"):
        copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy.mkdir(exist_ok=True)
        copied(ROOT / name, copy / name)
    lint = [sys.executable, "-m", "skillsaw", "lint", str(copy)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}

    good = subprocess.run(lint, env=environment, capture_output=True, text=True, check=False)
    (copy / "server.json").write_text(json.dumps(read("server.json") | {"name": "no namespace"}))
    bad = subprocess.run(lint, env=environment, capture_output=True, text=True, check=False)

    assert good.returncode == 0, good.stdout
    assert "mcp-registry" in good.stdout
    assert bad.returncode != 0, "it does look"


@pytest.mark.full
def test_the_bundle_is_valid_and_what_it_holds_serves(tmp_path: Path) -> None:
    needs("npx")
    needs("uv")
    packed = subprocess.run(
        [sys.executable, "scripts/pack_bundle.py"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert packed.returncode == 0, packed.stdout + packed.stderr
    assert "passes" in packed.stdout
    with zipfile.ZipFile(ROOT / "dist" / "tmws-mcp.mcpb") as bundle:
        bundle.extractall(tmp_path / "bundle")
    started = read("clients/claude-desktop/manifest.json")["server"]["mcp_config"]
    args = [arg.replace("${__dirname}", str(tmp_path / "bundle")) for arg in started["args"]]
    home = {"TMWS_HOME": str(tmp_path / "home"), "TMWS_NAMESPACE": "default"}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    install(started["command"], *args, "--version")  # fetches what the package needs
    with ServerProcess([started["command"], *args], kept | home) as server:
        server.initialize()
        reply = server.call("pattern_execute", query="health check")

    assert reply["pattern"] == "infrastructure.health"


@pytest.mark.full
def test_the_wheel_runs_by_uvx_where_nothing_else_is(tmp_path: Path) -> None:
    needs("uvx")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    command = ["uvx", "--isolated", "--from", str(wheel), "tmws-mcp"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | {"TMWS_HOME": str(tmp_path / "home"), "TMWS_NAMESPACE": "default"}

    install(*command, "--version")
    with ServerProcess(command, environment) as server:
        server.initialize()
        reply = server.call("store_memory", content="The port is 8931")

    assert reply["created"]
