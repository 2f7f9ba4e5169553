"""stdio with real processes: stdout is protocol alone, and an end comes quickly, store closed."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.server.calls import text_of
from tests.transports.raw import INITIALIZE, TMWS, environment, raw_server

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX descriptors and signals"),
]

EXIT_SECONDS_MAX = 1.0
LOADED = 5  # times slower than its specification may a machine be that runs other tests too


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_sdks_client_works_in_both_eras(tmp_path: Path, mode: str) -> None:
    command, *arguments = TMWS
    server = StdioServerParameters(command=command, args=arguments, env=environment(tmp_path))

    async with Client(server, mode=mode) as client:
        await client.call_tool("store_memory", {"content": "The importer listens on port 8931"})
        found = await client.call_tool("recall_memory", {"query": "importer"})

    assert "8931" in text_of(found)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, None])
async def test_it_ends_within_a_second_with_the_store_closed(
    tmp_path: Path, end: signal.Signals | None
) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        await server.call("store_memory", {"content": "The importer listens on port 8931"})
        assert not (await server.answer())["result"]["isError"]

        asked = time.monotonic()
        if end is None:
            await server.close_input()
        else:
            server.signal(end)  # stdin stays open
        code = await server.exit_code()
        took = time.monotonic() - asked

    assert code == 0
    assert took < EXIT_SECONDS_MAX * LOADED
    # SQLite removes its log when the last connection closes properly.
    assert not tmp_path.joinpath("tmws.db-wal").exists()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, None])
async def test_it_ends_before_anything_was_asked(
    tmp_path: Path, end: signal.Signals | None
) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        if end is None:
            await server.close_input()
        else:
            server.signal(end)

        assert await server.exit_code() == 0


async def test_end_of_input_in_mid_call_ends_it_too(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        for number in range(20):
            await server.call("store_memory", {"content": f"Fact {number}"}, number)
        await server.close_input()

        assert await server.exit_code() == 0


@pytest.mark.parametrize("end", [signal.SIGTERM, None])
async def test_a_store_that_no_longer_takes_writes_does_not_keep_it_from_ending(
    tmp_path: Path, end: signal.Signals | None
) -> None:
    async with raw_server(tmp_path, stderr=subprocess.PIPE) as server:
        await server.initialize()
        await server.call("observe_interaction", {"task": "build", "tool_used": "make"})
        assert not (await server.answer())["result"]["isError"]
        with closing(sqlite3.connect(tmp_path / "tmws.db")) as newer:
            newer.execute("PRAGMA user_version = 99")

        if end is None:
            await server.close_input()
        else:
            server.signal(end)
        code = await server.exit_code()
        assert server.process.stderr is not None
        logged = await server.process.stderr.receive()

    assert code == 0
    assert b"Traceback" not in logged
    assert not tmp_path.joinpath("tmws.db-wal").exists(), "the store was closed"


async def test_a_call_whose_text_is_no_unicode_is_answered_under_its_id(tmp_path: Path) -> None:
    call = (
        b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":'
        b'{"name":"store_memory","arguments":{"content":"half \\ud800"}}}'
    )
    async with raw_server(tmp_path) as server:
        await server.initialize()
        await server.send(call)
        answer = await server.answer()

    assert answer["id"] == 7, "a client that gets no answer under its id waits for ever"
    assert "hex escape" in answer["error"]["message"]


# What a dependency does that prints while it is imported, and a tool that prints in all ways.
NOISE = """
import builtins, os, subprocess, sys
before = builtins.__import__
def noisy(name, *args, **kwargs):
    if name.startswith("mcp"):
        print("printed while imported")
    return before(name, *args, **kwargs)
builtins.__import__ = noisy

def with_shout(build):
    def built(settings):
        server = build(settings)
        @server.tool()
        def shout() -> str:
            "Print to everything that leads to stdout."
            print("printed"); print("flushed", flush=True)
            os.write(1, b"written to the descriptor\\n")
            subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
            print("left in the buffer", end="")
            return repr(os.read(0, 10))
        return server
    return built

