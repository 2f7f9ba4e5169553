"""Conversion between units that people mix up in a working day.

A table and no library: the dimensions below cover what is asked, and each factor is exact by
definition (SI, the international yard and pound of 1959, IEC 80000-13 for binary prefixes).
"""

import re
from dataclasses import dataclass
from typing import Final

from tmws_mcp.errors import ActionError

CONVERSION_CHARS_MAX = 120
SIGNIFICANT_DIGITS = 10

_CONVERSION = re.compile(
    r"\s*(?P<amount>-?\d[\d_,]*(?:\.\d+)?(?:e[-+]?\d+)?)\s*(?P<source>[^\d\s][^\d]*?)"
    r"\s+(?:to|in|into|as)\s+(?P<target>[^\d]+?)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor * x + offset` is the value in the dimension's base unit."""

    name: str
    dimension: str
    factor: float
    offset: float = 0.0


def _table() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for dimension, units in _UNITS.items():
        for names, factor in units.items():
            first, *others = names.split("|")
            for name in (first, *others):
                table[name] = Unit(first, dimension, factor)
    for names, factor, offset in _TEMPERATURES:
        first, *others = names.split("|")
        for name in (first, *others):
            table[name] = Unit(first, "temperature", factor, offset)
    return table


_UNITS: Final[dict[str, dict[str, float]]] = {
    "length": {
        "mm|millimetre|millimeter": 1e-3,
        "cm|centimetre|centimeter": 1e-2,
        "m|metre|meter": 1.0,
        "km|kilometre|kilometer": 1e3,
        "in|inch|inche": 0.0254,
        "ft|foot|feet": 0.3048,
        "yd|yard": 0.9144,
        "mi|mile": 1609.344,
        "nmi|nautical mile": 1852.0,
    },
    "mass": {
        "mg|milligram": 1e-6,
        "g|gram": 1e-3,
        "kg|kilogram|kilo": 1.0,
        "t|tonne": 1e3,
        "oz|ounce": 0.028349523125,
        "lb|pound": 0.45359237,
    },
    "time": {
        "ns|nanosecond": 1e-9,
        "us|microsecond": 1e-6,
        "ms|millisecond": 1e-3,
        "s|sec|second": 1.0,
        "min|minute": 60.0,
        "h|hour|hr": 3_600.0,
        "day|d": 86_400.0,
        "week": 604_800.0,
    },
    "data": {
        "bit": 0.125,
        "byte|b": 1.0,
        "kb|kilobyte": 1e3,
        "mb|megabyte": 1e6,
        "gb|gigabyte": 1e9,
        "tb|terabyte": 1e12,
        "kib|kibibyte": 2.0**10,
        "mib|mebibyte": 2.0**20,
        "gib|gibibyte": 2.0**30,
        "tib|tebibyte": 2.0**40,
    },
    "volume": {
        "ml|millilitre|milliliter": 1e-3,
        "l|litre|liter": 1.0,
        "gal|gallon": 3.785411784,
        "cup": 0.2365882365,
    },
    "speed": {
        "m/s": 1.0,
        "km/h|kph|kmh": 1 / 3.6,
        "mph": 0.44704,
        "kn|knot": 1852 / 3600,
    },
}
_TEMPERATURES: Final = (
    ("celsius|c|\N{DEGREE SIGN}c|degrees celsius|degree celsius", 1.0, 273.15),
    ("fahrenheit|f|\N{DEGREE SIGN}f|degrees fahrenheit|degree fahrenheit", 5 / 9, 459.67 * 5 / 9),
    ("kelvin|k", 1.0, 0.0),
)
UNITS: Final = _table()


def is_conversion(text: str) -> bool:
    """Whether a text reads like `3 miles to km`, with units that are known or not."""
    return len(text) <= CONVERSION_CHARS_MAX and _CONVERSION.fullmatch(text) is not None


def convert(text: str) -> tuple[float, str]:
    """Return the value of `3 miles to km`, and the unit that it is in.

    >>> convert("3 miles to km")
    (4.828032, 'km')

    Raises:
        ActionError: A unit is not known, or the two measure different things.
    """
    found = _CONVERSION.fullmatch(text[:CONVERSION_CHARS_MAX])
    if found is None:
        raise ActionError(f"{text[:80]!r} is no conversion such as '3 miles to km'.")
    source, target = _unit(found["source"]), _unit(found["target"])
    if source.dimension != target.dimension:
        raise ActionError(
            f"{source.name} measures {source.dimension} and {target.name} {target.dimension}; "
            "nothing converts one into the other."
        )
    amount = float(found["amount"].replace("_", "").replace(",", ""))
    value = (source.factor * amount + source.offset - target.offset) / target.factor
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}"), target.name


def _unit(text: str) -> Unit:
    name = " ".join(text.casefold().split())
    unit = UNITS.get(name) or UNITS.get(name.removesuffix("s"))
    if unit is None:
        known = ", ".join(dict.fromkeys(unit.name for unit in UNITS.values()))
        raise ActionError(f"No unit is called {text.strip()[:40]!r}; known are {known}.")
    return unit
