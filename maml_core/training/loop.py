"""A training's way from its start to its weights file: progress, saved states, interruption."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tqdm import tqdm

from maml_core.config import literal
from maml_core.evaluation.confidence_intervals import percent
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint, CheckpointError, OtherSettingsError
from maml_core.learners.learner import Learner
from maml_core.methods.catalogue import BY_NAME
from maml_core.methods.pretraining import with_new_head
from maml_core.networks.registry import model_arguments
from maml_core.optimisation.distributed import check_same, from_first, is_first, wait_for_all
from maml_core.optimisation.outer_loop import DivergenceError, TrainState
from maml_core.training import recording, saved_state
from maml_core.training.training_run import TrainingRun

SAVE_SECONDS = 60  # at most this much training is lost when the machine stops
# A saved state is resumed only by a run with the same of these, the same network and config.
RESUME_KEYS = ("method", "start", "dataset", "split", "split_seed", "with_validation")


def training_loop(
    run: TrainingRun,
    updates: Callable[[TrainState], Iterator[TrainState]],
    initial_state: Callable[[], TrainState],
    steps: int,
    metadata: dict[str, Any],
    validate: Callable[[Learner], list[dict[str, Any]]],
    finalise: Callable[[Checkpoint], Checkpoint] = lambda checkpoint: checkpoint,
) -> Checkpoint:
    """Run a training to its end with progress, saved states and validation.

    Of several processes only the first reads and writes files and shows progress.

    Args:
        run: Files, device and intervals.
        updates: From a state on, the state after each further update.
        initial_state: Where to begin; not called by a run that resumes.
        steps: Updates in all.
        metadata: What the weights file says of the training.
        validate: Returns a row for each N; the rows are printed and kept in the metadata's
            `validation`, each with its update.
        finalise: The last work on the weights, which may take minutes; the saved state stays
            until it is done.

    Raises:
        CheckpointError: The run resumes, and the saved state is missing, damaged or another run's,
            or the training is finished.
        ValueError: The pictures are not those of the first process.
        DivergenceError: A loss is not finite; the last state with a finite one and its weights are
            written.
    """
    fingerprint = saved_state.fingerprint(run.data)
    check_same(f"pictures or classes of {run.dataset}", lambda: fingerprint)
    start, metadata = from_first(lambda: _start(run, initial_state, steps, metadata, fingerprint))
    params = {name: value.to(run.device) for name, value in start.params.items()}
    begin, in_state = replace(start, params=params), {"data_fingerprint": fingerprint}
    try:
        if is_first():
            return _train_and_write(
                run, updates, begin, steps, metadata, in_state, validate, finalise
            )
        return _train_along(run, updates, begin, metadata, validate, finalise)
    except DivergenceError:
        wait_for_all()
        raise


def _train_along(
    run: TrainingRun,
    updates: Callable[[TrainState], Iterator[TrainState]],
    begin: TrainState,
    metadata: dict[str, Any],
    validate: Callable[[Learner], list[dict[str, Any]]],
    finalise: Callable[[Checkpoint], Checkpoint],
) -> Checkpoint:
    """Do this process's share of all that `_train_and_write` does in the first."""
    state = begin
    for state in updates(begin):
        if _is_validated(run, state):
            validate(checkpoint_of(state, metadata).learner())
    return finalise(checkpoint_of(state, metadata))


def _is_validated(run: TrainingRun, state: TrainState) -> bool:
    return run.validate_every > 0 and state.step % run.validate_every == 0


def _train_and_write(
    run: TrainingRun,
    updates: Callable[[TrainState], Iterator[TrainState]],
    begin: TrainState,
    steps: int,
    metadata: dict[str, Any],
    in_state: dict[str, Any],
    validate: Callable[[Learner], list[dict[str, Any]]],
    finalise: Callable[[Checkpoint], Checkpoint],
) -> Checkpoint:
    """Do what `training_loop` does in the first process, from a state on."""
    state = begin
    started, saved = time.monotonic() - metadata["seconds"], time.monotonic()
    recorded_steps = run.recorded_updates(steps)
    _record(run, begin, recorded_steps, metadata)
    try:
        with tqdm(total=steps, initial=begin.step, unit="update", disable=None) as bar:
            for state in updates(begin):
                bar.update()
                metadata["seconds"] = round(time.monotonic() - started, 1)
                _record(run, state, recorded_steps, metadata)
                if _is_validated(run, state):
                    rows = validate(checkpoint_of(state, metadata).learner())
                    metadata["validation"] = [
                        *metadata.get("validation", []),
                        *({"update": state.step, **row} for row in rows),
                    ]
                    bar.write(f"{state.step}: validation after each step: {_in_words(rows)}")
                if state.step == steps or time.monotonic() - saved > SAVE_SECONDS:
                    saved_state.save_update(run.state, state, metadata | in_state)
                    saved = time.monotonic()
        checkpoint = finalise(checkpoint_of(state, metadata))
    except KeyboardInterrupt:
        if _keep(run, state, metadata, in_state):
            tqdm.write(
                f"Stopped after {state.step} updates; the weights so far are in {run.out}. "
                "The same command with --resume continues."
            )
        raise
    except DivergenceError as error:
        state = error.last_finite or begin
        metadata = _up_to(state, metadata)
        if not _keep(run, state, metadata, in_state):
            if run.out.exists():
                raise  # what is there has made more updates than none
            checkpoints.save_weights(run.out, checkpoint_of(state, metadata))
        raise DivergenceError(
            f"{error} The last finite weights, after update {state.step}, are in {run.out}.", state
        ) from error
    checkpoints.save_weights(run.out, checkpoint)
    run.state.unlink(missing_ok=True)
    return checkpoint


