"""Which test pictures a method mistakes, whatever the episode.

    python -m benchmarks.studies.hardest_pictures --split paper --n-way 5 --k-shot 5 --episodes 3000
    python -m benchmarks.studies.hardest_pictures --weights FILE

A picture that is wrong in most of the episodes that ask for it tells of the picture more than of
the learner: drawn by halves, or another character. Two characters that are confused time and
again may be the same letter of two alphabets.
"""

from __future__ import annotations

import argparse
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from maml_core.config import SPLITS, AdaptConfig, EpisodeSpec
from maml_core.data.character_set import CharacterSet
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation import results_table
from maml_core.learners import checkpoints
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import check_unseen
from maml_core.networks.functional import query_logits
from maml_core.optimisation.thread_pool import in_parallel

STEPS = 5
LISTED = 12


def main() -> None:
    """Print how the errors are spread over pictures, and the worst."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--split", choices=SPLITS, default="alphabets")
    parser.add_argument("--weights", type=Path, help="MAML's of the split unless given")
    parser.add_argument("--n-way", type=int, default=5)
    parser.add_argument("--k-shot", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    if parsed.weights:
        learner = checkpoints.load_weights(parsed.weights).learner()
    else:
        learner = checkpoints.shipped("maml", parsed.split)
    pool = results_table.omniglot_test_pool(parsed.split)
    check_unseen(learner.provenance, pool.data, parsed.split)
    spec = EpisodeSpec(parsed.n_way, parsed.k_shot)
    asked: Counter[int] = Counter()
    wrong: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    job = partial(answers, learner, pool, spec, parsed.seed)
    for pictures, true, answered in in_parallel(job, range(parsed.episodes)):
        asked.update(pictures.tolist())
        wrong.update(pictures[true != answered].tolist())
        mistaken = zip(true[true != answered], answered[true != answered], strict=True)
        pairs.update((min(int(a), int(b)), max(int(a), int(b))) for a, b in mistaken)
    report(pool.data, asked, wrong, pairs)


def answers(
    learner: Learner, pool: TaskPool, spec: EpisodeSpec, seed: int, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the query pictures of an episode, their classes and those answered after STEPS."""
    episode = sample_episode(pool, spec, seed, number)
    task = episode.task
    config = AdaptConfig(learner.inner_lr(spec.n_way), STEPS)
    adapted = adapt_to_episode(learner, episode, config)[-1]
    out = query_logits(learner.model, adapted, task.support_x, task.query_x, transductive=True)
    labels = out.argmax(-1).numpy()
    return episode.query.ravel(), episode.classes[task.query_y], episode.classes[labels]


def report(
    data: CharacterSet, asked: Counter[int], wrong: Counter[int], pairs: Counter[tuple[int, int]]
) -> None:
    """Print what was counted by picture and by pair of classes."""
    total, errors = asked.total(), wrong.total()
    often = [p for p in wrong if wrong[p] > asked[p] / 2 and asked[p] > 2]
    print(f"{errors:,} of {total:,} queries wrong: {100 * errors / total:.2f} %")
    print(
        f"{len(often)} of {len(asked):,} pictures are wrong more often than right: "
        f"{sum(wrong[p] for p in often):,} of these errors, "
        f"{100 * sum(wrong[p] for p in often) / total:.2f} % of the queries"
    )
    for picture in sorted(often, key=lambda p: (-wrong[p] / asked[p], -asked[p]))[:LISTED]:
        owner = data.classes[data.class_of(picture)]
        times = f"{wrong[picture]} of {asked[picture]} times"
        print(f"  {owner}, drawer {data.drawers[picture]}: wrong {times}")
    for (a, b), count in pairs.most_common(LISTED // 2):
        print(f"  {data.classes[a]} taken for {data.classes[b]} or the reverse: {count} errors")


if __name__ == "__main__":
    main()
