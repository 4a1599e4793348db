"""Processes compute once several callers want something; whatever happens to them, it is done."""

from __future__ import annotations

import dataclasses
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from maml_core.config import EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.data.glyphs import dataset
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episode, sample_episodes, sample_tasks
from maml_core.episodes.task_batch import TaskBatch
from maml_core.evaluation.accuracy import evaluate, evaluate_nearest
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.single_query import adapt_each
from maml_core.landscape.curvature import learner_curvatures
from maml_core.landscape.loss_maps import Window, evaluate_loss_grid
from maml_core.landscape.plane_descent import build_planes
from maml_core.learners.learner import random_learner
from maml_core.methods import meta_gradient
from maml_core.networks.params import Params
from maml_core.optimisation import thread_pool, worker_process
from maml_core.optimisation.outer_loop import TrainState
from maml_core.optimisation.process_pool import ProcessPool
from maml_core.optimisation.thread_pool import in_parallel
from maml_core.teaching import play_round
from maml_core.teaching.anatomy.gradient_comparison import method_gradients
from maml_core.teaching.anatomy.layer_changes import relative_layer_changes
from maml_core.teaching.anatomy.meta_update import decompose_meta_update
from maml_core.training.meta_training import meta_train


def pid(_: object) -> int:
    return os.getpid()


def pid_and_niceness(seconds: float) -> tuple[int, int]:
    time.sleep(seconds)
    return os.getpid(), os.nice(0)


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    pool = ProcessPool(1)
    yield pool
    pool.end()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_threads_compute_until_a_process_is_ready_and_after_it_is_lost(pool: ProcessPool) -> None:
    assert pool.compute(pid, None) == os.getpid()
    pool.start()
    pool.start()
    wait_for(lambda: bool(pool._free))
    there = pool.compute(pid, None)
    assert there != os.getpid()
    assert pool.compute(lambda _: os.getpid(), None) == os.getpid(), "it cannot be sent"
    with pytest.raises(TypeError):
        pool.compute(abs, "no number")
    assert pool.compute(pid, None) == there
    pool._free[0]._process.kill()
    assert pool.compute(pid, None) == os.getpid()
    pool.start()
    wait_for(lambda: bool(pool._free))
    assert pool.compute(pid, None) not in (there, os.getpid())


def test_there_are_as_many_processes_as_are_needed_at_once() -> None:
    pool = ProcessPool(2)
    for _ in range(3):
        pool.start()
        wait_for(lambda: bool(pool._free))
    assert pool._running == 1, "one was free"
    assert pool._starting is not None
    pool._starting.join()  # it has given the process back, and ends
    first = pool._free.pop()
    pool.start()
    wait_for(lambda: bool(pool._free))
    second = pool._free.pop()
    pool.start()
    assert pool._running == 2
    for process in (first, second):
        pool._give_back(process)
    pool.end()
    assert pool._running == 0


def test_processes_that_nobody_needs_end(pool: ProcessPool) -> None:
    pool.start()
    wait_for(lambda: bool(pool._free))
    process = pool._free[0]._process
    pool.end_unused(60)
    assert process.poll() is None
    pool.end_unused(0)
    assert process.poll() is not None
    pool.start()
    wait_for(lambda: bool(pool._free))


def test_who_is_alone_starts_no_process(monkeypatch: pytest.MonkeyPatch, pool: ProcessPool) -> None:
    started = []
    monkeypatch.setattr(pool, "start", lambda: started.append(True))
    monkeypatch.setattr(thread_pool, "_processes", {False: pool})
    others = 0
    monkeypatch.setattr(thread_pool, "others_at_work", lambda: others)
    assert set(in_parallel(pid, range(3))) == {os.getpid()}
    assert not started
    others = 1
    assert set(in_parallel(pid, range(3))) == {os.getpid()}
    assert started


def test_processes_that_are_being_started_end_too(pool: ProcessPool) -> None:
    pool.start()
    wait_for(lambda: pool._begun is not None)
    pool.end()
    assert pool._starting is not None
    assert not pool._starting.is_alive()
    assert pool._begun is not None
    assert pool._begun._process.poll() is not None
    assert pool.compute(pid, None) == os.getpid()


