"""When orders that have not settled are reviewed."""

from datetime import datetime, timedelta


class Schedule:
    """When the reconciler looks at an order that has not settled.

    Parameters
    ----------
    first
        The time until the first look: longer than the queue's pauses for five tries together, so that the reconciler
        leaves to the queue what the queue does. Each later look waits four times as long.
    """

    LOOKS = 4

    def __init__(self, first: timedelta) -> None:
        self._first = first

    def next_review(self, reviews: int, now: datetime) -> datetime:
        """Return the time of the look that follows `reviews` earlier ones."""
        factor: int = 4**reviews
        return now + self._first * factor

    def is_last(self, reviews: int) -> bool:
        """Tell whether the look after `reviews` earlier ones is the one that settles the order, whatever it finds."""
        return reviews + 1 >= self.LOOKS
