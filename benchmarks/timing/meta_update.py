"""How long a meta-update takes, beside `higher` and a plain loop over tasks.

    pip install higher==0.2.1
    python -m benchmarks.timing.meta_update

Conv4 with 64 channels and strides, a learned head, second order, Adam's step included; random
pictures. Each way has a process of its own that makes one update when it is its turn, so that
what else the machine does falls on all alike. Medians; the ratio is the median of the rounds'
ratios, how many times as long as ours. Peak memory is that of the process and of those that
compute for it, torch included, what they share counted for each. The arithmetic is the plain
loop's, as torch counts it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.simulated_visitors.server_memory import megabytes
from maml_core.config import TrainConfig
from maml_core.episodes.task_batch import TaskBatch
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.networks.params import Params
from maml_core.optimisation.freed_memory import keep_freed_memory
from maml_core.optimisation.outer_loop import TrainState
from maml_core.optimisation.thread_pool import in_processes
from maml_core.training.meta_training import meta_train

UPDATES = 10_000  # of the schedule, more than are made
ALPHA, BETA = 0.1, 1e-3


class Setting(NamedTuple):
    """A meta-batch's shape."""

    n_way: int
    k_shot: int
    tasks: int
    inner_steps: int
    q_query: int = 5

    def __str__(self) -> str:
        return (
            f"{self.n_way}-way {self.k_shot}-shot, {self.q_query} queries, {self.tasks} tasks, "
            f"{self.inner_steps} inner step{'s' if self.inner_steps > 1 else ''}"
        )


SETTINGS = (
    Setting(5, 1, 32, 1),
    Setting(20, 1, 16, 5),
    Setting(5, 5, 32, 5),
    Setting(5, 1, 4, 5),
    Setting(20, 5, 4, 1),
)


class PeerNet(nn.Module):
    """The same network as other libraries' examples write it."""

    def __init__(self, n_way: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(channels, 64, 3, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(64, track_running_stats=False),
                    nn.ReLU(),
                )
                for channels in (1, 64, 64, 64)
            )
        )
        self.head = nn.Linear(64, n_way)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1, 28, 28] → logits [B, n_way]."""
        found: Tensor = self.head(self.blocks(x).mean((2, 3)))
        return found


def main() -> None:
    """Print a table, or be one of its ways."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--settings", type=int, nargs="+", default=range(len(SETTINGS)))
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.way:
        serve(WAYS[parsed.way](SETTINGS[parsed.settings[0]]))
        return
    print(f"{torch.get_num_threads()} cores, medians of {parsed.rounds} rounds")
    for number in parsed.settings:
        measure(number, parsed.rounds)


def serve(updates: Iterator[Any]) -> None:
    """Make an update for each line of the input; print its seconds and the peak memory."""
    for _ in sys.stdin:
        began = time.perf_counter()
        next(updates)
        taken = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        _, children, _ = megabytes(os.getpid())
        print(taken, peak + children, flush=True)


def measure(number: int, rounds: int) -> None:
    """Print the rows of a setting."""
    setting = SETTINGS[number]
    command = [sys.executable, "-m", "benchmarks.timing.meta_update", "--settings", str(number)]
    names = [name for name in WAYS if name != "higher" or importlib.util.find_spec("higher")]
    open_pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = {n: subprocess.Popen([*command, "--way", n], **open_pipes) for n in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, float] = {}
    for turn in range(rounds + 2):
        for name, process in running.items():
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            taken, peaks[name] = map(float, process.stdout.readline().split())
            if turn > 1:  # the first ones warm up
                seconds[name].append(taken)
    for process in running.values():
        process.communicate()
    operations = count_operations(setting)
    print(f"{setting}: {operations / 1e9:.1f} GFLOP")
    for name in names:
        ratio = median(a / b for a, b in zip(seconds[name], seconds["ours"], strict=True))
        middle = median(seconds[name])
        print(
            f"  {name:10} {1e3 * middle:7.0f} ms  {ratio:5.2f} × ours  {peaks[name]:5.0f} MB  "
            f"{operations / middle / 1e9:5.0f} GFLOP/s"
        )


