"""A guard against work that does not end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

CPU_SECONDS_MAX = 30.0
"""Linear work on the texts given here takes a second at most; quadratic work takes hours."""


class TookTooLong(BaseException):
    """Not an Exception: nothing on the way may take it for its own."""


@contextmanager
def bounded_work(cpu_seconds_max: float = CPU_SECONDS_MAX) -> Iterator[None]:
    """Fail if the block needs far more processor time than linear work could: no stopwatch.

    The clock counts this process's own time, so that a busy machine changes nothing. It must run on
    the main thread, whose code, regular expressions included, is interrupted.
    """

    def stop(_signal: int, _frame: object) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds_max)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
