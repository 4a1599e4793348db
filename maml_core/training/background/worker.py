"""One live meta-training, in a process of its own that `live_training` starts.

It reads an `Order` from its standard input, a line of JSON, then a word a line: 'pause', 'go' or
'stop'. When that input ends it ends too. It writes what it finds as lines of JSON.
"""

from __future__ import annotations

import base64
import json
import math
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from maml_core.config import TrainConfig
from maml_core.data.character_set import DataError
from maml_core.evaluation.accuracy import evaluate
from maml_core.learners import checkpoints
from maml_core.learners.checkpoints import CheckpointError
from maml_core.optimisation.outer_loop import TrainState
from maml_core.training import recipes
from maml_core.training.background.queue import Order
from maml_core.training.loop import checkpoint_of
from maml_core.training.training_run import Run

NICENESS = 10  # whoever waits for a page comes first
MEMORY_BYTES = 6 * 2**30  # beyond it an update fails, and not the whole machine
VALIDATION_EPISODES = 20
VALIDATION_SHARE = 0.2  # of the time, at most, but for the first and the last
MULTI_TASK_STEPS = 5  # at validation; multi-task training itself takes none


@dataclass
class Control:
    """What the process has been told."""

    may_go: threading.Event = field(default_factory=threading.Event)
    stopped: bool = False

    def listen(self) -> None:
        """Follow the words on the standard input, to its end and the process's."""
        for word in sys.stdin:
            self.stopped |= word.strip() == "stop"
            if word.strip() == "pause":
                self.may_go.clear()
            else:
                self.may_go.set()
        os._exit(0)  # in the midst of an update, whatever it does


def main() -> None:
    """Train what the first line orders."""
    _be_modest()
    order = Order.from_json(sys.stdin.readline())
    control = Control()
    control.may_go.set()
    threading.Thread(target=control.listen, daemon=True).start()
    try:
        train(order, control)
    except (DataError, CheckpointError, ValueError) as error:
        say("failed", message=str(error))
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        say(
            "failed",
            message=f"An update needs more than the {MEMORY_BYTES / 2**30:.0f} GB that a training "
            "may have; choose fewer tasks an update, fewer ways or shots, or fewer inner steps.",
        )


def _be_modest() -> None:
    """Leave the cores and the memory to others, as far as the system lets one."""
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with suppress(ImportError, OSError, ValueError):
        import resource  # Here, because only Unix has it.

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def say(kind: str, **values: Any) -> None:
    """Write a line."""
    print(json.dumps({"kind": kind, **values}), flush=True)


def train(order: Order, control: Control) -> None:
    """Meta-train as ordered and say how it goes."""
    run = Run(
        Path(),
        order.dataset,
        order.split,
        validate_every=1,
        validate_on=order.validate_on,
        validation_query=order.config.q_query,
        command="the Train page",
    )
    start = Path(order.start) if order.start else None
    training = recipes.prepared(run, order.config, dict(order.model), start)
    begun, validating = time.monotonic(), validate(training, training.first, order.config)
    update = training.first
    for update in training.updates(training.first):
        seconds = time.monotonic() - begun
        training.metadata["seconds"] = round(seconds, 1)
        _say_progress(update, order.config, seconds)
        if validating < VALIDATION_SHARE * seconds:
            validating += validate(training, update, order.config)
        if not control.may_go.is_set():
            _say_weights(training, update)
            waiting = time.monotonic()
            control.may_go.wait()
            begun += time.monotonic() - waiting
        if control.stopped:
            _say_weights(training, update)
            break
    else:
        validate(training, update, order.config)
    say("over", step=update.step)


def validate(training: recipes.Training, update: TrainState, config: TrainConfig) -> float:
    """Say what the weights of a state reach on validation episodes; return how long it took."""
    assert training.validation
    begun = time.monotonic()
    learner = checkpoint_of(update, training.metadata).learner()
    *_, found = evaluate(
        learner,
        training.validation,
        training.specs[0],
        inner_steps=config.inner_steps or MULTI_TASK_STEPS,
        episodes=VALIDATION_EPISODES,
        seed=config.seed,
    )
    say(
        "validation",
        step=update.step,
        accuracy=found.accuracy,
        ci95=found.ci95,
        episodes=found.episodes,
    )
    _say_weights(training, update)
    return time.monotonic() - begun


def _say_progress(update: TrainState, config: TrainConfig, seconds: float) -> None:
    """Say how an update went.

    Raises:
        ValueError: The loss or the gradient is no finite number.
    """
    assert update.metrics is not None
    assert update.gradient_norm is not None
    loss, length = float(update.metrics.loss), float(update.gradient_norm)
    if not (math.isfinite(loss) and math.isfinite(length)):
        raise ValueError(
            f"The meta-loss is no finite number any more at update {update.step}; choose a smaller "
            f"α than {config.inner_lr:g} or a smaller β than {config.meta_lr:g}."
        )
    say("progress", step=update.step, loss=loss, gradient_norm=length, seconds=seconds)


def _say_weights(training: recipes.Training, update: TrainState) -> None:
    """Send the weights of a state as a file."""
    content = checkpoints.to_bytes(checkpoint_of(update, training.metadata))
    say("weights", step=update.step, content=base64.b64encode(content).decode())


if __name__ == "__main__":
    main()
    os._exit(0)  # the interpreter's own end would trip over the thread that reads
