"""Training runs from data to weights file: what each needs, what it says, which α it chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maml_core import checkpoints
from maml_core.baselines import pretrain, updates_of, with_mean_head, with_new_head
from maml_core.checkpoints import Checkpoint, CheckpointError
from maml_core.class_augmentation import enlarged
from maml_core.config import AdaptConfig, EpisodeSpec, PretrainConfig, TrainConfig
from maml_core.distribution import check_alone, joined
from maml_core.driving import VALIDATION_QUERY, Run, differences, drive
from maml_core.episodes import TaskPool, sample_episode
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

VALIDATION_EPISODES = 100
# The baseline's α is chosen among these on validation classes.
INNER_LR_CANDIDATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
# By N, on how many episodes: of many ways each takes longer and its accuracy varies less.
INNER_LR_EPISODES = {2: 100, 5: 100, 10: 50, 20: 50}
INNER_LR_STEPS = 10


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

        return drive(
            run,
            training.updates,
            lambda: training.first,
            config.meta_steps,
            training.metadata,
            check,
        )


def prepared(
    run: Run, config: TrainConfig, model_config: dict[str, Any], start: Path | None = None
) -> Training:
    """Read what a meta-training needs and check it; arguments and errors as in `train`."""
    model_config = for_pictures(model_config, run.data.input_shape)
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

    return Training(first, updates, validation, specs, run.about(metadata))


def train_baseline(
    run: Run,
    config: PretrainConfig,
    model_config: dict[str, Any],
    start: Path | None = None,
    inner_lr: float | None = None,
) -> Checkpoint:
    """Pretrain the classifier, choose its α on validation classes and write the weights.

    Args:
        run: Data and files.
        config: How long, how fast and on which classes.
        model_config: As in `train`.
        start: Weights whose features to begin from, see `with_mean_head`.
        inner_lr: α at every N; chosen on validation classes unless given.

    Raises:
        CheckpointError: The starting weights, or the state to go on from, are of another run's
            making or cannot be read.
        ValueError: There are too few classes or pictures, or torchrun started several processes.
    """
    check_alone("pretrain")
    model_config = for_pictures(model_config, run.data.input_shape)
    model = make_model(model_config)
    shown = EpisodeSpec(5, 1, VALIDATION_QUERY)
    needed = [EpisodeSpec(min(INNER_LR_EPISODES), 1, VALIDATION_QUERY)]
    if inner_lr is not None:
        AdaptConfig(inner_lr)  # refuses what is no step size
    given = _start(start, model_config) if start else None
    validation = _pool_for(run, "validation", [*needed, shown] if run.validate_every else needed)
    pool = enlarged(
        _pool_for(run, "train", [], close_ups=config.close_ups),
        mirror=config.mirror,
        composed_per_class=config.composed_per_class,
        seed=config.seed,
    )
    metadata = {
        "method": "pretrained",
        "model": model_config,
        "inner_lrs": {"5": inner_lr or 0.1},
        "start": start.name if start else "random",
        "config": asdict(config),
    }

    def first() -> Update:
        if given:
            return Update(0, with_mean_head(model, given, pool))
        return Update(0, with_new_head(initial_params(model, config.seed), len(pool.classes)))

    def check(learner: Learner) -> list[dict[str, Any]]:
        return [_validated(learner, validation, shown, INNER_LR_STEPS)]

    def updates(begin: Update) -> Iterator[Update]:
        return pretrain(model, begin, pool, config)

    def finish(checkpoint: Checkpoint) -> Checkpoint:
        if inner_lr is not None:
            return checkpoint
        chosen = best_inner_lrs(checkpoint.learner(), validation)
        return Checkpoint(checkpoint.params, {**checkpoint.metadata, "inner_lrs": chosen})

    about = run.about(metadata)
    return drive(run, updates, first, updates_of(pool, config), about, check, finish)


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


def _pool_for(
    run: Run,
    part: str,
    specs: Sequence[EpisodeSpec],
    rotate: bool = True,
    close_ups: bool = False,
) -> TaskPool:
    """Return a part's classes, the training part's at all rotations; check that it has `specs`."""
    try:
        pool = run.pool(part, rotate=rotate and part == "train", close_ups=close_ups)
        for spec in specs:
            sample_episode(pool, spec, seed=0)
    except ValueError as error:
        without = " Or choose --validate-every 0." if part == "validation" and specs else ""
        raise ValueError(
            f"The {part} part of {run.dataset} cannot be used: {error}{without}"
        ) from None
    return pool


def _start(path: Path, model_config: Mapping[str, Any]) -> Params:
    """Return the meta-parameters of a weights file for the same network."""
    found = checkpoints.load(path)
    other = differences(model_arguments(found.metadata["model"]), model_arguments(model_config))
    if other:
        raise CheckpointError(f"{path} holds another network ({other}); give the run the same.")
    return found.params


def _validated(
    learner: Learner, validation: TaskPool, spec: EpisodeSpec, inner_steps: int
) -> dict[str, Any]:
    """Return the estimate on fresh adaptations to validation episodes, as JSON values."""
    *_, last = evaluate(
        learner, validation, spec, inner_steps=inner_steps, episodes=VALIDATION_EPISODES, seed=0
    )
    return {"n_way": spec.n_way, "k_shot": spec.k_shot, **asdict(last)}
