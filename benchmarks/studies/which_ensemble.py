"""How the members of an ensemble are best heard together, on validation characters.

    python -m benchmarks.studies.which_ensemble maml protonet nearest-resnet

Their logits are averaged as they are; as probabilities; or, as `evaluation.accuracy` does it, each
divided by its standard deviation over a query's classes. Every choice of two or more members is
tried, with the views 1, 4 (rotation TTA) and 8 (ink crops as well).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations

import torch
from torch import Tensor

from maml_core.cli.measured_learners import ensemble_member
from maml_core.config import SPLITS, AdaptConfig, EpisodeSpec
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.accuracy import member_logits, together
from maml_core.learners.learner import Learner
from maml_core.learners.training_classes import check_unseen
from maml_core.methods.losses import accuracy
from maml_core.optimisation.thread_pool import in_parallel

WAYS: dict[str, Callable[[Sequence[Tensor]], Tensor]] = {
    "logits": lambda logits: torch.stack(list(logits)).mean(0),
    "probabilities": lambda logits: torch.stack(list(logits)).softmax(-1).mean(0),
    "on one scale": together,
}
VIEWS = {1: [0], 4: [0, 1, 2, 3], 8: list(range(8))}  # see `Episode.views`


def main() -> None:
    """Print the accuracies in %, after the last step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("members", nargs="+", help="methods or weights files")
    parser.add_argument("--split", choices=SPLITS, default="paper")
    parser.add_argument("--n-way", type=int, default=20)
    parser.add_argument("--k-shot", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=60)
    parsed = parser.parse_args()
    data = load("omniglot")
    pool = make_pool(data, split_classes(data, parsed.split, "validation"), ink_crops=True)
    members = {name: ensemble_member(name, parsed.split) for name in parsed.members}
    for member in members.values():
        check_unseen(member.provenance, data, parsed.split, "validation")
    spec = EpisodeSpec(parsed.n_way, parsed.k_shot, 10)
    job = partial(_logits, list(members.values()), pool, spec, parsed.steps)
    logits = list(in_parallel(job, range(parsed.episodes)))
    y = torch.arange(spec.n_way).repeat_interleave(spec.q_query)
    for n_views, views in VIEWS.items():
        by_member = dict(
            zip(
                members,
                (torch.stack(m)[:, views].mean(1) for m in zip(*logits, strict=True)),
                strict=True,
            )
        )
        for names in _choices(list(members)):
            heard = [by_member[name] for name in names]
            ways = WAYS if len(names) > 1 else {"alone": WAYS["logits"]}
            found = (f"{way} {100 * accuracy(f(heard), y).mean():.2f}" for way, f in ways.items())
            print(f"{n_views} views, {' + '.join(names)}: {', '.join(found)}", flush=True)


def _logits(
    members: Sequence[Learner], pool: TaskPool, spec: EpisodeSpec, steps: int, number: int
) -> list[Tensor]:
    """Return each member's logits after the last step in all views of an episode, [8, Q, N]."""
    found = []
    for member in members:
        config = AdaptConfig(member.inner_lr(spec.n_way), 0 if member.solve_head else steps)
        views = sample_episode(pool, spec, 0, number).views(rotation_tta=True)
        found.append(
            torch.stack([member_logits(member, v, spec.n_way, config, True)[-1] for v in views])
        )
    return found


def _choices(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(1, len(names) + 1):
        yield from combinations(names, size)


if __name__ == "__main__":
    main()
