"""Maps of features against plain loops, numpy's own decomposition and known points."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.config import AdaptConfig
from maml_core.learners.learner import Learner
from maml_core.methods.protonet import prototype_head
from maml_core.networks.mlp import MLP
from maml_core.teaching.anatomy.feature_map import (
    BLOCKS,
    HEAD_INPUT,
    PLACES,
    FeatureMap,
    chance_separation,
    class_separation,
    compare_feature_maps,
    feature_maps,
    project_together,
)

STEPS = 2


@pytest.fixture(scope="module")
def learner(model, theta, config):
    return Learner("maml", model, theta, {3: config.inner_lr})


def plain_blocks(params, x, reference=None):
    """The mean over positions after each block, on torch's own functions."""
    means = []
    for i in range(4):
        block = f"blocks.{i}."
        x = F.conv2d(x, params[block + "conv.weight"], params[block + "conv.bias"], 2, 1)
        variance, mean = torch.var_mean(x[:reference], (0, 2, 3), correction=0)
        x = F.batch_norm(x, mean, variance, params[block + "gain"], params[block + "shift"])
        x = F.relu(x)
        means.append(x.mean((2, 3)))
    return means


def plain_separation(points, labels):
    """The definition as a double loop over classes and pictures."""
    centre = [sum(column) / len(points) for column in zip(*points, strict=True)]
    total = between = 0.0
    for label in set(labels):
        own = [point for point, of in zip(points, labels, strict=True) if of == label]
        mean = [sum(column) / len(own) for column in zip(*own, strict=True)]
        for point in own:
            between += sum((a - b) ** 2 for a, b in zip(mean, centre, strict=True))
            total += sum((a - b) ** 2 for a, b in zip(point, centre, strict=True))
    return between / total


@pytest.mark.parametrize("transductive", [True, False])
def test_separation_and_places_are_those_of_a_plain_network(
    learner, theta, batch, plain, config, transductive
):
    episode = batch[0]
    settings = AdaptConfig(config.inner_lr, STEPS)
    found = feature_maps(learner, episode, settings, transductive=transductive)
    assert tuple(found) == PLACES
    leaves = {n: v.clone().requires_grad_() for n, v in theta.items()}
    task, (points, _) = episode.task, plain(leaves, episode, STEPS)
    labels = [*task.support_y.tolist(), *task.query_y.tolist()]
    n = len(task.support_y)
    for place, number in ((HEAD_INPUT, 3), *zip(BLOCKS, (0, 1, 2), strict=True)):
        by_step = []
        for point in points:
            params = {name: value.detach() for name, value in point.items()}
            if transductive:
                both = [plain_blocks(params, x)[number] for x in (task.support_x, task.query_x)]
                rows = torch.cat(both)
            else:
                rows = plain_blocks(params, torch.cat([task.support_x, task.query_x]), n)[number]
            by_step.append(rows.detach().numpy())
        own = found[place]
        for step, rows in enumerate(by_step):
            expected = plain_separation(rows[n:].tolist(), labels[n:])
            assert own.separation[step] == pytest.approx(expected)
        drawn = np.concatenate([own.support, own.query], axis=1).reshape(-1, 2)
        assert_same_up_to_signs(drawn, by_svd(np.concatenate(by_step)))
    assert not np.array_equal(found[HEAD_INPUT].query[0], found[HEAD_INPUT].query[STEPS])
    # The head of zeros lets no gradient pass: the first step moves the head alone.
    np.testing.assert_array_equal(found[HEAD_INPUT].query[0], found[HEAD_INPUT].query[1])


def by_svd(rows):
    """The first two principal coordinates of stacked rows."""
    u, lengths, _ = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    return u[:, :2] * lengths[:2]


def assert_same_up_to_signs(found, expected):
    for own, other in zip(found.T, expected.T, strict=True):
        turned = other if own @ other > 0 else -other
        np.testing.assert_allclose(own, turned, atol=1e-9)


def test_points_on_a_plane_are_shown_as_they_lie_and_the_axes_do_not_flip():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(3, 8, 2)) * (5.0, 1.0)
    basis = np.linalg.qr(rng.normal(size=(6, 2)))[0].T
    offset = rng.normal(size=6)
    places, shares = project_together(flat @ basis + offset)
    between = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)
    np.testing.assert_allclose(
        between, np.linalg.norm(flat[:, :, None] - flat[:, None], axis=-1), atol=1e-9
    )
    assert shares.sum() == pytest.approx(1)
    assert shares[0] > shares[1]
    # The order of the pictures is none of the map's business.
    again, _ = project_together((flat @ basis + offset)[:, ::-1])
    np.testing.assert_allclose(again[:, ::-1], places, atol=1e-9)


