"""Work in threads: a bounded number of items at a time, results in the order of the items.

All functions here keep the same contract: whatever ends them early (an error, Ctrl-C, a closed generator) is raised
only when the items that were begun are finished, so that nothing goes on behind the caller's back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar, cast

#: How many requests to S3 are under way at a time.
WORKERS = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], workers: int = WORKERS) -> list[Result]:
    """Do some work for every item, and return the results in the order of the items.

    Args:
        work: called in threads.
        items: begun in their order.
        workers: how many of them are worked on at a time.

    Raises:
        Exception: what ``work`` raises; after it, no other item is begun. Of several errors that of the first item.
    """
    stopped = Event()

    def unless_stopped(item: Item) -> Result | None:
        if stopped.is_set():
            return None
        try:
            return work(item)
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(workers) as pool:
        try:
            futures = [pool.submit(unless_stopped, item) for item in items]
            wait(futures)
        except BaseException:
            stopped.set()
            raise
    return [cast("Result", future.result()) for future in futures]


def map_in_order(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int = WORKERS
) -> Generator[Result, None, None]:
    """Like ``in_parallel`` for more items than fit into memory: yields results as soon as it is their turn.

    No more than ``workers`` plus one items and results are held at a time. An error is raised when it is its item's
    turn; until then the next ``workers`` items may have been begun.
    """
    with ThreadPoolExecutor(workers) as pool:
        window: deque[Future[Result]] = deque()
        try:
            for item in items:
                window.append(pool.submit(work, item))
                if len(window) > workers:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            for future in window:
                future.cancel()


def read_ahead(items: Iterator[Item]) -> Generator[Item]:
    """Fetch the next item in a thread while the last one is used; closing it waits for the thread."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        end = object()
        ahead = reader.submit(next, items, end)
        while (item := ahead.result()) is not end:
            ahead = reader.submit(next, items, end)
            yield item  # type: ignore[misc]
