"""Real processes, killed among each other; the long run is `make soak ARGS="--processes 600"`."""

import pytest

from tests.federation import chaos
from tests.redis_server import NO_BINARY, binary


@pytest.mark.skipif(binary() is None, reason=NO_BINARY)
def test_the_totals_are_the_journals_whatever_is_killed() -> None:
    problem, seen = chaos.run(seconds=3, seed=1)
    assert problem is None
    assert seen["observed"]