sys.argv = ["tmws-mcp"]
from tmws_mcp.__main__ import claim_standard_streams, main
claim_standard_streams()
import tmws_mcp.server.app as app
app.build_server = with_shout(app.build_server)
main()
"""


async def test_nothing_that_prints_reaches_the_client(tmp_path: Path) -> None:
    command = (sys.executable, "-c", NOISE)
    async with raw_server(tmp_path, command, stderr=subprocess.PIPE) as server:
        await server.initialize()
        await server.call("shout", {})
        answer = await server.answer()
        await server.close_input()
        assert await server.exit_code() == 0
        assert server.process.stdout is not None
        with pytest.raises(anyio.EndOfStream):
            await server.process.stdout.receive()
        assert server.process.stderr is not None
        logged = await server.process.stderr.receive()

    assert answer["result"]["content"][0]["text"] == "b''", "stdin is empty for everybody else"
    assert b"written to the descriptor" in logged


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"this is no JSON", -32700, None),
        (b'{"jsonrpc": "2.0", "id": 1, "method"', -32700, 1),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 7, "method": 3}', -32600, 7),
        (
            b'{"jsonrpc":"2.0","id":8,"method":"x","params":{"a":"' + b"a" * 2**24 + b'"}}',
            -32600,
            8,
        ),
    ],
)
async def test_a_line_that_is_no_message_is_answered_and_the_next_one_served(
    tmp_path: Path, line: bytes, code: int, request_id: int | None
) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        await server.send(line)
        refused = await server.answer()
        await server.ask("ping", {}, 9)
        served = await server.answer()

    assert refused["error"]["code"] == code
    assert refused["id"] == request_id
    assert served == {"jsonrpc": "2.0", "id": 9, "result": {}}


async def test_a_memory_of_five_megabytes_is_refused_as_a_tool_error(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        await server.call("store_memory", {"content": "x" * 5_000_000})
        result = (await server.answer())["result"]

    assert result["isError"]
    assert "4,000,000" in result["content"][0]["text"]


async def test_a_client_that_does_not_read_does_not_stop_the_server(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        for number in range(64):
            await server.ask("tools/list", {}, number)  # far more than a pipe holds
        await anyio.sleep(0.2)
        server.signal(signal.SIGTERM)

        assert await server.exit_code() == 0


async def test_a_client_that_reads_late_gets_all_answers(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        for number in range(64):
            await server.ask("tools/list", {}, number)
        await anyio.sleep(0.2)
        answered = {(await server.answer())["id"] for _ in range(64)}

    assert answered == set(range(64))


async def test_requests_out_of_a_file_are_read_to_its_end(tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    requests.write_text(json.dumps(request))

    with requests.open() as source, anyio.fail_after(60):
        done = await anyio.run_process(TMWS, stdin=source, env=environment(tmp_path), check=False)

    assert done.returncode == 0
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "tmws-mcp"


@pytest.mark.parametrize("closed", ["<&-", ">&- </dev/null", "2>&- </dev/null"])
async def test_a_stream_that_is_closed_from_the_start_counts_as_empty(
    tmp_path: Path, closed: str
) -> None:
    command = ["sh", "-c", f'"$@" {closed}', "sh", *TMWS]
    with anyio.fail_after(60):
        done = await anyio.run_process(command, env=environment(tmp_path), check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
async def test_no_text_of_a_caller_is_logged(tmp_path: Path, level: str) -> None:
    calls = [
        ("store_memory", {"content": "zebra stripes"}),
        ("store_memory", {"content": "zebra stripes", "zebra": 1}),
        ("recall_memory", {"query": "zebra"}),
        ("pattern_execute", {"query": "remember that the zebra sleeps"}),
        ("observe_interaction", {"task": "zebra", "tool_used": "x", "error": "zebra"}),
        ("get_recommendations", {"task": "zebra", "error": "zebra"}),
    ]
    log = tmp_path / "server.log"
    with log.open("wb") as errors:
        more = {"TMWS_LOG_LEVEL": level}
        async with raw_server(tmp_path, more=more, stderr=errors.fileno()) as server:
            await server.initialize()
            for name, arguments in calls:
                await server.call(name, arguments)
                assert "result" in await server.answer()

    logged = log.read_text()
    assert logged.count('"server.called"') == len(calls)
    assert "zebra" not in logged


async def test_a_cancelled_call_is_not_answered_and_the_next_one_is(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        await server.initialize()
        await server.call("recall_memory", {}, 1)
        await server.send(
            b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'
        )
        await server.call("store_memory", {"content": "after"}, 2)
        answers = [await server.answer()]
        if answers[0]["id"] == 1:  # it was faster than its cancellation
            answers.append(await server.answer())

    assert answers[-1]["id"] == 2
    assert not answers[-1]["result"]["isError"]


async def test_a_setting_that_cannot_be_used_is_told_on_stderr(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        done = await anyio.run_process(
            TMWS, env=environment(tmp_path, {"TMWS_HTTP_PORT": "many"}), check=False
        )

    assert done.returncode == 2
    assert done.stdout == b""
    assert b"TMWS_HTTP_PORT" in done.stderr
