"""What adapted learners answer for one character, and when it fits nothing."""

from __future__ import annotations

import dataclasses
import json
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks.studies.open_set import weights_digest
from maml_core.evaluation.open_set import (
    CALIBRATION,
    OLD_FIELDS,
    Threshold,
    max_cosine_similarity,
    thresholds,
)
from maml_core.evaluation.single_query import adapt_each, probabilities
from maml_core.images.board import MAX_CELLS, MAX_ROWS, MIN_CELLS, MIN_ROWS
from maml_core.images.tensors import character_to_tensor
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import for_n_way, initial_params


@pytest.fixture
def learners():
    model = Conv4(channels=6)
    return {
        name: Learner(name, model, initial_params(model, seed), {5: lr})
        for name, seed, lr in (("one", 1, 0.3), ("two", 2, 0.1))
    }


@pytest.fixture
def characters():
    """Three classes of two, one and three characters, and a query."""
    rng = np.random.default_rng(0)
    random = [(rng.random((105, 105)) < 0.3).astype(np.uint8) * 255 for _ in range(7)]
    return [random[:2], random[2:3], random[3:6]], random[6]


def inputs(characters):
    return torch.stack([character_to_tensor(one) for one in characters])


def test_the_answer_is_that_of_a_plain_loop(learners, characters, plain_conv4):
    """The oracle: torch's own batch normalisation, with the support set's statistics."""
    support, query = characters
    x = inputs([one for row in support for one in row])
    y = torch.tensor([0, 0, 1, 2, 2, 2])
    found = probabilities(learners, adapt_each(learners, support, 3), support, query)
    assert found.keys() == learners.keys()
    for name, learner in learners.items():
        trajectory = adapt(
            learner.model,
            for_n_way(learner.params, 3),
            x,
            y,
            inner_lr=learner.inner_lr(3),
            inner_steps=3,
        )
        expected = [
            F.softmax(plain_conv4(params, torch.cat([x, inputs([query])]), len(x))[-1], dim=-1)
            for params in trajectory
        ]
        np.testing.assert_allclose(found[name], torch.stack(expected).detach().numpy(), atol=1e-5)
        assert found[name].shape == (4, 3)


def test_before_the_first_step_every_class_is_alike(learners, characters):
    support, query = characters
    adapted = adapt_each(learners, support, 1)
    for shares in probabilities(learners, adapted, support, query).values():
        assert shares[0].tolist() == [1 / 3] * 3
        assert not np.allclose(shares[1], 1 / 3)


def test_a_query_is_answered_alone(learners, characters):
    """The answer to one query does not depend on what else was asked."""
    support, query = characters
    adapted = adapt_each(learners, support, 2)
    first = probabilities(learners, adapted, support, query)
    probabilities(learners, adapted, support, 255 - query)
    for name, shares in probabilities(learners, adapted, support, query).items():
        np.testing.assert_array_equal(shares, first[name])


def test_an_empty_class_is_a_sentence(learners, characters):
    support, _ = characters
    with pytest.raises(ValueError, match="Class 1 has no character"):
        adapt_each(learners, [support[0], [], support[2]], 1)


def test_the_maximum_cosine_similarity_is_that_of_the_nearest_class_mean(
    learners, characters, plain_conv4
):
    """The oracle: features by torch's own functions, vectors by numpy, class by class."""
    support, query = characters
    learner = learners["one"]
    x = inputs([*(one for row in support for one in row), query])
    identity = {"head.weight": torch.eye(6), "head.bias": torch.zeros(6)}
    features = plain_conv4({**learner.params, **identity}, x, len(x) - 1).detach().double().numpy()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    means = [unit[:2].mean(0), unit[2], unit[3:6].mean(0)]
    expected = max(float(unit[-1] @ mean / np.linalg.norm(mean)) for mean in means)
    assert max_cosine_similarity(learner, support, query) == pytest.approx(expected, abs=1e-5)


def test_a_character_of_the_board_has_similarity_one(learners, characters):
    support, _ = characters
    ask = partial(max_cosine_similarity, learners["one"], support)
    assert ask(support[1][0]) == pytest.approx(1, abs=1e-5)


def test_there_is_a_threshold_for_every_board():
    found = thresholds()
    assert found.keys() == {
        (n, k) for n in range(MIN_ROWS, MAX_ROWS + 1) for k in range(MIN_CELLS, MAX_CELLS + 1)
    }
    names = {field.name for field in dataclasses.fields(Threshold)}
    told = json.loads(CALIBRATION.read_text())
    assert all(row.keys() == names for row in told["thresholds"])
    command = "python -m benchmarks.studies.open_set --write"
    assert told["command"] == command
    assert told["weights_sha256"] == weights_digest(), f"MAML's weights are others: run {command}"
    for one in found.values():
        assert 0 < one.max_cosine_similarity < 1
        # Of other characters than those it was set on, and yet near what was asked for.
        assert one.false_rejection_rate < 3 * told["false_rejection_rate_on_validation"]
        assert one.n_known == one.n_unknown == 2 * one.n_way * told["episodes"]


def test_more_examples_separate_known_from_unknown_better():
    found = thresholds()
    for n in range(MIN_ROWS, MAX_ROWS + 1):
        assert found[n, MAX_CELLS].false_acceptance_rate < found[n, MIN_CELLS].false_acceptance_rate


def test_thresholds_in_a_file_with_the_old_field_names_are_read(tmp_path):
    old_names = {new: old for old, new in OLD_FIELDS.items()}
    content = json.loads(CALIBRATION.read_text())
    content["thresholds"] = [
        {old_names.get(name, name): value for name, value in row.items()}
        for row in content["thresholds"]
    ]
    (tmp_path / "old.json").write_text(json.dumps(content))
    assert "likeness" in content["thresholds"][0]
    assert thresholds(tmp_path / "old.json") == thresholds()
