"""Episodes: disjoint, shuffled, seeded, and the same pictures however they are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.config import MAX_WAY, EpisodeSpec
from maml_core.data.character_set import CharacterSet
from maml_core.episodes.pool import make_pool, picture_tensors
from maml_core.episodes.sampling import (
    episode_generator,
    sample_episode,
    sample_episodes,
    sample_tasks,
)
from maml_core.images.network_input import ink_crop

SPECS = [EpisodeSpec(5, 1, 3), EpisodeSpec(20, 10, 10), EpisodeSpec(5, 2, 4, within_alphabet=True)]


@pytest.fixture(scope="module")
def turned_pool(characters):
    return make_pool(characters, list(range(10)), rotate=True)


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("number", range(5))
def test_classes_are_distinct_and_no_support_picture_is_a_query(spec, number, pool):
    episode = sample_episode(pool, spec, 3, number)
    assert len(set(episode.classes)) == spec.n_way
    both = np.concatenate([episode.support, episode.query], axis=1)
    assert both.shape == (spec.n_way, spec.k_shot + spec.q_query)
    assert len(np.unique(both)) == both.size
    for label, class_number in enumerate(episode.classes):
        assert {pool.data.class_of(image) for image in both[label]} == {class_number}


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_tensors_show_the_pictures_that_the_episode_names(spec, pool):
    episode = sample_episode(pool, spec, 1)
    for images, x, y in (
        (episode.support, episode.tensors.support_x, episode.tensors.support_y),
        (episode.query, episode.tensors.query_x, episode.tensors.query_y),
    ):
        assert x.dtype == torch.float32
        assert y.dtype == torch.int64
        assert np.allclose(x[0, :, 0].numpy(), pool.data.inputs[images.ravel()] / 255)
        assert y[0].tolist() == [n for n in range(spec.n_way) for _ in range(images.shape[1])]


def test_a_query_set_may_take_all_that_the_support_set_leaves(pool):
    episode = sample_episode(pool, EpisodeSpec(2, 1, 19), 0)
    both = np.concatenate([episode.support, episode.query], axis=1)
    for label, class_number in enumerate(episode.classes):
        assert set(both[label]) == set(pool.data.images_of(class_number))


@pytest.mark.usefixtures("untouched_global_rng")
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_an_episode_belongs_to_its_seed_and_number(spec, pool):
    def names(seed, number):
        episode = sample_episode(pool, spec, seed, number)
        return tuple(episode.support.ravel()), tuple(episode.query.ravel())

    asked = [(seed, number) for seed in range(4) for number in range(4)]
    first = {key: names(*key) for key in asked}
    assert first == {key: names(*key) for key in reversed(asked)}
    assert len(set(first.values())) == len(asked)


def test_the_global_generator_changes_nothing(pool):
    found = []
    with torch.random.fork_rng():
        for global_seed in (1, 2):
            torch.manual_seed(global_seed)
            tensors = sample_tasks(pool, SPECS[0], 2, episode_generator(0, 0), augment=True)
            found.append(tensors)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_growing_n_keeps_the_classes_and_their_pictures(pool):
    large = sample_episode(pool, EpisodeSpec(MAX_WAY, 2, 5), 8)
    for n_way in range(2, MAX_WAY):
        small = sample_episode(pool, EpisodeSpec(n_way, 2, 5), 8)
        assert np.array_equal(small.classes, large.classes[:n_way])
        assert np.array_equal(small.support, large.support[:n_way])
        assert np.array_equal(small.query, large.query[:n_way])


def test_within_an_alphabet_growing_n_keeps_the_classes_while_all_alphabets_serve(pool):
    """The alphabets have 5 to 8 characters: up to 5-way the same one is drawn."""
    large, small = (
        sample_episode(pool, EpisodeSpec(n, 1, 1, within_alphabet=True), 8) for n in (5, 3)
    )
    assert np.array_equal(small.classes, large.classes[:3])


@pytest.mark.parametrize("within_alphabet", [False, True])
def test_growing_k_keeps_the_support_pictures_and_the_query_set(within_alphabet, pool):
    large = sample_episode(pool, EpisodeSpec(5, 10, 4, within_alphabet), 8)
    for k_shot in range(1, 10):
        small = sample_episode(pool, EpisodeSpec(5, k_shot, 4, within_alphabet), 8)
        assert np.array_equal(small.classes, large.classes)
        assert np.array_equal(small.support, large.support[:, :k_shot])
        assert np.array_equal(small.query, large.query)


def test_growing_the_query_set_keeps_its_pictures_and_the_support_set(pool):
    large = sample_episode(pool, EpisodeSpec(5, 3, 15), 8)
    small = sample_episode(pool, EpisodeSpec(5, 3, 2), 8)
    assert np.array_equal(small.support, large.support)
    assert np.isin(small.query, large.query).all()


def test_each_class_is_equally_often_each_label(characters):
    """Pearson's χ² of class by label; a sorted order would exceed the bound by far."""
    n, n_tasks = 5, 4000
    small_pool = make_pool(characters, list(range(n)))
    generator = torch.Generator().manual_seed(0)
    tasks = sample_tasks(small_pool, EpisodeSpec(n, 1, 1), n_tasks, generator)
    first_pictures = torch.from_numpy(characters.inputs.copy()).float() / 255
    of_picture = {picture.numpy().tobytes(): i // 20 for i, picture in enumerate(first_pictures)}
    counts = np.zeros((n, n))
    for task in tasks.support_x.numpy():
        for label, picture in enumerate(task):
            counts[of_picture[picture.tobytes()], label] += 1
    expected = n_tasks / n
    # 16 degrees of freedom: mean 16, standard deviation √32.
    assert ((counts - expected) ** 2 / expected).sum() < 16 + 5 * 32**0.5


def test_within_alphabet_draws_every_alphabet_that_is_large_enough(pool):
    spec = EpisodeSpec(6, 1, 1, within_alphabet=True)
    seen = set()
    for episode in sample_episodes(pool, spec, 0, 100):
        alphabets = {pool.data.classes[c].alphabet for c in episode.classes}
        assert len(alphabets) == 1
        seen |= alphabets
    large = {name for name, classes in pool.data.alphabets.items() if len(classes) >= 6}
    assert seen == large
    assert len(large) < len(pool.data.alphabets)


@pytest.mark.parametrize("within_alphabet", [False, True])
def test_the_same_drawers_draw_every_class(within_alphabet, pool):
    seen = set()
    for number in range(20):
        spec = EpisodeSpec(4, 2, 3, within_alphabet, same_drawers=True)
        episode = sample_episode(pool, spec, 0, number)
        drawn = np.concatenate([episode.support, episode.query], 1)
        drawers = [
            [int(np.flatnonzero(pool.data.images_of(c) == picture)[0]) for picture in row]
            for c, row in zip(episode.classes, drawn, strict=True)
        ]
        assert all(row == drawers[0] for row in drawers)
        assert len(set(drawers[0])) == 5
        seen |= set(drawers[0])
    assert seen == set(range(pool.images.shape[1]))


def test_within_alphabet_mixes_no_rotations(characters):
    pool = make_pool(characters, list(range(len(characters.classes))), rotate=True)
    rows = {
        np.rot90(picture, turn).tobytes(): turn
        for turn in range(4)
        for picture in characters.inputs
    }
    seen = set()
    for number in range(20):
        spec = EpisodeSpec(5, 1, 1, within_alphabet=True)
        tensors = sample_episode(pool, spec, 0, number).tensors
        found = {
            rows[(x * 255).round().to(torch.uint8).numpy().tobytes()]
            for x in tensors.support_x[0, :, 0]
        }
        assert len(found) == 1
        seen |= found
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (EpisodeSpec(9, 1, 1, within_alphabet=True), "n_way is 9.*largest alphabet has 8.*lower"),
        (EpisodeSpec(5, 10, 11), "10 support and 11 query.*more than the 20.*lower k_shot or q_"),
    ],
    ids=["alphabet too small", "too few drawers"],
)
def test_too_few_pictures_are_told_in_a_sentence(spec, sentence, pool):
    with pytest.raises(ValueError, match=sentence):
        sample_episode(pool, spec, 0)


