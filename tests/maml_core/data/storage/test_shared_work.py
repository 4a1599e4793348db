"""Work that several wait for: once for all of them, and no longer than anybody waits."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from maml_core.data.character_set import DataError
from maml_core.data.storage.shared_work import Abandoned, SharedWork

SOON = 30  # seconds; nothing here takes them unless it fails


def wait(work):
    assert work.wait(SOON)
    return work.result()


def test_who_asks_for_the_same_waits_for_the_same():
    shared, go, calls = SharedWork(), threading.Event(), []

    def make(report):
        calls.append(1)
        assert go.wait(SOON)
        return object()

    works = [shared.start_or_join("set", make) for _ in range(5)]
    go.set()
    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(wait, works))) == len(calls) == 1
    assert wait(shared.start_or_join("set", lambda report: "anew")) == "anew"


def test_other_work_does_not_wait():
    """Each of two needs the other to be under way."""
    shared, both = SharedWork(), threading.Barrier(2, timeout=SOON)
    works = [shared.start_or_join(key, lambda report: both.wait() >= 0) for key in "ab"]
    assert all(map(wait, works))


class Steps:
    """Work of steps that a test lets go on one by one."""

    def __init__(self) -> None:
        self.go, self.done, self.ended = threading.Semaphore(0), threading.Semaphore(0), []

    def __call__(self, report):
        try:
            for number in range(1, 6):
                assert self.go.acquire(timeout=SOON)
                report(number, 5)
                self.done.release()
        except BaseException as error:
            self.ended.append(type(error))
            raise
        return "all"

    def take(self) -> None:
        self.go.release()
        assert self.done.acquire(timeout=SOON)


def test_it_tells_how_far_it_is():
    shared, steps = SharedWork(), Steps()
    work = shared.start_or_join("set", steps)
    assert (work.done, work.total) == (0, 0)
    steps.take()
    steps.take()
    assert (work.done, work.total) == (2, 5)
    assert not work.wait(0)
    for _ in range(3):
        steps.take()
    assert wait(work) == "all"


def test_what_is_left_goes_by_the_pace_since_it_counts():
    now, steps = [0.0], Steps()
    work = SharedWork(grace_seconds=1e6, clock=lambda: now[0]).start_or_join("set", steps)
    assert np.isnan(work.seconds_left)
    now[0] = 100.0  # of listing what there is
    steps.take()
    now[0] = 110.0
    steps.take()
    assert work.seconds_left == pytest.approx(10.0 / 2 * 3)
    for _ in range(3):
        steps.take()
    assert wait(work) == "all"


def test_it_ends_when_nobody_has_asked_for_a_while_and_can_be_begun_anew():
    now, steps = [0.0], Steps()
    shared = SharedWork(grace_seconds=10, clock=lambda: now[0])
    work = shared.start_or_join("set", steps)
    now[0] = 9.0
    steps.take()
    assert shared.start_or_join("set", steps) is work, "another comes"
    now[0] = 19.0
    steps.take()
    now[0] = 19.1
    steps.go.release()
    assert work._ended.wait(SOON)
    assert steps.ended == [Abandoned]
    again = shared.start_or_join("set", lambda report: "again")
    assert again is not work
    assert wait(again) == "again"


def test_it_goes_on_while_somebody_waits_however_long():
    now, steps = [0.0], Steps()
    shared = SharedWork(grace_seconds=10, clock=lambda: now[0])
    work = shared.start_or_join("set", steps)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, work)
        while not work._waiting:
            time.sleep(0.001)
        now[0] = 1000.0
        for _ in range(5):
            steps.take()
        assert waiting.result() == "all"


def test_who_gives_it_up_ends_it_at_its_next_report():
    steps = Steps()
    work = SharedWork().start_or_join("set", steps)
    steps.take()
    work.give_up()
    steps.go.release()
    assert work._ended.wait(SOON)
    assert steps.ended == [Abandoned]


def test_what_it_raises_is_raised_where_it_is_waited_for():
    def refuse(report):
        raise DataError("no pictures")

    with pytest.raises(DataError, match="no pictures"):
        wait(SharedWork().start_or_join("set", refuse))