def test_an_axis_points_to_where_its_largest_component_is_positive():
    line = np.array([[[0.0, 0.0, 0.0], [1.0, -3.0, 1.0], [2.0, -6.0, 2.0]]])
    places, shares = project_together(line)
    step = float(np.linalg.norm([1.0, -3.0, 1.0]))
    np.testing.assert_allclose(places[0, :, 0], [step, 0, -step])
    np.testing.assert_allclose(places[0, :, 1], 0, atol=1e-9)
    np.testing.assert_allclose(shares, [1, 0], atol=1e-9)


def test_what_is_not_finite_has_no_place_and_leaves_the_others_theirs():
    points = np.random.default_rng(1).normal(size=(2, 5, 4))
    alone, _ = project_together(points[:1])
    points[1] = np.nan
    places, shares = project_together(points)
    np.testing.assert_allclose(places[0], alone[0])
    assert np.isnan(places[1]).all()
    assert np.isnan(class_separation(points[1], np.array([0, 0, 1, 1, 1])))
    assert np.isfinite(shares).all()
    nowhere, none = project_together(np.full((1, 3, 4), np.inf))
    assert np.isnan(nowhere).all()
    assert not none.any()


@pytest.mark.parametrize("value", [1.0, 0.1, 0.7, 1.1])
def test_a_single_feature_and_equal_points_can_be_mapped(value):
    places, shares = project_together(np.array([[[1.0], [3.0]]]))
    np.testing.assert_allclose(places, [[[-1, 0], [1, 0]]])
    np.testing.assert_allclose(shares, [1, 0])
    same = np.full((2, 25, 64), value)
    places, shares = project_together(same)
    assert not places.any()
    assert not shares.any()
    assert np.isnan(class_separation(same[0], np.repeat(range(5), 5)))


def test_separation_is_one_of_points_zero_of_equal_means_and_chance_of_shuffled_labels():
    labels = np.array([0, 0, 1, 1])
    assert class_separation(np.array([[1.0, 2], [1, 2], [5, 0], [5, 0]]), labels) == 1
    assert class_separation(np.array([[-1.0], [1], [-2], [2]]), labels) == 0
    rng = np.random.default_rng(2)
    points, labels = rng.normal(size=(30, 3)), np.repeat(np.arange(5), 6)
    shuffled = [class_separation(points, rng.permutation(labels)) for _ in range(2000)]
    error = np.std(shuffled) / len(shuffled) ** 0.5
    assert np.mean(shuffled) == pytest.approx(chance_separation(5, 30), abs=5 * error)


def test_movement_is_the_way_as_a_share_of_the_spread():
    first = np.array([[3.0, 0], [-3, 0], [0, 3], [0, -3]])  # 3 from their mean
    query = np.stack([first, 9 * first, first + np.array([0.6, 0.8])])  # at the end each 1 further
    found = FeatureMap(query[:, :2], query, np.zeros(2), np.zeros(3))
    assert found.movement == pytest.approx(1 / 3)
    assert FeatureMap(query, query[:1], np.zeros(2), np.zeros(1)).movement == 0
    assert np.isnan(FeatureMap(query, 0 * query, np.zeros(2), np.zeros(3)).movement)
    assert np.isnan(FeatureMap(query, np.nan * query, np.zeros(2), np.zeros(3)).movement)


def test_who_takes_no_step_stays_where_they_are(learner, batch, config):
    learner = Learner(
        "protonet", learner.model, learner.params, {3: config.inner_lr}, solve_head=prototype_head
    )
    for found in feature_maps(learner, batch[0], AdaptConfig(config.inner_lr, STEPS)).values():
        for by_step in (found.support, found.query, found.separation):
            assert len(by_step) == STEPS + 1
            np.testing.assert_array_equal(by_step, np.broadcast_to(by_step[0], by_step.shape))


def test_other_networks_have_the_heads_input_alone_and_each_learner_its_own_alpha(
    learner, batch, random_params, config
):
    mlp = MLP(hidden=8)
    other = Learner("random", mlp, random_params(mlp), {3: 0.1})
    found = compare_feature_maps({"maml": learner, "random": other}, batch[0], STEPS, 0.5)
    assert list(found) == ["maml", "random"]
    assert list(found["random"]) == [HEAD_INPUT]
    alone = partial(feature_maps, learner, batch[0])
    np.testing.assert_array_equal(
        found["maml"][HEAD_INPUT].query,
        alone(AdaptConfig(config.inner_lr / 2, STEPS))[HEAD_INPUT].query,
    )
