"""Training runs from data to weights file: progress, validation, interruption, resumption."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from maml_core import checkpoints
from maml_core.baselines import pretrain, updates_of, with_new_head
from maml_core.checkpoints import Checkpoint, CheckpointError
from maml_core.config import DEVICES, EpisodeSpec, PretrainConfig, TrainConfig, check_choice
from maml_core.datasets import load
from maml_core.datasets.splits import split_classes
from maml_core.distribution import check_alone, is_first, joined
from maml_core.episodes import TaskPool, make_pool, sample_episode
from maml_core.evaluation import choose_inner_lr, evaluate
from maml_core.learners import Learner
from maml_core.meta_training import meta_train, task_stream
from maml_core.models import (
    check_pictures,
    for_n_way,
    for_pictures,
    initial_params,
    make_model,
    model_arguments,
)
from maml_core.optimisation import Update
from maml_core.params import Params, split_rates, with_rates

SAVE_SECONDS = 60  # at most this much training is lost when the machine stops
VALIDATION_EPISODES = 100
VALIDATION_QUERY = 5  # pictures a class
# The baseline's α is chosen among these on validation classes.
INNER_LR_CANDIDATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
# By N, on how many episodes: of many ways each takes longer and its accuracy varies less.
INNER_LR_EPISODES = {2: 100, 5: 100, 10: 50, 20: 50}
INNER_LR_STEPS = 10
# A state may be gone on from only with the same of these, the same network and config.
RESUMED = ("method", "start", "dataset", "split", "split_seed")


@dataclass(frozen=True)
class Run:
    """Where a training's data comes from and its weights go to.

    Attributes:
        out: The weights file; the unfinished state lies beside it as `<name>.state`.
        dataset: Its name, see `datasets.load`.
        split: One of `config.SPLITS`; the run sees its training and validation parts only.
        split_seed: Chooses the split.
        device: 'cpu' or 'cuda'.
        resume: Go on from the unfinished state.
        validate_every: Updates between two looks at validation episodes; 0 for none.
        validate_on: Of which part of the split these are; 'train' where there are too few
            validation classes, and it is to be said.
        validation_query: Query pictures a class of theirs.
        record: Points on the way to keep in `<stem>.recording.safetensors`, closer together in the
            beginning, where most happens; 0 for none.
        command: What was typed, kept with the weights.

    Raises:
        ValueError: An unknown device, no GPU where one is asked for, or a negative interval.
    """

    out: Path
    dataset: str = "omniglot"
    split: str = "alphabets"
    split_seed: int = 0
    device: str = "cpu"
    resume: bool = False
    validate_every: int = 0
    validate_on: str = "validation"
    validation_query: int = VALIDATION_QUERY
    record: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        check_choice("device", self.device, DEVICES)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is 'cuda', but torch finds no such GPU here; choose cpu.")
        if self.validate_every < 0:
            raise ValueError(f"validate_every is {self.validate_every}; choose 0 (never) or more.")
        if self.record < 0 or self.record == 1:
            raise ValueError(f"record is {self.record}; choose 0 (nothing) or at least 2 points.")

    @property
    def state(self) -> Path:
        """The file of the unfinished state."""
        return self.out.with_name(self.out.name + ".state")

    @property
    def recording(self) -> Path:
        """The file of the points on the way."""
        return self.out.with_suffix(".recording.safetensors")

    def recorded_updates(self, steps: int) -> set[int]:
        """Return the updates to keep of a run of so many: the start, then in equal ratios."""
        ratios = np.geomspace(1, steps, max(self.record - 1, 1))
        return {0, *(round(float(ratio)) for ratio in ratios)} if self.record else set()

    def pool(self, part: str, *, rotate: bool = False) -> TaskPool:
        """Return the classes of one part of the split on the run's device.

        Raises:
            ValueError: There are fewer than two.
        """
        data = load(self.dataset)
        classes = split_classes(data, self.split, part, self.split_seed)
        return make_pool(data, classes, rotate=rotate and data.has_drawers, device=self.device)


@dataclass(frozen=True, eq=False)
class Training:
    """A meta-training that is ready to go: whoever wants its updates draws them.

    Attributes:
        first: Where it begins.
        updates: From a state on, the state after each further update, see `meta_train`.
        validation: The classes of `Run.validate_on`; None where it never validates.
        specs: The episodes to validate on, one an N.
        metadata: What is to be said of the weights.
    """

    first: Update
    updates: Callable[[Update], Iterator[Update]]
    validation: TaskPool | None
    specs: Sequence[EpisodeSpec]
    metadata: dict[str, Any]


def train(
    run: Run, config: TrainConfig, model_config: dict[str, Any], start: Path | None = None
) -> Checkpoint:
    """Meta-train and write the weights; Ctrl-C writes what there is and raises again.

    Started by torchrun, the processes share out each meta-batch and the first one writes.

    Args:
        run: Data and files.
        config: The method and its settings.
        model_config: The network's `name` and arguments, see `models.make_model`; those that the
            pictures decide are filled in.
        start: Weights to begin from instead of a fresh initialisation. With `learn_rates` their
            factors on α, where they have some, are gone on from too; otherwise only θ is taken.

    Raises:
        CheckpointError: The starting weights, or the state to go on from, are of another run's
            making or cannot be read.
        ValueError: The data or the head has too little for the episodes, or the meta-batch has
            for the processes.
    """
    with joined(run.device, config.meta_batch_size):
        training = prepared(run, config, model_config, start)

        def check(learner: Learner) -> list[dict[str, Any]]:
            assert training.validation  # only asked where there is an interval
            return [_validated(learner, training.validation, s, 5) for s in training.specs]

        return _drive(
            run, training.updates, training.first, config.meta_steps, training.metadata, check
        )


def prepared(
    run: Run, config: TrainConfig, model_config: dict[str, Any], start: Path | None = None
) -> Training:
    """Read what a meta-training needs and check it; arguments and errors as in `train`."""
    model_config = for_pictures(model_config, load(run.dataset).input_shape)
    model = make_model(model_config)
    params = _start(start, model_config) if start else initial_params(model, config.seed)
    for_n_way(params, max(config.n_ways))
    if config.method == "joint" and len(params["head.weight"]) == 1:
        raise ValueError(
            "The head has 1 row, which starts as zeros in every task, so that joint pretraining "
            f"moves nothing; give it at least {max(config.n_ways)} rows."
        )
    first = Update(0, with_rates(params) if config.learn_rates else split_rates(params)[0])
    metadata = {
        "method": config.method,
        "model": model_config,
        "inner_lrs": {str(n): config.inner_lr_at(n) for n in config.n_ways},
        "start": str(start.name) if start else "random",
        "config": asdict(config),
    }
    ways = sorted(set(config.n_ways))
    specs = [EpisodeSpec(n, config.k_shots[0], run.validation_query) for n in ways]
    validation = _pool_for(run, run.validate_on, specs, False) if run.validate_every else None
    pool = _pool_for(run, "train", config.specs)

    def updates(begin: Update) -> Iterator[Update]:
        return meta_train(model, begin, task_stream(pool, config, begin.step), config)

    return Training(first, updates, validation, specs, _about(run, metadata))


def train_baseline(run: Run, config: PretrainConfig, model_config: dict[str, Any]) -> Checkpoint:
    """Pretrain the classifier, choose its α on validation classes and write the weights.

    Raises:
        CheckpointError: The state to go on from is another run's or cannot be read.
        ValueError: There are too few classes or pictures, or torchrun started several processes.
    """
    check_alone("pretrain")
    model_config = for_pictures(model_config, load(run.dataset).input_shape)
    model = make_model(model_config)
    shown = EpisodeSpec(5, 1, VALIDATION_QUERY)
    needed = [EpisodeSpec(min(INNER_LR_EPISODES), 1, VALIDATION_QUERY)]
    validation = _pool_for(run, "validation", [*needed, shown] if run.validate_every else needed)
    pool = _pool_for(run, "train", [])
    metadata = {
        "method": "pretrained",
        "model": model_config,
        "inner_lrs": {"5": 0.1},
        "start": "random",
        "config": asdict(config),
    }

    def check(learner: Learner) -> list[dict[str, Any]]:
        return [_validated(learner, validation, shown, INNER_LR_STEPS)]

    def updates(begin: Update) -> Iterator[Update]:
        return pretrain(model, begin, pool, config)

    def finish(checkpoint: Checkpoint) -> Checkpoint:
        chosen = best_inner_lrs(checkpoint.learner(), validation)
        return Checkpoint(checkpoint.params, {**checkpoint.metadata, "inner_lrs": chosen})

    first = Update(0, with_new_head(initial_params(model, config.seed), len(pool.classes)))
    about = _about(run, metadata)
    return _drive(run, updates, first, updates_of(pool, config), about, check, finish)


def best_inner_lrs(learner: Learner, validation: TaskPool) -> dict[str, float]:
    """Return by N the candidate α that is best over ten steps of 1-shot validation episodes.

    All candidates meet the same episodes, of five query pictures a class and fewer where N is
    large, so that it takes minutes. N for which there are too few classes are left out. A bar
    shows the candidates tried.
    """
    check_pictures(learner.model, validation.data.input_shape)
    return {
        str(n_way): choose_inner_lr(
            learner,
            validation,
            EpisodeSpec(n_way, 1, VALIDATION_QUERY),
            tqdm(INNER_LR_CANDIDATES, f"α for {n_way}-way", unit="candidate", disable=None),
            inner_steps=INNER_LR_STEPS,
            episodes=episodes,
            seed=0,
        )
        for n_way, episodes in INNER_LR_EPISODES.items()
        if n_way <= len(validation.classes)
    }


def _pool_for(run: Run, part: str, specs: Sequence[EpisodeSpec], rotate: bool = True) -> TaskPool:
    """Return a part's classes, the training part's at all rotations; check that it has `specs`."""
    try:
        pool = run.pool(part, rotate=rotate and part == "train")
        for spec in specs:
            sample_episode(pool, spec, seed=0)
    except ValueError as error:
        without = " Or choose --validate-every 0." if part == "validation" and specs else ""
        raise ValueError(
            f"The {part} part of {run.dataset} is too small: {error}{without}"
        ) from None
    return pool


def _start(path: Path, model_config: Mapping[str, Any]) -> Params:
    """Return the meta-parameters of a weights file for the same network."""
    found = checkpoints.load(path)
    other = _differences(model_arguments(found.metadata["model"]), model_arguments(model_config))
    if other:
        raise CheckpointError(f"{path} holds another network ({other}); give the run the same.")
    return found.params


def _differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Say which entries of two records differ, old and new; empty where none does."""
    return "; ".join(
        f"{name} {there.get(name)}, not {asked.get(name)}"
        for name in {**there, **asked}
        if there.get(name) != asked.get(name)
    )


