"""One background meta-training, in a process of its own that `queue` starts.

It reads from its standard input a `TrainingJob`, a line of JSON, then a line with the state to go
on from, empty at the beginning, then the commands 'pause' and 'stop', a line each. After either it
ends, and so it does when its input ends. It writes its messages as lines of JSON.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from maml_core.config import EvaluationConfig, TrainConfig
from maml_core.data.character_set import DataError
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.optimisation.cores import VARIABLE
from maml_core.optimisation.freed_memory import keep_freed_memory
from maml_core.optimisation.outer_loop import DivergenceError, TrainState
from maml_core.training import recipes
from maml_core.training.background.job import TrainingJob
from maml_core.training.background.queue import VALIDATION_EPISODES
from maml_core.training.loop import checkpoint_of
from maml_core.training.saved_state import update_from_bytes, update_to_bytes
from maml_core.training.training_run import TrainingRun

NICENESS = 10  # whoever waits for a page comes first
MEMORY_BYTES = 6 * 2**30  # beyond it an update fails instead of the whole machine
VALIDATION_SHARE = 0.2  # of the time at most, apart from the first and the last validation
MULTI_TASK_STEPS = 5  # at validation; multi-task training itself takes none


@dataclass
class Control:
    """The commands so far: whether to pause, and whether to stop."""

    paused: bool = False
    stopped: bool = False

    def read_commands(self) -> None:
        """Follow the commands on the standard input; exit the process when it ends."""
        for line in sys.stdin:
            command = line.strip()
            self.stopped |= command == "stop"
            self.paused |= command == "pause"
        os._exit(0)  # also in the middle of an update


def main() -> None:
    """Run the training job in the first lines of the standard input."""
    _limit_resources()
    job = TrainingJob.from_json(sys.stdin.readline())
    saved = base64.b64decode(sys.stdin.readline())
    control = Control()
    threading.Thread(target=control.read_commands, daemon=True).start()
    try:
        train(job, control, saved)
    except (DataError, CheckpointError, ValueError) as error:
        send_message("failed", message=str(error))
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        send_message(
            "failed",
            message=f"An update needs more than the {MEMORY_BYTES / 2**30:.0f} GB that a training "
            "may have; choose fewer tasks an update, fewer ways or shots, or fewer inner steps.",
        )


def _limit_resources() -> None:
    """Leave processor time and memory to others, as far as the system allows."""
    torch.set_num_threads(1)
    keep_freed_memory()
    os.environ[VARIABLE] = "1"  # the queue runs as many trainings as there are workers
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with suppress(ImportError, OSError, ValueError):
        import resource  # Here, because only Unix has it.

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def send_message(kind: str, **values: Any) -> None:
    """Write a message as a line of JSON, see `BackgroundTraining.handle_message`."""
    print(json.dumps({"kind": kind, **values}), flush=True)


def train(job: TrainingJob, control: Control, saved: bytes = b"") -> None:
    """Meta-train and send progress, validations and weights.

    Args:
        job: What to train.
        control: Told of pauses and stops from another thread.
        saved: The state that a pause sent, to go on from; empty at the beginning.
    """
    run = TrainingRun(
        Path(),
        job.dataset,
        job.split,
        validate_every=1,
        validate_on=job.validate_on,
        validation_query=job.config.q_query,
        command="the Train page",
    )
    start = Path(job.start) if job.start else None
    training = recipes.prepare_training(run, job.config, dict(job.model), start)
    first, before = update_from_bytes(saved) if saved else (training.initial_state, {})
    started = time.monotonic() - before.get("seconds", 0.0)
    validation_seconds = 0.0 if saved else validate(training, first, job.config)
    state = first
    for state in _updates(training, first):
        seconds = time.monotonic() - started
        training.metadata["seconds"] = round(seconds, 1)
        _send_progress(state, seconds)
        if validation_seconds < VALIDATION_SHARE * seconds:
            validation_seconds += validate(training, state, job.config)
        if control.stopped:
            _send_weights(training, state)
            break
        if control.paused:
            _send_weights(training, state)
            content = update_to_bytes(state, {"seconds": seconds})
            send_message("paused", content=base64.b64encode(content).decode())
            return
    else:
        validate(training, state, job.config)
    send_message("finished", step=state.step)


def _updates(training: recipes.PreparedTraining, first: TrainState) -> Iterator[TrainState]:
    """Yield the state after each update; where they diverge send the last finite weights."""
    try:
        yield from training.updates(first)
    except DivergenceError as error:
        _send_weights(training, error.last_finite or first)
        raise


def validate(training: recipes.PreparedTraining, state: TrainState, config: TrainConfig) -> float:
    """Send a state's accuracy on validation episodes and its weights; return the seconds taken."""
    started = time.monotonic()
    learner = checkpoint_of(state, training.metadata).learner()
    estimate = training.validate(
        learner,
        training.specs[0],
        EvaluationConfig(
            inner_steps=0 if learner.solve_head else config.inner_steps or MULTI_TASK_STEPS,
            episodes=VALIDATION_EPISODES,
            seed=config.seed,
        ),
    )
    send_message(
        "validation",
        step=state.step,
        accuracy=estimate.accuracy,
        ci95=estimate.ci95,
        episodes=estimate.episodes,
    )
    _send_weights(training, state)
    return time.monotonic() - started


def _send_progress(state: TrainState, seconds: float) -> None:
    """Send an update's meta-loss and gradient norm.

    Raises:
        ValueError: The state is before any update.
    """
    if state.metrics is None or state.gradient_norm is None:
        raise ValueError(f"The state at step {state.step} comes from no update; it has no loss.")
    send_message(
        "progress",
        step=state.step,
        loss=float(state.metrics.loss),
        gradient_norm=float(state.gradient_norm),
        seconds=seconds,
    )


def _send_weights(training: recipes.PreparedTraining, state: TrainState) -> None:
    """Send a state's weights file."""
    content = checkpoints.to_bytes(checkpoint_of(state, training.metadata))
    send_message("weights", step=state.step, content=base64.b64encode(content).decode())


if __name__ == "__main__":
    main()
    os._exit(0)  # the interpreter's own shutdown would wait for the thread that reads
