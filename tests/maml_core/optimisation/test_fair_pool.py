"""Callers of one pool take turns, whatever each of them does. Events, no times."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

import pytest

from maml_core.optimisation import fair_pool
from maml_core.optimisation.fair_pool import CREDIT_SECONDS, FairPool, while_waiting

PATIENCE = 30.0  # seconds, before a test that hangs fails


class Work:
    """A pool whose pieces take as much of its own clock as they are told, and who did what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.caller, self.done = 0.0, "", list[str]()
        self.lock = Lock()
        self.pool = FairPool(1, clock=lambda: self.now)
        monkeypatch.setattr(fair_pool, "_name_caller", lambda: self.caller)

    def ask(self, caller: str, *costs: float) -> Iterator[float]:
        self.caller = caller
        return self.pool.map(self.piece(caller), costs)

    def piece(self, caller: str) -> Callable[[float], float]:
        def spend(cost: float) -> float:
            with self.lock:
                self.now += cost
                self.done.append(caller)
            return cost

        return spend

    @contextmanager
    def busy(self, caller: str = "busy", *, quiet: bool = False) -> Iterator[None]:
        """Keep the thread that serves all at work; of a quiet caller a spare one, if it is."""
        begun, end = Event(), Event()
        if not quiet:
            spend_credit(self, caller)

        def hold(_: int) -> None:
            begun.set()
            assert end.wait(PATIENCE)

        self.caller = caller
        held = self.pool.map(hold, [0])
        assert begun.wait(PATIENCE)
        try:
            yield
        finally:
            end.set()
            list(held)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def spend_credit(work: Work, *callers: str) -> None:
    """Let callers have had the same, more than is done ahead of others."""
    for caller in callers:
        list(work.ask(caller, 10.0))
    work.done.clear()


def test_two_callers_alternate_however_much_one_asks_for_at_once(work: Work) -> None:
    spend_credit(work, "a", "b")
    with work.busy():
        asked = [work.ask("a", *[1.0] * 6), work.ask("b", *[1.0] * 3)]
    for results in asked:
        list(results)
    assert "".join(work.done) == "ababab" + "aaa"


def test_who_asks_for_longer_pieces_gets_fewer(work: Work) -> None:
    spend_credit(work, "a", "b")
    with work.busy():
        asked = [work.ask("a", 3.0, 3.0), work.ask("b", *[1.0] * 6)]
    for results in asked:
        list(results)
    assert "".join(work.done) == "abbb" + "abbb"


def test_a_click_comes_before_what_others_have_queued_but_not_for_ever(work: Work) -> None:
    cost = CREDIT_SECONDS / 2
    with work.busy("a"), work.busy("quiet", quiet=True):  # no thread is free
        asked = [work.ask("a", *[1.0] * 2), work.ask("click", *[cost] * 6)]
    for results in asked:
        list(results)
    assert work.done[:2] == ["click"] * 2
    assert "a" in work.done[2:5], "beyond its credit it takes turns"


def test_a_click_waits_for_no_piece_of_a_long_computation(work: Work) -> None:
    with work.busy("a"):
        assert list(work.ask("click", 0.1)) == [0.1], "while the other's piece is under way"


def test_a_caller_who_leaves_takes_along_what_has_not_begun(work: Work) -> None:
    spend_credit(work, "gone", "b")

    class Left(BaseException):
        pass

    def leave(_: int) -> None:
        raise Left

    with work.busy():
        results, others = work.ask("gone", *[1.0] * 5), work.ask("b", 1.0)
        with while_waiting(leave), pytest.raises(Left):
            list(results)
    assert list(others) == [1.0]
    assert list(work.ask("c", 1.0)) == [1.0]
    assert "gone" not in work.done


def test_an_error_reaches_its_caller_and_frees_the_thread(work: Work) -> None:
    def fail(_: float) -> float:
        raise ValueError("a piece failed")

    work.caller = "a"
    with pytest.raises(ValueError, match="a piece failed"):
        list(work.pool.map(fail, [1.0, 1.0]))
    assert list(work.ask("b", 1.0)) == [1.0]
    assert list(work.ask("a", 1.0)) == [1.0]


def test_who_waits_hears_how_many_others_are_at_work(work: Work) -> None:
    spend_credit(work, "a", "b")
    told, heard = list[int](), Event()

    def tell(others: int) -> None:
        told.append(others)
        heard.set()

    found: list[float] = []

    def wait_for(results: Iterator[float]) -> None:
        with while_waiting(tell):
            found.extend(results)

    with work.busy("c"):
        results, others = work.ask("a", 1.0), work.ask("b", 1.0)
        thread = Thread(target=wait_for, args=(results,))
        thread.start()
        assert heard.wait(PATIENCE)
    thread.join(PATIENCE)
    assert set(told) == {2}
    assert found == [1.0]
    assert list(others) == [1.0]


def test_what_a_caller_has_had_is_forgotten_once_they_are_quiet(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend_credit(work, "a", "b")
    monkeypatch.setattr(fair_pool, "QUIET_SECONDS", 0.0)
    list(work.ask("c", 1.0))
    assert set(work.pool._callers) == {"c"}
