"""The quick part of `make soak`: random schedules of faults within the protocol's steps."""

import pytest

from tests.federation import schedules


@pytest.mark.parametrize("seed", range(16))
def test_all_agree_and_every_count_is_exact_once_the_weather_clears(seed: int) -> None:
    problem, _ = schedules.run(seed, digests=seed % 2 == 0)
    assert problem is None


def test_the_schedules_meet_every_kind_of_fault() -> None:
    seen: set[str] = set()
    for seed in range(100, 120):
        seen |= set(schedules.run(seed)[1].weather.seen)
    assert seen >= {
        "request lost", "answer lost", "push late", "push doubled", "entries dropped",
        "entries doubled", "entries mixed up", "entry spoiled", "crash", "wipe", "rollback",
        "late join", "rubbish",
    }  # fmt: skip
