"""MAML's lead after five steps, by how far the test characters lie from those of training.

    OMNIGLOT_DIR=… MNIST_DIR=… python -m benchmarks.studies.distance_from_training
    python -m benchmarks.studies.distance_from_training --sets "Omniglot, thick"
    python -m benchmarks.studies.distance_from_training --report

It writes `assets/distance_from_training.json`, a set after the other, and goes on where it was
stopped: what the file has of a set and a method's weights is not measured again. `--report`
measures nothing and writes the tables of `docs/experiments/distance-from-training.md`.

A *distance* is the root mean square, over the pictures of a set, of the Mahalanobis distance from
the pictures of the training characters, per dimension:

    √(mean of (x − μ)ᵀ Σ⁻¹ (x − μ) / d), μ and Σ those of the training pictures.

Whatever x is, these are 1 from themselves. It does not depend on how many classes a set has. It is
taken of

* *ink*, without any network: of a picture the share that is ink, the width of its lines and the
  longer side of the box around its ink (d = 3);
* *features*: what the pretrained network gives its head (d = 64), the pictures normalised `BATCH`
  at a time by their own statistics, as an episode's are.

Accuracies are after five inner steps, 10 queries a class normalised together, each method with its
own α, which was chosen on validation characters; all methods see the same episodes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from benchmarks.studies.distance_tables import INK, write_document
from benchmarks.studies.shifted_characters import SPLIT, VARIANTS, Variant, make_set, part_of
from maml_core.config import AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.accuracy import evaluate_nearest
from maml_core.evaluation.confidence_intervals import (
    Estimate,
    estimate,
    paired_difference,
)
from maml_core.evaluation.results_table import shipped_weights
from maml_core.evaluation.training_distance import (
    SHAPES,
    Comparison,
    ShiftedSet,
    load_shifted_sets,
    save_shifted_sets,
)
from maml_core.evaluation.trajectory import measure_trajectory
from maml_core.images.handwriting import SIDE, signed_distance, stroke_width
from maml_core.images.network_input import ink_bounding_box
from maml_core.images.tensors import pixels_to_tensor
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.checkpoints import can_answer, shipped
from maml_core.methods.catalogue import BY_NAME, NEAREST
from maml_core.networks.functional import head_input
from maml_core.optimisation.thread_pool import in_parallel

STEPS, QUERIES, SEED = 5, 10, 0
EPISODES = {5: 200, 20: 50}  # by N: as many queries each
SPECS = tuple(EpisodeSpec(*shape, QUERIES) for shape in SHAPES)
NEEDED = ("maml", "pretrained")  # all leads are MAML's, a distance is that of these features
FIRST = ("maml", "pretrained", "protonet", "nearest-features")
PICTURES = 2_000  # of a set, at random, whose distance is measured
BATCH = 200


def main() -> None:
    """Measure what is missing and write it, or print the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [one.name for one in VARIANTS]
    parser.add_argument("--sets", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--report", action="store_true", help="write the document's tables alone")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    if not parsed.report:
        for spec, methods in product(SPECS, passes()):
            for wanted in VARIANTS:
                if wanted.name in parsed.sets and wanted.classes >= spec.n_way:
                    measure(wanted, spec, methods)
    write_document(load_shifted_sets())


def passes() -> tuple[list[str], list[str]]:
    """Return the methods to be measured first and the others, those that there are weights for."""
    there = [method for method in BY_NAME if can_answer(method, SPLIT)]
    return [m for m in there if m in FIRST], [m for m in there if m not in FIRST]


def measure(wanted: Variant, spec: EpisodeSpec, methods: Sequence[str]) -> None:
    """Measure what the file lacks of some methods on a set, and write it."""
    known = {one.name: one for one in load_shifted_sets()}
    former = known.get(wanted.name)
    comparison = former.comparison(spec.n_way, spec.k_shot) if former else None
    if comparison and not all(is_current(m, comparison) for m in NEEDED):
        former, comparison = None, None
    missing = [m for m in methods if comparison is None or not is_current(m, comparison)]
    if not missing:
        return
    pool = make_set(wanted)
    found = former or locate(wanted, pool.data)
    others = [one for one in found.comparisons if one != comparison]
    measured = compared(pool, spec, missing, comparison)
    known[wanted.name] = replace(found, comparisons=(*others, measured))
    save_shifted_sets([known[one.name] for one in VARIANTS if one.name in known])


def is_current(method: str, comparison: Comparison) -> bool:
    """Say whether a comparison has a method with the weights that it has today."""
    return comparison.weights.get(method) == shipped_weights(method, SPLIT)


def locate(wanted: Variant, data: CharacterSet) -> ShiftedSet:
    """Return a set with its distances, of which nothing is compared yet."""
    pictures = sample_pictures(data)
    ink, in_training = ink_measures(data, pictures), training_ink()
    found = features(data, pictures)
    return ShiftedSet(
        name=wanted.name,
        source=wanted.source,
        classes=len(data.classes),
        ink=dict(zip(INK, ink.mean(0).tolist(), strict=True)),
        distance={
            "features": distance(found, training_features()),
            "ink": distance(ink, in_training),
        },
        comparisons=(),
    )


def compared(
    pool: TaskPool, spec: EpisodeSpec, missing: Sequence[str], former: Comparison | None
) -> Comparison:
    """Return what is known of a set with the accuracies of some more methods, same episodes."""
    accuracy = dict(former.accuracy) if former else {}
    lead = dict(former.lead) if former else {}
    weights = dict(former.weights) if former else {}
    maml = accuracies("maml", pool, spec)
    for method in missing:
        found = maml if method == "maml" else accuracies(method, pool, spec)
        accuracy[method] = found.accuracy[-1], found.ci95[-1]
        weights[method] = shipped_weights(method, SPLIT)
        difference = paired_difference(maml, found, -1, -1)
        assert difference  # the episodes are kept
        if method != "maml":
            lead[method] = difference
    in_order = [{m: of[m] for m in BY_NAME if m in of} for of in (accuracy, lead, weights)]
    return Comparison(spec.n_way, spec.k_shot, EPISODES[spec.n_way], *in_order)


def accuracies(method: str, pool: TaskPool, spec: EpisodeSpec, factor: float = 1) -> Estimate:
    """Return a method's accuracy after the last step, with so many times its own α."""
    episodes = EPISODES[spec.n_way]
    if method in NEAREST:
        features_of = NEAREST[method]
        learner = shipped(features_of, SPLIT) if features_of else None
        *_, last = evaluate_nearest(learner, pool, spec, EvaluationConfig(1, episodes, SEED))
        return last
    learner = shipped(method, SPLIT)
    config = AdaptConfig(factor * learner.inner_lr(spec.n_way), STEPS)

    def accuracy_of(number: int) -> float:
        episode = sample_episode(pool, spec, SEED, number)
        end = adapt_to_episode(learner, episode, config)[-1:]
        return float(measure_trajectory(learner, config.inner_lr, end, episode.task).accuracy[-1])

    found = in_parallel(accuracy_of, range(episodes))
    label = f"{pool.data.name} {spec.n_way}-way {method}"
    every = list(tqdm(found, total=episodes, desc=label, disable=None))
    return estimate(torch.tensor(every)[:, None], spec.n_way * spec.q_query)


def distance(values: np.ndarray, training: np.ndarray) -> float:
    """Return the root mean square Mahalanobis distance per dimension, 1 for `training` itself.

    Args:
        values: Of a set's pictures, [n, d].
        training: Of training pictures, [m, d].
    """
    centred = values - training.mean(0)
    precision = np.linalg.inv(np.cov(training, rowvar=False, bias=True))
    squared = np.einsum("ni,ij,nj->n", centred, precision, centred)
    return float(np.sqrt(squared.mean() / values.shape[1]))


def ink_measures(data: CharacterSet, pictures: Iterable[int]) -> np.ndarray:
    """Return share of ink, width of lines and longer side of some pictures, [n, 3], 0 to 1."""
    return np.array([_ink_of(data.ink(number)) for number in pictures])


def _ink_of(picture: np.ndarray) -> tuple[float, float, float]:
    whole = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    ink = np.asarray(whole) >= 128
    box = ink_bounding_box(ink)
    assert box  # every picture of these sets has ink
    width = stroke_width(signed_distance(ink))
    return float(ink.mean()), width / SIDE, max(box[2] - box[0], box[3] - box[1]) / SIDE


@torch.no_grad()
def features(data: CharacterSet, pictures: np.ndarray, method: str = "pretrained") -> np.ndarray:
    """Return what a network gives its head of some pictures, [n, 64]."""
    learner = shipped(method, SPLIT)
    inputs = torch.from_numpy(np.asarray(data.inputs)[pictures]).reshape(-1, *data.input_shape)
    batches = pixels_to_tensor(inputs).split(BATCH)
    return np.concatenate(
        [head_input(learner.model, learner.params, x).double().numpy() for x in batches]
    )


def sample_pictures(data: CharacterSet) -> np.ndarray:
    """Return the numbers of the pictures whose distance is measured."""
    order = np.random.default_rng(SEED).permutation(len(data.drawers))
    return order[:PICTURES]


@cache
def training_characters() -> CharacterSet:
    """Return the characters that all methods were trained on, upright."""
    data = registry.load("omniglot")
    return part_of(data, split_classes(data, SPLIT, "train"))


@cache
def training_ink() -> np.ndarray:
    """Return `ink_measures` of training pictures."""
    data = training_characters()
    return ink_measures(data, sample_pictures(data))


@cache
def training_features() -> np.ndarray:
    """Return `features` of training pictures."""
    data = training_characters()
    return features(data, sample_pictures(data))


if __name__ == "__main__":
    main()
