"""A training's way from its start to its weights file: progress, saved states, interruption."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from tqdm import tqdm

from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import Checkpoint, CheckpointError
from maml_core.learners.learner import Learner
from maml_core.methods.pretraining import with_new_head
from maml_core.networks.registry import model_arguments
from maml_core.optimisation.distributed import is_first
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training import recording, saved_state
from maml_core.training.training_run import Run

SAVE_SECONDS = 60  # at most this much training is lost when the machine stops
# A state may be gone on from only with the same of these, the same network and config.
RESUMED = ("method", "start", "dataset", "split", "split_seed")


def training_loop(
    run: Run,
    updates: Callable[[TrainState], Iterator[TrainState]],
    first: Callable[[], TrainState],
    steps: int,
    metadata: dict[str, Any],
    check: Callable[[Learner], list[dict[str, Any]]],
    finish: Callable[[Checkpoint], Checkpoint] = lambda checkpoint: checkpoint,
) -> Checkpoint:
    """Run a training to its end with progress, saved states and validation.

    Only a run that goes on from no saved state asks for its `first`. What validation finds is
    printed and kept with the weights: metadata `validation`, a row a look and N. The state stays
    until `finish` is through with the weights, which may take minutes. Of several processes only
    the first does more than its share of the updates.
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
                    saved_state.save_update(run.state, update, metadata)
                    saved = time.monotonic()
        checkpoint = finish(checkpoint_of(update, metadata))
    except KeyboardInterrupt:
        _keep_interrupted(run, update, metadata)
        raise
    checkpoints.save_weights(run.out, checkpoint)
    run.state.unlink(missing_ok=True)
    return checkpoint


def _keep_interrupted(run: Run, update: TrainState, metadata: dict[str, Any]) -> None:
    """Write the state and the weights so far of a run that is stopped, if it made an update."""
    if update.optimizer:
        saved_state.save_update(run.state, update, metadata)
        checkpoints.save_weights(run.out, checkpoint_of(update, metadata))
        tqdm.write(
            f"Stopped after {update.step} updates; the weights so far are in {run.out}. "
            "The same command with --resume goes on."
        )


def _record(run: Run, update: TrainState, kept: set[int], metadata: Mapping[str, Any]) -> None:
    """Add the state to the file of points on the way if it is one of those to be kept."""
    if update.step in kept:
        before = recording.load_recording(run.recording)[0] if update.step else {}
        # What a run that broke off recorded after its last saved state is recorded anew.
        points = {step: theta for step, theta in before.items() if step < update.step}
        points[update.step] = update.params
        recording.save_recording(run.recording, points, metadata)


def _begin(
    run: Run, first: Callable[[], TrainState], about: dict[str, Any]
) -> tuple[TrainState, dict[str, Any]]:
    """Return where to begin and what is to be said of the weights."""
    begin, about = _resumed(run, about) if run.resume else (first(), about)
    params = {name: value.to(run.device) for name, value in begin.params.items()}
    return replace(begin, params=params), about


def _resumed(run: Run, about: dict[str, Any]) -> tuple[TrainState, dict[str, Any]]:
    """Return the saved state and its metadata if it is of a run like this one."""
    update, saved = saved_state.load_update(run.state)
    asked = json.loads(json.dumps(about))  # as the saved one has been: tuples are lists there
    other = differences(_identity(saved), _identity(asked))
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


def checkpoint_of(update: TrainState, metadata: Mapping[str, Any]) -> Checkpoint:
    """Return the weights of a state, with what is to be said of them."""
    params = update.params
    if metadata["method"] == "pretrained":
        params = with_new_head(params)
    return Checkpoint(params, {**metadata, "updates": update.step})


def differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Say which entries of two records differ, old and new; empty where none does."""
    return "; ".join(
        f"{name} {there.get(name)}, not {asked.get(name)}"
        for name in {**there, **asked}
        if there.get(name) != asked.get(name)
    )


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
