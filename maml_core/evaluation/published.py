"""Results that others report on Omniglot, with their sources."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = ((5, 1), (5, 5), (20, 1), (20, 5))  # N and K of the tables in the literature
NOT_SAID = "–"


@dataclass(frozen=True)
class Conditions:
    """What an accuracy rests on beside the method; `NOT_SAID` where the source does not say it.

    Attributes:
        network: Its body.
        training: Characters that it was trained on, before they were turned.
        models: How many trained networks answer together.
        queries: 'together', normalised by each other's statistics; 'alone', each by itself.
        views: In how many ways each picture is looked at.
    """

    network: str = NOT_SAID
    training: str = NOT_SAID
    models: str = NOT_SAID
    queries: str = NOT_SAID
    views: str = NOT_SAID

    def columns(self) -> dict[str, str]:
        """Return it by column heading."""
        return {
            "Network": self.network,
            "Training characters": self.training,
            "Models": self.models,
            "Queries": self.queries,
            "Views": self.views,
        }


@dataclass(frozen=True)
class PublishedResult:
    """Accuracies in % from one paper, with the 95 % confidence interval where it gives one.

    Attributes:
        method: Its authors' name for it.
        accuracy: Text by (n_way, k_shot), '–' where the paper has none.
        source: The paper and table.
        conditions: What they rest on.
    """

    method: str
    accuracy: dict[tuple[int, int], str]
    source: str
    conditions: Conditions


CONV4 = "Conv4-64"
# Finn et al. 2017, section 5.2: 1,200 characters; how queries are normalised is told by Nichol et
# al. 2018, section 6.1. No ensemble and no augmentation is told of.
AS_FINN = Conditions(CONV4, "1,200", "1", "together", "1")
SINGLE = Conditions(CONV4, models="1", views="1")


def _result(method: str, cells: str, source: str, conditions: Conditions) -> PublishedResult:
    accuracy = dict(zip(SHAPES, cells.split(" | "), strict=True))
    return PublishedResult(method, accuracy, source, conditions)


# All on a random split of the characters ('paper').
PUBLISHED = (
    _result(
        "MAML",
        "98.7 ± 0.4 | 99.9 ± 0.1 | 95.8 ± 0.3 | 98.9 ± 0.2",
        "Finn et al. 2017, Table 1",
        AS_FINN,
    ),
    _result(
        "First-order MAML",
        "98.3 ± 0.5 | 99.2 ± 0.2 | 89.4 ± 0.5 | 97.9 ± 0.1",
        "Nichol et al. 2018, arXiv:1803.02999",
        AS_FINN,
    ),
    _result(
        "Reptile",
        "97.68 ± 0.04 | 99.48 ± 0.06 | 89.43 ± 0.14 | 97.12 ± 0.32",
        "Nichol et al. 2018, transductive",
        AS_FINN,
    ),
    _result(
        "ANIL",
        "– | – | 96.2 ± 0.5 | 98.0 ± 0.3",
        "Raghu et al. 2020, arXiv:1909.09157",
        SINGLE,
    ),
    _result(
        "iMAML, gradient descent",
        "99.16 ± 0.35 | 99.67 ± 0.12 | 94.46 ± 0.42 | 98.69 ± 0.1",
        "Rajeswaran et al. 2019, Table 2, arXiv:1909.04630",
        SINGLE,
    ),
    _result(
        "iMAML, Hessian-free",
        "99.50 ± 0.26 | 99.74 ± 0.11 | 96.18 ± 0.36 | 99.14 ± 0.1",
        "Rajeswaran et al. 2019, Table 2, arXiv:1909.04630",
        SINGLE,
    ),
    _result(
        "iMAML, by a user of its code",
        "98.2 | – | – | –",
        "aravindr93/imaml_dev, issue 3: on validation characters",
        SINGLE,
    ),
    # The split and the five best checkpoints are those of the official code, `train_val_test_split`
    # and `top_n_models`; its author says in issue 7 that all experiments of the paper used them
    # (AntreasAntoniou/HowToTrainYourMAMLPytorch).
    _result(
        "MAML++",
        "99.47 | 99.93 | 97.65 | 99.33",
        "Antoniou et al. 2019, arXiv:1810.09502 (Papers with Code has 99.85 at 5-way 5-shot)",
        Conditions(CONV4, "1,151", "5", "together", "1"),
    ),
    _result(
        "MAML++, by a user of its code",
        "– | – | 96.65 ± 0.06 | –",
        "HowToTrainYourMAMLPytorch, issue 20: three seeds, ± their standard deviation",
        Conditions(CONV4, "1,151", queries="together"),
    ),
    # Its official code evaluates with running statistics, `model.eval()`.
    _result(
        "Prototypical nets",
        "98.8 | 99.7 | 96.0 | 98.9",
        "Snell et al. 2017",
        Conditions(CONV4, "1,200", "1", "alone", "1"),
    ),
    _result(
        "TapNet",
        "– | – | 98.07 | 99.49",
        "Yoon et al. 2019, arXiv:1905.06549, as Papers with Code lists it",
        Conditions(),
    ),
    _result(
        "Meta-curvature, MC2+ (learned preconditioner)",
        "99.97 | 99.89 | 99.12 | 99.65",
        "Park & Oliva 2019, arXiv:1902.03356, second-hand: an ensemble, it is said",
        Conditions(),
    ),
)
# Method, error rate in % in the 20 official runs unless stated otherwise, and source.
PUBLISHED_RUNS = (
    (
        "Attentive recurrent comparators, in an easier protocol",
        1.5,
        "Shyam et al. 2017, arXiv:1703.00767",
    ),
    ("Bayesian program learning", 3.3, "Lake et al. 2015"),
    ("People", 4.5, "Lake et al. 2015"),
    ("Recursive cortical network", 7.3, "George et al. 2017, second-hand"),
    ("Siamese network, on 400 sampled trials", 8.0, "Koch et al. 2015"),
    ("Convolutional network", 13.5, "Lake et al. 2015"),
    ("Prototypical nets", 13.7, "Lake et al. 2019, arXiv:1902.03477, second-hand"),
    ("Hierarchical deep model", 34.8, "Lake et al. 2015"),
    ("Modified Hausdorff distance", 38.8, "the demo that comes with the runs"),
)
