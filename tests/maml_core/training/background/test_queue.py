"""Trainings in the background: they do not mix, they wait their turn, they end with their owner."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from maml_core.config import TrainConfig
from maml_core.data import registry
from maml_core.data.glyphs import dataset
from maml_core.data.splits import split_classes
from maml_core.data.storage.disk_cache import load_or_build
from maml_core.episodes.pool import make_pool
from maml_core.learners import checkpoints
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training.background import queue
from maml_core.training.background.job import BackgroundTraining, Progress, TrainingJob
from maml_core.training.background.queue import TrainingQueue
from maml_core.training.meta_training import meta_train, task_stream

CONFIG = TrainConfig(n_ways=(2,), q_query=2, meta_batch_size=2, meta_steps=15, seed=3)
JOB = TrainingJob(CONFIG, "glyphs", model={"n_out": 1, "channels": 4})
PATIENCE = 60  # seconds
STAND_IN = Path(__file__).parents[3] / "support" / "stand_in_training.py"


@pytest.fixture
def trainings() -> Iterator[TrainingQueue]:
    """Two at once, impatient with who is gone."""
    found = TrainingQueue(max_running=2, grace_seconds=0.3, keep_seconds=2, watch_seconds=0.05)
    yield found
    found.close()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "COMMAND", (sys.executable, str(STAND_IN)))


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def job(meta_steps: int = 100_000, seed: int = 0) -> TrainingJob:
    return replace(JOB, config=replace(CONFIG, meta_steps=meta_steps, seed=seed))


def test_an_order_comes_back_from_its_line() -> None:
    changed = replace(JOB, config=replace(CONFIG, k_shots=(1, 5), method="fomaml"), start="x.s")
    line = changed.to_json()
    assert "\n" not in line
    assert TrainingJob.from_json(line) == changed


def test_two_at_once_and_a_pause_give_the_weights_of_a_plain_loop(
    trainings, data_dir, make_characters, assert_same
) -> None:
    data = make_characters((10,) * 13, likeness=0.5)
    # Where the processes look for the built-in glyphs.
    source = f"version {dataset.VERSION}, {registry.GLYPHS}"
    load_or_build("glyphs", source, data_dir, lambda: data)
    rested = trainings.start("one", JOB)
    other = trainings.start("two", JOB)
    until(lambda: rested.progress)
    trainings.pause("one")
    until(lambda: rested.state == "paused" and rested.process is None)
    assert rested.weights
    assert rested.step == rested.progress[-1].step
    assert 0 < rested.step < CONFIG.meta_steps
    trainings.resume("one")
    until(lambda: rested.is_finished and other.is_finished)

    pool = make_pool(data, split_classes(data, "alphabets", "train"), rotate=True)
    model = Conv4(channels=4)
    start = TrainState(0, initial_params(model, CONFIG.seed))
    updates = list(meta_train(model, start, task_stream(pool, CONFIG), CONFIG))
    for training in (rested, other):
        assert training.state == "done", training.message
        found = checkpoints.from_bytes(training.weights, training.owner)
        assert_same(found.params, updates[-1].params)
        assert (found.metadata["dataset"], found.metadata["updates"]) == ("glyphs", len(updates))
        assert [one.loss for one in training.progress] == [float(u.metrics.loss) for u in updates]
        lengths = [float(u.gradient_norm) for u in updates]
        assert [one.gradient_norm for one in training.progress] == lengths
        looks = [one.step for one in training.validations]
        assert (looks[0], looks[-1]) == (0, CONFIG.meta_steps)


def test_a_stopped_training_gives_its_place_to_the_next(trainings, stand_in) -> None:
    for owner in ("one", "two", "three", "four"):
        trainings.start(owner, job())
    assert [trainings.position(owner) for owner in ("two", "three", "four")] == [0, 1, 2]
    until(lambda: trainings.training_of("one").progress)
    trainings.stop("one")
    until(lambda: trainings.training_of("one").state == "stopped")
    assert trainings.training_of("one").progress
    until(lambda: trainings.position("four") == 1)
    trainings.stop("four")  # before it began
    assert (trainings.training_of("four").state, trainings.position("four")) == ("stopped", 0)
    trainings.stop("four")
    trainings.stop("nobody")
    assert trainings.training_of("four").process is None


def test_whoever_resumes_waits_for_a_place(trainings, stand_in) -> None:
    for owner in ("one", "two", "three"):
        trainings.start(owner, job())
    until(lambda: trainings.training_of("one").progress)
    trainings.pause("one")
    until(lambda: trainings.training_of("three").state == "running")
    trainings.pause("one")  # again: nothing more
    trainings.resume("one")
    assert (trainings.training_of("one").state, trainings.position("one")) == ("waiting", 1)
    before = len(trainings.training_of("one").progress)
    trainings.stop("two")
    until(lambda: len(trainings.training_of("one").progress) > before + 5)
    trainings.pause("one")
    trainings.stop("one")  # while it rests
    until(lambda: trainings.training_of("one").state == "stopped")


def test_one_training_an_owner(trainings, stand_in) -> None:
    first = trainings.start("one", job(meta_steps=2))
    with pytest.raises(ValueError, match="stop it before you start another"):
        trainings.start("one", job())
    until(lambda: first.state == "done")
    second = trainings.start("one", job())
    assert trainings.training_of("one") is second is not first


def test_paused_trainings_have_no_processes(trainings, stand_in) -> None:
    """However many pause, no more processes than may run."""
    for owner in "abcdef":
        training = trainings.start(owner, job())
        until(lambda training=training: training.progress)
        trainings.pause(owner)
    until(lambda: all(trainings.training_of(owner).state == "paused" for owner in "abcdef"))
    until(lambda: not any(trainings.training_of(owner).process for owner in "abcdef"))
    before = trainings.training_of("a").updates_made
    trainings.resume("a")
    until(lambda: trainings.training_of("a").updates_made > before)
    steps = [one.step for one in trainings.training_of("a").progress]
    assert steps == list(range(1, len(steps) + 1)), "no update twice, none left out"


def test_a_stop_while_it_pauses_stops_it(trainings, stand_in) -> None:
    training = trainings.start("one", job())
    until(lambda: training.progress)
    trainings.pause("one")
    trainings.stop("one")
    until(lambda: training.state == "stopped")
    trainings.resume("one")
    assert training.state == "stopped"


def test_whoever_waits_for_the_queue_does_not_wait_for_the_end_of_a_process(
    trainings, stand_in, monkeypatch
) -> None:
    monkeypatch.setattr(queue, "_end", lambda process: (time.sleep(PATIENCE), process.kill()))
    trainings.start("one", job())
    other = trainings.start("two", job())
    trainings.cancel("one")
    assert trainings.training_of("one") is None
    trainings.pause("two")
    until(lambda: other.state == "paused")
    monkeypatch.undo()


def test_a_training_is_paused_when_its_owner_is_gone_and_forgotten_later(
    trainings, stand_in
) -> None:
    there = {"one": True, "two": True}
    left = trainings.start("one", job(), lambda: there["one"])
    kept = trainings.start("two", job(), lambda: there["two"])
    waiting = trainings.start("three", job())
    until(lambda: left.progress and kept.progress)
    there.update(one=False, two=False)
    time.sleep(0.1)
    there["two"] = True
    until(lambda: waiting.state == "running")
    assert (left.state, left.was_left, left.process) == ("paused", True, None)
    assert trainings.training_of("one") is left
    assert trainings.training_of("two") is kept
    assert kept.state == "running"
    until(lambda: trainings.training_of("one") is None)


def test_who_comes_back_as_another_goes_on_with_the_training(trainings, stand_in) -> None:
    there = {"one": True}
    training = trainings.start("one", job(), lambda: there["one"])
    until(lambda: training.progress)
    trainings.hand_over("one", "copy", lambda: True)
    assert trainings.training_of("copy") is None, "a second tab takes nothing from the first"
    there["one"] = False
    until(lambda: training.state == "paused")
    trainings.hand_over("one", "again", lambda: True)
    assert (trainings.training_of("again"), trainings.training_of("one")) == (training, None)
    before = training.updates_made
    trainings.resume("again")
    until(lambda: training.updates_made > before)
    assert not training.was_left


def test_a_fault_of_the_program_is_not_put_on_the_memory(trainings, stand_in) -> None:
    faulty = trainings.start("one", job(seed=17))
    until(lambda: faulty.state == "failed")
    assert "a fault of this program" in faulty.message
    assert "memory" not in faulty.message


def test_a_process_that_dies_is_told_and_makes_room(trainings, stand_in) -> None:
    trainings.start("one", job())
    dead = trainings.start("two", job(seed=13))
    after = trainings.start("three", job())
    until(lambda: dead.state == "failed")
    assert "ended by itself (code 7)" in dead.message
    assert "short of memory" in dead.message
    until(lambda: after.progress)


def test_the_process_ends_with_the_pipe_to_the_server(trainings, stand_in) -> None:
    training = trainings.start("one", job())
    until(lambda: training.progress)
    process = training.process
    process.stdin.close()
    until(lambda: process.poll() is not None)


def test_pace_and_time_left_are_those_of_the_updates() -> None:
    training = BackgroundTraining("one", job(meta_steps=100), lambda: True)
    assert training.updates_per_second == 0
    assert training.seconds_left is None
    # A second each for ten updates, then two a second.
    seconds = [float(n) for n in range(1, 11)] + [10 + n / 2 for n in range(1, 31)]
    training._progress += [Progress(n, 1.0, 1.0, s) for n, s in enumerate(seconds, 1)]
    assert training.updates_per_second == pytest.approx(2)
    assert training.seconds_left == pytest.approx(25 / 40 * 60)
