"""What a class predicts on Adapt and Evaluate: which accuracies, as the page's link says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

import numpy as np
import streamlit as st

from maml_core.config import EvaluationConfig
from maml_core.episodes.sampling import count_available_episodes
from maml_core.evaluation.comparison import evaluate_together
from maml_core.methods.catalogue import FORMER_LABELS
from pages.shared import cached
from pages.shared.character_sets import available_datasets, shown_edition
from pages.shared.classroom.links import (
    ADAPT,
    ADAPT_STEPS,
    EVALUATE,
    EVALUATE_STEPS,
    QUERIES,
    SPLITS,
    SWITCHES,
    factor_label,
    usual_dataset,
)
from pages.shared.learners.method_list import by_label
from pages.shared.link_settings import (
    DEFAULTS,
    LINK,
    PART_LABELS,
    PARTS,
    VIEW_LINK,
    Check,
    Settings,
    dataset_label,
    dataset_labels,
    one_of,
    settings_of,
    whole_number,
)

LR_FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MAX_STEPS = 20
METHODS = ("maml", cached.BASELINE)  # whose accuracy is predicted
MEAN_EPISODES = 100  # over which a predicted mean is measured
FACTORS = {factor_label(factor): factor for factor in LR_FACTORS}
_CHECKS: Mapping[str, Mapping[str, Check]] = {
    ADAPT: {
        **LINK,
        **VIEW_LINK,
        "steps": whole_number(1, MAX_STEPS),
        "alpha": one_of(*FACTORS),
    },
    EVALUATE: {
        **LINK,
        **VIEW_LINK,
        "split": one_of(*SPLITS),
        "queries": one_of(*QUERIES),
        "test_steps": whole_number(1, MAX_STEPS),
        **dict.fromkeys(SWITCHES, one_of("false")),
    },
}


@dataclass(frozen=True)
class PredictionTask:
    """Accuracies that are predicted: in one episode, or of many the mean.

    Attributes:
        settings: The episode's; of many what the first one's are.
        methods: Whose accuracy, some of `METHODS`.
        inner_steps: How many.
        lr_factor: By which each method's α is multiplied.
        split: On which the methods were trained.
        mean_of: None: one episode; else whether queries of the many are normalised together.
    """

    settings: Settings
    methods: tuple[str, ...]
    inner_steps: int
    lr_factor: float = 1.0
    split: str = cached.SPLIT
    mean_of: bool | None = None

    @property
    def title(self) -> str:
        """Which it is, in words."""
        settings = self.settings
        spec = settings.spec
        is_mean = self.mean_of is not None
        words = [f"Mean of {MEAN_EPISODES} episodes"] if is_mean else []
        words += [f"{spec.n_way}-way {spec.k_shot}-shot"]
        words += ["one alphabet"] if spec.within_alphabet else []
        words += [dataset_label(settings.dataset), f"seed {settings.seed}"]
        words += [f"question {settings.number + 1}"] if settings.number else []
        words += [PARTS[settings.part]] if settings.part != "test" else []
        words += [f"α {factor_label(self.lr_factor)}"] if self.lr_factor != 1 else []
        words += ["paper's split"] if self.split != cached.SPLIT else []
        words += ["each query alone"] if self.mean_of is False else []
        return ", ".join(words)

    @property
    def waiting(self) -> str:
        """What is said while the accuracies are measured."""
        if self.mean_of is None:
            return "The methods adapt …"
        return f"The methods adapt to {MEAN_EPISODES} episodes; with many classes half a minute …"

    def accuracies(self) -> np.ndarray:
        """Return each method's query accuracy after each inner step in percent, [M, steps + 1].

        Raises:
            ValueError: The episode cannot be sampled from the characters here.
        """
        if self.mean_of is not None:
            return _mean_accuracies(self)
        trajectories = cached.trajectories(
            self.settings, self.methods, self.inner_steps, self.lr_factor
        )
        return 100 * np.array([one.accuracy for one in trajectories])


@st.cache_resource(show_spinner=False, max_entries=64)
def _mean_accuracies(task: PredictionTask) -> np.ndarray:
    """Measure the means over many episodes: once, whoever asks first."""
    settings = task.settings
    config = EvaluationConfig(
        inner_steps=task.inner_steps,
        episodes=count_available_episodes(settings.spec, MEAN_EPISODES),
        seed=settings.seed,
        lr_factor=task.lr_factor,
        transductive=bool(task.mean_of),
    )
    learners = {method: cached.learner(method, task.split) for method in task.methods}
    pool = cached.pool(settings.dataset, settings.part, task.split)
    *_, last = evaluate_together(learners, pool, settings.spec, config)
    return 100 * np.array([last[method].accuracy for method in task.methods])


def prediction_task(link: str) -> PredictionTask | None:
    """Return what is predicted on the page that a link leads to.

    None: it leads elsewhere, to neither of the methods, or to characters that are not here.
    """
    page, _, query = link.partition("?")
    said = parse_qs(query)
    texts = {name: values[-1] for name, values in said.items()}
    checks = _CHECKS.get(page, {})
    if not checks or not all(
        checks[name][0](text) for name, text in texts.items() if name in checks
    ):
        return None
    dataset = dataset_labels().get(texts.get("dataset", usual_dataset()))
    if dataset is None or not available_datasets().get(dataset, True):
        return None
    cached.characters(dataset)  # its edition is known then
    settings = settings_of(dataset, _values(texts), shown_edition(dataset))
    if page == ADAPT:
        methods = _named(said.get("methods", []), by_label(METHODS))
        steps = int(texts.get("steps", ADAPT_STEPS))
        factor = FACTORS[texts.get("alpha", factor_label(1.0))]
        task = PredictionTask(settings, methods, steps, factor)
    else:
        task = PredictionTask(
            replace(settings, number=0),
            _named(said.get("who", []), by_label(METHODS)),
            int(texts.get("test_steps", EVALUATE_STEPS)),
            split=SPLITS[texts.get("split", next(iter(SPLITS)))],
            mean_of=QUERIES[texts.get("queries", next(iter(QUERIES)))],
        )
    has_weights = set(task.methods) <= set(cached.available_methods(task.split))
    return task if task.methods and has_weights else None


def _named(labels: Sequence[str], offered: Mapping[str, str]) -> tuple[str, ...]:
    """Return the methods that a link names; without any named, all."""
    today = [FORMER_LABELS.get(label, label) for label in labels]
    return tuple(m for label, m in offered.items() if not today or label in today)


def _values(texts: Mapping[str, str]) -> dict[str, int | bool | str]:
    """Return what the sidebar's controls say for a link's texts."""
    values: dict[str, int | bool | str] = {}
    for name in ("n_way", "k_shot", "q_query", "seed", "question"):
        values[name] = int(texts.get(name, str(DEFAULTS[name])))
    values["within"] = texts.get("within") == "true"
    part = texts.get("part", "")
    values["part"] = part if part in PART_LABELS else str(DEFAULTS["part"])
    return values
