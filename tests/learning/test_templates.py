"""Errors that differ in particulars alone share a template."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bounds import bounded_work
from tmws_mcp.learning.templates import (
    ERROR_CHARS_MAX,
    TEMPLATE_CHARS_MAX,
    error_class,
    template,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("open /home/ann/a.txt: no such file", "open /srv/x/b.json: no such file"),
        ("column 'age' not found", "column 'size' not found"),
        ("order 4711 is gone", "order 12 is gone"),
        ("GET https://a.example/x?y=1 failed", "GET http://b.test failed"),
        ("user ann@example.org unknown", "user bob@mail.example.com unknown"),
        ("commit 9f8e7d6c5b4a3210 missing", "commit 0123456789abcdef missing"),
        ("at 2026-11-20T13:04:05Z: timed out", "at 2025-01-01: timed out"),
        ("\x1b[31mfatal\x1b[0m: stop", "fatal: stop"),
        ("too   many\nspaces", "too many spaces"),
    ],
)
def test_particulars_are_masked(one: str, other: str) -> None:
    assert template(one) == template(other)


def test_different_errors_stay_apart() -> None:
    assert template("permission denied") != template("no such file")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("bash: foo: No such file or directory", "not_found"),
        ('near "FORM": syntax error', "syntax"),
        ("403 Forbidden", "permission"),
        ("context deadline exceeded", "timeout"),
        ("missing 1 required argument", "invalid"),
        ("table already present", "exists"),
        ("429 slow down", "limit"),
        ("KeyError: 'x'", "type"),
        ("502 Bad Gateway", "server"),
        ("the moon is wrong", "other"),
    ],
)
def test_errors_have_a_class(error: str, kind: str) -> None:
    assert error_class(error) == kind


def test_a_traceback_is_known_by_its_last_line() -> None:
    traceback = 'Traceback (most recent call last):\n  File "/x/y.py", line 3\nKeyError: 17'

    assert template(traceback) == "keyerror: <n>"


@given(st.text(max_size=ERROR_CHARS_MAX * 2))
def test_a_template_is_bounded_and_on_one_line(error: str) -> None:
    found = template(error)

    assert len(found) <= TEMPLATE_CHARS_MAX + 2  # lower case of some letters is longer
    assert "\n" not in found


@pytest.mark.parametrize("piece", ["a/", "'", '"x', "a.", "1:", "f0", "a@", "a_", "[", "\\", "- "])
def test_a_hostile_error_is_masked_in_linear_time(piece: str) -> None:
    with bounded_work():
        template(piece * 10_000)
