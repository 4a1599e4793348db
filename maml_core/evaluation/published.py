"""Accuracies that others report on Omniglot, with their sources."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = ((5, 1), (5, 5), (20, 1), (20, 5))  # N and K of the tables in the literature


@dataclass(frozen=True)
class Published:
    """Accuracies in % that others report, by (N, K); where they gave one, with a 95 % CI.

    Attributes:
        method: As its authors call it.
        accuracy: Text by (n_way, k_shot).
        source: Where it is from.
    """

    method: str
    accuracy: dict[tuple[int, int], str]
    source: str


def _published(method: str, cells: str, source: str) -> Published:
    return Published(method, dict(zip(SHAPES, cells.split(" | "), strict=True)), source)


# All on a random split of the characters ('paper'), batch statistics where not said otherwise.
PUBLISHED = (
    _published(
        "MAML", "98.7 ± 0.4 | 99.9 ± 0.1 | 95.8 ± 0.3 | 98.9 ± 0.2", "Finn et al. 2017, Table 1"
    ),
    _published(
        "First-order MAML",
        "98.3 ± 0.5 | 99.2 ± 0.2 | 89.4 ± 0.5 | 97.9 ± 0.1",
        "Nichol et al. 2018, arXiv:1803.02999",
    ),
    _published(
        "Reptile",
        "97.68 ± 0.04 | 99.48 ± 0.06 | 89.43 ± 0.14 | 97.12 ± 0.32",
        "Nichol et al. 2018, transductive",
    ),
    _published("ANIL", "– | – | 96.2 ± 0.5 | 98.0 ± 0.3", "Raghu et al. 2020, arXiv:1909.09157"),
    _published("MAML++", "99.47 | 99.93 | 97.65 | 99.33", "Antoniou et al. 2019, arXiv:1810.09502"),
    _published("Prototypical nets", "98.8 | 99.7 | 96.0 | 98.9", "Snell et al. 2017"),
)
# Error in % in the twenty official runs, where no others are named.
PUBLISHED_RUNS = (
    ("Bayesian program learning", 3.3, "Lake et al. 2015"),
    ("People", 4.5, "Lake et al. 2015"),
    ("Siamese network, on 400 drawn trials", 8.0, "Koch et al. 2015"),
    ("Convolutional network", 13.5, "Lake et al. 2015"),
    ("Modified Hausdorff distance", 38.8, "the demonstration that comes with the runs"),
)
