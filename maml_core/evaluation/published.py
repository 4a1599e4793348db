"""Results that others report on Omniglot, with their sources."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = ((5, 1), (5, 5), (20, 1), (20, 5))  # N and K of the tables in the literature


@dataclass(frozen=True)
class PublishedResult:
    """Accuracies in % from one paper, with the 95 % confidence interval where it gives one.

    Attributes:
        method: Its authors' name for it.
        accuracy: Text by (n_way, k_shot), '–' where the paper has none.
        source: The paper and table.
    """

    method: str
    accuracy: dict[tuple[int, int], str]
    source: str


def _result(method: str, cells: str, source: str) -> PublishedResult:
    return PublishedResult(method, dict(zip(SHAPES, cells.split(" | "), strict=True)), source)


# All on a random split of the characters ('paper'); transductive unless stated otherwise.
PUBLISHED = (
    _result(
        "MAML", "98.7 ± 0.4 | 99.9 ± 0.1 | 95.8 ± 0.3 | 98.9 ± 0.2", "Finn et al. 2017, Table 1"
    ),
    _result(
        "First-order MAML",
        "98.3 ± 0.5 | 99.2 ± 0.2 | 89.4 ± 0.5 | 97.9 ± 0.1",
        "Nichol et al. 2018, arXiv:1803.02999",
    ),
    _result(
        "Reptile",
        "97.68 ± 0.04 | 99.48 ± 0.06 | 89.43 ± 0.14 | 97.12 ± 0.32",
        "Nichol et al. 2018, transductive",
    ),
    _result("ANIL", "– | – | 96.2 ± 0.5 | 98.0 ± 0.3", "Raghu et al. 2020, arXiv:1909.09157"),
    _result("MAML++", "99.47 | 99.93 | 97.65 | 99.33", "Antoniou et al. 2019, arXiv:1810.09502"),
    _result("Prototypical nets", "98.8 | 99.7 | 96.0 | 98.9", "Snell et al. 2017"),
)
# Method, error rate in % in the 20 official runs unless stated otherwise, and source.
PUBLISHED_RUNS = (
    ("Bayesian program learning", 3.3, "Lake et al. 2015"),
    ("People", 4.5, "Lake et al. 2015"),
    ("Siamese network, on 400 sampled trials", 8.0, "Koch et al. 2015"),
    ("Convolutional network", 13.5, "Lake et al. 2015"),
    ("Modified Hausdorff distance", 38.8, "the demo that comes with the runs"),
)
