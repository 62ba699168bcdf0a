"""Work in threads: order, bound, errors, interrupts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Barrier, Event, Lock

import pytest

from signal_backups.core.base.parallel import in_parallel, map_in_order

PATIENCE_S = 30.0

Way = Callable[..., list[int]]


def listed(work: Callable[[int], int], items: Iterable[int], workers: int) -> list[int]:
    return list(map_in_order(work, items, workers))


both = pytest.mark.parametrize("way", [in_parallel, listed])


class Counted:
    """Work that notes how many items are worked on at a time."""

    def __init__(self, at_once: int) -> None:
        self.peak = 0
        self._now = 0
        self._lock = Lock()
        self._together = Barrier(at_once)

    def __call__(self, item: int) -> int:
        with self._lock:
            self._now += 1
            self.peak = max(self.peak, self._now)
        # Nobody goes on before as many as are allowed have come.
        self._together.wait(PATIENCE_S)
        with self._lock:
            self._now -= 1
        return item


@both
def test_results_keep_the_order_of_the_items_whichever_is_done_first(way: Way) -> None:
    done = Event()

    def work(item: int) -> int:
        if item == 0:
            assert done.wait(PATIENCE_S)
        else:
            done.set()
        return item * 10

    assert way(work, range(3), workers=2) == [0, 10, 20]


@both
def test_as_many_items_as_allowed_are_worked_on_at_a_time_and_no_more(way: Way) -> None:
    work = Counted(at_once=3)
    assert way(work, range(9), workers=3) == list(range(9))
    assert work.peak == 3


@both
def test_no_items_are_no_work(way: Way) -> None:
    assert way(lambda item: item, [], workers=2) == []


def test_after_an_error_no_other_item_is_begun() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 1:
            raise ZeroDivisionError
        return item

    with pytest.raises(ZeroDivisionError):
        in_parallel(work, range(1000), workers=1)
    assert begun == [0, 1]


def test_of_several_errors_that_of_the_first_item_is_raised() -> None:
    last_failed = Event()

    def work(item: int) -> int:
        try:
            if item == 0:
                assert last_failed.wait(PATIENCE_S)
            raise ValueError(str(item))
        finally:
            if item == 1:
                last_failed.set()

    with pytest.raises(ValueError, match=r"^0$"):
        in_parallel(work, range(2), workers=2)


@both
def test_an_error_waits_for_what_was_begun(way: Way) -> None:
    both_begun, finished = Barrier(2), []

    def work(item: int) -> int:
        if item < 2:
            both_begun.wait(PATIENCE_S)
        if item == 0:
            raise ZeroDivisionError
        finished.append(item)
        return item

    with pytest.raises(ZeroDivisionError):
        way(work, range(2), workers=2)
    assert finished == [1]


@both
def test_an_interrupt_waits_for_what_was_begun(way: Way) -> None:
    begun, interrupted, finished = Event(), Event(), []

    def work(item: int) -> int:
        begun.set()
        assert interrupted.wait(PATIENCE_S)
        finished.append(item)
        return item

    def items() -> Iterator[int]:
        yield 0
        assert begun.wait(PATIENCE_S)
        interrupted.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        way(work, items(), workers=2)
    assert finished == [0]


def test_a_long_list_is_neither_read_nor_kept_ahead_of_its_use() -> None:
    drawn = []

    def items() -> Iterator[int]:
        for item in range(1000):
            drawn.append(item)
            yield item

    results = map_in_order(lambda item: item, items(), workers=2)
    assert [next(results), next(results)] == [0, 1]
    results.close()
    assert drawn == [0, 1, 2, 3]