def test_a_process_at_work_ends_after_it(pool: ProcessPool) -> None:
    pool.start_all()
    found: list[tuple[int, int]] = []
    thread = threading.Thread(
        target=lambda: found.append(pool.compute(pid_and_niceness, 0.5)), daemon=True
    )
    thread.start()
    wait_for(lambda: not pool._free)
    pool.end()
    thread.join()
    assert found[0][0] != os.getpid()
    assert pool._begun is not None
    assert pool._begun._process.poll() is not None


def test_who_waits_for_a_process_computes_where_there_can_be_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    pool = ProcessPool(2, is_long=True)
    with monkeypatch.context() as full:
        full.setattr("subprocess.Popen", no_room)
        pool.start_all()
        pool.start()
        assert pool.compute(pid, None) == os.getpid()
    pool.start()
    assert pool.compute(pid, None) != os.getpid(), "there is room again"
    pool.end()


def test_who_waits_for_a_process_computes_when_the_pool_has_ended() -> None:
    pool, found = ProcessPool(1, is_long=True), []
    pool.start_all()

    def ask() -> None:
        found.append(pool.compute(pid_and_niceness, 0.5)[0])

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(lambda: not pool._free)
    pool.end()
    for thread in threads:
        thread.join(60)
    assert len(set(found)) == 2, "one in the process, one here"
    assert os.getpid() in found


def test_nobody_gets_the_answer_that_another_had_no_memory_for(
    monkeypatch: pytest.MonkeyPatch, pool: ProcessPool
) -> None:
    def no_memory(_: object) -> bytes:
        raise MemoryError

    pool.start_all()
    with monkeypatch.context() as full:
        full.setattr(worker_process, "_read", no_memory)
        assert pool.compute(len, "four") == 4
    assert pool.compute(len, "sixsix") == 6
    assert not pool._free
    pool.start_all()
    assert pool.compute(pid, None) != os.getpid()


def test_a_program_by_itself_has_one_process_fewer_than_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for workers in (1, 2):
        monkeypatch.setattr(thread_pool, "worker_count", lambda workers=workers: workers)
        with thread_pool.in_processes():
            processes = thread_pool._processes[False]  # type: ignore[index]
            assert not processes._running, "nothing was asked for"
            found = {next(in_parallel(pid, range(1))) for _ in range(3)}
            assert len(processes._free) == workers - 1
            assert (os.getpid() in found) == (workers == 1)
        assert not processes._free
    assert set(in_parallel(pid, range(3))) == {os.getpid()}


def test_a_training_in_processes_makes_the_same_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    call = worker_process.WorkerProcess.call

    def counted(self: worker_process.WorkerProcess, function: Any, item: Any) -> Any:
        sent.append(item)
        return call(self, function, item)

    monkeypatch.setattr(worker_process.WorkerProcess, "call", counted)
    monkeypatch.setattr(thread_pool, "worker_count", lambda: 2)
    monkeypatch.setattr(meta_gradient, "WORTH_A_SHARE", 10)
    model = LEARNERS["a"].model
    batch = sample_tasks(characters(), SPEC, 4, torch.Generator().manual_seed(0))
    sizes = {"meta_batch_size": 4, "meta_steps": 3, "inner_steps": 2}
    config = TrainConfig(n_ways=(3,), q_query=2, inner_lr=0.1, **sizes)

    def train() -> Params:
        start = TrainState(0, LEARNERS["a"].params)
        *_, last = meta_train(model, start, itertools.repeat(batch, 3), config)
        return last.params

    expected = train()
    with thread_pool.in_processes():
        found = train()
    assert any(isinstance(item, TaskBatch) for item in sent)
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_what_takes_long_gives_way_and_waits_for_its_process() -> None:
    pool, pids = ProcessPool(1, is_long=True), set()

    def ask() -> None:
        pids.add(pool.compute(pid_and_niceness, 0.05))

    pool.start()
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((there, niceness),) = pids
    assert there != os.getpid()
    assert niceness > os.nice(0)
    pool.end()


