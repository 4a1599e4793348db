"""An experiment to take away: a comparison as a Python script, a training as a command."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from maml_core.config import AS_THEY_ARE, META_METHODS, suited_config
from maml_core.data.registry import FOLDER_VIEWS
from maml_core.teaching.exports.experiment import (
    PORTABLE_VIEWS,
    Experiment,
    episode_code,
    factor_code,
    import_code,
    learner_code,
    portable_dataset,
)
from maml_core.training.background.job import TrainingJob
from maml_core.training.background.queue import ROOT

NEGATED_OPTIONS = {"transductive": "--inductive", "augment": "--no-augment"}


def comparison_script(experiment: Experiment) -> str:
    """Return a Python script on `maml_core` that prints the numbers of one comparison."""
    imported, learner = learner_code(experiment)
    names = ["EpisodeSpec", "compare", "load", "make_pool", "sample_episode", "split_classes"]
    pathlib = "from pathlib import Path\n\n" if "Path" in learner else ""
    return f'''"""One episode, several methods. Run it next to the folder `maml_core`."""

{pathlib}{import_code([*names, *imported])}
INNER_LRS = {dict(experiment.inner_lrs)!r}

{episode_code(experiment)}for method, inner_lr in INNER_LRS.items():
    learner = {learner}
    factor = {factor_code(experiment)}
    (trajectory,) = compare({{method: learner}}, episode, {experiment.inner_steps}, factor)
    print(method, *(f"{{100 * accuracy:.1f}}" for accuracy in trajectory.accuracy))
'''


def training_command(job: TrainingJob, out: str) -> str:
    """Return the command that repeats a training of the Train page.

    Args:
        job: The training; weights that come with the project are named relative to its folder.
        out: The weights file to write.

    Raises:
        ValueError: The network has a shape for which the page has no control.
    """
    dataset, _ = portable_dataset(job.dataset)
    shape = dict(job.model)
    view = PORTABLE_VIEWS.get(dataset)
    source = f"--dataset {FOLDER_VIEWS[AS_THEY_ARE] if view else dataset} --split {job.split}"
    defaults = suited_config(job.config.method)
    demands = META_METHODS[defaults.method]
    words = [f"python -m maml_core train --method {defaults.method}", source]
    words += [f"--pictures {view}"] if view else []
    words += [f"--model {shape.pop('name', 'conv4')}"]
    if (rows := shape.pop("n_out", 1)) != demands.head_rows:
        words.append(f"--head-rows {rows}")
    if shape:
        raise ValueError(f"The command has no options for the network's {', '.join(shape)}.")
    if job.start:
        start = Path(job.start)
        words.append(f"--start {start.relative_to(ROOT) if start.is_relative_to(ROOT) else start}")
    for field in fields(job.config):
        value = getattr(job.config, field.name)
        if field.name not in demands.unused and value != getattr(defaults, field.name):
            words.append(_option(field.name, value))
    if job.validate_on != "validation":
        words.append("--validate-every 0")  # there are too few classes for it
    return " ".join([*words, f"--out {out}"])


def _option(name: str, value: object) -> str:
    """Return the option of `maml_core train` for a value that is not the default."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return flag if value else NEGATED_OPTIONS[name]
    if isinstance(value, tuple):
        return " ".join(map(str, (flag, *value)))
    return f"{flag} {value}"
