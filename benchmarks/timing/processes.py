"""What an update of meta-training takes in one of several processes, and what a cluster would take.

    torchrun --standalone --nproc-per-node=2 -m benchmarks.timing.processes
    python -m benchmarks.timing.processes

The first measures updates in as many processes, each on one core. The second measures the processor
time of an update's parts in shares of every size, and computes from them how long `UPDATES` updates
would take on more cores of this kind, one process each, joined by a network of which a latency and
a bandwidth are assumed. All are the shortest of several: what else the machine does only adds.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
import torch.distributed as dist

from benchmarks.timing.adapt_page import seconds
from maml_core.config import TrainConfig
from maml_core.data import registry
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import episode_generator, sample_tasks
from maml_core.methods.registry import META_GRADIENTS
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.networks.params import Params
from maml_core.optimisation.cores import VARIABLE
from maml_core.optimisation.distributed import is_first, joined, n_joined
from maml_core.optimisation.freed_memory import keep_freed_memory
from maml_core.optimisation.outer_loop import TrainState, optimise
from maml_core.training.meta_training import meta_train, task_stream

UPDATES = 60_000  # of Finn et al. 2017
SETTINGS = {
    "5-way 1-shot, 32 tasks, 1 step": TrainConfig(
        n_ways=(5,), k_shots=(1,), q_query=5, meta_batch_size=32, inner_steps=1
    ),
    "20-way 1-shot, 16 tasks, 5 steps": TrainConfig(
        n_ways=(20,), k_shots=(1,), q_query=5, meta_batch_size=16, inner_steps=5
    ),
}
FLOAT_BYTES = 4


def main() -> None:
    """Print measured updates, or measured parts and what they come to on a cluster."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=12, help="to take the fastest of")
    parser.add_argument("--latency", type=float, default=50, help="assumed, µs a message")
    parser.add_argument("--bandwidth", type=float, default=1.0, help="assumed, GB/s")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as the commands do
    os.environ[VARIABLE] = "1"
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(os.environ.get("LOCAL_RANK", "0")) % len(cores)]})
    data = registry.load_or_glyphs("omniglot")
    pool = make_pool(data, split_classes(data, "alphabets", "train"), rotate=True)
    if not dist.is_torchelastic_launched():
        for name, config in SETTINGS.items():
            print(f"{name}, {data.name}", flush=True)
            on_paper(pool, config, parsed)
        return
    with joined():
        for name, config in SETTINGS.items():
            measured(name, pool, config, parsed.updates)


def measured(name: str, pool: TaskPool, config: TrainConfig, updates: int) -> None:
    """Print the time of an update in the processes that there are, and of its exchange."""
    model = Conv4()
    params = initial_params(model, 0)
    states = meta_train(model, TrainState(0, params), task_stream(pool, config), config)
    every = [both(states) for _ in range(updates)]
    taken, worked = (1000 * min(each) for each in zip(*every, strict=True))
    message = torch.zeros(message_size(params, config))
    exchange = min(seconds(lambda: dist.all_reduce(message)) for _ in range(10 * updates))
    size = f"{FLOAT_BYTES * len(message):,} bytes"
    if is_first():
        print(
            f"{name}, {n_joined()} processes: {taken:.0f} ms an update, {worked:.0f} ms of them "
            f"this one's processor time; exchanging {size} alone takes {1000 * exchange:.2f} ms"
        )


def on_paper(pool: TaskPool, config: TrainConfig, parsed: argparse.Namespace) -> None:
    """Print the parts of an update, measured, and the hours that all updates would take."""
    model, size, updates = Conv4(), config.meta_batch_size, parsed.updates
    params, spec = initial_params(model, 0), config.specs[0]
    meta_gradient = partial(META_GRADIENTS[config.method], model, params)
    (batch,) = itertools.islice(task_stream(pool, config), 1)
    gradient = meta_gradient(batch, config)
    steps = optimise(
        lambda *_: gradient, TrainState(0, params), itertools.repeat(0), lr=1e-3, steps=UPDATES
    )
    step = best(lambda: next(steps), updates)
    print(f"Adam's step and copies {1000 * step:.1f} ms")
    print("| cores | tasks of each | sampling | gradient | exchange | update | speed-up | hours |")
    sent, first = FLOAT_BYTES * message_size(params, config), 0.0
    for processes in (2**n for n in range(int(math.log2(size)) + 1)):
        part = slice(0, size // processes)
        own = type(batch)(*(tensor[part] for tensor in batch))
        generator = episode_generator(0, 0)
        sampling = best(
            partial(sample_tasks, pool, spec, size, generator, augment=True, part=part), updates
        )
        work = best(partial(meta_gradient, own, config), updates)
        # A ring: every process sends 2 (P − 1) messages of a P-th.
        exchange = 2 * (processes - 1) * parsed.latency * 1e-6
        exchange += 2 * (processes - 1) / processes * sent / (parsed.bandwidth * 1e9)
        update = sampling + work + exchange + step
        first = first or update
        columns = [
            f"{processes}",
            f"{part.stop}",
            *(f"{1000 * seconds_of:.1f} ms" for seconds_of in (sampling, work, exchange, update)),
            f"{first / update:.1f}",
            f"{UPDATES * update / 3600:.2f}",
        ]
        print(f"| {' | '.join(columns)} |", flush=True)


def message_size(params: Params, config: TrainConfig) -> int:
    """Return how many numbers an update exchanges: the gradient, the loss and the accuracies."""
    return sum(value.numel() for value in params.values()) + 1 + config.inner_steps + 1


def best(work: Callable[[], object], rounds: int) -> float:
    """Return the fewest seconds of processor time that some work takes."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def both(states: Iterator[TrainState]) -> tuple[float, float]:
    """Return how long an update takes, and this process's processor time."""
    began = time.process_time()
    return seconds(lambda: next(states)), time.process_time() - began


if __name__ == "__main__":
    main()