def test_too_few_classes_are_told_in_a_sentence(characters):
    with pytest.raises(ValueError, match="n_way is 5, but there are only 4 classes; lower n_way"):
        sample_episode(make_pool(characters, [0, 1, 2, 3]), EpisodeSpec(5, 1, 1), 0)


@pytest.mark.parametrize(("seed", "number"), [(-1, 0), (0, -2)])
def test_negative_seeds_are_told_in_a_sentence(seed, number, pool):
    with pytest.raises(ValueError, match=rf"{min(seed, number)}.*both start at 0"):
        sample_episode(pool, EpisodeSpec(), seed, number)


@pytest.mark.parametrize("classes", [[], [3]])
def test_a_pool_needs_two_classes(classes, characters):
    sentence = f"classes to sample from is {len(classes)}, and an episode takes at least 2"
    with pytest.raises(ValueError, match=sentence):
        make_pool(characters, classes)


@pytest.fixture(scope="module")
def uneven(characters):
    """Colour pictures, 2x3 pixels in three channels: 3, 7 and 5 of a class."""
    starts = np.array([0, 3, 10, 15])
    shape = (15, 3, 2, 3)
    inputs = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    return CharacterSet(
        name="uneven",
        classes=characters.classes[:3],
        starts=starts,
        drawers=np.concatenate([np.arange(1, n + 1) for n in np.diff(starts)]),
        inputs=inputs,
        pictures=inputs,
        has_drawers=False,
    )


