"""What test_distributed.py starts by torchrun: functions, and the command line.

    torchrun … under_torchrun.py FOLDER gradients
    torchrun … under_torchrun.py FOLDER sharing
    torchrun … under_torchrun.py FOLDER train OPTION …

FOLDER holds what the test wrote: pickled characters, or parameters and batches.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch.utils._pytree import tree_map

from maml_core.cli import evaluation
from maml_core.cli.commands import main
from maml_core.config import EpisodeSpec, PretrainConfig
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.evaluation import accuracy, results_table
from maml_core.methods import pretraining
from maml_core.methods.registry import META_GRADIENTS
from maml_core.optimisation.distributed import averaged, from_first, joined, own_rows, shared_out
from maml_core.training import inner_lr_search, loop, recipes, training_run

RANK = int(os.environ.get("RANK", "0"))
ROWS = [
    results_table.Row(method, "paper", EpisodeSpec(2, 1, 2))
    for method in ("maml", "nearest-features", "pretrained")
]


def gradients(folder: Path) -> None:
    """Write by method what this process takes for the meta-gradient, and its shares' sizes."""
    model, params, tasks, configs = torch.load(folder / "given", weights_only=False)
    sizes = []

    def gradient(config, params, share):
        sizes.append(len(share.query_y))
        found, metrics = META_GRADIENTS[config.method](model, params, share, config)
        return found, tuple(metrics)

    with joined(meta_batch_size=len(tasks.query_y)):
        own, n_tasks = own_part(tasks), len(tasks.query_y)
        found = {c.method: averaged(partial(gradient, c), n_tasks)(params, own) for c in configs}
    torch.save((found, sizes), folder / f"found.{RANK}")


def own_part(batch):
    """Return this process's rows of a batch."""
    return tree_map(lambda tensor: tensor[own_rows(len(tensor))], batch)


def sharing(folder: Path) -> None:
    """Write by network the gradient of pretraining, and what `shared_out` and `from_first` give."""
    networks, batch = torch.load(folder / "given", weights_only=False)
    with joined():
        found = {}
        for name, (model, params) in networks.items():
            own = partial(pretraining._classifier_gradient, model, PretrainConfig())
            gradient = averaged(own, len(batch[0]), whole_batch_statistics=True)
            gradients, metrics = gradient(params, own_part(batch))
            found[name] = gradients, tuple(metrics)
        squares = [
            shared_out(lambda own: [(n * n, RANK) for n in own], range(count))
            for count in (0, 1, 5)
        ]
        rank = from_first(lambda: RANK)
    torch.save((found, squares, rank), folder / f"found.{RANK}")


def command(folder: Path, typed: Sequence[str]) -> int:
    """Run a command on the test's characters; where `DIES_AFTER` is set, rank 1 is killed."""
    data = pickle.loads((folder / "characters").read_bytes())
    if RANK == 1 and "OTHER_PICTURES" in os.environ:
        data.inputs[-1, 0, 0] ^= 1
    use(data, setattr)
    loop.SAVE_SECONDS = -1.0  # after every update
    recipes.meta_train = watched(folder, recipes.meta_train)
    recipes.pretrain = watched(folder, recipes.pretrain)
    results_table.measure_row = interrupted(results_table.measure_row)
    return main(typed)


def use(data, put) -> None:
    """Put characters in place of every data set, and few episodes and rows; by `put`."""

    def test_pool(split, ink_crops):
        return make_pool(data, split_classes(data, split, "test"), ink_crops=ink_crops)

    for module in (training_run, evaluation):
        put(module, "load", lambda name: replace(data, name=name))
    put(results_table, "omniglot_test_pool", test_pool)
    put(results_table, "table_rows", lambda: ROWS)
    put(accuracy, "SHARE", 4)
    put(recipes, "VALIDATION_EPISODES", 3)
    put(recipes, "BASELINE_VALIDATION", EpisodeSpec(2, 1, 2))
    put(inner_lr_search, "INNER_LR_EPISODES", {2: 5})
    put(inner_lr_search, "INNER_LR_CANDIDATES", (1e-3, 0.2))


def watched(folder: Path, train):
    """Return a training that writes this process's last parameters, or its end by SIGKILL."""

    def updates(*arguments):
        for update in train(*arguments):
            torch.save(update.params, folder / f"params.{RANK}")
            if RANK == 1 and os.environ.get("DIES_AFTER") == str(update.step):
                os.kill(os.getpid(), signal.SIGKILL)
            yield update

    return updates


def interrupted(measure_row):
    """Return `measure_row` that ends rank 1 by SIGKILL before the row after `DIES_AFTER`."""
    begun = []

    def measure(*arguments):
        if RANK == 1 and os.environ.get("DIES_AFTER") == str(len(begun)):
            os.kill(os.getpid(), signal.SIGKILL)
        begun.append(arguments)
        return measure_row(*arguments)

    return measure


if __name__ == "__main__":
    given = Path(sys.argv[1])
    if sys.argv[2] in ("gradients", "sharing"):
        globals()[sys.argv[2]](given)
    else:
        raise SystemExit(command(given, sys.argv[2:]))
