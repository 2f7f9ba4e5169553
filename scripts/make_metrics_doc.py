"""Write docs/reference/metrics.md from the figures that /metrics tells."""

import sys
from collections.abc import Iterator

from generated_page import write_or_check

from tmws_mcp.measures import BOUNDS_SECONDS
from tmws_mcp.web.metrics import METRICS, WORKER, Told

INTRODUCTION = """\
# Metrics

<!-- Made by `make docs` out of tmws_mcp/web/metrics.py; change them there. -->

What `tmws-mcp serve --transport http` tells Prometheus at `/metrics`;
[operations](../guides/operations.md) has how to scrape it and what to watch. Times are
histograms: `_count`, `_sum` and `_bucket`, with bounds from {least:g} ms to {most:g} s. Sums
count since the process began. Where there is a label `worker` each process of the server tells
its own: add them up with `sum without (worker) (…)`. No label holds a text that somebody sent;
routes are told with their parameters by name, and unknown paths as `other`.

| metric | type | labels | what it tells |
| --- | --- | --- | --- |
| `tmws_info` | gauge | `version` | always 1 |
"""
TYPES = {"sum": "counter", "times": "histogram", "level": "gauge"}


def page() -> str:
    """Return the page's text."""
    head = INTRODUCTION.format(least=BOUNDS_SECONDS[0] * 1000, most=BOUNDS_SECONDS[-1])
    return head + "\n".join(row(name, told) for name, told in METRICS.items()) + "\n"


def row(name: str, told: Told) -> str:
    """Return a figure's row."""
    labels = ", ".join(f"`{label}`" for label in labels_of(told))
    return f"| `{told.name(name)}` | {TYPES[told.kind]} | {labels} | {told.means} |"


def labels_of(told: Told) -> Iterator[str]:
    """Yield the labels, that of the process last."""
    yield from told.labels
    if not told.of_store:
        yield WORKER


if __name__ == "__main__":
    sys.exit(write_or_check("metrics.md", page()))
