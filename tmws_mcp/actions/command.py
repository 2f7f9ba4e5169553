"""Running a command, as little as can be of it.

An argument list and never a shell; an environment without the server's secrets; a process group of
its own, killed as a whole on a time limit, on too much output, on cancellation and when its leader
has ended: what a command leaves running has nobody who would end it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

from tmws_mcp.errors import ActionError

OUTPUT_BYTES_MAX = 256 * 1024
ERROR_BYTES_MAX = 8 * 1024
SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    code: int
    output: bytes
    error: str
    cut: bool
    """Whether it was stopped because it wrote too much."""


async def run_command(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float = SECONDS_MAX,
    output_bytes_max: int = OUTPUT_BYTES_MAX,
) -> Finished:
    """Return what a command wrote and how it ended.

    Raises:
        ActionError: It cannot be started, or did not end in time.
    """
    try:
        process = await anyio.open_process(
            list(argv),
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=dict(environment),
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        raise ActionError(f"{argv[0]} cannot be started: {error.strerror or error}.") from error
    try:
        with anyio.fail_after(seconds):
            return await _collect(process, output_bytes_max)
    except TimeoutError as error:
        raise ActionError(f"{Path(argv[0]).name} took longer than {seconds:g} s.") from error
    finally:
        await _end(process)


async def _collect(process: Process, output_bytes_max: int) -> Finished:
    assert process.stdout is not None
    assert process.stderr is not None
    output, error = bytearray(), bytearray()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_drain, process.stderr, error)
        cut = await _read(process.stdout, output, output_bytes_max)
        if cut:
            end_group(process)
    code = await process.wait()
    return Finished(code, bytes(output), error.decode("utf-8", "replace").strip(), cut)


async def _read(stream: ByteReceiveStream, into: bytearray, limit: int) -> bool:
    """Read to the end, or to the limit: then return True."""
    async for chunk in stream:
        into += chunk[: limit - len(into)]
        if len(into) >= limit:
            return True
    return False


async def _drain(stream: ByteReceiveStream, into: bytearray) -> None:
    """Read to the end and keep the beginning: a full pipe would block the command."""
    async for chunk in stream:
        into += chunk[: max(0, ERROR_BYTES_MAX - len(into))]


def end_group(process: Process) -> None:
    """Kill the process and all that it started; as its group's leader it lends the group its id."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def terminate_group(process: Process) -> None:
    """Ask the process and all that it started to end; Windows has no asking."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGTERM)


async def _end(process: Process) -> None:
    """Kill what is left of the group, also where its leader has ended by itself."""
    end_group(process)
    with anyio.CancelScope(shield=True):
        await process.aclose()
