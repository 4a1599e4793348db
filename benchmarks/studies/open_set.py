"""Calibrate "none of these": when a query belongs to no class of the board.

    python -m benchmarks.studies.open_set            # print the thresholds and their error rates
    python -m benchmarks.studies.open_set --write    # and keep them for the app
    python -m benchmarks.studies.open_set --compare  # other statistics compared with this one

An episode of 2N classes: the first N are the support set, queries of the other N are unknown.
Every picture is processed like an uploaded one (`handwriting.normalise_ink`). The threshold is
the maximum cosine similarity below which 5 % of the known validation queries fall; both error
rates are measured on test characters of other alphabets, which the threshold has not seen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import torch
from tqdm import tqdm

from maml_core.config import AdaptConfig, EpisodeSpec
from maml_core.data import registry
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.open_set import CALIBRATION, METHOD, Threshold, max_cosine_similarities
from maml_core.images.board import MAX_CELLS, MAX_ROWS, MIN_CELLS, MIN_ROWS
from maml_core.images.handwriting import normalise_ink
from maml_core.images.network_input import to_network_input
from maml_core.learners import checkpoints
from maml_core.learners.adaptation import adapt_to_support
from maml_core.learners.learner import Learner
from maml_core.networks.functional import query_logits
from maml_core.paths import WEIGHTS

FALSE_REJECTION_RATE = 0.05  # on validation characters
EPISODES = 200
COMPARED_EPISODES = 60
COMPARED = ((2, 1), (5, 1), (10, 1), (5, 5))
SEED = 11
STEPS = 5  # for the statistics of adapted networks

Statistic = Callable[[Learner, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def main() -> None:
    """Print the thresholds, or the comparison of statistics."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="keep the thresholds")
    parser.add_argument("--compare", action="store_true", help="other statistics instead")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    data = registry.load("omniglot")
    learner = checkpoints.shipped(METHOD)
    validation = upload_pool(data, "validation")
    if parsed.compare:
        compare(learner, validation)
        return
    found = calibrate(learner, validation, upload_pool(data, "test"))
    if parsed.write:
        content = {
            "command": "python -m benchmarks.studies.open_set --write",
            "statistic": f"maml_core.evaluation.open_set.max_cosine_similarities, {METHOD}",
            "weights_sha256": weights_digest(),
            "data": "omniglot, split alphabets, thresholds on validation, error rates on test",
            "seed": SEED,
            "episodes": EPISODES,
            "false_rejection_rate_on_validation": FALSE_REJECTION_RATE,
            "thresholds": [asdict(one) for one in found],
        }
        CALIBRATION.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def weights_digest() -> str:
    """Return the SHA-256 of the weights: with others the thresholds must be measured anew."""
    path = WEIGHTS / "alphabets" / f"{METHOD}.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def upload_pool(data: CharacterSet, part: str) -> TaskPool:
    """Return the characters of one part of the split as they are after an upload."""
    classes = split_classes(data, "alphabets", part)
    inputs = data.inputs.copy()
    pictures = np.concatenate([data.images_of(c) for c in classes])
    for number in tqdm(pictures, desc=part, unit="picture"):
        inputs[number] = to_network_input(normalise_ink(data.picture(number)))
    return make_pool(replace(data, inputs=inputs), classes)


def calibrate(learner: Learner, validation: TaskPool, test: TaskPool) -> list[Threshold]:
    """Choose a threshold for each N and K on one pool and count its errors on the other."""
    found = []
    for n_way in range(MIN_ROWS, MAX_ROWS + 1):
        for k_shot in range(MIN_CELLS, MAX_CELLS + 1):
            spec = EpisodeSpec(2 * n_way, k_shot, q_query=2)
            known, _ = collect_statistic(
                max_cosine_similarities, learner, validation, spec, EPISODES
            )
            limit = float(np.quantile(known, FALSE_REJECTION_RATE))
            known, unknown = collect_statistic(
                max_cosine_similarities, learner, test, spec, EPISODES
            )
            one = Threshold(
                n_way=n_way,
                k_shot=k_shot,
                max_cosine_similarity=round(limit, 4),
                false_rejection_rate=round(float((known < limit).mean()), 4),
                false_acceptance_rate=round(float((unknown >= limit).mean()), 4),
                n_known=len(known),
                n_unknown=len(unknown),
            )
            print(one, flush=True)
            found.append(one)
    return found


def collect_statistic(
    statistic: Statistic, learner: Learner, pool: TaskPool, spec: EpisodeSpec, episodes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a statistic of the queries whose class is in the support set, and of the others."""
    n_way = spec.n_way // 2
    known, unknown = [], []
    for number in range(episodes):
        task = sample_episode(pool, spec, SEED, number).task
        shown = task.support_y < n_way
        values = statistic(learner, task.support_x[shown], task.support_y[shown], task.query_x)
        known.append(values[task.query_y < n_way].numpy())
        unknown.append(values[task.query_y >= n_way].numpy())
    return np.concatenate(known), np.concatenate(unknown)


def compare(learner: Learner, pool: TaskPool) -> None:
    """Print how well several statistics separate known from unknown on validation characters."""
    for n_way, k_shot in COMPARED:
        spec = EpisodeSpec(2 * n_way, k_shot, q_query=2)
        for name, statistic in STATISTICS.items():
            known, unknown = collect_statistic(statistic, learner, pool, spec, COMPARED_EPISODES)
            limit = np.quantile(known, FALSE_REJECTION_RATE)
            print(
                f"{n_way}-way {k_shot}-shot, {name}: area under the ROC curve "
                f"{area(known, unknown):.3f}, "
                f"false acceptance rate {(unknown >= limit).mean():.1%} at "
                f"{FALSE_REJECTION_RATE:.0%} false rejection rate "
                f"(n = {len(known)} and {len(unknown)})",
                flush=True,
            )


def area(known: np.ndarray, unknown: np.ndarray) -> float:
    """Return how often a known query has the larger value of a pair; ties count half."""
    order = np.sort(unknown)
    below = np.searchsorted(order, known, "left") + np.searchsorted(order, known, "right")
    return float(below.mean() / 2 / len(unknown))


def of_adapted(value: Callable[[torch.Tensor], torch.Tensor]) -> Statistic:
    """Return a statistic of the logits after adaptation."""

    def statistic(
        learner: Learner, x: torch.Tensor, y: torch.Tensor, query_x: torch.Tensor
    ) -> torch.Tensor:
        n_way = int(y.max()) + 1
        config = AdaptConfig(learner.inner_lr(n_way), STEPS)
        last = adapt_to_support(learner, x, y, n_way, config)[-1]
        with torch.no_grad():
            return value(query_logits(learner.model, last, x, query_x, transductive=False))

    return statistic


STATISTICS: dict[str, Statistic] = {
    "cosine to the nearest class mean": max_cosine_similarities,
    "largest probability": of_adapted(lambda z: z.softmax(1).amax(1)),
    "largest logit": of_adapted(lambda z: z.amax(1)),
    "energy (log-sum-exp)": of_adapted(lambda z: z.logsumexp(1)),
}

if __name__ == "__main__":
    main()
