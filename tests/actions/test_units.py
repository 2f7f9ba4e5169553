import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.actions.units import CONVERSION_CHARS_MAX, UNITS, convert, is_conversion
from tmws_mcp.errors import ActionError


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("3 miles to km", 4.828032, "km"),
        ("1 nautical mile in m", 1852.0, "m"),
        ("3 hours in seconds", 10_800.0, "s"),
        ("512 MiB in GB", 0.536870912, "gb"),
        ("1 KiB as bits", 8192.0, "bit"),
        ("0 celsius to kelvin", 273.15, "kelvin"),
        ("-40 \N{DEGREE SIGN}F to \N{DEGREE SIGN}C", -40.0, "celsius"),
        ("1,000 mm in m", 1.0, "m"),
        ("36 km/h to m/s", 10.0, "m/s"),
        ("6 feet to inches", 72.0, "in"),
        ("1 lb in oz", 16.0, "oz"),
    ],
)
def test_a_unit_is_converted_by_its_definition(text: str, value: float, unit: str) -> None:
    assert convert(text) == (pytest.approx(value), unit)


def test_what_measures_something_else_is_refused() -> None:
    with pytest.raises(ActionError, match="km measures length and kg mass"):
        convert("3 km in kg")


def test_an_unknown_unit_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ActionError, match=r"No unit is called 'parsecs'; known are mm, cm"):
        convert("3 parsecs in km")


def test_no_longer_text_is_read() -> None:
    assert not is_conversion("3 km to " + "m" * CONVERSION_CHARS_MAX)


@given(
    st.sampled_from(sorted(UNITS)),
    st.sampled_from(sorted(UNITS)),
    st.integers(-(10**6), 10**6),
)
def test_there_and_back_is_where_it_began(source: str, target: str, amount: int) -> None:
    if UNITS[source].dimension != UNITS[target].dimension:
        return
    there, _ = convert(f"{amount} {source} to {target}")
    back, _ = convert(f"{there:.10f} {target} to {source}")

    assert back == pytest.approx(
        amount, rel=1e-6, abs=abs(UNITS[target].factor) * 1e-6 / UNITS[source].factor + 1e-6
    )
