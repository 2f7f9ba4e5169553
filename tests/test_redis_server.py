"""The Redis that tests use is a server of their own, real where the machine has one."""

import pytest
import redis

from tests.redis_server import RedisServer, client, running


def test_the_server_is_empty_at_the_beginning_of_each_test(redis_url: str) -> None:
    with client(redis_url) as asked:
        assert asked.dbsize() == 0
        asked.set("left", "behind")


def test_what_an_earlier_test_left_behind_is_gone(redis_url: str) -> None:
    with client(redis_url) as asked:
        assert asked.get("left") is None


def test_a_server_that_was_killed_comes_back_empty_on_its_port(
    crashable_redis: RedisServer,
) -> None:
    with client(crashable_redis.url) as asked:
        asked.set("here", "now")
    crashable_redis.kill()
    with client(crashable_redis.url) as asked, pytest.raises(redis.ConnectionError):
        asked.ping()
    crashable_redis.start()
    with client(crashable_redis.url) as asked:
        assert asked.get("here") is None


def test_a_server_with_a_journal_keeps_what_it_acknowledged(crashable_redis: RedisServer) -> None:
    del crashable_redis  # its fixture skips where there is no program
    with running("--appendonly", "yes", "--appendfsync", "always") as server:
        with client(server.url) as asked:
            asked.set("here", "now")
        server.kill()
        server.start()
        with client(server.url) as asked:
            assert asked.get("here") == b"now"
