"""Our OpenAPI holds for what the routes really say, whatever they are asked."""

import re
import subprocess
import sys

import anyio
import pytest

from tests.web.served import Served

pytestmark = [pytest.mark.full, pytest.mark.anyio]

SECONDS_MAX = 300
EXAMPLES = "5"
UNSAID = "positive_data_acceptance,negative_data_rejection"
"""What is not held against us: a schema cannot say that one of several fields is needed; and what
can be read without doubt (0 for false, "7" for 7) is taken from programs as it is from models."""


async def test_no_route_breaks_or_says_what_openapi_does_not_tell(server: Served) -> None:
    asked = (
        f"{server.url}/openapi.json", "--max-examples", EXAMPLES, "--exclude-checks", UNSAID,
        "--phases", "coverage,fuzzing", "--seed", "1", "--no-color",
    )  # fmt: skip
    program = (sys.executable, "-m", "schemathesis.cli", "run")
    with anyio.fail_after(SECONDS_MAX):
        done = await anyio.run_process((*program, *asked), check=False, stdin=subprocess.DEVNULL)

    said = done.stdout.decode()
    assert done.returncode == 0, said[-6000:]
    assert re.search(r"Tested: (\d+)", said)
