"""What one has to know to repeat a comparison on one episode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maml_core.config import (
    AS_THEY_ARE,
    CLASS_SET_PREFIX,
    HANDWRITING,
    VISITOR_ZIP_PREFIX,
    EpisodeSpec,
)
from maml_core.data.registry import FOLDER_VIEWS

# The data sets as which a visitor's zip can be loaded anywhere, and the way each sees pictures.
PORTABLE_VIEWS = {name: view for view, name in FOLDER_VIEWS.items()}
WEIGHTS_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Experiment:
    """Several methods that adapt to the same episode.

    Attributes:
        dataset: The characters' data set.
        split: Its split.
        part: The part that the episode is sampled from.
        spec: The episode's shape.
        seed: Which episode.
        inner_lrs: α by method, or by a weights file's name, '….safetensors'; None: it takes no
            inner step.
        inner_steps: How many.
        number: Position of the episode in the seed's sequence, from 0.
    """

    dataset: str
    split: str
    part: str
    spec: EpisodeSpec
    seed: int
    inner_lrs: Mapping[str, float | None]
    inner_steps: int
    number: int = 0


def portable_dataset(dataset: str) -> tuple[str, str]:
    """Return the name of a data set on any machine, and what one has to do there to load it."""
    if dataset.startswith(VISITOR_ZIP_PREFIX) or dataset in PORTABLE_VIEWS:
        view = HANDWRITING if dataset.endswith(HANDWRITING) else AS_THEY_ARE
        return FOLDER_VIEWS[view], "Let PICTURES_DIR name the folder or zip."
    if dataset.startswith(CLASS_SET_PREFIX):
        return "drawings", "Unpack the class's boards into the folder drawings of MAML_DATA_DIR."
    return dataset, ""


def import_code(names: Iterable[str]) -> str:
    """Return Python that imports names from `maml_core`."""
    lines = "".join(f"    {name},\n" for name in sorted(names))
    return f"from maml_core import (\n{lines})\n"


def episode_code(experiment: Experiment) -> str:
    """Return Python that samples the episode, as `episode`."""
    dataset, remark = portable_dataset(experiment.dataset)
    comment = f"  # {remark}" if remark else ""
    which = f"seed={experiment.seed}"
    which += f", number={experiment.number}" if experiment.number else ""
    return f"""\
data = load({dataset!r}){comment}
pool = make_pool(data, split_classes(data, {experiment.split!r}, {experiment.part!r}))
episode = sample_episode(pool, {experiment.spec!r}, {which})
"""


def factor_code(experiment: Experiment) -> str:
    """Return Python for the factor on the α of `learner`, of `inner_lr` where there is one."""
    factor = f"inner_lr / learner.inner_lr({experiment.spec.n_way})"
    has_none = None in experiment.inner_lrs.values()
    return f"{factor} if inner_lr else 1.0  # None: no inner step" if has_none else factor


def learner_code(experiment: Experiment) -> tuple[tuple[str, ...], str]:
    """Return what to import from `maml_core`, and the expression of the learner of `method`."""
    if any(name.endswith(WEIGHTS_SUFFIX) for name in experiment.inner_lrs):
        loads = "load_weights(Path(method)).learner() if Path(method).suffix else shipped(method)"
        return ("load_weights", "shipped"), loads
    return ("shipped",), "shipped(method)"
