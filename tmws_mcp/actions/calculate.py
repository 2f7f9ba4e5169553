"""Arithmetic on an expression from anywhere.

The expression is parsed by Python and walked over a list of allowed nodes; nothing is evaluated by
Python. Integers are bounded in bits before each operation that could make them explode, `round`
among them, which raises 10 to the digits that it is given: `9**9**9` would otherwise run for hours,
in one call that no time limit can end.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Final

from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, only
from tmws_mcp.actions.units import convert, is_conversion
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject

EXPRESSION_CHARS_MAX = 500
NODES_MAX = 200
ARGUMENTS_MAX = 50
INTEGER_BITS_MAX = 4_096
ROUNDED_DIGITS_MAX = 1_300
"""More than any number here has, before the point or behind it."""
SIGNIFICANT_DIGITS = 15
"""What a float holds for certain: `.1 + .2` is .3."""

Number = int | float

OPERATORS: Final[dict[type[ast.operator], Callable[[Number, Number], Number]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
FUNCTIONS: Final[dict[str, Callable[..., Number]]] = {
    "abs": abs,
    "ceil": math.ceil,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": math.sqrt,
}
CONSTANTS: Final[dict[str, Number]] = {"pi": math.pi, "e": math.e, "tau": math.tau}
_SPELLINGS = str.maketrans(
    {"^": "**", "\N{MULTIPLICATION SIGN}": "*", "\N{DIVISION SIGN}": "/", "\N{MINUS SIGN}": "-"}
)
_TIMES = re.compile(r"(?<=[\d)])\s*x\s*(?=[\d(])", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")
_CALL = re.compile(r"[a-z0-9]\(", re.IGNORECASE)
_PERCENT = re.compile(
    r"\s*(?P<share>[\d.]+)\s*(?:%|percent)\s+(?P<how>of|off|on)\s+(?P<whole>[\d.]+)\s*",
    re.IGNORECASE,
)
_SHARES = {
    "of": "{whole} * {share} / 100",
    "off": "{whole} * (100 - {share}) / 100",
    "on": "{whole} * (100 + {share}) / 100",
}


def calculate(expression: str) -> Number:
    """Return the value of an arithmetic expression, also as people write it.

    `^` is a power, `x` between numbers a product; percentages are `15 % of 240`, `20 % off 80`
    and `19 % on 100`.

    >>> calculate("2^10 + sqrt(16) * .1"), calculate("15 % of 1,240")
    (1024.4, 186.0)

    Raises:
        ActionError: It is no arithmetic, too large, or has no finite real value.
    """
    if len(expression) > EXPRESSION_CHARS_MAX:
        raise ActionError(f"The expression has more than {EXPRESSION_CHARS_MAX} characters.")
    try:
        tree = ast.parse(_plain(expression), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ActionError(f"{expression!r} is not an arithmetic expression.") from error
    if sum(1 for _ in ast.walk(tree)) > NODES_MAX:
        raise ActionError(f"The expression has more than {NODES_MAX} parts.")
    return _rounded(_value(tree.body))


def _plain(expression: str) -> str:
    """Return the expression as Python spells it."""
    text = _TIMES.sub("*", expression.strip().translate(_SPELLINGS))
    if not _CALL.search(text):  # else the comma may part two arguments
        text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    share = _PERCENT.fullmatch(text)
    return _SHARES[share["how"].lower()].format(**share.groupdict()) if share else text


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _checked(number)
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _applied(OPERATORS[type(op)], (_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return _applied(FUNCTIONS[name], tuple(_value(arg) for arg in args[:ARGUMENTS_MAX]))
        case _:
            pass
    raise ActionError(
        f"{ast.unparse(node)[:60]!r} is not allowed; use numbers, + - * / // % ^ ( ), "
        f"{', '.join(FUNCTIONS)}, {', '.join(CONSTANTS)}."
    )


def _applied(function: Callable[..., Number], values: tuple[Number, ...]) -> Number:
    if function is operator.pow:
        _check_power(values[0], values[1])
    if function is round:
        _check_digits(values[1:])
    try:
        return _checked(function(*values))
    except ZeroDivisionError as error:
        raise ActionError("Division by zero.") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise ActionError(f"No value: {error}.") from error


def _check_power(base: Number, exponent: Number) -> None:
    if isinstance(base, int) and isinstance(exponent, int):
        bits = base.bit_length() * abs(exponent)
        if bits > INTEGER_BITS_MAX:
            raise ActionError(f"The power would have more than {INTEGER_BITS_MAX} bits.")


def _check_digits(digits: tuple[Number, ...]) -> None:
    if any(abs(number) > ROUNDED_DIGITS_MAX for number in digits):
        raise ActionError(f"`round` takes at most {ROUNDED_DIGITS_MAX:,} digits.")


def _checked(number: object) -> Number:
    if isinstance(number, int):
        if number.bit_length() > INTEGER_BITS_MAX:
            raise ActionError(f"A number has more than {INTEGER_BITS_MAX} bits.")
        return number
    if isinstance(number, float) and math.isfinite(number):
        return number
    raise ActionError("The value is not a finite real number.")


def _rounded(number: Number) -> Number:
    return number if isinstance(number, int) else float(f"{number:.{SIGNIFICANT_DIGITS}g}")


async def _run(arguments: JsonObject, where: Workspace) -> JsonValue:
    del where
    only(arguments, "expression")
    expression = arguments.get("expression")
    if not isinstance(expression, str):
        raise ActionError("`expression` must be a text such as '2 * (3 + 4)' or '3 miles to km'.")
    if is_conversion(expression):
        value, unit = convert(expression)
        return {"expression": expression, "value": value, "unit": unit}
    return {"expression": expression, "value": calculate(expression)}


ACTION = Action(
    "calculate.value",
    "The value of an arithmetic expression, a percentage or a conversion of units",
    _run,
)