def test_classes_of_unequal_size_in_colour_are_drawn_whole(uneven):
    """All of the smallest class's three pictures, and of the others any three."""
    pool = make_pool(uneven, [2, 0, 1])
    spec = EpisodeSpec(3, 1, 2)
    seen = set()
    for number in range(60):
        episode = sample_episode(pool, spec, 0, number)
        both = np.concatenate([episode.support, episode.query], axis=1)
        for label, class_number in enumerate(episode.classes):
            assert len(set(both[label])) == 3
            assert set(both[label]) <= set(uneven.images_of(class_number))
        found = (episode.task.query_x * 255).round().numpy()
        assert np.array_equal(found, uneven.inputs[episode.query.ravel()])
        seen |= set(both.ravel())
    assert seen == set(range(15))


def test_growing_an_episode_of_unequal_classes_keeps_its_pictures(uneven):
    pool = make_pool(uneven, [0, 1, 2])
    small, larger = (sample_episode(pool, EpisodeSpec(2, *kq), 4) for kq in ((1, 1), (1, 2)))
    assert np.array_equal(small.support, larger.support)
    assert np.isin(small.query, larger.query).all()


def test_a_class_with_too_few_pictures_is_named(uneven):
    with pytest.raises(ValueError, match=rf"1 support and 3 query .* 3 .* of {uneven.classes[0]};"):
        sample_episode(make_pool(uneven, [1, 0]), EpisodeSpec(2, 1, 3), 0)


def test_a_rotated_class_is_numpys_quarter_turns_of_its_pictures(turned_pool):
    data = turned_pool.data
    assert len(turned_pool.classes) == 4 * 10
    for row, (class_number, turn) in enumerate(
        zip(turned_pool.classes.tolist(), turned_pool.rotations.tolist(), strict=True)
    ):
        images = turned_pool.images[row]
        assert np.array_equal(images.numpy(), data.images_of(class_number))
        found = picture_tensors(turned_pool, torch.full((len(images),), row), images)
        upright = data.inputs[images.numpy()]
        expected = np.stack([np.rot90(picture, turn) for picture in upright])
        assert np.array_equal((found[:, 0] * 255).round().numpy(), expected)


def test_every_character_is_there_at_every_rotation_once(turned_pool):
    pairs = zip(turned_pool.classes.tolist(), turned_pool.rotations.tolist(), strict=True)
    assert sorted(pairs) == [(c, turn) for c in range(10) for turn in range(4)]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_batch_holds_what_single_episodes_hold(spec, pool):
    for number in range(3):
        episode = sample_episode(pool, spec, 5, number)
        tasks = sample_tasks(pool, spec, 1, episode_generator(5, number))
        assert all(torch.equal(a, b) for a, b in zip(episode.tensors, tasks, strict=True))


def test_an_episodes_task_is_its_tensors_without_the_batch(pool):
    episode = sample_episode(pool, EpisodeSpec(3, 1, 2), 2)
    assert episode.task.support_x.shape == (3, 1, 28, 28)
    assert episode.task.query_y.shape == (6,)
    assert all(torch.equal(a, b[0]) for a, b in zip(episode.task, episode.tensors, strict=True))


def test_a_sequence_may_begin_anywhere(pool):
    spec = EpisodeSpec(3, 1, 2)
    found = sample_episodes(pool, spec, seed=2, count=3, start=4)
    for episode, number in zip(found, (4, 5, 6), strict=True):
        alone = sample_episode(pool, spec, 2, number)
        assert np.array_equal(episode.query, alone.query)