def _up_to(state: TrainState, metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a training at one of its earlier states."""
    if "validation" not in metadata:
        return metadata
    rows = [row for row in metadata["validation"] if row["update"] <= state.step]
    return {**metadata, "validation": rows}


def _keep(
    run: TrainingRun, state: TrainState, metadata: dict[str, Any], in_state: dict[str, Any]
) -> bool:
    """Write the state and the weights so far of a run that ends early, if it made an update."""
    if not state.optimizer:
        return False
    saved_state.save_update(run.state, state, metadata | in_state)
    checkpoints.save_weights(run.out, checkpoint_of(state, metadata))
    return True


def _record(
    run: TrainingRun, state: TrainState, recorded_steps: set[int], metadata: Mapping[str, Any]
) -> None:
    """Add the state to the recording if it is one of those to be recorded."""
    if state.step in recorded_steps:
        before = recording.load_recording(run.recording)[0] if state.step else {}
        # What an interrupted run recorded after its last saved state is recorded anew.
        points = {step: params for step, params in before.items() if step < state.step}
        points[state.step] = state.params
        recording.save_recording(run.recording, points, metadata)


def _start(
    run: TrainingRun,
    initial_state: Callable[[], TrainState],
    steps: int,
    metadata: dict[str, Any],
    fingerprint: str,
) -> tuple[TrainState, dict[str, Any]]:
    """Return the state to begin from and the weights' metadata."""
    if run.resume:
        return _resume(run, steps, metadata, fingerprint)
    return initial_state(), metadata


def _resume(
    run: TrainingRun, steps: int, metadata: dict[str, Any], fingerprint: str
) -> tuple[TrainState, dict[str, Any]]:
    """Return the saved state and its metadata if they belong to a run like this one."""
    if not run.state.exists():
        raise CheckpointError(_why_not_resumed(run, steps, metadata["method"]))
    state, saved = saved_state.load_update(run.state)
    current = json.loads(json.dumps(metadata))  # as the saved one has been: tuples become lists
    # Settings that there were not yet when it was saved have changed nothing by then.
    saved["config"] = {**current["config"], **saved.get("config", {})}
    difference = differences(_identity(saved), _identity(current))
    # States of earlier versions do not say what data they are of.
    data = saved.pop("data_fingerprint", None)
    if not difference and data not in (None, fingerprint):
        data_set = literal(run.dataset)
        difference = f"data: the pictures or classes of {data_set} are not those it began with"
    if difference:
        raise OtherSettingsError(
            f"{literal(run.state)} belongs to another run ({difference}); repeat its command "
            f"({literal(saved.get('command'))}) or begin anew with --overwrite."
        )
    return state, saved


def _why_not_resumed(run: TrainingRun, steps: int, method: str) -> str:
    """Say why a run without a saved state cannot go on."""
    nothing = f"There are no weights at {run.state} to go on from"
    if not run.out.is_file():
        return f"{nothing}; train without --resume."
    there = checkpoints.load_weights(run.out).provenance
    if there.method == method and there.updates is not None and there.updates >= steps:
        found = f"The training is finished: {run.out} holds its weights"
    else:
        label = BY_NAME[there.method].label if there.method in BY_NAME else literal(there.method)
        found = f"{nothing}; {run.out} holds weights of {label}"
    after = "" if there.updates is None else f" after {there.updates} updates"
    return (
        f"{found}{after}. To train them further, begin from them with --start {run.out} and "
        "another --out."
    )


def _identity(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two runs must share for one to resume the other."""
    network = model_arguments(metadata.get("model", {}))
    return {**{n: metadata.get(n) for n in RESUME_KEYS}, **network, **metadata.get("config", {})}


def checkpoint_of(state: TrainState, metadata: Mapping[str, Any]) -> Checkpoint:
    """Return the weights of a state with their metadata; a classifier's head starts anew."""
    params = state.params
    if metadata["method"] == "pretrained":
        params = with_new_head(params)
    return Checkpoint(params, {**metadata, "updates": state.step})


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say which settings of two records differ, old and new, as the template of a `SettingError`.

    Empty where none does.
    """
    return "; ".join(
        f"{f'{{{name}}}' if name.isidentifier() else literal(name)} "
        f"{literal(old.get(name))}, not {literal(new.get(name))}"
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    )


def _in_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return validation accuracies in %, before the first step and after each, for printing."""
    sentences = []
    for row in rows:
        before, *after = (f"{100 * share:.1f}" for share in row["accuracy"])
        interval = percent(row["accuracy"][-1], row["ci95"][-1]).partition(" ")[2]
        interval += ", " if interval else ""
        sentences.append(
            f"{row['n_way']}-way {row['k_shot']}-shot {' '.join(after)} % "
            f"(from {before}; {interval}n = {row['episodes']})"
        )
    return "; ".join(sentences)
