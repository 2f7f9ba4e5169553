"""What all tests share."""

import pytest

from tests import redis_server
from tests.redis_server import crashable_redis, redis_url, shared_redis_url

__all__ = ["crashable_redis", "redis_url", "shared_redis_url"]


def pytest_report_header() -> str:
    return f"redis: {redis_server.version()}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
