"""An episode, two learners in float64 and their paths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maml_core.episodes.sampling import sample_episode
from maml_core.episodes.task_batch import TaskBatch
from maml_core.landscape import plane_descent
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.networks.functional import for_n_way, initial_params
from tests.support.landscape_episode import SPEC


@pytest.fixture(scope="module")
def episode(pool):
    """An episode in float64."""
    found = sample_episode(pool, SPEC, seed=2)
    tasks = found.tensors
    exact = TaskBatch(
        tasks.support_x.double(), tasks.support_y, tasks.query_x.double(), tasks.query_y
    )
    return replace(found, tensors=exact)


@pytest.fixture(scope="module")
def learners(model):
    """Two starts of one network in float64, with the head of zeros that the app's learners have."""
    return {
        name: Learner(name, model, {n: v.double() for n, v in params.items()}, {3: inner_lr})
        for name, params, inner_lr in (
            ("maml", initial_params(model, 1), 0.3),
            ("pretrained", initial_params(model, 2), 0.2),
        )
    }


@pytest.fixture(scope="module")
def ends(learners, episode):
    """Each learner's path as the planes' builder takes it, by a call of `adapt` alone."""
    return {
        name: adapt(
            learner.model,
            for_n_way(learner.params, SPEC.n_way),
            episode.task.support_x,
            episode.task.support_y,
            inner_lr=learner.inner_lr(SPEC.n_way),
            inner_steps=plane_descent.REFERENCE_STEPS,
        )
        for name, learner in learners.items()
    }
