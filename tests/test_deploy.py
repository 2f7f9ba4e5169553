"""What the files of deploy/ name is there: settings, ports, paths, and versions to build with.

No image is built: these tests run where there is no container engine.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.conftest import asking
from tmws_mcp.settings import Settings

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "deploy").iterdir())
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PORT = str(Settings.model_fields["http_port"].default)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_setting_and_port_that_is_named_exists(file: Path) -> None:
    text = file.read_text()

    named = {name.lower() for name in re.findall(r"TMWS_([A-Z_]+)", text)}
    assert named <= set(Settings.model_fields)
    assert set(re.findall(r"(?:127\.0\.0\.1:|EXPOSE )(\d+)", text)) <= {PORT}


@pytest.mark.anyio
async def test_every_path_that_is_named_is_served(tmp_path: Path) -> None:
    text = "".join(file.read_text() for file in FILES)
    paths = set(re.findall(r"/health/\w+|/metrics\b", text))
    settings = Settings.load({"TMWS_HOME": str(tmp_path), "TMWS_EMBEDDER": "none"})
    async with asking(settings) as client:
        answers = {path: (await client.get(path)).status_code for path in paths}

    assert answers == {"/health/ready": 200, "/metrics": 200}


def test_the_image_takes_what_it_copies_and_runs_without_root() -> None:
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()

    taken = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert all((ROOT / name).exists() for name in taken)
    assert "requirements.lock" in taken
    assert re.search(r"^USER (?!0|root)\d+", DOCKERFILE, re.MULTILINE)
    assert 'ENTRYPOINT ["tmws-mcp"]' in DOCKERFILE


@pytest.mark.skipif(sys.platform == "win32", reason="sed")
def test_the_versions_of_the_lock_are_read_by_the_image() -> None:
    found = re.search(r"(sed -n '[^']+') requirements\.lock", DOCKERFILE)
    assert found is not None

    done = subprocess.run(
        ["sed", "-n", found[1].removeprefix("sed -n '").removesuffix("'"), "requirements.lock"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    lines = done.stdout.splitlines()
    assert any(line.startswith("uvicorn==") for line in lines)
    assert all(re.fullmatch(r"[a-z0-9._-]+==\S+( ; .+)?", line) for line in lines)
