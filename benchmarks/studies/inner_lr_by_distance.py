"""Does the α that was chosen on Omniglot's pen suit others, at 20-way?

    OMNIGLOT_DIR=… python -m benchmarks.studies.inner_lr_by_distance

Prints the accuracy of MAML and of pretraining after five steps of their own α, of half and of a
quarter of it, and MAML's lead with each, on the sets and the episodes of `distance_from_training`,
the nearest set by ink first.
"""

from __future__ import annotations

from typing import cast

import torch

from benchmarks.studies.distance_from_training import NEEDED, SPECS, accuracies
from benchmarks.studies.results_tables import markdown_table
from benchmarks.studies.shifted_characters import VARIANTS, make_set
from maml_core.evaluation.confidence_intervals import in_points, paired_difference, percent
from maml_core.evaluation.training_distance import load_shifted_sets
from maml_core.methods.catalogue import BY_NAME

FACTORS = {"α": 1.0, "α / 2": 0.5, "α / 4": 0.25}
SPEC = SPECS[-1]


def main() -> None:
    """Measure and print the table."""
    torch.set_num_threads(1)
    distance = {one.name: one.distance["ink"] for one in load_shifted_sets()}
    wanted = [one for one in VARIANTS if one.classes >= SPEC.n_way and one.name in distance]
    rows = []
    for variant in sorted(wanted, key=lambda one: distance[one.name]):
        pool = make_set(variant)
        rows.append([variant.name])
        for factor in FACTORS.values():
            first, second = (accuracies(method, pool, SPEC, factor) for method in NEEDED)
            lead = cast(tuple[float, float], paired_difference(first, second, -1, -1))
            rows[-1] += [percent(one.accuracy[-1], one.ci95[-1]) for one in (first, second)]
            rows[-1] += [in_points(*lead)]
    labels = (*(BY_NAME[method].short_label for method in NEEDED), "lead")
    heading = [f"{label}, {times}" for times in FACTORS for label in labels]
    print(markdown_table(["set", *heading], rows))


if __name__ == "__main__":
    main()
