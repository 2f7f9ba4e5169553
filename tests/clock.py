"""A time that stands still until a test moves it."""


class Clock:
    """Called as clocks are; `now` is its time in seconds."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