def sample(setting: Setting) -> TaskBatch:
    """Return random pictures with labels."""
    generator = torch.Generator().manual_seed(0)

    def draw(each: int) -> tuple[Tensor, Tensor]:
        size = (setting.tasks, setting.n_way * each, 1, 28, 28)
        labels = torch.arange(setting.n_way).repeat_interleave(each)
        return torch.rand(size, generator=generator), labels.expand(setting.tasks, -1)

    return TaskBatch(*draw(setting.k_shot), *draw(setting.q_query))


def ours(setting: Setting) -> Iterator[TrainState]:
    """Make updates as the command line's training does."""
    keep_freed_memory()
    config = TrainConfig(
        n_ways=(setting.n_way,),
        k_shots=(setting.k_shot,),
        q_query=setting.q_query,
        inner_lr=ALPHA,
        inner_steps=setting.inner_steps,
        meta_lr=BETA,
        meta_batch_size=setting.tasks,
        meta_steps=UPDATES,
    )
    model = Conv4(setting.n_way)
    start = TrainState(0, random_head(initial_params(model, 0)))
    with in_processes():
        yield from meta_train(model, start, repeat(sample(setting)), config)


def random_head(params: Params) -> Params:
    """Return parameters whose head is not zero: otherwise the first step moves it alone."""
    generator = torch.Generator().manual_seed(1)
    shape = params["head.weight"].shape
    return {**params, "head.weight": torch.randn(shape, generator=generator) / 8}


def by_hand(setting: Setting) -> Iterator[Tensor]:
    """Make updates by a plain loop over tasks, as learn2learn and most code do."""
    model, tasks = PeerNet(setting.n_way), sample(setting)
    adam = torch.optim.Adam(model.parameters(), lr=BETA)
    while True:
        adam.zero_grad()
        for task in zip(*tasks, strict=True):
            loss = plain_objective(model, setting, *task) / setting.tasks
            loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        yield loss


def plain_objective(
    model: nn.Module,
    setting: Setting,
    support_x: Tensor,
    support_y: Tensor,
    query_x: Tensor,
    query_y: Tensor,
) -> Tensor:
    """Return the query loss of a task after adaptation."""
    fast = dict(model.named_parameters())
    for _ in range(setting.inner_steps):
        loss = F.cross_entropy(functional_call(model, fast, (support_x,)), support_y)
        slopes = torch.autograd.grad(loss, list(fast.values()), create_graph=True)
        fast = {n: v - ALPHA * slope for (n, v), slope in zip(fast.items(), slopes, strict=True)}
    return F.cross_entropy(functional_call(model, fast, (query_x,)), query_y)


def by_higher(setting: Setting) -> Iterator[Tensor]:
    """Make updates as the examples of `higher` do (Grefenstette et al. 2019, arXiv:1910.01727)."""
    import higher  # Here: it is no requirement of the project.

    model, tasks = PeerNet(setting.n_way), sample(setting)
    adam = torch.optim.Adam(model.parameters(), lr=BETA)
    inner = torch.optim.SGD(model.parameters(), lr=ALPHA)
    while True:
        adam.zero_grad()
        for support_x, support_y, query_x, query_y in zip(*tasks, strict=True):
            with higher.innerloop_ctx(model, inner, copy_initial_weights=False) as (fast, steps):
                for _ in range(setting.inner_steps):
                    steps.step(F.cross_entropy(fast(support_x), support_y))
                loss = F.cross_entropy(fast(query_x), query_y) / setting.tasks
                loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        yield loss


def count_operations(setting: Setting) -> float:
    """Count the floating-point operations of the plain loop's update."""
    model, one = PeerNet(setting.n_way), setting._replace(tasks=1)
    task = (value[0] for value in sample(one))
    with FlopCounterMode(display=False) as counter:
        plain_objective(model, one, *task).backward()  # type: ignore[no-untyped-call]
    return float(setting.tasks * counter.get_total_flops())


WAYS: dict[str, Callable[[Setting], Iterator[Any]]] = {
    "ours": ours,
    "higher": by_higher,
    "plain loop": by_hand,
}

if __name__ == "__main__":
    main()
