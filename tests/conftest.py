"""What all tests share."""

import os

# Before numpy: many tests learn from examples at once, and several BLAS threads in each process
# only wait for each other then. Servers that tests start inherit it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

# What the shipped patterns' examples teach is made once for all tests and the servers they start,
# and not in the home of whoever runs them.
os.environ["XDG_CACHE_HOME"] = str(Path(__file__).parents[1] / ".cache" / "tests")

import pytest

from tests import redis_server
from tests.redis_server import crashable_redis, redis_url, shared_redis_url
from tmws_mcp.engine.matching import FOLDER
from tmws_mcp.patterns.catalog import load_catalog, shipped_folder
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.places import cache_folder

__all__ = ["crashable_redis", "redis_url", "shared_redis_url"]

LEARNING_SECONDS_MAX = 120.0


def pytest_report_header() -> str:
    return f"redis: {redis_server.version()}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _learned() -> None:
    """Have the shipped examples learned: whoever asks meanwhile is answered without them."""
    matcher = Matcher(load_catalog([shipped_folder()]))
    matcher.learn(cache_folder() / FOLDER)
    assert matcher.learned(LEARNING_SECONDS_MAX)
