"""Doing things at once, a bounded number of them, without losing their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(items: Iterator[Item]) -> Generator[Item]:
    """Fetch the next item in a thread while the last one is used; closing it waits for the thread."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        end = object()
        ahead = reader.submit(next, items, end)
        while (item := ahead.result()) is not end:
            ahead = reader.submit(next, items, end)
            yield item  # type: ignore[misc]


def map_in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Results in the order of their items; no more than ``workers`` plus one of them are held at a time."""
    with ThreadPoolExecutor(workers) as pool:
        window: deque[Future[Result]] = deque()
        for item in items:
            window.append(pool.submit(work, item))
            if len(window) > workers:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
