"""Ways to the numbers of one meta-update, kept. Nobody writes to what they return."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from maml_core.config import TrainConfig
from maml_core.episodes.sampling import Episode, sample_episodes
from maml_core.learners.learner import Learner
from maml_core.networks.params import Params
from maml_core.teaching import meta_update
from maml_core.teaching.meta_update import MetaStep, TaskStep
from pages.shared import cached
from pages.shared.learners.recorded import learner_at_update
from pages.shared.settings import Settings

T = TypeVar("T")
AT_ONCE = 1500  # pictures × passes: more than about two seconds' work waits for a click


@dataclass(frozen=True)
class Batch:
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

    def config(self, meta_lr: float = 1.0) -> TrainConfig:
        """Return how the batch is learned from; queries are normalised together."""
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


@st.cache_resource(show_spinner=False, max_entries=64)
def tasks_of(settings: Settings, n_tasks: int, start: int = 0) -> list[Episode]:
    """Return tasks of the seed's sequence; number 0 is the episode of the other pages."""
    pool = cached.pool(settings.dataset, settings.part)
    return list(sample_episodes(pool, settings.spec, settings.seed, n_tasks, start))


def episodes(batch: Batch) -> list[Episode]:
    """Return the tasks of a batch."""
    return tasks_of(batch.settings, batch.n_tasks)


def task_steps(batch: Batch, done: int = 0) -> Iterator[TaskStep]:
    """Take the update apart, a task at a time, from one of them on."""
    start = batch.start
    return meta_update.take_apart(start.model, start.params, episodes(batch)[done:], batch.config())


@st.cache_resource(show_spinner="Updating θ …", max_entries=32)
def update(batch: Batch, meta_lr: float, _tasks: Sequence[TaskStep]) -> MetaStep:
    """Return the update that the tasks of a batch make."""
    others = tasks_of(batch.settings, batch.n_tasks, batch.n_tasks)
    return meta_update.make_update(
        batch.start.model,
        batch.start.params,
        _tasks,
        episodes(batch),
        others,
        batch.config(meta_lr),
    )


def gradients(batch: Batch, methods: Sequence[str]) -> Iterator[dict[str, Params]]:
    """Yield the mean gradient of each of some methods on a batch, by name."""
    start, config = batch.start, batch.config()
    for method in methods:
        yield meta_update.relatives(start.model, start.params, episodes(batch), config, [method])


def angles(batches: Sequence[Batch]) -> Iterator[dict[str, float]]:
    """Yield for each batch the angles of first-order MAML and Reptile to MAML, degrees."""
    for batch in batches:
        methods = ("maml", "fomaml", "reptile")
        found = {k: v for one in gradients(batch, methods) for k, v in one.items()}
        maml = found.pop("maml")
        yield {method: meta_update.angle(maml, one) for method, one in found.items()}


@st.cache_data(show_spinner="Adapting …", max_entries=32)
def layer_changes(
    settings: Settings, methods: tuple[str, ...], n_tasks: int, inner_steps: int
) -> dict[str, dict[str, float]]:
    """Return how far adaptation moves each layer of some methods, as shares of its length."""
    learners = {method: cached.learner(method) for method in methods}
    return meta_update.layer_changes(learners, tasks_of(settings, n_tasks), inner_steps)


@st.cache_resource(show_spinner=False, max_entries=64)
def _shelf(key: str, what: Hashable) -> list:
    """Return where a result lies for all sessions: empty, or the whole of it."""
    return []


def _begun(key: str, what: Hashable) -> list:
    """Return the pieces of an unfinished result: this session's own, others may be at it too."""
    begun: dict[str, tuple[Hashable, list]] = st.session_state.setdefault("begun", {})
    if begun.get(key, (None,))[0] != what:
        begun[key] = (what, [])
    return begun[key][1]


def in_pieces(
    key: str,
    label: str,
    what: Hashable,
    begin: Callable[[int], Iterator[T]],
    *,
    pieces: int,
    at_once: bool,
) -> list[T]:
    """Do a piece of work after the other with progress, or offer to where it takes long.

    A Stop keeps the pieces that are done; the button then goes on from there.

    Args:
        key: Of the button; `stop_<key>` is that of the Stop.
        label: The button's words.
        what: All that the result depends on.
        begin: Starts the work from a piece on.
        pieces: How many there are.
        at_once: Begin without being asked; there is then nothing to stop.

    Returns:
        The pieces so far, all of them or fewer.
    """
    shelf: list[T] = _shelf(key, what)
    if len(shelf) == pieces:
        return shelf
    found: list[T] = _begun(key, what)
    place = st.empty()
    if len(found) < pieces and (at_once or place.button(label, key=key, type="primary")):
        with place.container():
            if not at_once:
                st.button("Stop", key=f"stop_{key}", icon=":material/stop:")
            bar, started, first = st.progress(0.0, "Computing …"), time.monotonic(), len(found)
            for done, piece in enumerate(begin(first), first + 1):
                left = (time.monotonic() - started) * (pieces - done) / (done - first)
                # A run that was stopped ends here, and leaves alone what the next one goes on with.
                bar.progress(done / pieces, f"{done} of {pieces}, about {left:.0f} s to go")
                found.append(piece)
        place.empty()
        shelf[:] = found
    return found
