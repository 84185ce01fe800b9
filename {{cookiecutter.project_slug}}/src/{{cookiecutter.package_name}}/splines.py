"""Reticulation of splines."""

import itertools
import time
from collections.abc import Iterator


def reticulate(count: int | None = None, *, interval: float = 1.0) -> Iterator[int]:
    """Reticulate splines, one after another.

    Args:
        count: The number of splines. If it is None, the iterator does not end.
        interval: The pause between splines, in seconds.

    Yields:
        The number of each spline, from 1.

    Example:
        >>> list(reticulate(3, interval=0))
        [1, 2, 3]
    """
    numbers = itertools.count(1) if count is None else range(1, count + 1)
    for number in numbers:
        if number > 1:
            time.sleep(interval)
        yield number
