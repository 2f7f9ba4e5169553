"""How often sharing goes on."""

import pytest

from tmws_mcp.federation.pace import BURST_SECONDS, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN, Pace

SHARE = 0.05


def test_after_a_quiet_while_one_piece_of_work_waits_for_nothing() -> None:
    pace = Pace(SHARE)
    pace.spend(0.005, now=100.0)
    assert pace.pause(100.0) == PAUSE_SECONDS_MIN


def test_a_flood_takes_its_share_of_the_time_and_no_more() -> None:
    pace, now, worked = Pace(SHARE), 0.0, 0.0
    while now < 60.0:
        now += 0.004
        worked += 0.004
        pace.spend(0.004, now)
        now += pace.pause(now)
    assert worked / now < SHARE * 1.1


def test_a_debt_is_forgotten_with_time() -> None:
    pace = Pace(SHARE)
    for _ in range(50):
        pace.spend(0.01, now=10.0)
    assert pace.pause(10.0) > PAUSE_SECONDS_MIN
    assert pace.pause(10.0 + BURST_SECONDS / SHARE + PAUSE_SECONDS_MAX) == PAUSE_SECONDS_MIN


def test_a_long_piece_of_work_holds_up_for_a_bounded_time() -> None:
    pace = Pace(SHARE)
    pace.spend(100.0, now=10.0)
    assert pace.pause(10.0) == pytest.approx(PAUSE_SECONDS_MAX)
    assert pace.pause(10.0 + PAUSE_SECONDS_MAX) == PAUSE_SECONDS_MIN
