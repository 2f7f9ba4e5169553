"""Experts that installed packages bring, beside our own.

What such an expert says counts nothing at first: its column begins with the weight 0, and earns
more as it proves right here. One that fails is silent from then on, and it is told. It may forecast
and judge; what is counted stays ours, since counts are merged with those of others.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache

from tmws_mcp import plugins
from tmws_mcp.errors import PluginBroken
from tmws_mcp.learning.case import SILENT, Case, Forecast
from tmws_mcp.learning.experts import EXPERTS, Expert
from tmws_mcp.learning.view import View

PROPOSES_MAX = 25


@cache
def experts() -> Mapping[str, Expert]:
    """Return all experts: EXPERTS itself, where no package brings any."""
    added = {name: expert for name in _names() if (expert := _guarded(name)) is not None}
    return {**EXPERTS, **added} if added else EXPERTS


def _names() -> tuple[str, ...]:
    columns = {column for expert in EXPERTS.values() for column in expert.columns}
    return plugins.usable(plugins.EXPERTS, {*EXPERTS, *columns})


def _guarded(name: str) -> Expert | None:
    """Return the expert with its own column alone, and whatever it raises turned into silence."""
    try:
        found = plugins.load(plugins.EXPERTS, name)
    except PluginBroken:
        return None
    if not isinstance(found, Expert) or found.foresee is None:
        plugins.complain(plugins.EXPERTS, name, "it must be an Expert with `foresee`")
        return None
    ours = _Silenced(name, found)
    return Expert((name,), ours.foresee, proposes=min(found.proposes, PROPOSES_MAX))


class _Silenced:
    """An expert of another's, until it fails."""

    def __init__(self, name: str, expert: Expert) -> None:
        self._name, self._expert = name, expert
        self._failed = False

    def foresee(self, view: View, case: Case) -> Forecast:
        if self._failed:
            return SILENT
        try:
            assert self._expert.foresee is not None
            return _checked(self._expert.foresee(view, case))
        except Exception as error:  # noqa: BLE001 - another's code
            self._failed = True
            why = f"it failed and is silent from now on ({type(error).__name__}: {error})"
            plugins.complain(plugins.EXPERTS, self._name, why)
            return SILENT


def _checked(forecast: Forecast) -> Forecast:
    """Return a forecast of finite shares that add up to 1 at most.

    Raises:
        ValueError: It is none.
    """
    shares = dict(forecast.shares)
    if not _are_shares(tuple(shares.values())) or not all(isinstance(t, str) for t in shares):
        raise ValueError("the shares must be between 0 and 1, and add up to 1 at most")
    return Forecast(shares, min(max(int(forecast.reach), 0), 4))


def _are_shares(values: Sequence[float]) -> bool:
    finite = all(isinstance(v, int | float) and math.isfinite(v) and v >= 0 for v in values)
    return finite and sum(values) <= 1 + 1e-6