class Sent:
    """Sends everything there and back again, and computes it here."""

    def __init__(self) -> None:
        self.n = 0
        self.lock = threading.Lock()

    def start(self) -> None:
        """Nothing is to be started."""

    def compute(self, function: Callable[[Any], Any], item: Any) -> Any:
        message = worker_process._packed((function, item), {})
        outcome = worker_process._outcome(message, {})
        succeeded, result = worker_process._unpacked(outcome, {})
        assert succeeded, result
        with self.lock:
            self.n += 1
        return result


def characters() -> TaskPool:
    data = dataset.generate(n_alphabets=1, n_drawers=20, seed=0)
    return make_pool(data, list(range(len(data.classes))))


def loss_map(pool: TaskPool, which: str) -> list[Any]:
    episode = sample_episode(pool, SPEC, 0, 0)
    plane = build_planes("random", {"a": LEARNERS["a"]}, episode, 0)["a"]
    window = Window(0, 0, 1)
    return list(evaluate_loss_grid(LEARNERS["a"].model, plane, episode.task, which, window, 3))


SPEC = EpisodeSpec(3, 1, 2)
TRAIN = TrainConfig(n_ways=(3,), q_query=2, inner_lr=0.1, inner_steps=1)
LEARNERS = {"a": random_learner(0), "b": random_learner(1)}
WORK: dict[str, Callable[[TaskPool], Any]] = {
    "Adapt": lambda pool: compare(LEARNERS, sample_episode(pool, SPEC, 0, 0), 2),
    "Draw": lambda pool: adapt_each(LEARNERS, [[np.eye(105, dtype=np.uint8)]] * 2, 2),
    "Evaluate": lambda pool: list(
        evaluate(LEARNERS["a"], pool, SPEC, EvaluationConfig(episodes=3, inner_steps=1))
    ),
    "1-nearest neighbour": lambda pool: list(
        evaluate_nearest(None, pool, SPEC, EvaluationConfig(episodes=3))
    ),
    "Play": lambda pool: play_round.answer_questions(
        LEARNERS,
        [play_round.PlayQuestion(one, 0) for one in sample_episodes(pool, SPEC, 0, 2)],
    ),
    "curvature": lambda pool: learner_curvatures(
        {"a": LEARNERS["a"]}, sample_episode(pool, SPEC, 0, 0)
    ),
    "gradients": lambda pool: method_gradients(
        LEARNERS["a"].model, LEARNERS["a"].params, list(sample_episodes(pool, SPEC, 0, 2)), TRAIN
    ),
    "a meta-update": lambda pool: list(
        decompose_meta_update(
            LEARNERS["a"].model,
            LEARNERS["a"].params,
            list(sample_episodes(pool, SPEC, 0, 2)),
            TRAIN,
        )
    ),
}
WORK |= {
    "Landscape, planes": lambda pool: build_planes(
        "ends", LEARNERS, sample_episode(pool, SPEC, 0, 0), 0
    ),
    "Landscape, support": lambda pool: loss_map(pool, "support"),
    "Landscape, queries": lambda pool: loss_map(pool, "query"),
    "layers": lambda pool: relative_layer_changes(
        LEARNERS, list(sample_episodes(pool, SPEC, 0, 2)), 1
    ),
}


def values(found: Any) -> list[Any]:
    """Return every number in a result."""
    if isinstance(found, torch.Tensor | np.ndarray):
        return np.asarray(found).ravel().tolist()
    if isinstance(found, dict):
        return [each for value in found.values() for each in values(value)]
    if isinstance(found, list | tuple):
        return [each for value in found for each in values(value)]
    if dataclasses.is_dataclass(found):
        return values([getattr(found, field.name) for field in dataclasses.fields(found)])
    return [found] if isinstance(found, int | float) else []


@pytest.mark.parametrize("name", WORK)
def test_the_work_of_each_page_can_be_sent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, sent = characters(), Sent()
    expected = values(WORK[name](pool))
    monkeypatch.setattr(thread_pool, "_processes", {False: sent})
    monkeypatch.setattr(thread_pool, "others_at_work", lambda: 1)
    found = values(WORK[name](pool))
    assert sent.n > 0
    assert expected
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5)
