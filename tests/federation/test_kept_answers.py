"""What one instance learns makes the answers fall that another one keeps."""

from pathlib import Path

import pytest

from tests.federation.team import NAMESPACE, instance, observe, support, until
from tests.redis_server import client
from tmws_mcp.engine import Engine

pytestmark = pytest.mark.anyio
TASK = "process the monthly data"
PATTERN = f"""\
id: memory.month
route: memory
summary: What works for the month
cache_seconds: 60
triggers: {{exact: [how is the month done]}}
examples: {{match: [how is the month done]}}
steps: [{{name: advice, recommend: {{task: "{TASK}"}}}}]
"""


@pytest.fixture
def patterns(tmp_path: Path) -> str:
    """A folder with a pattern that recommends and whose answers may be kept."""
    folder = tmp_path / "patterns" / "memory"
    folder.mkdir(parents=True)
    (folder / "month.yaml").write_text(PATTERN)
    return str(folder.parent)


async def asked(engine: Engine) -> tuple[bool, object]:
    """Whether the answer names the tool, and what kept it."""
    reply = await engine.pattern_execute({"query": "how is the month done"})
    assert reply.pattern == "memory.month"
    return "run_job" in str(reply.result), reply.cached


async def test_an_answer_falls_with_what_another_instance_has_learned(
    tmp_path: Path, redis_url: str, patterns: str
) -> None:
    async with (
        instance(tmp_path / "a", redis_url) as a,
        instance(tmp_path / "b", redis_url, pattern_dirs=patterns) as b,
    ):
        await observe(b, "look_at", task="something else", times=3)
        await b.federation.sync()
        await asked(b)
        assert await asked(b) == (False, "process")

        await observe(a, "run_job", task=TASK, times=4)

        async def known() -> bool:
            return await support(b, "run_job") == (4, 1)

        await until(known)
        assert await asked(b) == (True, False)
        assert await asked(b) == (True, "process")

        await a.federation.forget(tool="run_job")

        async def gone() -> bool:
            return await support(b, "run_job") == (0, 0)

        await until(gone)
        assert await asked(b) == (False, False)


async def test_what_was_learned_is_never_kept_in_redis(
    tmp_path: Path, redis_url: str, patterns: str
) -> None:
    async with instance(tmp_path / "a", redis_url, cache_place="here", pattern_dirs=patterns) as a:
        await observe(a, "run_job", task=TASK, times=4)
        await asked(a)
        assert await asked(a) == (True, "process")
        with client(redis_url) as looked:
            assert looked.keys(f"tm:{{{NAMESPACE}}}:answer:*") == []
