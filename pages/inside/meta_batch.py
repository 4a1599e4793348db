"""The meta-batch of the page and the cached numbers of its update, all of them read-only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from maml_core.config import TrainConfig
from maml_core.episodes.sampling import Episode, sample_episodes
from maml_core.learners.learner import Learner
from maml_core.networks.params import Params
from maml_core.teaching.anatomy.gradient_comparison import angle_degrees, method_gradients
from maml_core.teaching.anatomy.layer_changes import relative_layer_changes
from maml_core.teaching.anatomy.meta_update import (
    MetaUpdate,
    TaskContribution,
    apply_meta_update,
    decompose_meta_update,
)
from pages.shared import cached
from pages.shared.learners.recorded import learner_at_update
from pages.shared.link_settings import Settings

MAX_IMMEDIATE_WORK = 1500  # pictures × passes; what takes over two seconds waits for a click


@dataclass(frozen=True)
class MetaBatch:
    """What a meta-gradient depends on.

    Attributes:
        settings: What the sidebar says; its episode is the first task.
        n_tasks: Of the seed's sequence, from the first on.
        update: Which recorded meta-update θ is from.
        inner_steps: From θ to θ′.
        inner_lr: α.
        method: Whose θ: MAML's, or a visitor's own learner's.
    """

    settings: Settings
    n_tasks: int
    update: int
    inner_steps: int
    inner_lr: float
    method: str = "maml"

    @property
    def start(self) -> Learner:
        """The network and θ, shared by all: read-only."""
        return learner_at_update(self.update, self.method)

    @property
    def work(self) -> int:
        """How many pictures pass through the network for one meta-gradient."""
        spec = self.settings.spec
        pictures = spec.n_way * (spec.k_shot + spec.q_query)
        return self.n_tasks * pictures * (self.inner_steps + 1)

    @property
    def is_quick(self) -> bool:
        """Whether a meta-gradient can be computed without a click."""
        return self.work <= MAX_IMMEDIATE_WORK

    def config(self, meta_lr: float = 1.0) -> TrainConfig:
        """Return the settings of its update; queries are normalised together."""
        spec = self.settings.spec
        return TrainConfig(
            n_ways=(spec.n_way,),
            k_shots=(spec.k_shot,),
            q_query=spec.q_query,
            inner_lr=self.inner_lr,
            inner_steps=self.inner_steps,
            meta_lr=meta_lr,
            meta_batch_size=self.n_tasks,
            meta_steps=1,
            augment=False,
        )


@st.cache_resource(show_spinner=False, max_entries=64, ttl=cached.RESULT_SECONDS)
def sampled_tasks(settings: Settings, n_tasks: int, first: int = 0) -> list[Episode]:
    """Return tasks of the seed's sequence; number 0 is the episode of the other pages."""
    pool = cached.pool(settings.dataset, settings.part)
    return list(
        sample_episodes(pool, settings.spec, settings.seed, n_tasks, settings.number + first)
    )


def batch_episodes(batch: MetaBatch) -> list[Episode]:
    """Return the tasks of a batch."""
    return sampled_tasks(batch.settings, batch.n_tasks)


def task_contributions(batch: MetaBatch, first: int = 0) -> Iterator[TaskContribution]:
    """Take the update apart, one task at a time, from one of them on."""
    start = batch.start
    episodes = batch_episodes(batch)[first:]
    return decompose_meta_update(start.model, start.params, episodes, batch.config())


@st.cache_resource(show_spinner="Updating θ …", max_entries=32, ttl=cached.RESULT_SECONDS)
def meta_update(batch: MetaBatch, meta_lr: float, _tasks: Sequence[TaskContribution]) -> MetaUpdate:
    """Return the update that the tasks of a batch make."""
    return apply_meta_update(
        batch.start.model,
        batch.start.params,
        _tasks,
        batch_episodes(batch),
        sampled_tasks(batch.settings, batch.n_tasks, batch.n_tasks),
        batch.config(meta_lr),
    )


def gradients(batch: MetaBatch, methods: Sequence[str]) -> Iterator[dict[str, Params]]:
    """Yield the mean gradient of one method after another on a batch, by name."""
    start, episodes = batch.start, batch_episodes(batch)
    for method in methods:
        yield method_gradients(start.model, start.params, episodes, batch.config(), [method])


def angles_to_maml(
    batches: Sequence[MetaBatch], methods: Sequence[str]
) -> Iterator[dict[str, float]]:
    """Yield for each batch the angles between some methods' gradients and MAML's, degrees."""
    for batch in batches:
        by_method: dict[str, Params] = {}
        for gradient in gradients(batch, ("maml", *methods)):
            by_method |= gradient
        yield {method: angle_degrees(by_method["maml"], by_method[method]) for method in methods}


@st.cache_data(show_spinner="Adapting …", max_entries=32, ttl=cached.RESULT_SECONDS)
def layer_changes(
    settings: Settings, methods: tuple[str, ...], n_tasks: int, inner_steps: int
) -> dict[str, dict[str, float]]:
    """Return how far adaptation moves each layer of some methods, as a share of its norm."""
    learners = {method: cached.learner(method) for method in methods}
    return relative_layer_changes(learners, sampled_tasks(settings, n_tasks), inner_steps)
