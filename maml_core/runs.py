"""Training runs from data to weights file: progress, validation, interruption, resumption."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from maml_core import checkpoints
from maml_core.baselines import pretrain, updates_of, with_new_head
from maml_core.checkpoints import Checkpoint, CheckpointError
from maml_core.config import EpisodeSpec, PretrainConfig, TrainConfig
from maml_core.datasets import load
from maml_core.datasets.splits import split_classes
from maml_core.episodes import TaskPool, make_pool
from maml_core.evaluation import choose_inner_lr, evaluate
from maml_core.learners import Learner
from maml_core.meta_training import meta_train, task_stream
from maml_core.models import Conv4, initial_params
from maml_core.optimisation import Update
from maml_core.params import with_rates

SAVE_SECONDS = 60  # at most this much training is lost when the machine stops
VALIDATION_EPISODES = 100
# The baseline's α is chosen among these on validation classes.
INNER_LR_CANDIDATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
INNER_LR_WAYS = (2, 5, 10, 20)
INNER_LR_STEPS = 10


@dataclass(frozen=True)
class Run:
    """Where a training's data comes from and its weights go to.

    Attributes:
        out: The weights file; the unfinished state lies beside it as `<name>.state`.
        dataset: 'omniglot' or 'glyphs'.
        split: 'alphabets' or 'paper'; the run sees its training and validation parts only.
        split_seed: Chooses the split.
        device: 'cpu' or 'cuda'.
        resume: Go on from the unfinished state.
        validate_every: Updates between two looks at validation episodes; 0 for none.
        command: What was typed, kept with the weights.
    """

    out: Path
    dataset: str = "omniglot"
    split: str = "alphabets"
    split_seed: int = 0
    device: str = "cpu"
    resume: bool = False
    validate_every: int = 0
    command: str = ""

    @property
    def state(self) -> Path:
        """The file of the unfinished state."""
        return self.out.with_name(self.out.name + ".state")

    def pool(self, part: str, *, rotate: bool = False) -> TaskPool:
        """Return the classes of one part of the split on the run's device."""
        data = load(self.dataset)
        classes = split_classes(data, self.split, part, self.split_seed)
        return make_pool(data, classes, rotate=rotate, device=self.device)


def train(
    run: Run, config: TrainConfig, model_config: dict[str, Any], start: Path | None = None
) -> Checkpoint:
    """Meta-train and write the weights; Ctrl-C writes what there is and raises again.

    Args:
        run: Data and files.
        config: The method and its settings.
        model_config: Conv4's arguments.
        start: Weights to begin from instead of a fresh initialisation.
    """
    model = Conv4(**model_config)
    params = checkpoints.load(start).params if start else initial_params(model, config.seed)
    metadata = {
        "method": config.method,
        "model": model_config,
        "inner_lrs": {str(config.n_ways[0]): config.inner_lr},
        "start": str(start.name) if start else "random",
        "config": asdict(config),
    }
    validation = run.pool("validation")
    pool = run.pool("train", rotate=True)

    def check(learner: Learner) -> str:
        specs = [EpisodeSpec(n, config.k_shots[0], 5) for n in sorted(set(config.n_ways))]
        return "; ".join(_validation_accuracy(learner, validation, s, 5) for s in specs)

    def updates(begin: Update) -> Iterator[Update]:
        return meta_train(model, begin, task_stream(pool, config, begin.step), config)

    first = Update(0, with_rates(params) if config.learn_rates else params)
    return _drive(run, updates, first, config.meta_steps, metadata, check)


def train_baseline(run: Run, config: PretrainConfig, model_config: dict[str, Any]) -> Checkpoint:
    """Pretrain the classifier, choose its α on validation classes and write the weights."""
    model = Conv4(**model_config)
    pool = run.pool("train", rotate=True)
    validation = run.pool("validation")
    metadata = {
        "method": "pretrained",
        "model": model_config,
        "inner_lrs": {"5": 0.1},
        "start": "random",
        "config": asdict(config),
    }

    def check(learner: Learner) -> str:
        return _validation_accuracy(learner, validation, EpisodeSpec(5, 1, 5), INNER_LR_STEPS)

    def updates(begin: Update) -> Iterator[Update]:
        return pretrain(model, begin, pool, config)

    first = Update(0, with_new_head(initial_params(model, config.seed), len(pool.classes)))
    checkpoint = _drive(run, updates, first, updates_of(pool, config), metadata, check)
    chosen = best_inner_lrs(checkpoint.learner(), validation)
    checkpoint = Checkpoint(checkpoint.params, {**checkpoint.metadata, "inner_lrs": chosen})
    checkpoints.save(run.out, checkpoint)
    return checkpoint


