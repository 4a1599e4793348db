"""The two trainings from data to weights file: meta-training and the pretrained baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maml_core.config import (
    AdaptConfig,
    EpisodeSpec,
    EvaluationConfig,
    PretrainConfig,
    SettingError,
    TrainConfig,
    literal,
)
from maml_core.episodes.class_augmentation import augment_classes
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.accuracy import evaluate
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint, OtherSettingsError
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import check_unseen
from maml_core.methods.pretraining import imprint_head, pretrain, updates_of, with_new_head
from maml_core.methods.registry import FIRST_META_PARAMS
from maml_core.networks.functional import for_n_way, initial_params
from maml_core.networks.meta_params import theta_of, with_lr_multipliers
from maml_core.networks.registry import for_pictures, make_model, model_arguments
from maml_core.optimisation.distributed import from_first, is_first, joined
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training import inner_lr_search
from maml_core.training.inner_lr_search import best_inner_lrs
from maml_core.training.loop import differences, training_loop
from maml_core.training.meta_training import meta_train, task_stream
from maml_core.training.training_run import VALIDATION_QUERY, TrainingRun

VALIDATION_EPISODES = 100
BASELINE_VALIDATION = EpisodeSpec(5, 1, VALIDATION_QUERY)


@dataclass(frozen=True, eq=False)
class PreparedTraining:
    """A meta-training whose data are read and checked; iterating over `updates` trains.

    Attributes:
        initial_state: Where it begins, at step 0.
        updates: From a state on, the state after each further update, see `meta_train`.
        validation: The classes of `TrainingRun.validate_on`; None where it never validates.
        specs: The episodes to validate on, one for each N.
        metadata: What the weights file says of the training.
    """

    initial_state: TrainState
    updates: Callable[[TrainState], Iterator[TrainState]]
    validation: TaskPool | None
    specs: Sequence[EpisodeSpec]
    metadata: dict[str, Any]

    def validate(self, learner: Learner, spec: EpisodeSpec, config: EvaluationConfig) -> Estimate:
        """Return the learner's accuracy on validation episodes.

        Raises:
            ValueError: The training was prepared without validation.
        """
        if self.validation is None:
            raise ValueError("validate_every is 0, so no validation classes were read; raise it.")
        *_, estimate = evaluate(learner, self.validation, spec, config)
        return estimate


def train(
    run: TrainingRun, config: TrainConfig, model_config: dict[str, Any], start: Path | None = None
) -> Checkpoint:
    """Meta-train and write the weights; Ctrl-C writes what there is and raises again.

    Started by torchrun, the processes share out each meta-batch and the first one writes.

    Args:
        run: Data and files.
        config: The method and its settings.
        model_config: The network's `name` and arguments, see `registry.make_model`; those that the
            pictures decide are filled in.
        start: Weights to begin from instead of a fresh initialisation. With `learn_inner_lr` their
            factors on α, where they have some, are taken too; otherwise only θ is.

    Raises:
        CheckpointError: The starting weights are another network's, the saved state is another
            run's or would be overwritten, or either cannot be read.
        ValueError: The data or the head has too little for the episodes, or the meta-batch has
            for the processes, or a file cannot be written.
        DivergenceError: The loss is not finite; the last finite weights are written.
    """
    with joined(run.device, meta_batch_size=config.meta_batch_size):
        if is_first():
            run.check_files()
        training = prepare_training(run, config, model_config, start)

        def validate(learner: Learner) -> list[dict[str, Any]]:
            config = EvaluationConfig(inner_steps=5, episodes=VALIDATION_EPISODES, seed=0)
            return [
                _as_row(spec, training.validate(learner, spec, config)) for spec in training.specs
            ]

        return training_loop(
            run,
            training.updates,
            lambda: training.initial_state,
            config.meta_steps,
            training.metadata,
            validate,
        )


def prepare_training(
    run: TrainingRun, config: TrainConfig, model_config: dict[str, Any], start: Path | None = None
) -> PreparedTraining:
    """Read what a meta-training needs and check it; arguments and errors as in `train`."""
    model_config = for_pictures(model_config, run.data.input_shape)
    model = make_model(model_config)
    given = from_first(lambda: _load_start(start, model_config)) if start else None
    params = given.params if given else initial_params(model, config.seed)
    for_n_way(params, max(config.n_ways))
    if config.method == "multi_task" and len(params["head.weight"]) == 1:
        raise SettingError(
            "The head has 1 row, {n_out}, which starts as zeros in every task, so that multi-task "
            "training moves nothing; give it at least {rows} rows, and a {start} with as many.",
            rows=max(config.n_ways),
        )
    kept = with_lr_multipliers(params) if config.learn_inner_lr else theta_of(params)
    own = FIRST_META_PARAMS.get(config.method)
    initial_state = TrainState(0, {**kept, **(own(params, config) if own else {})})
    metadata = {
        "method": config.method,
        "model": model_config,
        "inner_lrs": _inner_lrs(run, config, given),
        "start": start.name if start else "random",
        "config": asdict(config),
    }
    ways = sorted(set(config.n_ways))
    specs = [EpisodeSpec(n, config.k_shots[0], run.validation_query) for n in ways]
    validation = _pool_for(run, run.validate_on, specs, False) if run.validate_every else None
    if validation and given:
        _check_unseen(run, given)
    pool = _pool_for(run, "train", config.specs)

    def updates(state: TrainState) -> Iterator[TrainState]:
        return meta_train(model, state, task_stream(pool, config, state.step), config)

    metadata = run.metadata(metadata, given)
    return PreparedTraining(initial_state, updates, validation, specs, metadata)


def _inner_lrs(
    run: TrainingRun, config: TrainConfig, given: Checkpoint | None
) -> Mapping[str, float]:
    """Return α by N: training's; the start's, if there is nothing left to choose it on."""
    if run.with_validation and given and given.provenance.method == config.method:
        return {str(n): lr for n, lr in given.provenance.inner_lrs.items()}
    return {str(n): config.inner_lr_at(n) for n in config.n_ways}


def train_baseline(
    run: TrainingRun,
    config: PretrainConfig,
    model_config: dict[str, Any],
    start: Path | None = None,
    inner_lr: float | None = None,
) -> Checkpoint:
    """Pretrain the classifier, choose its α on validation classes and write the weights.

    Started by torchrun, the processes share out each batch, normalised as a whole all the same.

    Args:
        run: Data and files.
        config: How long, how fast and on which classes.
        model_config: As in `train`.
        start: Weights whose features to begin from, see `imprint_head`.
        inner_lr: α at every N; chosen on validation classes unless given.

    Raises:
        CheckpointError, DivergenceError: As in `train`.
        ValueError: There are too few classes or pictures, fewer in a batch than there are
            processes, or a file cannot be written.
    """
    with joined(run.device, batch_size=config.batch_size):
        if is_first():
            run.check_files()
        return _train_baseline(run, config, model_config, start, inner_lr)


def _train_baseline(
    run: TrainingRun,
    config: PretrainConfig,
    model_config: dict[str, Any],
    start: Path | None,
    inner_lr: float | None,
) -> Checkpoint:
    model_config = for_pictures(model_config, run.data.input_shape)
    model = make_model(model_config)
    specs = [EpisodeSpec(min(inner_lr_search.INNER_LR_EPISODES), 1, VALIDATION_QUERY)]
    if run.validate_every:
        specs.append(BASELINE_VALIDATION)
    if inner_lr is not None:
        AdaptConfig(inner_lr)  # raises where it is not a step size
    given = from_first(lambda: _load_start(start, model_config)) if start else None
    validation = _pool_for(run, "validation", specs)
    if given:
        _check_unseen(run, given)
    pool = _pretraining_pool(run, config)
    metadata = {
        "method": "pretrained",
        "model": model_config,
        "inner_lrs": {"5": inner_lr or 0.1},
        "start": start.name if start else "random",
        "config": asdict(config),
    }
    metadata = run.metadata(metadata, given)

    def initial_state() -> TrainState:
        if given:
            return TrainState(0, imprint_head(model, given.params, pool))
        return TrainState(0, with_new_head(initial_params(model, config.seed), len(pool.classes)))

    def validate(learner: Learner) -> list[dict[str, Any]]:
        how = EvaluationConfig(inner_lr_search.INNER_LR_STEPS, VALIDATION_EPISODES)
        *_, estimate = evaluate(learner, validation, BASELINE_VALIDATION, how)
        return [_as_row(BASELINE_VALIDATION, estimate)]

    def finalise(checkpoint: Checkpoint) -> Checkpoint:
        if inner_lr is not None:
            return checkpoint
        chosen = best_inner_lrs(checkpoint.learner(), validation)
        return Checkpoint(checkpoint.params, {**checkpoint.metadata, "inner_lrs": chosen})

    steps, updates = updates_of(pool, config), lambda state: pretrain(model, state, pool, config)
    return training_loop(run, updates, initial_state, steps, metadata, validate, finalise)


def _pretraining_pool(run: TrainingRun, config: PretrainConfig) -> TaskPool:
    """Return the training part's classes and those that the configuration makes of them."""
    return augment_classes(
        _pool_for(run, "train", [], ink_crops=config.ink_crops),
        mirror=config.mirror,
        spliced_per_class=config.spliced_per_class,
        seed=config.seed,
    )


