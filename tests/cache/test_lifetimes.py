from tmws_mcp.cache.lifetimes import (
    CHECKED_FACTOR_MAX,
    FACTOR_MIN,
    NAMES_MAX,
    UNCHECKED_FACTOR_MAX,
    Lifetimes,
)


def test_what_keeps_standing_lives_longer_up_to_a_limit() -> None:
    lifetimes = Lifetimes()
    for _ in range(100):
        lifetimes.stood("a")

    assert lifetimes.seconds("a", 60, checked=True) == 60 * CHECKED_FACTOR_MAX
    assert lifetimes.seconds("a", 60, checked=False) == 60 * UNCHECKED_FACTOR_MAX
    assert lifetimes.seconds("b", 60, checked=True) == 60


def test_what_keeps_changing_lives_shorter_down_to_a_limit() -> None:
    lifetimes = Lifetimes()
    lifetimes.changed("a")
    once = lifetimes.seconds("a", 60, checked=True)
    for _ in range(100):
        lifetimes.changed("a")

    assert once == 30
    assert lifetimes.seconds("a", 60, checked=True) == 60 * FACTOR_MIN


def test_a_value_made_anew_tells_whether_it_had_changed() -> None:
    lifetimes = Lifetimes()
    lifetimes.made("a", "key", "one")
    lifetimes.made("a", "key", "two")
    shorter = lifetimes.seconds("a", 60, checked=False)
    for _ in range(4):
        lifetimes.made("a", "key", "two")

    assert shorter == 30
    assert lifetimes.seconds("a", 60, checked=False) == 60


def test_only_so_many_names_are_kept() -> None:
    lifetimes = Lifetimes()
    for number in range(NAMES_MAX + 1):
        lifetimes.changed(str(number))

    assert lifetimes.seconds("0", 60, checked=True) == 60
    assert lifetimes.seconds("1", 60, checked=True) == 30