def _drive(
    run: Run,
    updates: Callable[[Update], Iterator[Update]],
    first: Update,
    steps: int,
    metadata: dict[str, Any],
    check: Callable[[Learner], list[dict[str, Any]]],
    finish: Callable[[Checkpoint], Checkpoint] = lambda checkpoint: checkpoint,
) -> Checkpoint:
    """Run a training to its end with progress, saved states and validation.

    What validation finds is printed and kept with the weights: metadata `validation`, a row a look
    and N. The state stays until `finish` is through with the weights, which may take minutes. Of
    several processes only the first does more than its share of the updates.
    """
    begin, metadata = _begin(run, first, metadata)
    if not is_first():
        last = reduce(lambda _, later: later, updates(begin), begin)
        return checkpoint_of(last, metadata)
    update = begin
    begun, saved = time.monotonic() - metadata["seconds"], time.monotonic()
    kept = run.recorded_updates(steps)
    _record(run, begin, kept, metadata)
    try:
        with tqdm(total=steps, initial=update.step, unit="update", disable=None) as bar:
            for update in updates(begin):
                bar.update()
                metadata["seconds"] = round(time.monotonic() - begun, 1)
                _record(run, update, kept, metadata)
                if run.validate_every and update.step % run.validate_every == 0:
                    found = check(checkpoint_of(update, metadata).learner())
                    told = [{"update": update.step, **one} for one in found]
                    metadata["validation"] = [*metadata.get("validation", []), *told]
                    bar.write(f"{update.step}: validation after each step: {_in_words(found)}")
                if update.step == steps or time.monotonic() - saved > SAVE_SECONDS:
                    checkpoints.save_update(run.state, update, metadata)
                    saved = time.monotonic()
        checkpoint = finish(checkpoint_of(update, metadata))
    except KeyboardInterrupt:
        _keep_interrupted(run, update, metadata)
        raise
    checkpoints.save(run.out, checkpoint)
    run.state.unlink(missing_ok=True)
    return checkpoint


