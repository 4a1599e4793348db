"""Callers of one pool take turns, whatever each of them does. Events, no times."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, Lock, Thread

import pytest

from maml_core.optimisation import fair_pool
from maml_core.optimisation.fair_pool import CREDIT_SECONDS, FairPool, while_waiting

PATIENCE = 30.0  # seconds, before a test that hangs fails


class Work:
    """A pool of one thread and a spare one, whose pieces take as long as they say, by its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.caller, self.done = 0.0, "", list[str]()
        self.lock = Lock()
        self.pool = FairPool(1, clock=lambda: self.now)
        monkeypatch.setattr(fair_pool, "_name_caller", lambda: self.caller)
        for name in ("QUIET_SECONDS", "PATIENCE_SECONDS"):
            monkeypatch.setattr(fair_pool, name, 1e9)

    def click(self, caller: str, *costs: float) -> Iterator[float]:
        """Ask for something short."""

        def spend(cost: float) -> float:
            with self.lock:
                self.now += cost
                self.done.append(caller)
            return cost

        self.caller = caller
        return self.pool.map(spend, costs)

    def compute(self, caller: str, *costs: float) -> Iterator[float]:
        """Ask for something long."""
        with while_waiting(lambda _: None):
            return self.click(caller, *costs)

    def hold(self, caller: str, *, is_long: bool = True) -> Callable[[], object]:
        """Keep the thread for everybody at work, or the spare one; return what frees it."""
        begun, end = Event(), Event()

        def piece(_: int) -> None:
            begun.set()
            assert end.wait(PATIENCE)

        self.caller = caller
        with while_waiting(lambda _: None) if is_long else nullcontext():
            results = self.pool.map(piece, [0])
        assert begun.wait(PATIENCE)

        def free() -> None:
            end.set()
            list(results)

        return free

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep the thread for everybody at work, so that a queue forms."""
        free = self.hold("busy")
        try:
            yield
        finally:
            free()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def test_two_callers_alternate_however_much_one_asks_for_at_once(work: Work) -> None:
    with work.busy():
        asked = [work.compute("a", *[1.0] * 6), work.compute("b", *[1.0] * 3)]
    for results in asked:
        list(results)
    assert "".join(work.done) == "ababab" + "aaa"


def test_who_asks_for_longer_pieces_gets_fewer(work: Work) -> None:
    with work.busy():
        asked = [work.compute("a", 3.0, 3.0), work.compute("b", *[1.0] * 6)]
    for results in asked:
        list(results)
    assert "".join(work.done) == "abbb" + "abbb"


def test_a_click_waits_for_no_piece_of_a_long_computation(work: Work) -> None:
    with work.busy():
        assert list(work.click("a", 0.1)) == [0.1], "while the other's piece is under way"
        assert list(work.click("busy", 0.1)) == [0.1], "so does one's own in another run"


def test_clicks_come_first_in_their_order_but_not_for_ever(work: Work) -> None:
    free, free_spare = work.hold("held"), work.hold("quiet", is_long=False)
    asked = [work.compute("long", *[1.0] * 3)]
    asked += [work.click(name, *[CREDIT_SECONDS / 2] * 6) for name in ("first", "second")]
    free()
    for results in asked:
        list(results)
    free_spare()
    assert work.done[:4] == ["first"] * 2 + ["second"] * 2
    assert "long" in work.done[4:7], "beyond their credit they take turns"


def test_a_click_does_not_wait_for_who_has_waited_longer(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    with work.busy():
        asked = work.compute("long", 1.0)
        work.now += 10.0
        monkeypatch.setattr(fair_pool, "PATIENCE_SECONDS", 5.0)
        assert list(work.click("a", 0.1)) == [0.1]
    assert list(asked) == [1.0]


def test_clicks_do_not_let_a_long_computation_starve(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, free_spare = work.hold("held"), work.hold("quiet", is_long=False)
    asked = [work.compute("long", 1.0)]
    work.now += 10.0
    monkeypatch.setattr(fair_pool, "PATIENCE_SECONDS", 5.0)
    asked += [work.click(name, 1.0) for name in ("first", "second")]
    free()
    for results in asked:
        list(results)
    free_spare()
    assert work.done == ["long", "first", "second"]


def test_a_caller_who_leaves_takes_along_what_has_not_begun(work: Work) -> None:
    class Left(BaseException):
        pass

    def leave(_: int) -> None:
        raise Left

    with work.busy():
        results, others = work.compute("gone", *[1.0] * 5), work.compute("b", 1.0)
        with while_waiting(leave), pytest.raises(Left):
            list(results)
    assert list(others) == [1.0]
    assert list(work.compute("c", 1.0)) == [1.0]
    assert "gone" not in work.done


def test_an_error_reaches_its_caller_and_frees_the_thread(work: Work) -> None:
    def fail(_: float) -> float:
        raise ValueError("a piece failed")

    work.caller = "a"
    with pytest.raises(ValueError, match="a piece failed"):
        list(work.pool.map(fail, [1.0, 1.0]))
    assert list(work.compute("b", 1.0)) == [1.0]
    assert list(work.compute("a", 1.0)) == [1.0]


def test_who_waits_hears_how_many_others_are_at_work(work: Work) -> None:
    told, heard, found = list[int](), Event(), list[float]()

    def tell(others: int) -> None:
        told.append(others)
        heard.set()

    def wait_for(results: Iterator[float]) -> None:
        with while_waiting(tell):
            found.extend(results)

    with work.busy():
        others, results = work.compute("b", 1.0), work.compute("a", 1.0)
        thread = Thread(target=wait_for, args=(results,))
        thread.start()
        assert heard.wait(PATIENCE)
    thread.join(PATIENCE)
    assert told[0] == 2, "the busy one and b"
    assert found == list(others) == [1.0]


def test_what_a_caller_has_had_is_forgotten_once_they_are_quiet(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(work.click("a", 1.0))
    list(work.compute("b", 1.0))
    assert len(work.pool._callers) == 2
    monkeypatch.setattr(fair_pool, "QUIET_SECONDS", 3.0)
    work.now += 4.0
    list(work.click("c", 1.0))
    assert [name for name, _ in work.pool._callers] == ["c"]
