"""The challenge's own runs: their pictures against the baseline that was published with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_core.config import CHALLENGE, OFFICIAL_RUNS
from maml_core.data.character_set import ClassName
from maml_core.data.splits import split_classes
from maml_core.episodes.official_runs import RUNS
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import count_available_episodes, sample_episode, sample_tasks


@pytest.fixture(scope="module")
def named(make_characters):
    """Random pictures under the names of all characters that the runs are on, and of one more."""
    numbers = {run.alphabet: [*run.characters, 50] for run in RUNS}
    data = make_characters([len(them) for them in numbers.values()])
    names = [ClassName(a, f"character{n:02}") for a, them in numbers.items() for n in them]
    return replace(data, name="omniglot", classes=tuple(names))


def whole(data):
    return list(range(len(data.classes)))


@pytest.fixture(scope="module")
def named_pool(named):
    return make_pool(named, whole(named), ink_crops=True)


def test_each_of_ten_alphabets_has_two_runs_on_the_same_characters():
    assert set(Counter(run.alphabet for run in RUNS).values()) == {2}
    assert len(RUNS) == 20
    for first, second in zip(RUNS[::2], RUNS[1::2], strict=True):
        assert (first.alphabet, first.characters) == (second.alphabet, second.characters)
        assert len(set(first.characters)) == 20
        four = (*first[2:], *second[2:])
        assert len(set(four)) == 4, "no drawer is in both runs, or on both sides of one"


@pytest.mark.parametrize("number", [0, 7, 19])
@pytest.mark.parametrize("seed", [0, 5])
def test_an_official_episode_is_the_run_of_its_number_whatever_the_seed(
    number, seed, named, named_pool
):
    episode, run = sample_episode(named_pool, OFFICIAL_RUNS, seed, number), RUNS[number]
    assert episode.spec == OFFICIAL_RUNS
    for label, character in enumerate(run.characters):
        name = ClassName(run.alphabet, f"character{character:02}")
        assert named.classes[episode.classes[label]] == name
        for images, x, drawer in (
            (episode.support, episode.task.support_x, run.support_drawer),
            (episode.query, episode.task.query_x, run.query_drawer),
        ):
            (image,) = images[label]
            assert named.class_of(image) == episode.classes[label]
            assert named.drawers[image] == drawer
            assert np.allclose(x[label, 0].numpy(), named.inputs[image] / 255)
    assert episode.task.support_y.tolist() == episode.task.query_y.tolist() == list(range(20))
    assert episode.ink_crop is not None
    close = (255 * episode.ink_crop.query_x[0, 3, 0]).round().to(torch.uint8)
    assert torch.equal(close, named_pool.ink_crops.pixels[episode.query[3, 0], 0])


def test_official_episodes_are_upright_among_turned_characters(named, named_pool):
    turned = make_pool(named, whole(named), rotate=True)
    upright, found = (sample_episode(p, OFFICIAL_RUNS, 0, 4) for p in (named_pool, turned))
    assert all(torch.equal(a, b) for a, b in zip(upright.task, found.task, strict=True))


def test_of_the_official_runs_no_more_are_measured_than_there_are():
    for asked in (1, 19, 20, 21, 600):
        assert count_available_episodes(CHALLENGE, asked) == asked
        assert count_available_episodes(OFFICIAL_RUNS, asked) == min(asked, 20)


@pytest.mark.parametrize("number", [20, 21])
def test_there_are_no_more_than_twenty_runs(number, named_pool):
    with pytest.raises(ValueError, match=f"20 official runs.*there is no run {number}; ask for 20"):
        sample_episode(named_pool, OFFICIAL_RUNS, 0, number)


def test_a_character_that_is_not_there_is_named_with_where_to_find_it(named, pool):
    gone = whole(named)
    gone.remove(named.classes.index(ClassName("Tengwar", "character11")))
    part = make_pool(named, gone)
    assert sample_episode(part, OFFICIAL_RUNS, 0, 0)
    sentence = "Tengwar · character11 is not among these; choose Omniglot, the split by alphabets"
    with pytest.raises(ValueError, match=sentence):
        sample_episode(part, OFFICIAL_RUNS, 0, 16)
    with pytest.raises(ValueError, match="Atlantean · character01 is not among these"):
        sample_episode(pool, OFFICIAL_RUNS, 0, 0)


def test_nothing_is_trained_on_the_runs(named_pool):
    with pytest.raises(
        ValueError, match="official runs are for testing only; sample tasks of CHALLENGE"
    ):
        sample_tasks(named_pool, OFFICIAL_RUNS, 2, torch.Generator())
    assert sample_tasks(named_pool, CHALLENGE, 2, torch.Generator()).query_x.shape[:2] == (2, 20)


@pytest.mark.parametrize(
    "change", [{"n_way": 5}, {"k_shot": 2}, {"q_query": 2}, {"same_drawers": False}]
)
def test_the_runs_have_a_shape_of_their_own(change):
    with pytest.raises(ValueError, match=r"official runs are 20-way 1-shot.*take OFFICIAL_RUNS"):
        replace(OFFICIAL_RUNS, **change)
    assert replace(CHALLENGE, official=True) == OFFICIAL_RUNS


@pytest.fixture(scope="module")
def real_pool(real_omniglot):
    return make_pool(real_omniglot, split_classes(real_omniglot, "alphabets", "test"))


def test_all_runs_are_among_omniglots_test_characters(real_pool):
    pictures = set()
    for number in range(20):
        episode = sample_episode(real_pool, OFFICIAL_RUNS, 0, number)
        pictures |= {*episode.support.ravel().tolist(), *episode.query.ravel().tolist()}
    assert len(pictures) == 800


def modified_hausdorff(a, b):
    """The larger of two means: how far a point of one is from the nearest of the other."""
    distances = torch.cdist(a, b)
    return max(distances.amin(1).mean(), distances.amin(0).mean())


def centred_ink(data, image):
    points = torch.from_numpy(np.argwhere(data.ink(image))).double()
    return points - points.mean(0)


@pytest.mark.slow
def test_the_modified_hausdorff_distance_errs_as_its_authors_say(real_pool):
    """38.8 %, says the demonstration that comes with the runs, and Dubuisson and Jain 1994 how."""
    errors = 0
    for number in range(20):
        episode = sample_episode(real_pool, OFFICIAL_RUNS, 0, number)
        examples, queries = (
            [centred_ink(real_pool.data, image) for image in images.ravel()]
            for images in (episode.support, episode.query)
        )
        for label, query in enumerate(queries):
            distances = [modified_hausdorff(query, example) for example in examples]
            errors += int(np.argmin(distances)) != label
    assert 100 * errors / 400 == pytest.approx(38.8, abs=0.051)
