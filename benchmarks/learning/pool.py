"""Work done side by side in processes, with the same results however many there are.

The processes are begun anew and not forked, all with the same seed of hashes: what iterates over a
set of names, as another recommender may, does so in the same order in each of them.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

HASH_SEED = "PYTHONHASHSEED"

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """Processes that take the next piece of work that nobody has begun."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def begin(self, work: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Have a piece of work done."""
        return self._executor.submit(work, *arguments)

    def each(self, work: Callable[[T], R], over: Sequence[T]) -> list[R]:
        """Do a work on each of many, and return the results in their order."""
        return list(self._executor.map(work, over))


@contextmanager
def pool(jobs: int) -> Iterator[Pool]:
    """Hold so many processes; work that was not begun is dropped where the caller fails."""
    executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    before = os.environ.get(HASH_SEED)
    os.environ[HASH_SEED] = "0"  # read by a process when it begins, and they begin when needed
    try:
        yield Pool(executor)
    finally:
        executor.shutdown(cancel_futures=True)
        os.environ.pop(HASH_SEED)
        os.environ |= {HASH_SEED: before} if before is not None else {}
