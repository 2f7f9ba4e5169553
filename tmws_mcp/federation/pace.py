"""How often sharing goes on: at once after a quiet while, together under load.

What it takes is a debt that is paid off with a share of the time. A small debt hinders nobody, so
that the first changes after a pause go out as they come; a flood of them runs into debt, waits, and
goes out together. The waits are bounded: what is shared late is still to be shared soon.
"""

from dataclasses import dataclass

BURST_SECONDS = 0.05
"""So much work is done without a thought of what it costs: a score of pushes."""
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.002, 0.25


@dataclass(slots=True)
class Pace:
    """The debt of one member; moments are seconds of any clock that never goes back."""

    share: float
    """Of the time, which sharing may take in the long run; above 0."""
    _debt: float = 0.0
    _at: float = 0.0

    def spend(self, seconds: float, now: float) -> None:
        """Note that so much work was done up to now."""
        most = BURST_SECONDS + PAUSE_SECONDS_MAX * self.share
        self._debt = min(self._owed(now) + seconds, most)
        self._at = now

    def pause(self, now: float) -> float:
        """Return for how long nothing more is to be done."""
        over = self._owed(now) - BURST_SECONDS
        return min(max(over / self.share, PAUSE_SECONDS_MIN), PAUSE_SECONDS_MAX)

    def _owed(self, now: float) -> float:
        return max(0.0, self._debt - (now - self._at) * self.share)
