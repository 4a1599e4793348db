"""What test_distribution.py starts by torchrun: a gradient, and the command line.

    torchrun … under_torchrun.py FOLDER gradients
    torchrun … under_torchrun.py FOLDER train OPTION …

FOLDER holds what the test wrote: pickled characters, or parameters and tasks.
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

from maml_core.cli.commands import main
from maml_core.methods.registry import META_GRADIENTS
from maml_core.optimisation.distributed import averaged, joined
from maml_core.training import loop, recipes, training_run

RANK = int(os.environ["RANK"])


def gradients(folder: Path) -> None:
    """Write by method what this process takes for the meta-gradient, and its shares' sizes."""
    model, params, tasks, configs = torch.load(folder / "given", weights_only=False)
    sizes = []

    def gradient(config, params, share):
        sizes.append(len(share.query_y))
        found, metrics = META_GRADIENTS[config.method](model, params, share, config)
        return found, tuple(metrics)

    with joined("cpu", len(tasks.query_y)):
        found = {c.method: averaged(partial(gradient, c))(params, tasks) for c in configs}
    torch.save((found, sizes), folder / f"found.{RANK}")


def command(folder: Path, typed: Sequence[str]) -> int:
    """Run a command on the test's characters; where `DIES_AFTER` is set, rank 1 is killed."""
    data = pickle.loads((folder / "characters").read_bytes())
    training_run.load = lambda name: replace(data, name=name)
    recipes.VALIDATION_EPISODES = 2
    loop.SAVE_SECONDS = -1.0  # after every update
    recipes.meta_train = watched(folder, recipes.meta_train)
    return main(typed)


def watched(folder: Path, meta_train):
    """Return `meta_train` that writes this process's last parameters, or its end by SIGKILL."""

    def updates(*arguments):
        for update in meta_train(*arguments):
            torch.save(update.params, folder / f"params.{RANK}")
            if RANK == 1 and os.environ.get("DIES_AFTER") == str(update.step):
                os.kill(os.getpid(), signal.SIGKILL)
            yield update

    return updates


if __name__ == "__main__":
    given = Path(sys.argv[1])
    if sys.argv[2] == "gradients":
        gradients(given)
    else:
        raise SystemExit(command(given, sys.argv[2:]))