def test_tasks_of_one_batch_differ_from_each_other(pool):
    tasks = sample_tasks(pool, EpisodeSpec(5, 1, 1), 20, torch.Generator().manual_seed(0))
    assert len({x.numpy().tobytes() for x in tasks.support_x}) == 20


@pytest.mark.parametrize("augment", [False, True])
def test_a_part_of_the_tasks_is_that_part_of_all(augment, pool):
    """Otherwise several processes would not train on the batches of one."""
    whole, *parts = (
        sample_tasks(
            pool, EpisodeSpec(3, 1, 2), 7, episode_generator(1, 1), augment=augment, part=part
        )
        for part in (None, slice(0, 2), slice(2, 3), slice(3, 7))
    )
    for field, *fields in zip(whole, *parts, strict=True):
        assert torch.equal(torch.cat(fields), field)


def test_augmentation_is_seeded_and_bends_the_same_pictures_a_little(make_characters):
    """With blocks of 4x4 pixels as characters, a picture stays most like itself."""
    data = make_characters((6,), likeness=1.0, n_drawers=4)
    blocks = make_pool(data, list(range(6)))
    spec = EpisodeSpec(6, 1, 1)
    plain, bent, again = (
        sample_tasks(blocks, spec, 5, episode_generator(1, 1), augment=augment)
        for augment in (False, True, True)
    )
    assert all(torch.equal(a, b) for a, b in zip(bent, again, strict=True))
    assert torch.equal(plain.support_y, bent.support_y)
    assert torch.equal(plain.query_y, bent.query_y)
    for before, after in ((plain.support_x, bent.support_x), (plain.query_x, bent.query_x)):
        assert not (before == after).flatten(2).all(-1).any()
        before, after = before.flatten(2) - before.mean(), after.flatten(2) - after.mean()
        likeness = torch.nn.functional.normalize(after, dim=-1) @ torch.nn.functional.normalize(
            before, dim=-1
        ).transpose(1, 2)
        same = likeness.argmax(-1) == torch.arange(6)
        assert same.float().mean() > 0.8  # chance is 1/6


def test_ink_crops_are_of_the_same_pictures(characters):
    pool, alone = (
        make_pool(characters, list(range(10)), ink_crops=ink_crops) for ink_crops in (True, False)
    )
    episode = sample_episode(pool, SPECS[0], 2)
    assert all(map(torch.equal, episode.tensors, sample_episode(alone, SPECS[0], 2).tensors))
    task, close = episode.views()
    assert torch.equal(close.support_y, task.support_y)
    assert torch.equal(close.query_y, task.query_y)
    for images, x in ((episode.support, close.support_x), (episode.query, close.query_x)):
        expected = [ink_crop(characters.picture(image)) / 255 for image in images.ravel()]
        np.testing.assert_allclose(x[:, 0].numpy(), expected, rtol=1e-6)


def test_ink_crops_are_turned_with_their_pictures(characters):
    pool = make_pool(characters, list(range(10)), rotate=True, ink_crops=True)
    for row in (0, 13, 26, 39):
        (shown,) = picture_tensors(pool.ink_crops, torch.tensor([row]), pool.images[row, :1])
        expected = np.rot90(ink_crop(characters.picture(int(pool.images[row, 0]))), row // 10)
        np.testing.assert_allclose(shown[0].numpy(), expected / 255, rtol=1e-6)


def test_an_episode_is_looked_at_as_it_is_and_as_ink_crops_each_at_every_rotation(characters):
    pool = make_pool(characters, list(range(10)), ink_crops=True)
    close = sample_episode(pool, SPECS[0], 2)
    plain = replace(close, ink_crop=None)
    assert [len(one.views()) for one in (plain, close)] == [1, 2]
    assert [len(one.views(rotation_tta=True)) for one in (plain, close)] == [4, 8]
    views = close.views(rotation_tta=True)
    for n, look in enumerate(views):
        first = close.views()[n // 4].query_x.numpy()
        assert np.array_equal(look.query_x.numpy(), np.rot90(first, n % 4, axes=(2, 3)))


def test_pictures_that_show_no_ink_have_no_ink_crops(characters):
    coloured = characters.inputs[:, None].repeat(3, axis=1)
    data = replace(characters, inputs=coloured, pictures=coloured, name="photographs")
    with pytest.raises(ValueError, match="photographs show no ink to crop to; leave"):
        make_pool(data, [0, 1], ink_crops=True)
