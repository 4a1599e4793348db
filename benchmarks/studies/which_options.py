"""Which tricks of meta-training earn their place? One thing varied at a time.

    python -m benchmarks.studies.which_options \
        --start assets/weights/alphabets/pretrained.safetensors

MAML from the body of other weights (or, in one line, from a random initialisation). Each training
gets its own α for the test, chosen on validation characters, and is measured on other episodes of
these.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.studies.which_head import in_words, load_start, pools_of, trained
from maml_core.config import EpisodeSpec, EvaluationConfig, TrainConfig
from maml_core.evaluation.accuracy import evaluate
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.training.inner_lr_search import choose_inner_lr

BASE = TrainConfig(n_ways=(5,), q_query=3, meta_batch_size=4, inner_steps=1, inner_lr=0.4)
THREE = {"inner_steps": 3, "inner_lr": 0.05}
VARIANTS = {
    "base: 5-way, 1 step, 3 queries a class": {},
    "from a random initialisation": {},
    "20-way": {"n_ways": (20,)},
    "10 queries a class": {"q_query": 10},
    "half of the updates within alphabets": {"alternate_within_alphabet": True},
    "queries normalised by the support set": {"transductive": False},
    "3 steps at α = 0.05": THREE,
    "the same, multi-step loss": {**THREE, "multi_step": True},
    "the same, a learned rate a layer": {**THREE, "learn_inner_lr": True},
}
WAYS = (5, 20)
STEPS = 5
CANDIDATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


def main() -> None:
    """Train and print one line for each variant and N."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--updates", type=int, default=150, help="of each training")
    parser.add_argument("--episodes", type=int, default=100, help="at each N")
    parser.add_argument("--start", type=Path, required=True, help="weights to begin from")
    parser.add_argument("--dataset", default="omniglot", help="omniglot or glyphs")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    pools = pools_of(parsed.dataset)
    for name, changes in VARIANTS.items():
        begun = initial_params(Conv4(), 0)
        if "random" not in name:
            begun = load_start(parsed.start, parsed.dataset)
        config = replace(BASE, meta_steps=parsed.updates, **changes)
        learner = trained(begun, config, pools)
        for n_way in WAYS:
            spec = EpisodeSpec(n_way, 1, 5)
            common = {"inner_steps": STEPS, "seed": 1}
            rate = choose_inner_lr(learner, pools[1], spec, CANDIDATES, episodes=40, **common)
            common = {"inner_steps": STEPS, "seed": 0, "inner_lr": rate}
            *_, found = evaluate(
                learner, pools[1], spec, EvaluationConfig(episodes=parsed.episodes, **common)
            )
            print(f"{name:40} {n_way:2}-way, α {rate:.2f}, by step: {in_words(found)}", flush=True)


if __name__ == "__main__":
    main()
