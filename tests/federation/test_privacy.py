"""What leaves an instance: everything that is put in, and then looked for in Redis."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.federation.team import instance
from tests.redis_server import client
from tmws_mcp.federation import privacy
from tmws_mcp.federation.privacy import Place, Seal
from tmws_mcp.federation.slots import CONTEXT, OUTCOME
from tmws_mcp.learning import counting, drift
from tmws_mcp.learning.experts import EXPERTS, after_error, ngram, repeat, skip, vocabulary

SEAL = Seal(b"s" * 32, "team", ("internal_*",))
HEX = "0123456789abcdef"
PLANTED = {
    "task": "canarytask for Zebulon Quagmire at https://canary-url.example/x",
    "turn": "canaryturn please mail zeb@canary-mail.example",
    "error": "open '/home/canaryuser/canaryfile.txt' failed for zeb@canary-mail.example",
    "arguments": {"path": "/canary/argument", "text": "canaryargument"},
    "metadata": {"host": "canaryhost", "n": "canarymeta"},
    "session_id": "canarysession",
    "available_tools": ["canary tool with blanks", "run_job"],
}


@pytest.mark.anyio
async def test_nothing_that_is_private_is_found_in_redis(tmp_path: Path, redis_url: str) -> None:
    async with instance(tmp_path / "a", redis_url) as a:
        await a.store_memory({"content": "canarymemory", "tags": ["canarytag"]})
        for step in range(8):
            ok = step % 2 == 1
            told = {**PLANTED, "tool_used": "run_job" if ok else "read_it", "success": ok}
            if ok:
                told.pop("error")
            await a.observe_interaction({**told, "method": "/canary/method", "step": step})
        await a.observe_interaction({"tool_used": "canary tool: with a sentence", "task": "t"})
        await a.observe_interaction({"tool_used": "/canary/tool", "recovery_action": "canary@x.y"})
        await a.observe_interaction({"session_id": "canarysession", "outcome": "success"})
        await a.federation.sync()
    with client(redis_url) as looked:
        found = {key: _everything(looked, key) for key in looked.keys("*")}
    assert any(b"run_job" in told for told in found.values())
    for key, told in found.items():
        assert b"canary" not in (key + told).lower(), key
        for word in (b"Zebulon", b"zebulon", b"quagmire", str(tmp_path).encode()):
            assert word not in told


def _everything(looked, key: bytes) -> bytes:
    match looked.type(key):
        case b"hash":
            return repr(looked.hgetall(key)).encode()
        case b"stream":
            return repr(looked.xrange(key)).encode()
        case b"set":
            return repr(looked.smembers(key)).encode()
        case b"list":
            return repr(looked.lrange(key, 0, -1)).encode()
        case _:
            return repr(looked.get(key)).encode()


@given(st.binary(min_size=8, max_size=8), st.sampled_from(["", "task:", "metadata:"]))
def test_a_key_comes_out_as_it_went_in_under_the_same_secret(told: bytes, prefix: str) -> None:
    place = Place("variant", prefix + told.hex(), "run_job")
    hidden = SEAL.hidden(OUTCOME, place)
    assert hidden is not None
    assert SEAL.shown(hidden) == place
    assert told.hex().encode() not in hidden
    assert told not in hidden


def test_under_another_secret_a_key_is_another_thing() -> None:
    place = Place("ngram", HEX, "run_job")
    assert SEAL.hidden(CONTEXT, place) != Seal(b"t" * 32, "team").hidden(CONTEXT, place)
    assert SEAL.hidden(CONTEXT, place) != Seal(b"s" * 32, "others").hidden(CONTEXT, place)


@pytest.mark.parametrize(
    "place",
    [
        Place("calibration", HEX, "run_job"),
        Place("ngram", "plain words", "run_job"),
        Place("ngram", HEX[:15], "run_job"),
        Place("ngram", HEX, "two words"),
        Place("ngram", HEX, "/a/path"),
        Place("ngram", HEX, "ann@example.org"),
        Place("ngram", HEX, "x" * 81),
        Place("ngram", HEX, "internal_tool"),
    ],
)
def test_what_the_list_does_not_allow_stays(place: Place) -> None:
    assert SEAL.hidden(CONTEXT, place) is None


@given(st.binary(max_size=60))
def test_a_key_of_rubbish_stands_for_nothing_or_for_a_place(key: bytes) -> None:
    shown = SEAL.shown(b"o" + key)
    assert shown is None or isinstance(shown, Place)


def test_the_kinds_that_may_leave_are_kinds_of_learning() -> None:
    outcomes = {
        counting.ALL[0], counting.TOOL, counting.TASK_TOOL, counting.TASK, counting.REPAIR,
        counting.SEQUENCE, counting.VARIANT, drift.PATTERN,
    }  # fmt: skip
    contexts = {
        ngram.KIND, skip.KIND, after_error.KIND, repeat.KIND, vocabulary.TASK,
        vocabulary.TURN,
    }  # fmt: skip
    assert outcomes == privacy.OUTCOMES
    assert contexts == privacy.CONTEXTS
    assert sum(expert.counted is not None for expert in EXPERTS.values()) == len(contexts) - 1
