from tmws_mcp.cache.lifetimes import (
    CHECKED_FACTORS,
    FIRST,
    NAMES_MAX,
    STEP,
    UNCHECKED_FACTORS,
    Lifetimes,
)


def test_what_keeps_standing_lives_longer_up_to_a_limit() -> None:
    lifetimes = Lifetimes()
    lifetimes.stood("a")
    once = lifetimes.seconds("a", 60, checked=True)
    for _ in range(100):
        lifetimes.stood("a")

    assert once == 60 * (FIRST + STEP)
    assert lifetimes.seconds("a", 60, checked=True) == 60 * CHECKED_FACTORS[1]
    assert lifetimes.seconds("a", 60, checked=False) == 60 * UNCHECKED_FACTORS[1]
    assert lifetimes.seconds("b", 60, checked=True) == 60 * FIRST


def test_what_keeps_changing_lives_shorter_down_to_a_limit() -> None:
    lifetimes = Lifetimes()
    lifetimes.changed("a")
    once = lifetimes.seconds("a", 60, checked=True)
    for _ in range(100):
        lifetimes.changed("a")

    assert once == 60 * FIRST / 2
    assert lifetimes.seconds("a", 60, checked=True) == 60 * CHECKED_FACTORS[0]
    assert lifetimes.seconds("a", 60, checked=False) == 60 * UNCHECKED_FACTORS[0]


def test_a_value_made_anew_tells_whether_it_had_changed() -> None:
    lifetimes = Lifetimes()
    for number in range(20):
        lifetimes.made("a", "key", str(number))
    shorter = lifetimes.seconds("a", 60, checked=False)
    for _ in range(4):
        lifetimes.made("a", "key", "19")

    assert shorter == 60 * UNCHECKED_FACTORS[0]
    assert lifetimes.seconds("a", 60, checked=False) == 60 * UNCHECKED_FACTORS[1]


def test_only_so_many_names_are_kept() -> None:
    lifetimes = Lifetimes()
    for number in range(NAMES_MAX + 1):
        lifetimes.changed(str(number))

    assert lifetimes.seconds("0", 60, checked=True) == 60 * FIRST
    assert lifetimes.seconds("1", 60, checked=True) == 60 * FIRST / 2
