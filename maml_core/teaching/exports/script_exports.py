"""An experiment to take away: a comparison as a Python script, a training as a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from maml_core.config import VISITOR_ZIP_PREFIX, EpisodeSpec, TrainConfig
from maml_core.training.background.job import TrainingJob
from maml_core.training.background.queue import ROOT

PORTABLE_FOLDER = "folder-28"  # the data set as which a visitor's zip can be loaded anywhere
WEIGHTS_SUFFIX = ".safetensors"
NEGATED_OPTIONS = {"transductive": "--inductive", "augment": "--no-augment"}


def comparison_script(
    dataset: str,
    split: str,
    part: str,
    spec: EpisodeSpec,
    seed: int,
    inner_lrs: Mapping[str, float],
    inner_steps: int,
) -> str:
    """Return a Python script on `maml_core` that prints the numbers of one comparison.

    Args:
        dataset: The characters' data set.
        split: Its split.
        part: The part that the episode is sampled from.
        spec: The episode's shape.
        seed: Which episode.
        inner_lrs: α by method, or by a weights file's name, '….safetensors'.
        inner_steps: How many.
    """
    dataset, remark = portable_dataset(dataset)
    comment = f"  # {remark}" if remark else ""
    imports, names, learner = "", "make_pool", "shipped(method)"
    if any(name.endswith(WEIGHTS_SUFFIX) for name in inner_lrs):
        imports, names = "from pathlib import Path\n\n", "load_weights, make_pool"
        learner = f"load_weights(Path(method)).learner() if Path(method).suffix else {learner}"
    return f'''"""One episode, several methods. Run it next to the folder `maml_core`."""

{imports}from maml_core import EpisodeSpec, compare, load, {names}
from maml_core import sample_episode, shipped, split_classes

INNER_LRS = {dict(inner_lrs)!r}

data = load({dataset!r}){comment}
pool = make_pool(data, split_classes(data, {split!r}, {part!r}))
episode = sample_episode(pool, {spec!r}, seed={seed})
for method, inner_lr in INNER_LRS.items():
    learner = {learner}
    factor = inner_lr / learner.inner_lr({spec.n_way})
    (trajectory,) = compare({{method: learner}}, episode, {inner_steps}, factor)
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
    words = ["python -m maml_core train", f"--dataset {dataset} --split {job.split}"]
    words += [f"--model {shape.pop('name', 'conv4')} --head-rows {shape.pop('n_out', 1)}"]
    if shape:
        raise ValueError(f"The command has no options for the network's {', '.join(shape)}.")
    if job.start:
        start = Path(job.start)
        words.append(f"--start {start.relative_to(ROOT) if start.is_relative_to(ROOT) else start}")
    defaults = TrainConfig()
    for field in fields(job.config):
        value = getattr(job.config, field.name)
        if value != getattr(defaults, field.name):
            words.append(_option(field.name, value))
    if job.validate_on != "validation":
        words.append("--validate-every 0")  # there are too few classes for it
    return " ".join([*words, f"--out {out}"])


def portable_dataset(dataset: str) -> tuple[str, str]:
    """Return the name of a data set on any machine, and what one has to do there to load it."""
    if dataset.startswith(VISITOR_ZIP_PREFIX) or dataset == PORTABLE_FOLDER:
        return PORTABLE_FOLDER, "Let PICTURES_DIR name the folder or zip."
    return dataset, ""


def _option(name: str, value: object) -> str:
    """Return the option of `maml_core train` for a value that is not the default."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return flag if value else NEGATED_OPTIONS[name]
    if isinstance(value, tuple):
        return " ".join(map(str, (flag, *value)))
    return f"{flag} {value}"
