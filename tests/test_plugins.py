"""A package that adds to the server: built, unpacked as an installer does, and served for real."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.server.calls import json_of, text_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX paths"),
]

PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-tools"
version = "1.0"
requires-python = ">=3.11"
[project.entry-points."tmws_mcp.actions"]
"acme.greet" = "acme_tools:greet"
"acme.crash" = "acme_tools:crash"
"acme.number" = "acme_tools:NUMBER"
"acme.gone" = "acme_missing:greet"
"acme.leaves" = "acme_leaves:greet"
"clock.now" = "acme_tools:greet"
"Not A Name" = "acme_tools:greet"
[project.entry-points."tmws_mcp.experts"]
acme = "acme_tools.expert:ACME"
wrong = "acme_tools.expert:WRONG"
task = "acme_tools.expert:ACME"
[project.entry-points."tmws_mcp.sources"]
acme_log = "acme_tools.log:LOG"
acme_none = "acme_tools:NUMBER"
"""
LOG = """\
from tmws_mcp.ingest.sources import Source
from tmws_mcp.model import Interaction


def read(path, complain, advance):
    for number, line in enumerate(path.read_text().split()):
        yield Interaction(tool_used=line, success=True, session_id="acme", step=number)


LOG = Source("Acme's logs", (".acme",), read)
"""
TOOLS = """\
from pathlib import Path

(Path(__file__).parent / "imported").touch()
NUMBER = 7


def greet(name: str) -> dict[str, str]:
    '''Greet somebody.'''
    return {"greeting": f"Hello {name}"}


def crash() -> None:
    raise RuntimeError("out of luck")
"""
EXPERT = """\
from tmws_mcp.learning.case import Forecast
from tmws_mcp.learning.experts import Expert

ACME = Expert(("acme",), lambda view, case: Forecast({"deploy": 0.9}), proposes=3)
WRONG = Expert(("wrong",), lambda view, case: Forecast({"deploy": 7.0}), proposes=3)
"""
PATTERN = """\
id: infrastructure.NAME
route: infrastructure
summary: Ask acme
triggers: {exact: [acme NAME]}
examples: {match: [acme NAME]}
steps: [{name: said, action: acme.NAME, with: WITH}]
"""
ARGUMENTS = {"greet": "{name: Ada}", "crash": "{}", "number": "{}", "gone": "{}", "leaves": "{}"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed."""
    source, site = tmp_path_factory.mktemp("acme"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "acme_tools").mkdir()
    (source / "acme_tools" / "__init__.py").write_text(TOOLS)
    (source / "acme_tools" / "expert.py").write_text(EXPERT)
    (source / "acme_tools" / "log.py").write_text(LOG)
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(site))
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (built,) = site.glob("acme_tools-*.whl")
    with zipfile.ZipFile(built) as wheel:
        wheel.extractall(site)
    (site / "acme_leaves.py").write_text("import sys\nsys.exit('bye')\n")
    for name, given in ARGUMENTS.items():
        file = site / "mine" / "infrastructure" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PATTERN.replace("NAME", name).replace("WITH", given))
    return site


def environment(site: Path, home: Path) -> dict[str, str]:
    own = {
        "PYTHONPATH": str(site),
        "TMWS_HOME": str(home),
        "TMWS_EMBEDDER": "none",
        "TMWS_NAMESPACE": "here",
        "TMWS_PATTERN_DIRS": str(site / "mine"),
    }
    return {**os.environ, **own}


@asynccontextmanager
async def served(site: Path, home: Path) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "tmws_mcp"], env=environment(site, home)
    )
    with anyio.fail_after(120):
        async with Client(server) as client:
            yield client


async def ask(client: Client, name: str) -> str:
    return text_of(await client.call_tool("pattern_execute", {"query": f"acme {name}"}))


async def test_a_package_adds_actions_and_a_broken_one_takes_nothing_with_it(
    site: Path, tmp_path: Path
) -> None:
    async with served(site, tmp_path) as client:
        assert not (site / "acme_tools" / "imported").exists(), "imported before it is used"
        said = await ask(client, "greet")
        failures = {name: await ask(client, name) for name in ARGUMENTS if name != "greet"}
        clock = await client.call_tool("pattern_execute", {"query": "what time is it"})
        status = json.loads(json_of(await client.read_resource("tmws://status")))

    assert "Hello Ada" in said
    assert "RuntimeError" in failures["crash"]
    assert "must be an Action or a function" in failures["number"]
    assert "No module named 'acme_missing'" in failures["gone"]
    assert "SystemExit: bye" in failures["leaves"]
    assert "unix_seconds" in text_of(clock), "the built-in one still answers"
    problems = "\n".join(status["problems"])
    assert "'acme.gone' (tmws_mcp.actions) of acme-tools 1.0: acme_missing:greet" in problems
    assert "a built-in name cannot be replaced" in problems
    assert "'Not A Name'" in problems


async def test_a_package_adds_an_expert_and_a_wrong_one_is_silenced(
    site: Path, tmp_path: Path
) -> None:
    async with served(site, tmp_path) as client:
        for number in range(6):
            steps = [{"tool_used": tool, "success": True} for tool in ("build", "deploy")]
            observed = {"session_id": f"s{number}", "task": "release it", "interactions": steps}
            assert not (await client.call_tool("observe_interaction", observed)).is_error
        asked = {"task": "release it", "context": {}}
        reply = await client.call_tool("get_recommendations", {"task": asked["task"]})
        status = json.loads(json_of(await client.read_resource("tmws://status")))

    assert not reply.is_error
    problems = "\n".join(status["problems"])
    assert "'wrong' (tmws_mcp.experts) of acme-tools 1.0: it failed and is silent" in problems
    assert "'task' (tmws_mcp.experts)" in problems
    assert "'acme' (tmws_mcp.experts)" not in problems


def test_the_doctor_tells_which_packages_are_broken(site: Path, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tmws_mcp", "doctor", "--json")
    done = subprocess.run(
        command, env=environment(site, tmp_path), capture_output=True, text=True, check=False
    )
    told: dict[str, Any] = {check["check"]: check for check in checks(json.loads(done.stdout))}

    assert told["plugins"]["state"] == "warn"
    assert "acme.leaves" in told["plugins"]["found"]
    assert "acme-tools 1.0" in told["plugins"]["found"]


def test_a_package_adds_a_source_of_traces(site: Path, tmp_path: Path) -> None:
    (tmp_path / "today.acme").write_text("build test deploy")

    def traces(name: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "tmws_mcp", "import", name, str(tmp_path))
        given = environment(site, tmp_path / "home")
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    read, wrong, unknown = traces("acme_log"), traces("acme_none"), traces("acme_other")

    assert read.returncode == 0, read.stderr
    assert "3" in read.stdout
    assert "it must be a Source" in wrong.stderr
    assert "Known are claude-code" in unknown.stderr
    assert "acme_log" in unknown.stderr


def checks(answer: Any) -> list[dict[str, Any]]:
    """Return the findings, whatever they are wrapped in."""
    return answer["checks"] if isinstance(answer, dict) else answer


async def test_no_model_can_register_a_pattern_that_calls_one(site: Path, tmp_path: Path) -> None:
    definition = {
        "id": "infrastructure.mine",
        "route": "infrastructure",
        "summary": "Greet",
        "triggers": {"exact": ["greet them"]},
        "steps": [{"name": "said", "action": "acme.greet", "with": {"name": "Ada"}}],
    }
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tmws_mcp"],
        env=environment(site, tmp_path) | {"TMWS_REGISTER_PATTERN": "true"},
    )
    with anyio.fail_after(120):
        async with Client(server) as client:
            reply = await client.call_tool("register_pattern", {"definition": definition})

    assert reply.is_error
    assert "cannot call 'acme.greet'" in text_of(reply)
