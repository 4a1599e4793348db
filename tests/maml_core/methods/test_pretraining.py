"""The pretrained baseline: its batches, its loss and its new head."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from maml_core.config import EpisodeSpec, PretrainConfig
from maml_core.episodes.pool import make_pool, picture_tensors
from maml_core.episodes.sampling import sample_episode
from maml_core.episodes.views import rotated_views
from maml_core.methods import pretraining
from maml_core.methods.nearest_neighbour import nearest_by_features, nearest_by_pixels
from maml_core.methods.pretraining import (
    MEAN_LOGIT,
    imprint_head,
    pretrain,
    updates_of,
    with_new_head,
)
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import HEAD, features, initial_params, logits
from maml_core.optimisation.outer_loop import TrainState

CONFIG = PretrainConfig(epochs=3, batch_size=50, augment=False, seed=2)


@pytest.fixture(scope="module")
def small_pool(characters):
    """6 characters × 4 rotations × 20 drawers: 480 pictures, 9 batches of 50 and a rest of 30."""
    return make_pool(characters, list(range(6)), rotate=True)


@pytest.fixture
def begin(model, small_pool):
    return TrainState(0, with_new_head(initial_params(model, 0), len(small_pool.classes)))


@pytest.fixture
def seen_batches(monkeypatch, model, begin, small_pool):
    """A function that returns the batches that `pretrain` trains on from a step on."""

    cross_entropy = F.cross_entropy

    def collect(config, first_step=0, pool=small_pool):
        found = []

        def watch(out, y, **options):
            found[-1] = (found[-1], y)
            return cross_entropy(out, y, **options)

        def look(model, params, x):
            found.append(x)
            return logits(model, params, x)

        with monkeypatch.context() as patch:
            patch.setattr("maml_core.methods.pretraining.logits", look)
            patch.setattr(F, "cross_entropy", watch)
            for _ in pretrain(model, replace(begin, step=first_step), pool, config):
                pass
        return found

    return collect


def test_an_epoch_shows_each_picture_at_most_once_with_its_own_class(seen_batches, small_pool):
    class_of = {}
    for row in range(len(small_pool.classes)):
        images = small_pool.images[row]
        for x in picture_tensors(small_pool, torch.full_like(images, row), images):
            class_of[x.numpy().tobytes()] = row
    assert len(class_of) == 480
    batches = seen_batches(CONFIG)
    assert len(batches) == updates_of(small_pool, CONFIG) == 3 * 9
    epochs = []
    for epoch in range(3):
        counts = Counter()
        for x, y in batches[9 * epoch : 9 * epoch + 9]:
            assert x.shape == (50, 1, 28, 28)
            keys = [picture.numpy().tobytes() for picture in x]
            assert [class_of[key] for key in keys] == y.tolist()
            counts.update(keys)
        assert len(counts) == 450
        assert set(counts.values()) == {1}
        epochs.append(tuple(counts))
    assert len(set(epochs)) == 3  # each in an order of its own


def test_every_other_picture_is_seen_close_up_where_the_pool_has_that(seen_batches, characters):
    pool = make_pool(characters, list(range(6)), rotate=True, ink_crops=True)
    known = {}
    for look, seen in enumerate((pool, pool.ink_crops)):
        for row in range(len(pool.classes)):
            images = pool.images[row]
            for x in picture_tensors(seen, torch.full_like(images, row), images):
                known[x.numpy().tobytes()] = look, row
    batches = seen_batches(CONFIG, pool=pool)
    seen = [known[one.numpy().tobytes()] for x, _ in batches for one in x]
    assert [row for _, row in seen] == [row for _, y in batches for row in y.tolist()]
    close = sum(look for look, _ in seen)
    assert abs(close - len(seen) / 2) < 4 * (len(seen) / 4) ** 0.5  # four standard deviations
    (x, _), *_ = seen_batches(replace(CONFIG, augment=True), pool=pool)
    assert not any(one.numpy().tobytes() in known for one in x), "deformed alike"


def test_a_batch_larger_than_the_data_is_refused(small_pool):
    config = replace(CONFIG, batch_size=480)
    assert updates_of(small_pool, config) == CONFIG.epochs
    sentence = "batch_size is 481; choose at most the 480 pictures there are"
    with pytest.raises(ValueError, match=sentence):
        updates_of(small_pool, replace(CONFIG, batch_size=481))


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("first_step", [1, 9, 13, 27])
def test_a_resumed_run_sees_the_batches_it_would_have_seen(first_step, augment, seen_batches):
    config = replace(CONFIG, augment=augment)
    whole, rest = seen_batches(config), seen_batches(config, first_step)
    assert len(rest) == 27 - first_step
    for (x, y), (x_then, y_then) in zip(rest, whole[first_step:], strict=True):
        assert torch.equal(x, x_then)
        assert torch.equal(y, y_then)


def test_the_parts_of_several_processes_make_up_the_batches_of_one(monkeypatch, characters):
    config = replace(CONFIG, elastic=True, augment=True, epochs=1)
    pool = make_pool(characters, list(range(6)), rotate=True, ink_crops=True)
    whole, *parts = (
        list(pretraining._batches(pool, config, 0))
        for part in (slice(0, 50), slice(0, 17), slice(17, 50))
        if not monkeypatch.setattr(pretraining, "own_rows", {50: part}.__getitem__)
    )
    for batch, *shares in zip(whole, *parts, strict=True):
        for tensor, *own in zip(batch, *shares, strict=True):
            assert torch.equal(torch.cat(own), tensor)


def test_the_seed_chooses_the_order(seen_batches):
    one, other = (seen_batches(replace(CONFIG, seed=seed, epochs=1)) for seed in (0, 1))
    assert not torch.equal(one[0][1], other[0][1])


def test_in_bfloat16_the_descent_is_nearly_that_of_float32(small_pool):
    """The short format keeps 8 bits: a descent of its own, near the other one."""
    model = Conv4(channels=16)
    start = TrainState(0, with_new_head(initial_params(model, 0), len(small_pool.classes)))
    exact, short = (
        list(pretrain(model, start, small_pool, replace(CONFIG, lr=0.02, bfloat16=short)))
        for short in (False, True)
    )
    for one, other in zip(exact, short, strict=True):
        assert other.metrics.loss.item() == pytest.approx(one.metrics.loss.item(), rel=0.05)
        assert all(value.dtype == torch.float32 for value in other.params.values())
    assert exact[0].gradient_norm.item() == pytest.approx(short[0].gradient_norm.item(), rel=0.02)
    assert exact[0].gradient_norm != short[0].gradient_norm
    assert short[-1].metrics.loss < 0.98 * short[0].metrics.loss


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_an_update_is_that_of_torchs_adamw_on_the_smoothed_cross_entropy(
    label_smoothing, model, small_pool, seen_batches, random_params, plain_conv4, assert_same
):
    config = replace(CONFIG, label_smoothing=label_smoothing, weight_decay=0.1)
    start = TrainState(0, {n: v.float() for n, v in random_params(model, rows=24).items()})
    updates = list(itertools.islice(pretrain(model, start, small_pool, config), 2))
    leaves = {n: v.clone().requires_grad_() for n, v in start.params.items()}
    optimizer = torch.optim.AdamW(leaves.values(), lr=config.lr, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 27)
    for update, (x, y) in zip(updates, seen_batches(config), strict=False):
        out = plain_conv4(leaves, x)
        share = label_smoothing / 24
        target = (1 - label_smoothing) * F.one_hot(y, 24) + share
        value = -(target * out.log_softmax(1)).sum(1).mean()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        assert update.metrics.loss.item() == pytest.approx(value.item(), rel=1e-5)
        right = (out.argmax(1) == y).double().mean().item()
        assert update.metrics.accuracy.item() == pytest.approx(right)
    # Two steps of Adam move each weight by about 0.004. The convolutions' biases have no gradient
    # before a normalisation, and Adam turns what rounding leaves of it into full steps.
    real = [n for n in leaves if not n.endswith("conv.bias")]
    assert_same(
        {n: updates[-1].params[n] for n in real}, {n: leaves[n].detach() for n in real}, atol=1e-4
    )


def test_the_classifier_learns_its_classes(easy_pool):
    model = Conv4(channels=8)
    config = PretrainConfig(epochs=8, batch_size=24, lr=1e-2, augment=False)
    start = TrainState(0, with_new_head(initial_params(model, 0), 12))
    accuracies = [u.metrics.accuracy.item() for u in pretrain(model, start, easy_pool, config)]
    assert sum(accuracies[-10:]) / 10 > 0.7  # chance is 1/12
    assert sum(accuracies[-10:]) > sum(accuracies[:10])


def test_a_mean_head_answers_the_class_whose_mean_points_the_same_way(
    model, small_pool, random_params, assert_same
):
    """Three pictures a class, all in one batch, beside a plain loop over the classes."""
    params = {n: v.float() for n, v in random_params(model, rows=2).items()}
    found = imprint_head(model, params, small_pool)
    assert_same({**found, **with_new_head(params)}, with_new_head(params))
    rows = [torch.full((3,), row) for row in range(24)]
    x = torch.cat([picture_tensors(small_pool, row, small_pool.images[row[0], :3]) for row in rows])
    bare = {**params, "head.weight": torch.eye(4), "head.bias": torch.zeros(4)}
    vectors = logits(model, bare, x)
    away = vectors - vectors.mean(0)
    means = [away[3 * row : 3 * row + 3].mean(0) for row in range(24)]
    likeness = torch.stack([F.cosine_similarity(away, mean, dim=1) for mean in means], 1)
    length = away.norm(dim=1)
    expected = MEAN_LOGIT * likeness * (length / length.mean())[:, None]
    torch.testing.assert_close(logits(model, found, x), expected, rtol=0, atol=1e-3)


def test_a_mean_head_of_alike_pictures_is_right_from_the_start(easy_pool):
    model = Conv4(channels=16)
    params = imprint_head(model, initial_params(model, 0), easy_pool)
    start = TrainState(0, params)
    config = PretrainConfig(epochs=1, batch_size=100, augment=False, lr=1e-4)
    first = next(pretrain(model, start, easy_pool, config))
    zeros = TrainState(0, with_new_head(params, 12))
    assert first.metrics.accuracy > 0.3  # chance is 1/12
    assert next(pretrain(model, zeros, easy_pool, config)).metrics.accuracy < 0.3


@pytest.mark.parametrize("rows", [1, 5])
def test_a_new_head_is_zero_and_the_body_stays(rows, model, random_params, assert_same):
    params = random_params(model, rows=3)
    before = {n: v.clone() for n, v in params.items()}
    found = with_new_head(params, rows)
    assert found["head.weight"].shape == (rows, 4)
    assert found["head.bias"].shape == (rows,)
    for name in params:
        if name in HEAD:
            assert found[name].count_nonzero() == 0
            assert found[name].dtype == params[name].dtype
        else:
            assert found[name] is params[name]
    assert_same(params, before)


@pytest.mark.parametrize("k_shot", [1, 3])
def test_the_nearest_picture_is_what_a_double_loop_finds(k_shot, pool):
    right = []
    for number in range(5):
        task = sample_episode(pool, EpisodeSpec(4, k_shot, 3), 0, number).task
        for query, label in zip(task.query_x, task.query_y, strict=True):
            distances = [float((query - one).square().sum()) for one in task.support_x]
            right.append(int(task.support_y[distances.index(min(distances))]) == int(label))
        found = nearest_by_pixels([task])
        assert found.item() == pytest.approx(sum(right[-12:]) / 12)
    assert 0 < sum(right) < len(right)


def test_squared_distances_of_pixels_add_up_over_looks(characters):
    pool = make_pool(characters, list(range(12)), ink_crops=True)
    views = sample_episode(pool, EpisodeSpec(4, 1, 3), 0).views()
    distances = sum(
        (one.query_x[:, None] - one.support_x[None]).square().sum((2, 3, 4)) for one in views
    )
    expected = (distances.argmin(1) == views[0].query_y).double().mean()
    assert nearest_by_pixels(views) == expected


@pytest.mark.parametrize("transductive", [True, False])
def test_at_four_turns_the_mean_cosine_counts(transductive, pool, model, random_params):
    params = {n: v.float() for n, v in random_params(model).items()}
    task = sample_episode(pool, EpisodeSpec(4, 2, 3), 1).task
    cosines = 0
    for turn in range(4):
        x, y = (torch.rot90(one, turn, (2, 3)) for one in (task.support_x, task.query_x))
        vectors = features(model, params, x, y, transductive=transductive)
        cosines = cosines + F.cosine_similarity(vectors[1][:, None], vectors[0], dim=-1)
    expected = (task.support_y[cosines.argmax(1)] == task.query_y).float().mean()
    options = {"transductive": transductive}
    assert nearest_by_features(model, params, rotated_views(task), **options) == expected
    assert nearest_by_features(model, params, [task], **options) != expected


@pytest.mark.parametrize("transductive", [True, False])
def test_the_nearest_by_features_has_the_largest_cosine(transductive, pool, model, random_params):
    params = {n: v.float() for n, v in random_params(model, rows=4).items()}
    task = sample_episode(pool, EpisodeSpec(4, 2, 3), 1).task
    own = copy.deepcopy(model)
    own.load_state_dict({n: v for n, v in params.items() if n not in HEAD}, strict=False)
    with torch.no_grad():
        support = own.features(task.support_x)
        if transductive:
            query = own.features(task.query_x)
        else:
            query = own.features(torch.cat([task.support_x, task.query_x]), 8)[8:]
        nearest = F.cosine_similarity(query[:, None], support[None], dim=-1).argmax(1)
        found = nearest_by_features(model, params, [task], transductive=transductive)
    expected = (task.support_y[nearest] == task.query_y).float().mean()
    assert found.item() == pytest.approx(expected.item())
    assert 0 < found < 1
