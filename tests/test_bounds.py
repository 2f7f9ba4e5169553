"""The guard itself notices what does not end."""

import re

import pytest

from tests.bounds import TookTooLong, bounded_work


def test_exponential_matching_is_noticed() -> None:
    with pytest.raises(TookTooLong), bounded_work(0.2):
        re.fullmatch(r"(?:a|a)*", "a" * 60 + "b")


def test_work_that_ends_passes() -> None:
    with bounded_work(5):
        assert sum(range(1000)) == 499_500
