"""How long a page's work takes while somebody meta-trains, and why each training is a process.

    python -m benchmarks.timing.background_training

The work is that of the Adapt page: three methods, ten inner steps on a 5-way 1-shot episode, and
its two charts as JSON. It is timed while nobody trains, while one training runs in a thread of the
same process (the plain way), and while one and two run as the app runs them.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import torch

from maml_core.config import EpisodeSpec, TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.figures.adaptation import accuracy_figure, loss_figure
from maml_core.learners import checkpoints
from maml_core.training import recipes
from maml_core.training.background.job import TrainingJob
from maml_core.training.background.queue import TrainingQueue
from maml_core.training.training_run import TrainingRun

METHODS = ("maml", "pretrained", "random")
CONFIG = TrainConfig(meta_batch_size=4, meta_steps=100_000)
STEPS = 10
ROUNDS = 10
TURNS = 3  # each way of training has as many, so that a change of the machine's load is shared


def main() -> None:
    """Print how long the work takes beside each way of training."""
    torch.set_num_threads(1)
    data = registry.load_or_glyphs("omniglot")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    learners = {method: checkpoints.shipped(method) for method in METHODS}

    def work(number: int) -> None:
        found = compare(learners, sample_episode(pool, EpisodeSpec(5, 1, 10), 0, number), STEPS)
        accuracy_figure(found, 5, False).to_json()
        loss_figure(found, False).to_json()

    ways: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "nobody trains": nobody,
        "a thread trains": lambda: in_a_thread(data.name),
        "a process trains": lambda: in_processes(data.name, 1),
        "two processes train": lambda: in_processes(data.name, 2),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(TURNS):
        for way, training in ways.items():
            with training():
                times[way] += [seconds(work, number) for number in range(ROUNDS)]
        print(f"after {turn + 1} of {TURNS} turns, {len(times['nobody trains'])} times each:")
        alone = statistics.median(times["nobody trains"])
        for way, found in times.items():
            median, high = statistics.median(found), statistics.quantiles(found, n=20)[-1]
            print(
                f"  {way}: median {1000 * median:.0f} ms, 95 % below {1000 * high:.0f} ms, "
                f"{median / alone:.1f} times that of nobody",
                flush=True,
            )


@contextmanager
def nobody() -> Iterator[None]:
    """Train nothing."""
    yield


@contextmanager
def in_a_thread(dataset: str) -> Iterator[None]:
    """Train in a thread of this process."""
    stop, begun = threading.Event(), threading.Event()
    training = recipes.prepare_training(TrainingRun(Path(), dataset), CONFIG, {"n_out": 1})

    def train() -> None:
        torch.set_num_threads(1)
        for _ in training.updates(training.initial_state):
            begun.set()
            if stop.is_set():
                return

    thread = threading.Thread(target=train)
    thread.start()
    begun.wait()
    yield
    stop.set()
    thread.join()


@contextmanager
def in_processes(dataset: str, number: int) -> Iterator[None]:
    """Train as the app does, `number` at once."""
    trainings = TrainingQueue()
    found = [trainings.start(str(owner), TrainingJob(CONFIG, dataset)) for owner in range(number)]
    while not all(one.progress for one in found):
        time.sleep(0.1)
    yield
    trainings.close()


def seconds(work: Callable[[int], None], number: int) -> float:
    """Return how long a piece of work takes."""
    begun = time.perf_counter()
    work(number)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
