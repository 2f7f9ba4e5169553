"""Whatever a client sends as arguments, it gets a reply or a refusal, and no crash."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from mcp import Client

from tests.server.calls import json_of, text_of
from tmws_mcp.server.app import build_server
from tmws_mcp.server.entries import TOOLS
from tmws_mcp.settings import Settings

CALLS_MAX = 6
names = st.sampled_from(sorted({name for entry in TOOLS for name in entry.request.model_fields}))
# Without halves of surrogate pairs: the SDK's client cannot send them (tests/transports does).
texts = st.text(st.characters(codec="utf-8"), max_size=30)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
    | st.sampled_from(["[]", "{}", "null", '{"a": 1}', "2026-01-01", "a/b", "\0", "../x", "'; --"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=4),
    max_leaves=8,
)
calls = st.tuples(
    st.sampled_from([entry.name for entry in TOOLS]),
    st.dictionaries(names, values, max_size=6),
)


@runs(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls, min_size=1, max_size=CALLS_MAX))
def test_odd_arguments_are_answered_or_refused(sequence: list[tuple[str, Any]]) -> None:
    anyio.run(_call_all, sequence)


async def _call_all(sequence: list[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as home:
        environ = {"TMWS_HOME": home, "TMWS_EMBEDDER": "none"}
        settings = Settings.load(environ, cwd=Path(home))
        async with Client(build_server(settings), raise_exceptions=True) as client:
            for name, arguments in sequence:
                before = await _stored(client)
                with anyio.fail_after(30):
                    result = await client.call_tool(name, arguments)
                assert not result.is_error or await _stored(client) == before
                assert text_of(result)
                assert "error of the server" not in text_of(result), (name, arguments)


async def _stored(client: Client) -> tuple[object, object]:
    """Return the memories and learned patterns that are there."""
    stored = json.loads(json_of(await client.read_resource("tmws://stats")))
    return stored["memory"], stored["learning"]