def _keep_interrupted(run: Run, update: Update, metadata: dict[str, Any]) -> None:
    """Write the state and the weights so far of a run that is stopped, if it made an update."""
    if update.optimizer:
        checkpoints.save_update(run.state, update, metadata)
        checkpoints.save(run.out, checkpoint_of(update, metadata))
        tqdm.write(
            f"Stopped after {update.step} updates; the weights so far are in {run.out}. "
            "The same command with --resume goes on."
        )


def _record(run: Run, update: Update, kept: set[int], metadata: Mapping[str, Any]) -> None:
    """Add the state to the file of points on the way if it is one of those to be kept."""
    if update.step in kept:
        before = checkpoints.load_recording(run.recording)[0] if update.step else {}
        # What a run that broke off recorded after its last saved state is recorded anew.
        points = {step: theta for step, theta in before.items() if step < update.step}
        points[update.step] = update.params
        checkpoints.save_recording(run.recording, points, metadata)


def _about(run: Run, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be said of a run's weights."""
    return {
        **metadata,
        "command": run.command,
        "dataset": run.dataset,
        "split": run.split,
        "split_seed": run.split_seed,
        "device": torch.cuda.get_device_name() if run.device == "cuda" else "cpu",
        "commit": _commit(),
        "torch": torch.__version__,
        "seconds": 0.0,
    }


def _begin(run: Run, first: Update, about: dict[str, Any]) -> tuple[Update, dict[str, Any]]:
    """Return where to begin and what is to be said of the weights."""
    begin, about = _resumed(run, about) if run.resume else (first, about)
    params = {name: value.to(run.device) for name, value in begin.params.items()}
    return replace(begin, params=params), about


def _resumed(run: Run, about: dict[str, Any]) -> tuple[Update, dict[str, Any]]:
    """Return the saved state and its metadata if it is of a run like this one."""
    update, saved = checkpoints.load_update(run.state)
    asked = json.loads(json.dumps(about))  # as the saved one has been: tuples are lists there
    other = _differences(_identity(saved), _identity(asked))
    if other:
        raise CheckpointError(
            f"{run.state} belongs to another run ({other}); repeat its command "
            f"({saved.get('command')}) or train without --resume."
        )
    return update, saved


def _identity(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a run the same as another."""
    network = model_arguments(metadata.get("model", {}))
    return {**{n: metadata.get(n) for n in RESUMED}, **network, **metadata.get("config", {})}


def checkpoint_of(update: Update, metadata: Mapping[str, Any]) -> Checkpoint:
    """Return the weights of a state, with what is to be said of them."""
    params = update.params
    if metadata["method"] == "pretrained":
        params = with_new_head(params)
    return Checkpoint(params, {**metadata, "updates": update.step})


def _validated(
    learner: Learner, validation: TaskPool, spec: EpisodeSpec, inner_steps: int
) -> dict[str, Any]:
    """Return the estimate on fresh adaptations to validation episodes, as JSON values."""
    *_, last = evaluate(
        learner, validation, spec, inner_steps=inner_steps, episodes=VALIDATION_EPISODES, seed=0
    )
    return {"n_way": spec.n_way, "k_shot": spec.k_shot, **asdict(last)}


def _in_words(found: Sequence[Mapping[str, Any]]) -> str:
    """Return estimates in %, before the first step and after each, as they are printed."""
    lines = []
    for one in found:
        before, *after = (f"{100 * share:.1f}" for share in one["accuracy"])
        lines.append(
            f"{one['n_way']}-way {one['k_shot']}-shot {' '.join(after)} % "
            f"(from {before}; ± {100 * one['ci95'][-1]:.1f}, n = {one['episodes']})"
        )
    return "; ".join(lines)


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