def _pool_for(
    run: TrainingRun,
    part: str,
    specs: Sequence[EpisodeSpec],
    rotate: bool = True,
    ink_crops: bool = False,
) -> TaskPool:
    """Return a part's classes, the training part's at all rotations; check that it has `specs`."""
    try:
        pool = run.pool(part, rotate=rotate and part == "train", ink_crops=ink_crops)
        for spec in specs:
            sample_episode(pool, spec, seed=0)
    except ValueError as error:
        without = " Or choose --validate-every 0." if part == "validation" and specs else ""
        if not isinstance(error, SettingError):
            error = SettingError("{message}", message=error)
        raise error.within(f"The {part} part of {run.dataset} cannot be used: ", without) from None
    return pool


def _load_start(path: Path, model_config: Mapping[str, Any]) -> Checkpoint:
    """Return the weights to begin from.

    Raises:
        CheckpointError: They cannot be read, or are another network's.
    """
    checkpoint = checkpoints.load_weights(path)
    difference = differences(
        model_arguments(checkpoint.provenance.model), model_arguments(model_config)
    )
    if difference:
        raise OtherSettingsError(
            f"{literal(path)} holds another network ({difference}); give the run the same, or "
            "another {start}."
        )
    return checkpoint


def _check_unseen(run: TrainingRun, start: Checkpoint) -> None:
    """Raise `ValueError` if the starting weights were trained on validation classes."""
    check_unseen(
        start.provenance,
        run.data,
        run.split,
        run.validate_on,
        run.split_seed,
        "Validation would not measure new classes. Train on the split and seed of the weights to "
        "start from, or choose other weights.",
    )


def _as_row(spec: EpisodeSpec, estimate: Estimate) -> dict[str, Any]:
    """Return a validation estimate as JSON values."""
    return {"n_way": spec.n_way, "k_shot": spec.k_shot, **estimate.summary()}