def best_inner_lrs(learner: Learner, validation: TaskPool) -> dict[str, float]:
    """Return by N the candidate α that is best after ten steps of 1-shot validation episodes."""
    return {
        str(n_way): choose_inner_lr(
            learner,
            validation,
            EpisodeSpec(n_way, 1, 10),
            INNER_LR_CANDIDATES,
            inner_steps=INNER_LR_STEPS,
            episodes=VALIDATION_EPISODES,
            seed=0,
        )
        for n_way in INNER_LR_WAYS
    }


def _drive(
    run: Run,
    updates: Callable[[Update], Iterator[Update]],
    first: Update,
    steps: int,
    metadata: dict[str, Any],
    check: Callable[[Learner], str],
) -> Checkpoint:
    """Run a training to its end with progress, saved states and validation."""
    begin, metadata = _begin(run, first, metadata)
    update = begin
    begun, saved = time.monotonic() - metadata["seconds"], time.monotonic()
    with tqdm(total=steps, initial=update.step, unit="update", disable=None) as bar:
        try:
            for update in updates(begin):
                bar.update()
                metadata["seconds"] = round(time.monotonic() - begun, 1)
                if time.monotonic() - saved > SAVE_SECONDS:
                    checkpoints.save_update(run.state, update, metadata)
                    saved = time.monotonic()
                if run.validate_every and update.step % run.validate_every == 0:
                    learner = _checkpoint(update, metadata).learner()
                    bar.write(f"{update.step}: validation after each step: {check(learner)}")
        except KeyboardInterrupt:
            if update.optimizer:
                checkpoints.save_update(run.state, update, metadata)
                checkpoints.save(run.out, _checkpoint(update, metadata))
                bar.write(
                    f"Stopped after {update.step} updates; the weights so far are in {run.out}. "
                    "The same command with --resume goes on."
                )
            raise
    checkpoint = _checkpoint(update, metadata)
    checkpoints.save(run.out, checkpoint)
    run.state.unlink(missing_ok=True)
    return checkpoint


def _begin(run: Run, first: Update, metadata: dict[str, Any]) -> tuple[Update, dict[str, Any]]:
    """Return where to begin and what is to be said of the weights."""
    if run.resume:
        update, saved = checkpoints.load_update(run.state, run.device)
        # Through JSON, as the saved one has been: tuples are lists there.
        if saved["config"] != json.loads(json.dumps(metadata["config"])):
            raise CheckpointError(
                f"{run.state} belongs to other settings ({saved['command']}); repeat those, "
                "or train without --resume."
            )
        return update, saved
    about = {
        "command": run.command,
        "dataset": run.dataset,
        "split": run.split,
        "split_seed": run.split_seed,
        "device": torch.cuda.get_device_name() if run.device == "cuda" else "cpu",
        "commit": _commit(),
        "torch": torch.__version__,
        "seconds": 0.0,
    }
    params = {name: value.to(run.device) for name, value in first.params.items()}
    return Update(0, params), {**metadata, **about}


def _checkpoint(update: Update, metadata: dict[str, Any]) -> Checkpoint:
    params = update.params
    if metadata["method"] == "pretrained":
        params = with_new_head(params)
    return Checkpoint(params, {**metadata, "updates": update.step})


def _validation_accuracy(
    learner: Learner, validation: TaskPool, spec: EpisodeSpec, inner_steps: int
) -> str:
    *_, last = evaluate(
        learner, validation, spec, inner_steps=inner_steps, episodes=VALIDATION_EPISODES, seed=0
    )
    shown = " ".join(f"{100 * share:.1f}" for share in last.accuracy[1:])
    return f"{spec.n_way}-way {spec.k_shot}-shot {shown} %"


def _commit() -> str:
    """Return the commit of the code, with a + when the tree has changes; empty outside git."""
    with suppress(OSError, subprocess.CalledProcessError):
        root = Path(__file__).parent
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10"],
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
        )
        return found.stdout.strip()
    return ""
